//! The accept loop of one echo workload.
//! In come a bound listener, the workload to play and a future that ends it; connections are served
//! in tasks of their own, HTTP/1.1 and HTTP/2 told apart by their first bytes.
//! No connection outlives the call by more than the drain time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::answer;
use crate::identity::Echo;
use crate::limits::{ACCEPT_PAUSE, DRAIN_TIMEOUT, HEAD_TIMEOUT, MAX_CONNECTIONS};

/// Serves `listener` as `echo` until `shutdown` is ready.
///
/// Then no connection is accepted any more, requests under way are answered, and what is still open
/// after five seconds is cut. One process can run as many workloads as it has ports.
/// Must be called inside a tokio runtime with time and network enabled.
pub async fn serve(listener: TcpListener, echo: Echo, shutdown: impl Future<Output = ()>) {
    let echo = Arc::new(echo);
    let turn = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        while connections.try_join_next().is_some() {}
        let room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = connections.join_next(), if !room => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, peer)) => {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection(stream, peer, echo.clone(), turn.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, service = echo.service, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(stop);
    let finished = async { while connections.join_next().await.is_some() {} };
    // What is left is cut when the set is dropped.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, finished).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    echo: Arc<Echo>,
    turn: Arc<AtomicUsize>,
    mut stopped: watch::Receiver<()>,
) {
    let service = service_fn(|request| {
        let (echo, turn) = (echo.clone(), turn.clone());
        async move { Ok::<_, Infallible>(answer(request, peer, &echo, &turn).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(1024).enable_connect_protocol();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended");
    }
}

//! The life of a downstream HTTP/2 connection.
//! In: a transport. Out: a task for each stream. It drains with GOAWAY, and ends when idle or flooded.
//! Never here: what a stream carries.

use super::cork::Cork;
use super::guard::Guarded;
use super::server::{ServerStream, take_head};
use super::{CONNECTION_WINDOW, STREAM_WINDOW};
use crate::exchange::{self, Downstream, Incoming, Refusal};
use crate::http::{Manager, Peer};
use crate::listener::Registration;
use crate::transport::{Timer, Transport};
use crate::worker::Context;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, Response, StatusCode};
use lateen_proxy_core::http1::{ParseError, check_head};
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

/// Serves a connection to its end. `early` was read while the protocol was recognised.
pub async fn serve(
    context: &Rc<Context>,
    manager: &Rc<Manager>,
    peer: &Rc<Peer>,
    registration: &Registration,
    transport: Transport,
    early: BytesMut,
) {
    let config = &manager.config;
    manager.stats.downstream_cx_http2_total.inc();
    let heads = Rc::new(Cell::new(0));
    let cork = Cork::new(transport);
    let guarded = Guarded::new(cork.clone(), early, Rc::clone(&heads), manager.http1.max_head_bytes);
    let mut builder = h2::server::Builder::new();
    builder
        .initial_window_size(config.http2.initial_stream_window.min(STREAM_WINDOW))
        .initial_connection_window_size(config.http2.initial_connection_window.min(CONNECTION_WINDOW))
        .max_concurrent_streams(config.http2.max_concurrent_streams)
        .max_header_list_size(u32::try_from(manager.http1.max_head_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(256 << 10);
    if config.http2.allow_connect {
        builder.enable_connect_protocol();
    }
    let mut timer = Timer::default();
    let begin = Instant::now();
    let mut handshake = Box::pin(builder.handshake::<_, Bytes>(guarded));
    let greeted = std::future::poll_fn(|task| {
        let greeted = handshake.as_mut().poll_unpin(task);
        if let Poll::Ready(Err(_)) = cork.poll_drain(task) {
            return Poll::Ready(None);
        }
        if let Poll::Ready(outcome) = greeted {
            return Poll::Ready(outcome.ok());
        }
        timer.poll(task, config.idle_timeout.map(|limit| begin + limit)).map(|()| None)
    })
    .await;
    let Some(connection) = greeted else { return };
    let mut session = Session {
        connection,
        active: Rc::new(Active { streams: Cell::new(0), idle_since: Cell::new(begin) }),
        end: config.max_connection_duration.map(|limit| registration.since() + limit),
        leaving: false,
        served: 0,
        timer,
    };
    let serve = |active: &Rc<Active>, request, respond| {
        spawn(context, manager, peer, &heads, active, request, respond);
    };
    std::future::poll_fn(|task| {
        let ended = session.poll(task, manager, registration, &serve);
        match cork.poll_drain(task) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            _ => ended,
        }
    })
    .await;
    // The last word, such as GOAWAY; a client that does not take it at once goes without.
    let _ = std::future::poll_fn(|task| Poll::Ready(cork.poll_drain(task))).await;
}

/// A connection and what decides about its end.
struct Session {
    connection: h2::server::Connection<Guarded, Bytes>,
    active: Rc<Active>,
    end: Option<Instant>,
    leaving: bool,
    served: u32,
    timer: Timer,
}

impl Session {
    /// Takes streams and moves frames; ready when the connection is over.
    fn poll(
        &mut self,
        task: &mut std::task::Context<'_>,
        manager: &Manager,
        registration: &Registration,
        serve: &impl Fn(&Rc<Active>, Request<RecvStream>, SendResponse<Bytes>),
    ) -> Poll<()> {
        let (config, stats) = (&manager.config, &manager.stats);
        loop {
            while let Poll::Ready(accepted) = self.connection.poll_accept(task) {
                match accepted {
                    Some(Ok((request, respond))) => {
                        self.served = self.served.saturating_add(1);
                        stats.downstream_rq_http2_total.inc();
                        serve(&self.active, request, respond);
                    }
                    Some(Err(error)) => {
                        let flooded = error.get_io().is_some_and(|e| e.kind() == std::io::ErrorKind::InvalidData);
                        if flooded || !error.is_io() {
                            stats.downstream_cx_protocol_error.inc();
                            tracing::debug!(%error, "an HTTP/2 connection is ended");
                        }
                        return Poll::Ready(());
                    }
                    None => return Poll::Ready(()),
                }
            }
            let idle = (self.active.streams.get() == 0)
                .then(|| config.idle_timeout.map(|limit| self.active.idle_since.get() + limit))
                .flatten();
            let old = self.end.filter(|_| !self.leaving);
            let enough = config.max_requests_per_connection.is_some_and(|max| self.served >= max);
            let due = self.timer.poll(task, [idle, old].into_iter().flatten().min()).is_ready();
            if self.leaving {
                if due {
                    self.connection.abrupt_shutdown(Reason::NO_ERROR);
                    return Poll::Ready(());
                }
                return Poll::Pending;
            }
            if !(due || enough || registration.is_draining()) {
                return Poll::Pending;
            }
            // The streams that are left end first.
            self.leaving = true;
            if due {
                stats.downstream_cx_idle_timeout.inc();
            } else {
                stats.downstream_cx_drain_close.inc();
            }
            self.connection.graceful_shutdown();
        }
    }
}

/// Streams that are going on.
struct Active {
    streams: Cell<usize>,
    idle_since: Cell<Instant>,
}

struct ActiveStream(Rc<Active>);

impl Drop for ActiveStream {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get() - 1);
        if self.0.streams.get() == 0 {
            self.0.idle_since.set(Instant::now());
        }
    }
}

fn spawn(
    context: &Rc<Context>,
    manager: &Rc<Manager>,
    peer: &Rc<Peer>,
    heads: &Rc<Cell<u64>>,
    active: &Rc<Active>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let (parts, receive) = request.into_parts();
    let ended = receive.is_end_stream();
    let start = Instant::now();
    let (head, framing, upgrade) = take_head(Request::from_parts(parts, ()), ended);
    let refused = match check_head(&head) {
        _ if head.headers.len() > manager.http1.max_headers => Some(ParseError::TooManyHeaders),
        Err(error) => Some(error),
        Ok(()) if head.authority.is_empty() => Some(ParseError::MissingHost),
        Ok(()) => None,
    };
    if let Some(error) = refused {
        let status = error.status();
        exchange::refused(context, manager, peer, &Refusal { body: "", ..Refusal::of(error) });
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        heads.set(heads.get() + 1);
        // A stream that is gone needs no answer.
        let _ = respond.send_response(response, true);
        return;
    }
    active.streams.set(active.streams.get() + 1);
    let guard = ActiveStream(Rc::clone(active));
    let mut stream = ServerStream::new(receive, respond, Rc::clone(heads));
    let (context, manager, peer) = (Rc::clone(context), Rc::clone(manager), Rc::clone(peer));
    // Boxed, as the runtime moves what it is given several times and an exchange is large.
    let exchange = Box::pin(async move {
        let _guard = guard;
        let mut timer = Timer::default();
        let incoming = Incoming { head, framing, upgrade, start };
        exchange::serve(&context, &manager, &peer, &mut stream, &mut timer, incoming).await;
        // The end of the response may still wait for the client's window.
        let _ = std::future::poll_fn(|task| stream.poll_flush(task)).await;
    });
    tokio::task::spawn_local(async move {
        if AssertUnwindSafe(exchange).catch_unwind().await.is_err() {
            tracing::error!("a request ended with a panic; this is a bug");
        }
    });
}

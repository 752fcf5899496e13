//! An accepted connection, until it is clear what is spoken on it.
//! In: a socket and its listener. Out: the connection served by HTTP/1.1, HTTP/2 or as bytes.
//! Never here: requests.

use crate::http::{Manager, Peer};
use crate::listener::Registration;
use crate::listener::chain::Chain;
use crate::transport::{Timer, Transport};
use crate::worker::Context;
use crate::{http1, http2, tcp};
use bytes::BytesMut;
use lateen_proxy_core::connection::{ConnectionFacts, select_filter_chain};
use lateen_proxy_core::http1::{Detected, detect};
use lateen_proxy_core::ir::{CodecType, NetworkFilter};
use lateen_proxy_core::rbac::{Facts, Rbac};
use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Serves a connection to its end.
pub async fn serve(context: Rc<Context>, registration: Registration, stream: TcpStream) {
    std::future::poll_fn(|task| {
        registration.wake_with(task.waker());
        Poll::Ready(())
    })
    .await;
    // Without it small responses may wait for an acknowledgement; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let (Ok(local), Ok(direct)) = (stream.local_addr(), stream.peer_addr()) else {
        return;
    };
    let peer = Rc::new(Peer { id: next_id(), direct, client: direct, local, tls: false, server_name: String::new() });
    let facts = ConnectionFacts {
        destination: peer.local,
        direct_peer: peer.direct,
        client: peer.client,
        server_name: &peer.server_name,
        application_protocols: &[],
        transport_protocol: "raw_buffer",
    };
    let served = Rc::clone(&registration.served);
    let Some(found) = select_filter_chain(&served.listener, &facts) else {
        served.stats.no_filter_chain_match.inc();
        return;
    };
    if found.tls.is_some() {
        // Never in plain text what was to be under TLS.
        tracing::warn!(listener = %served.listener.name, "TLS is not done yet, a connection is closed");
        return;
    }
    for NetworkFilter::Rbac(rules) in &found.filters {
        if !allowed(rules, &peer) {
            return;
        }
    }
    let Some(chain) = served.chain(found) else { return };
    match chain {
        Chain::Http(manager) => http(&context, manager, &peer, &registration, Transport::Tcp(stream)).await,
        Chain::Tcp(route) => tcp::serve(&context, route, &peer, &registration, Transport::Tcp(stream)).await,
        Chain::Close => {}
    }
}

/// What rules for connections say.
fn allowed(rules: &Rbac, peer: &Peer) -> bool {
    let facts = Facts {
        request: None,
        direct_peer: peer.direct,
        client: peer.client,
        local: peer.local,
        server_name: &peer.server_name,
        authenticated: false,
        uri_sans: &[],
        dns_sans: &[],
        subject: "",
    };
    rules.evaluate(&facts).allowed
}

async fn http(
    context: &Rc<Context>,
    manager: &Rc<Manager>,
    peer: &Rc<Peer>,
    registration: &Registration,
    mut transport: Transport,
) {
    let stats = &manager.stats;
    stats.downstream_cx_total.inc();
    stats.downstream_cx_active.inc();
    let _active = Active(manager, Instant::now());
    let mut early = BytesMut::new();
    if manager.config.codec == CodecType::Auto {
        let idle = manager.config.idle_timeout.or(manager.config.request_headers_timeout);
        if !recognise(&mut transport, &mut early, idle, registration).await {
            return;
        }
    }
    let http2 = match manager.config.codec {
        CodecType::Http1 => false,
        CodecType::Http2 => true,
        CodecType::Auto => detect(&early) == Detected::Http2,
    };
    if http2 {
        http2::serve(context, manager, peer, registration, transport, early).await;
    } else {
        http1::serve(context, manager, peer, registration, transport, early).await;
    }
}

/// Reads until it is clear which HTTP is spoken; false when the client goes away or says nothing.
async fn recognise(
    transport: &mut Transport,
    early: &mut BytesMut,
    at_most: Option<Duration>,
    registration: &Registration,
) -> bool {
    let mut timer = Timer::default();
    let start = Instant::now();
    let idle = at_most.map(|limit| start + limit);
    std::future::poll_fn(|task| {
        loop {
            match transport.poll_read_into(task, early, 4 << 10) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
                Poll::Ready(Ok(_)) if detect(early) != Detected::Undecided => return Poll::Ready(true),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => {
                    let end = [idle, registration.served.idle_end(start)].into_iter().flatten().min();
                    return timer.poll(task, end).map(|()| false);
                }
            }
        }
    })
    .await
}

struct Active<'a>(&'a Manager, Instant);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let stats = &self.0.stats;
        stats.downstream_cx_active.dec();
        stats.downstream_cx_destroy.inc();
        stats.downstream_cx_length_ms.record(self.1.elapsed());
    }
}

fn next_id() -> u64 {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(0) });
    NEXT.with(|next| {
        next.set(next.get() + 1);
        next.get()
    })
}

//! An accepted connection, until it is clear what is spoken on it.
//! In: a socket and its listener. Out: the connection served by HTTP/1.1, HTTP/2 or as bytes, TLS ended.
//! Never here: requests.

mod inspect;
mod secure;

use crate::http::{Manager, Peer};
use crate::listener::Registration;
use crate::listener::chain::Chain;
use crate::listener::served::Ready;
use crate::transport::{Timer, Transport};
use crate::worker::Context;
use crate::{http1, http2, tcp};
use bytes::BytesMut;
use lateen_proxy_core::access_log::{Connection, Record};
use lateen_proxy_core::connection::{ConnectionFacts, select_filter_chain};
use lateen_proxy_core::flags::ResponseFlags;
use lateen_proxy_core::http1::{Detected, detect};
use lateen_proxy_core::ir::{CodecType, NetworkFilter};
use lateen_proxy_core::rbac::{Facts, Rbac};
use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
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
    let served = Rc::clone(&registration.served);
    let mut peer = Peer {
        id: next_id(),
        direct,
        client: direct,
        local,
        original: None,
        tls: false,
        server_name: String::new(),
        application_protocols: Vec::new(),
        secure: None,
    };
    let mut early = BytesMut::new();
    let mut transport_protocol = "raw_buffer";
    if served.filter(0).is_some() {
        match Box::pin(inspect::run(&served, &stream, &mut early, &mut peer)).await {
            Some(protocol) => transport_protocol = protocol,
            None => return,
        }
    }
    let facts = ConnectionFacts {
        destination: peer.local,
        direct_peer: peer.direct,
        client: peer.client,
        server_name: &peer.server_name,
        application_protocols: &peer.application_protocols,
        transport_protocol,
    };
    // What the listener is by now counts, not what it was when the client connected and said nothing.
    let Some(found) = select_filter_chain(&served.listener(), &facts).cloned() else {
        served.stats.no_filter_chain_match.inc();
        log(&context, &registration, &peer, "filter_chain_not_found", "");
        return;
    };
    let Some(Ready { prepared, .. }) = registration.choose(&found) else { return };
    let mut transport = match &prepared.tls {
        None => Transport::Tcp(stream),
        Some(entry) => {
            let shaken =
                Box::pin(secure::accept(&served, &found, entry.as_deref(), stream, &mut early, &mut peer)).await;
            match shaken {
                Ok(transport) => transport,
                Err(failure) => {
                    log(&context, &registration, &peer, "", &failure);
                    return;
                }
            }
        }
    };
    let peer = Rc::new(peer);
    for NetworkFilter::Rbac(rules) in &found.filters {
        if !allowed(rules, &peer) {
            return;
        }
    }
    drop(found);
    match &prepared.chain {
        Chain::Http(manager) => http(&context, manager, &peer, &registration, transport, early).await,
        Chain::Tcp(route) => tcp::serve(&context, route, &peer, &registration, transport, early).await,
        Chain::Close => {
            // The end of TLS is said.
            let _ = std::future::poll_fn(|task| Poll::Ready(transport.poll_flush_wire(task))).await;
        }
    }
}

/// Logs a connection that no chain has served.
fn log(context: &Context, registration: &Registration, peer: &Peer, details: &str, failure: &str) {
    let listener = registration.served.listener();
    let logs = &listener.access_log;
    if logs.is_empty() {
        return;
    }
    let duration = registration.since().elapsed();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let record = Record {
        start: now.saturating_sub(duration),
        duration: Some(duration),
        flags: if details.is_empty() { ResponseFlags::NONE } else { ResponseFlags::NO_ROUTE_FOUND },
        details,
        client: Some(peer.client),
        connection: Connection { transport_failure: failure, ..peer.record() },
        ..Record::default()
    };
    let mut writer = context.access_logs.borrow_mut();
    for log in logs {
        if log.filter.as_ref().is_none_or(|filter| filter.accepts(&record, context.random())) {
            writer.write(&log.sink, |out| log.format.render(&record, out));
        }
    }
}

/// What rules for connections say.
fn allowed(rules: &Rbac, peer: &Peer) -> bool {
    let certificate = peer.certificate();
    let facts = Facts {
        request: None,
        direct_peer: peer.direct,
        client: peer.client,
        local: peer.local,
        server_name: &peer.server_name,
        authenticated: certificate.is_some(),
        uri_sans: certificate.map_or(&[], |certificate| &certificate.uri_sans),
        dns_sans: certificate.map_or(&[], |certificate| &certificate.dns_sans),
        subject: certificate.map_or("", |certificate| &certificate.subject),
    };
    rules.evaluate(&facts).allowed
}

async fn http(
    context: &Rc<Context>,
    manager: &Rc<Manager>,
    peer: &Rc<Peer>,
    registration: &Registration,
    mut transport: Transport,
    mut early: BytesMut,
) {
    let stats = &manager.stats;
    stats.downstream_cx_total.inc();
    stats.downstream_cx_active.inc();
    if peer.tls {
        stats.downstream_cx_ssl_total.inc();
        stats.downstream_cx_ssl_active.inc();
    }
    let _active = Active(manager, Instant::now(), peer.tls);
    let agreed = match &transport {
        Transport::Tls(stream) => stream.alpn().map(|name| name == b"h2"),
        Transport::Tcp(_) => None,
    };
    if manager.config.codec == CodecType::Auto && agreed.is_none() {
        let idle = manager.config.idle_timeout.or(manager.config.request_headers_timeout);
        if !recognise(&mut transport, &mut early, idle, registration).await {
            return;
        }
    }
    let http2 = match manager.config.codec {
        CodecType::Http1 => false,
        CodecType::Http2 => true,
        // What was agreed on counts, whatever comes.
        CodecType::Auto => agreed.unwrap_or_else(|| detect(&early) == Detected::Http2),
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
    if !early.is_empty() && detect(early) != Detected::Undecided {
        return true;
    }
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
                    let end = [idle, registration.idle_end(start)].into_iter().flatten().min();
                    return timer.poll(task, end).map(|()| false);
                }
            }
        }
    })
    .await
}

struct Active<'a>(&'a Manager, Instant, bool);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let stats = &self.0.stats;
        stats.downstream_cx_active.dec();
        if self.2 {
            stats.downstream_cx_ssl_active.dec();
        }
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

//! Listener filters: what is looked at before a filter chain is chosen.
//! In: a socket. Out: server name, protocols, addresses; the bytes that were read, of which none is lost.
//! A client that says nothing, half or garbage is not waited for longer than the listener's time-out.

use crate::http::Peer;
use crate::listener::Served;
use crate::transport::Timer;
use bytes::{Buf, BytesMut};
use lateen_proxy_core::inspect::{Inspected, client_hello, http, proxy_protocol};
use lateen_proxy_core::ir::ListenerFilter;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Poll, ready};
use std::time::Instant;
use tokio::net::TcpStream;

/// What reading has come to.
enum Read {
    Bytes,
    Closed,
    TimedOut,
}

/// Runs the filters in order; the transport protocol, or `None` when the connection is to be closed.
pub async fn run(served: &Served, stream: &TcpStream, early: &mut BytesMut, peer: &mut Peer) -> Option<&'static str> {
    let stats = &served.stats;
    stats.downstream_pre_cx_active.inc();
    let _active = Active(served);
    let end = served.listener().listener_filters_timeout.map(|limit| Instant::now() + limit);
    let mut timer = Timer::default();
    let mut transport = "raw_buffer";
    let mut at = 0;
    while let Some(filter) = served.filter(at) {
        loop {
            let done = match &filter {
                ListenerFilter::OriginalDst => {
                    if let Some(destination) = original_destination(stream) {
                        peer.local = destination;
                        peer.original = Some(destination);
                    }
                    true
                }
                ListenerFilter::ProxyProtocol { allow_without } => match proxy_protocol(early) {
                    Ok(Inspected::More) => false,
                    Ok(Inspected::No) if *allow_without => true,
                    Ok(Inspected::No) => {
                        stats.downstream_listener_filter_error.inc();
                        tracing::debug!(listener = %served.listener().name, client = %peer.direct, "no PROXY header");
                        return None;
                    }
                    Ok(Inspected::Yes(found)) => {
                        early.advance(found.length);
                        if let Some((client, destination)) = found.addresses {
                            // As Envoy 1.40: a destination that is the own address is none that was redirected.
                            peer.original = (destination != peer.local).then_some(destination);
                            (peer.client, peer.local) = (client, destination);
                        }
                        true
                    }
                    Err(reason) => {
                        stats.downstream_listener_filter_error.inc();
                        tracing::debug!(listener = %served.listener().name, client = %peer.direct, "PROXY header: {reason}");
                        return None;
                    }
                },
                ListenerFilter::TlsInspector => match client_hello(early) {
                    Inspected::More => false,
                    Inspected::No => true,
                    Inspected::Yes(hello) => {
                        transport = "tls";
                        peer.server_name = hello.server_name;
                        peer.application_protocols = hello.alpn;
                        true
                    }
                },
                ListenerFilter::HttpInspector if transport == "tls" => true,
                ListenerFilter::HttpInspector => match http(early) {
                    Inspected::More => false,
                    Inspected::No => true,
                    Inspected::Yes(protocol) => {
                        peer.application_protocols = vec![protocol.to_owned()];
                        true
                    }
                },
            };
            if done {
                break;
            }
            match read(stream, early, &mut timer, end).await {
                Read::Bytes => {}
                Read::Closed => {
                    stats.downstream_listener_filter_remote_close.inc();
                    return None;
                }
                Read::TimedOut => {
                    stats.downstream_pre_cx_timeout.inc();
                    return served.listener().continue_on_listener_filters_timeout.then_some(transport);
                }
            }
        }
        at += 1;
    }
    Some(transport)
}

async fn read(stream: &TcpStream, early: &mut BytesMut, timer: &mut Timer, end: Option<Instant>) -> Read {
    poll_fn(|task| {
        loop {
            if stream.poll_read_ready(task).is_pending() {
                return timer.poll(task, end).map(|()| Read::TimedOut);
            }
            // A hello is small; what is more comes with the next stage.
            early.reserve(2 << 10);
            match stream.try_read_buf(early) {
                Ok(0) => return Poll::Ready(Read::Closed),
                Ok(_) => return Poll::Ready(Read::Bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(Read::Closed),
            }
            ready!(tokio::task::coop::poll_proceed(task)).made_progress();
        }
    })
    .await
}

/// Where the client connected to before the packet filter redirected it; `None` when it did not.
fn original_destination(stream: &TcpStream) -> Option<SocketAddr> {
    let socket = socket2::SockRef::from(stream);
    let found = if stream.local_addr().ok()?.is_ipv4() { socket.original_dst_v4() } else { socket.original_dst_v6() };
    found.ok()?.as_socket()
}

struct Active<'a>(&'a Served);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.stats.downstream_pre_cx_active.dec();
    }
}

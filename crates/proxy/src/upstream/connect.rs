//! Connections that are not there yet.
//! In: an endpoint and what is wanted. Out: a stream to it, or why there is none.
//! A request waits in line when the circuit breaker of connections is open; the line has a limit too.

use super::cluster::{Bound, UpstreamCluster};
use super::host::{Handed, Host, Slot};
use super::secure;
use super::stream::UpstreamStream;
use crate::http1::ClientConnection;
use crate::http2::{ClientSession, ClientStream};
use crate::transport::Transport;
use crate::worker::Context;
use lateen_proxy_core::flags::ResponseFlags;
use lateen_proxy_core::headers::{RequestHead, Version};
use lateen_proxy_core::http1::ResponseOptions;
use lateen_proxy_core::ir::{Cluster, CodecType, UpstreamProtocol};
use lateen_proxy_core::outlier::Outcome;
use lateen_proxy_core::route;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::net::TcpStream;

/// What a request wants of a connection.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The downstream request came over HTTP/2.
    pub http2: bool,
    /// Whether a connection that was used before will do.
    pub reuse: bool,
    /// The server name to send, where the cluster takes it from the request.
    pub name: Option<Rc<str>>,
}

impl Wanted {
    /// For a request.
    pub fn of(head: &RequestHead, cluster: &Cluster, reuse: bool) -> Self {
        let named = cluster.auto_sni || cluster.auto_san_validation;
        Self {
            http2: head.version == Version::Http2,
            reuse,
            name: named.then(|| route::without_port(head.authority_str()).to_ascii_lowercase().into()),
        }
    }
}

/// What a request gets.
pub enum Acquired {
    /// A stream.
    Stream(UpstreamStream),
}

/// Why there is no stream.
#[derive(Debug)]
pub enum AcquireError {
    /// A circuit breaker is open.
    Overflow,
    /// The system could not connect; its words.
    Connect(String),
    /// The connection took too long.
    Timeout,
}

/// Whether HTTP/2 is spoken to the endpoints of a cluster.
fn speaks_http2(cluster: &Cluster, wanted: &Wanted) -> bool {
    match cluster.protocol {
        UpstreamProtocol::Explicit(CodecType::Http2) => true,
        // What ALPN says is seen when the connection is there; without TLS it is HTTP/1, as in Envoy.
        UpstreamProtocol::Explicit(CodecType::Http1 | CodecType::Auto) => false,
        UpstreamProtocol::UseDownstream => wanted.http2,
    }
}

impl Host {
    /// A stream that can be had at once.
    pub fn take_ready(&self, cluster: &Cluster, wanted: &Wanted) -> Option<UpstreamStream> {
        if !wanted.reuse {
            return None;
        }
        let name = wanted.name.as_deref();
        let http2 = speaks_http2(cluster, wanted);
        if http2 || is_auto(cluster) {
            let sessions = self.sessions.borrow();
            if let Some(session) = sessions.iter().find(|session| session.has_room() && session.name() == name) {
                return Some(UpstreamStream::Http2(Box::new(ClientStream::new(session))));
            }
        }
        if http2 { None } else { self.take_idle(name).map(UpstreamStream::Http1) }
    }
}

/// Opens a connection, or waits for one.
///
/// # Errors
/// When circuit breakers allow none, or the endpoint does not answer.
pub async fn acquire(
    upstream: &Rc<UpstreamCluster>,
    host: &Rc<Host>,
    wanted: &Wanted,
) -> Result<Acquired, AcquireError> {
    let stats = &upstream.stats;
    stats.upstream_rq_pending_total.inc();
    let _pending = upstream.breakers.pending.acquire().ok_or(AcquireError::Overflow)?;
    stats.upstream_rq_pending_active.inc();
    let _active = PendingActive(upstream);
    if speaks_http2(&upstream.cluster, wanted) {
        return open_session(upstream, host, wanted).await;
    }
    loop {
        host.part_with_spent(Instant::now());
        if let Some(slot) = host.open_slot(&upstream.breakers.connections) {
            let transport = connect(upstream, host, Some(false), wanted.name.as_deref()).await?;
            slot.opened();
            if is_auto(&upstream.cluster) && transport.agreed_on_http2() {
                return greet(upstream, host, transport, slot, wanted).await;
            }
            stats.upstream_cx_http1_total.inc();
            let options = ResponseOptions {
                allow_chunked_length: upstream.cluster.http1.allow_chunked_length,
                enable_trailers: upstream.cluster.http1.enable_trailers,
                ..ResponseOptions::default()
            };
            let connection = ClientConnection::new(
                transport,
                slot,
                options,
                upstream.cluster.max_requests_per_connection,
                upstream.cluster.max_connection_duration.and_then(|age| Instant::now().checked_add(age)),
                (upstream.cluster.per_connection_buffer_limit as usize).clamp(16 << 10, 1 << 20),
                wanted.name.clone(),
            );
            return Ok(Acquired::Stream(UpstreamStream::Http1(Box::new(connection))));
        }
        match host.wait().await {
            Ok(Handed::Connection(mut connection)) => {
                // One that the server has closed gives its place back when it is dropped here.
                if connection.name() == wanted.name.as_deref() && connection.is_fresh() {
                    return Ok(Acquired::Stream(UpstreamStream::Http1(connection)));
                }
            }
            Ok(Handed::Leave(leave)) => leave.used(),
            Err(_) => {}
        }
    }
}

/// One request at a time opens an HTTP/2 connection; the others take streams of it.
async fn open_session(
    upstream: &Rc<UpstreamCluster>,
    host: &Rc<Host>,
    wanted: &Wanted,
) -> Result<Acquired, AcquireError> {
    let opening = Rc::clone(&host.opening);
    // The semaphore is never closed.
    let _turn = opening.acquire().await.map_err(|_| AcquireError::Overflow)?;
    loop {
        if let Some(stream) = host.take_ready(&upstream.cluster, wanted) {
            return Ok(Acquired::Stream(stream));
        }
        host.part_with_spent(Instant::now());
        if let Some(slot) = host.open_slot(&upstream.breakers.connections) {
            let transport = connect(upstream, host, Some(true), wanted.name.as_deref()).await?;
            slot.opened();
            return greet(upstream, host, transport, slot, wanted).await;
        }
        if !host.is_parting() {
            return Err(AcquireError::Overflow);
        }
        // The place of a connection that has had its last stream; one of HTTP/1 gives its own when it is dropped.
        match host.wait().await {
            Ok(Handed::Leave(leave)) => leave.used(),
            Ok(Handed::Connection(connection)) => drop(connection),
            Err(_) => {}
        }
    }
}

/// Whether ALPN decides what is spoken.
pub(super) fn is_auto(cluster: &Cluster) -> bool {
    cluster.protocol == UpstreamProtocol::Explicit(CodecType::Auto)
}

/// Begins HTTP/2 on a connection.
async fn greet(
    upstream: &Rc<UpstreamCluster>,
    host: &Rc<Host>,
    transport: Transport,
    slot: Slot,
    wanted: &Wanted,
) -> Result<Acquired, AcquireError> {
    upstream.stats.upstream_cx_http2_total.inc();
    let session = ClientSession::open(transport, slot, &upstream.cluster, wanted.name.clone())
        .await
        .map_err(AcquireError::Connect)?;
    host.sessions.borrow_mut().push(Rc::clone(&session));
    Ok(Acquired::Stream(UpstreamStream::Http2(Box::new(ClientStream::new(&session)))))
}

/// Opens a connection for bytes to an endpoint of a cluster, trying others when it fails.
///
/// # Errors
/// The flag for the log when there is none.
pub async fn open_tcp(
    context: &Context,
    upstream: &Rc<UpstreamCluster>,
    original: Option<SocketAddr>,
    hash: Option<u64>,
    attempts: u32,
) -> Result<(Transport, Rc<Host>, Slot), ResponseFlags> {
    for _ in 0..attempts.max(1) {
        let Some(host) = upstream.choose(context, &Bound { original, headers: None }, hash, &[], 1) else {
            upstream.stats.upstream_cx_none_healthy.inc();
            return Err(ResponseFlags::NO_HEALTHY_UPSTREAM);
        };
        let Some(slot) = host.open_slot(&upstream.breakers.connections) else {
            return Err(ResponseFlags::UPSTREAM_OVERFLOW);
        };
        let outcome = match connect(upstream, &host, None, None).await {
            Ok(transport) => {
                slot.opened();
                upstream.observe(context, &host, Outcome::ConnectedOnly);
                return Ok((transport, host, slot));
            }
            Err(AcquireError::Timeout) => Outcome::TimedOut,
            Err(_) => Outcome::Failed,
        };
        upstream.observe(context, &host, outcome);
    }
    upstream.stats.upstream_cx_connect_attempts_exceeded.inc();
    Err(ResponseFlags::UPSTREAM_CONNECTION_FAILURE)
}

/// Opens a connection, with TLS where the endpoint wants it. `http2` says what will be spoken, if HTTP.
async fn connect(
    upstream: &UpstreamCluster,
    host: &Host,
    http2: Option<bool>,
    name: Option<&str>,
) -> Result<Transport, AcquireError> {
    let stats = &upstream.stats;
    let started = Instant::now();
    let connecting = TcpStream::connect(host.address);
    let stream = match tokio::time::timeout(upstream.cluster.connect_timeout, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            stats.upstream_cx_connect_fail.inc();
            host.stats().cx_connect_fail.inc();
            return Err(AcquireError::Connect(words(&error)));
        }
        Err(_) => {
            stats.upstream_cx_connect_fail.inc();
            stats.upstream_cx_connect_timeout.inc();
            host.stats().cx_connect_fail.inc();
            return Err(AcquireError::Timeout);
        }
    };
    // Without it small requests may wait for an acknowledgement; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let endpoint = host.endpoint();
    let Some(tls) = upstream.cluster.tls_for(&endpoint) else {
        stats.upstream_cx_connect_ms.record(started.elapsed());
        return Ok(Transport::Tcp(stream));
    };
    let patience = upstream.cluster.connect_timeout.saturating_sub(started.elapsed());
    let shaking = Box::pin(secure::connect(upstream, tls, &endpoint, stream, http2, name));
    let outcome = match tokio::time::timeout(patience, shaking).await {
        Ok(Ok(transport)) => {
            stats.upstream_cx_connect_ms.record(started.elapsed());
            stats.ssl_handshake.inc();
            return Ok(transport);
        }
        Ok(Err(failure)) => {
            stats.ssl_connection_error.inc();
            AcquireError::Connect(format!("TLS_error:|{failure}"))
        }
        Err(_) => {
            stats.upstream_cx_connect_timeout.inc();
            AcquireError::Timeout
        }
    };
    stats.upstream_cx_connect_fail.inc();
    host.stats().cx_connect_fail.inc();
    Err(outcome)
}

/// The words of the system, without the number that Rust adds.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

struct PendingActive<'a>(&'a UpstreamCluster);

impl Drop for PendingActive<'_> {
    fn drop(&mut self) {
        self.0.stats.upstream_rq_pending_active.dec();
    }
}

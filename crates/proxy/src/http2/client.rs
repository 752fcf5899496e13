//! HTTP/2 to an upstream: connections that many requests share, and their streams.
//! In: request heads and pieces. Out: responses. A task of its own drives each connection.
//! Never here: which request goes where.

use super::cork::Cork;
use super::outgoing::Outgoing;
use super::{CONNECTION_WINDOW, STREAM_WINDOW};
use crate::exchange::{Failure, Piece};
use crate::transport::Transport;
use crate::upstream::Slot;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode, Uri, header};
use lateen_proxy_core::headers::{Headers, Method, RequestHead, ResponseHead, Version, map, name};
use lateen_proxy_core::http1::BodyFraming;
use lateen_proxy_core::ir::Cluster;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// A connection to an endpoint.
pub struct ClientSession {
    requests: RefCell<SendRequest<Bytes>>,
    open: Rc<Cell<bool>>,
    leaving: Cell<bool>,
    active: Cell<usize>,
    served: Cell<u32>,
    max_requests: Option<u32>,
    /// When it is too old for another stream.
    ends: Option<Instant>,
    max_streams: usize,
    idle_since: Cell<Instant>,
    local: Option<SocketAddr>,
    name: Option<Rc<str>>,
}

impl ClientSession {
    /// Greets the server and leaves the connection to a task.
    ///
    /// # Errors
    /// When the server does not speak HTTP/2; why.
    pub async fn open(
        transport: Transport,
        slot: Slot,
        cluster: &Cluster,
        name: Option<Rc<str>>,
    ) -> Result<Rc<Self>, String> {
        let local = transport.local_addr().ok();
        let cork = Cork::new(transport);
        let (requests, mut connection) = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(cluster.http2.initial_stream_window.min(STREAM_WINDOW))
            .initial_connection_window_size(cluster.http2.initial_connection_window.min(CONNECTION_WINDOW))
            .max_header_list_size(60 << 10)
            .max_send_buffer_size(256 << 10)
            .handshake::<_, Bytes>(cork.clone())
            .await
            .map_err(|error| error.to_string())?;
        let open = Rc::new(Cell::new(true));
        let alive = Rc::clone(&open);
        tokio::task::spawn_local(async move {
            let ended_well = std::future::poll_fn(|task| {
                let ended = Pin::new(&mut connection).poll(task);
                match cork.poll_drain(task) {
                    Poll::Ready(Err(_)) => Poll::Ready(false),
                    _ => ended.map(|outcome| outcome.is_ok()),
                }
            })
            .await;
            if !ended_well {
                slot.closed_by_peer();
            }
            alive.set(false);
            drop(slot);
        });
        Ok(Rc::new(Self {
            requests: RefCell::new(requests),
            open,
            leaving: Cell::new(false),
            active: Cell::new(0),
            served: Cell::new(0),
            max_requests: cluster.max_requests_per_connection,
            ends: cluster.max_connection_duration.and_then(|age| Instant::now().checked_add(age)),
            max_streams: cluster.http2.max_concurrent_streams as usize,
            idle_since: Cell::new(Instant::now()),
            local,
            name,
        }))
    }

    /// The server name that was sent, where it is that of the request.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it takes one more stream.
    pub fn has_room(&self) -> bool {
        self.open.get()
            && !self.leaving.get()
            && !self.is_old(Instant::now())
            && !self.is_used_up()
            && self.active.get() < self.max_streams.min(self.requests.borrow().current_max_send_streams())
    }

    /// Whether it is too old for another stream.
    pub fn is_old(&self, now: Instant) -> bool {
        self.ends.is_some_and(|end| now >= end)
    }

    /// Whether it has had as many streams as it may have.
    pub fn is_used_up(&self) -> bool {
        self.max_requests.is_some_and(|max| self.served.get() >= max)
    }

    /// Whether it is of any use still.
    pub fn is_open(&self) -> bool {
        self.open.get() && !self.leaving.get()
    }

    /// Since when it has no stream.
    pub fn idle_since(&self) -> Option<Instant> {
        (self.active.get() == 0).then(|| self.idle_since.get())
    }

    /// Takes no more streams. It closes when the last one has ended and nobody holds it.
    pub fn close_after_streams(&self) {
        self.leaving.set(true);
    }
}

/// One stream.
pub struct ClientStream {
    session: Rc<ClientSession>,
    response: Option<ResponseFuture>,
    send: Option<SendStream<Bytes>>,
    receive: Option<RecvStream>,
    outgoing: Outgoing,
    reused: bool,
    bodiless: bool,
    /// The protocol that a request over HTTP/1 wants to speak.
    upgrade: Option<Bytes>,
    trailers_done: bool,
    sent: u64,
    received: u64,
}

impl ClientStream {
    /// A stream that is not open yet.
    pub fn new(session: &Rc<ClientSession>) -> Self {
        session.active.set(session.active.get() + 1);
        session.served.set(session.served.get() + 1);
        Self {
            session: Rc::clone(session),
            response: None,
            send: None,
            receive: None,
            outgoing: Outgoing::default(),
            reused: session.served.get() > 1,
            bodiless: false,
            upgrade: None,
            trailers_done: false,
            sent: 0,
            received: 0,
        }
    }

    /// Opens the stream with a request.
    pub fn send_head(&mut self, head: &RequestHead, framing: BodyFraming) -> Result<(), Failure> {
        let request = request(head).ok_or(Failure::Local)?;
        self.bodiless = head.method == Method::Head;
        self.upgrade = head.protocol.clone().filter(|_| head.version != Version::Http2);
        let ended = framing.is_empty();
        let opened = self.session.requests.borrow_mut().send_request(request, ended);
        match opened {
            Ok((response, send)) => {
                self.response = Some(response);
                self.send = Some(send);
                self.sent = 1;
            }
            Err(_) => {
                self.session.close_after_streams();
                return Err(Failure::Closed);
            }
        }
        if ended {
            self.outgoing.ended();
        }
        Ok(())
    }

    /// Adds a piece of the body.
    pub fn send_data(&mut self, data: Bytes) -> Result<(), Failure> {
        self.sent += data.len() as u64;
        self.outgoing.push(data);
        Ok(())
    }

    /// Ends the request.
    pub fn send_end(&mut self, trailers: Option<&Headers>) -> Result<(), Failure> {
        let trailers = trailers.map(|trailers| {
            let mut map = HeaderMap::new();
            map::to_map(trailers, &mut map);
            map
        });
        self.outgoing.finish(trailers);
        Ok(())
    }

    /// Whether more of the body may be added.
    pub fn has_room(&self) -> bool {
        self.outgoing.has_room()
    }

    /// Hands over what waits.
    pub fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let Some(send) = &mut self.send else { return Poll::Ready(Ok(())) };
        self.outgoing.poll(task, send).map_err(|error| failure(&error))
    }

    /// The head of the response, interim ones too.
    pub fn poll_head(&mut self, task: &mut Context<'_>) -> Poll<Result<(ResponseHead, BodyFraming), Failure>> {
        let Some(response) = &mut self.response else { return Poll::Ready(Err(Failure::Closed)) };
        if let Poll::Ready(Some(Ok(interim))) = response.poll_informational(task) {
            self.received += 1;
            let head = ResponseHead {
                status: interim.status().as_u16(),
                headers: map::from_map(interim.headers(), false),
                version: Version::Http2,
            };
            // 101 does not exist in HTTP/2 (RFC 9113 section 8.6).
            let outcome = if head.is_informational() { Ok((head, BodyFraming::None)) } else { Err(Failure::Protocol) };
            return Poll::Ready(outcome);
        }
        let response = match ready!(Pin::new(response).poll(task)) {
            Ok(response) => response,
            Err(error) => return Poll::Ready(Err(failure(&error))),
        };
        self.response = None;
        let (parts, receive) = response.into_parts();
        let mut head = ResponseHead {
            status: parts.status.as_u16(),
            headers: map::from_map(&parts.headers, false),
            version: Version::Http2,
        };
        let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        // Only 200 accepts, as in Envoy; RFC 8441 section 5 would take any 2xx.
        let accepted = self.upgrade.take().filter(|_| parts.status == StatusCode::OK);
        let tunnel = accepted.is_some();
        let framing = match length {
            _ if tunnel => BodyFraming::Tunnel,
            _ if self.bodiless || matches!(head.status, 204 | 304) => BodyFraming::None,
            _ if receive.is_end_stream() => BodyFraming::Length(0),
            Some(length) => BodyFraming::Length(length),
            None => BodyFraming::Chunked,
        };
        if let Some(protocol) = accepted {
            // What a client over HTTP/1 looks for in a 101 (RFC 6455 section 4.1).
            head.status = 101;
            head.headers.set(name::UPGRADE, protocol);
            head.headers.set(name::CONNECTION, "upgrade");
        }
        self.received += 1;
        self.receive = Some(receive);
        Poll::Ready(Ok((head, framing)))
    }

    /// The next piece of the response's body.
    pub fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Result<Piece, Failure>> {
        let Some(receive) = &mut self.receive else { return Poll::Ready(Ok(Piece::End)) };
        if self.trailers_done {
            return Poll::Ready(Ok(Piece::End));
        }
        match ready!(receive.poll_data(task)) {
            Some(Ok(data)) => {
                self.received += data.len() as u64;
                // The client had room for it, so the server may send as much again.
                let _ = receive.flow_control().release_capacity(data.len());
                Poll::Ready(Ok(Piece::Data(data)))
            }
            Some(Err(error)) => Poll::Ready(Err(failure(&error))),
            None => {
                let trailers = ready!(receive.poll_trailers(task));
                self.trailers_done = true;
                match trailers {
                    Ok(Some(trailers)) => Poll::Ready(Ok(Piece::Trailers(map::from_map(&trailers, false)))),
                    Ok(None) => Poll::Ready(Ok(Piece::End)),
                    Err(error) => Poll::Ready(Err(failure(&error))),
                }
            }
        }
    }

    /// Own address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.session.local
    }

    /// Whether the connection has served a request before.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// Whether something of the response has come.
    pub fn has_response(&self) -> bool {
        self.received > 0
    }

    /// Whether the server cannot have seen anything of the request.
    pub fn nothing_sent(&self) -> bool {
        self.sent == 0
    }

    /// Bytes of bodies: received, sent.
    pub fn wire_bytes(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// The exchange is complete.
    pub fn finish(self) {}
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        let session = &self.session;
        session.active.set(session.active.get() - 1);
        if session.active.get() == 0 {
            session.idle_since.set(Instant::now());
        }
    }
}

fn failure(error: &h2::Error) -> Failure {
    match error.reason() {
        Some(Reason::REFUSED_STREAM) => Failure::Refused,
        _ if error.is_io() || error.is_go_away() => Failure::Closed,
        _ if error.is_remote() => Failure::Reset,
        Some(_) => Failure::Protocol,
        None => Failure::Closed,
    }
}

/// The request in the words of `h2`; `None` when HTTP/2 cannot carry it.
fn request(head: &RequestHead) -> Option<Request<()>> {
    let mut request = Request::new(());
    let connect = head.method == Method::Connect;
    *request.method_mut() = match &head.method {
        _ if head.protocol.is_some() => http::Method::CONNECT,
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        other => http::Method::from_bytes(other.as_bytes()).ok()?,
    };
    let mut uri = Uri::builder().authority(http::uri::Authority::from_maybe_shared(head.authority.clone()).ok()?);
    if !connect || head.protocol.is_some() {
        let https = head.scheme.as_deref() == Some(b"https");
        let path = if head.path.is_empty() { Bytes::from_static(b"/") } else { head.path.clone() };
        uri = uri
            .scheme(if https { "https" } else { "http" })
            .path_and_query(http::uri::PathAndQuery::from_maybe_shared(path).ok()?);
    }
    *request.uri_mut() = uri.build().ok()?;
    *request.version_mut() = http::Version::HTTP_2;
    if map::to_map(&head.headers, request.headers_mut()) > 0 {
        return None;
    }
    for hop in [name::CONNECTION, name::UPGRADE, name::TRANSFER_ENCODING, name::KEEP_ALIVE] {
        request.headers_mut().remove(hop);
    }
    if let Some(protocol) = &head.protocol {
        let protocol = std::str::from_utf8(protocol).ok()?;
        request.extensions_mut().insert(h2::ext::Protocol::from(protocol));
    }
    Some(request)
}

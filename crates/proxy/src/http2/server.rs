//! One stream of a downstream HTTP/2 connection.
//! In: a request as crate `h2` gives it. Out: its head in our words, its body in pieces; the response back.
//! Never here: other streams.

use super::outgoing::Outgoing;
use crate::exchange::{Downstream, Gone, Piece};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Response, StatusCode, header};
use lateen_proxy_core::headers::{Headers, Method, RequestHead, ResponseHead, Version, map, name};
use lateen_proxy_core::http1::BodyFraming;
use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// One stream.
pub struct ServerStream {
    respond: SendResponse<Bytes>,
    receive: RecvStream,
    send: Option<SendStream<Bytes>>,
    outgoing: Outgoing,
    heads: Rc<Cell<u64>>,
    body_ended: bool,
    aborted: bool,
}

/// Head, framing and upgrade of a request, taken out of what `h2` gives.
pub fn take_head(request: http::Request<()>, ended: bool) -> (RequestHead, BodyFraming, Option<Bytes>) {
    let (parts, ()) = request.into_parts();
    let protocol = parts
        .extensions
        .get::<h2::ext::Protocol>()
        .map(|protocol| Bytes::copy_from_slice(protocol.as_str().as_bytes()));
    let authority = match (parts.uri.authority(), parts.headers.get(header::HOST)) {
        (Some(authority), _) => Bytes::copy_from_slice(authority.as_str().as_bytes()),
        (None, Some(host)) => Bytes::copy_from_slice(host.as_bytes()),
        (None, None) => Bytes::new(),
    };
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let method = match parts.method {
        http::Method::GET => Method::Get,
        http::Method::POST => Method::Post,
        other => Method::decode(other.as_str().as_bytes()).unwrap_or_default(),
    };
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let framing = match length {
        _ if method == Method::Connect => BodyFraming::Tunnel,
        _ if ended => BodyFraming::None,
        Some(length) => BodyFraming::Length(length),
        None => BodyFraming::Chunked,
    };
    let head = RequestHead {
        scheme: parts.uri.scheme_str().map(|scheme| match scheme {
            "http" => Bytes::from_static(b"http"),
            "https" => Bytes::from_static(b"https"),
            other => Bytes::copy_from_slice(other.as_bytes()),
        }),
        authority,
        path: match path {
            "/" => Bytes::from_static(b"/"),
            path => Bytes::copy_from_slice(path.as_bytes()),
        },
        headers: map::from_map(&parts.headers, true),
        protocol: protocol.clone(),
        version: Version::Http2,
        method,
    };
    (head, framing, protocol)
}

impl ServerStream {
    /// The stream of a request.
    pub fn new(receive: RecvStream, respond: SendResponse<Bytes>, heads: Rc<Cell<u64>>) -> Self {
        Self {
            body_ended: receive.is_end_stream(),
            receive,
            respond,
            send: None,
            outgoing: Outgoing::default(),
            heads,
            aborted: false,
        }
    }

    fn count_head(&self) {
        self.heads.set(self.heads.get() + 1);
    }
}

fn gone(error: &h2::Error) -> Gone {
    if error.is_io() || error.is_go_away() {
        Gone::Closed
    } else if error.is_remote() {
        Gone::Reset
    } else {
        Gone::Invalid
    }
}

impl Downstream for ServerStream {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Result<Piece, Gone>> {
        if !self.body_ended {
            match ready!(self.receive.poll_data(task)) {
                Some(Ok(data)) => {
                    // The upstream had room for it, so the client may send as much again.
                    let _ = self.receive.flow_control().release_capacity(data.len());
                    return Poll::Ready(Ok(Piece::Data(data)));
                }
                Some(Err(error)) => return Poll::Ready(Err(gone(&error))),
                None => {
                    self.body_ended = true;
                    match ready!(self.receive.poll_trailers(task)) {
                        Ok(Some(trailers)) => {
                            return Poll::Ready(Ok(Piece::Trailers(map::from_map(&trailers, false))));
                        }
                        Ok(None) => {}
                        Err(error) => return Poll::Ready(Err(gone(&error))),
                    }
                }
            }
        }
        Poll::Ready(Ok(Piece::End))
    }

    fn poll_gone(&mut self, task: &mut Context<'_>) -> Poll<Gone> {
        let reset = match &mut self.send {
            Some(send) => send.poll_reset(task),
            None => self.respond.poll_reset(task),
        };
        match ready!(reset) {
            Ok(_) => Poll::Ready(Gone::Reset),
            Err(_) => Poll::Ready(Gone::Closed),
        }
    }

    fn send_interim(&mut self, head: &ResponseHead) {
        let Ok(status) = StatusCode::from_u16(head.status) else { return };
        let mut response = Response::new(());
        *response.status_mut() = status;
        map::to_map(&head.headers, response.headers_mut());
        self.count_head();
        // An interim response that cannot be sent is no loss.
        let _ = self.respond.send_informational(response);
    }

    fn send_head(&mut self, head: &ResponseHead, framing: BodyFraming) {
        let mut response = Response::new(());
        // 101 does not exist in HTTP/2; an accepted upgrade is 200 (RFC 8441 section 5).
        let status = if head.status == 101 { 200 } else { head.status };
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        map::to_map(&head.headers, response.headers_mut());
        for hop in [header::CONNECTION, header::UPGRADE, header::TRANSFER_ENCODING] {
            response.headers_mut().remove(hop);
        }
        let ended = framing.is_empty();
        self.count_head();
        match self.respond.send_response(response, ended) {
            Ok(send) => self.send = Some(send),
            // The stream was reset; the next poll tells.
            Err(_) => self.aborted = true,
        }
        if ended {
            self.outgoing.ended();
        }
    }

    fn send_data(&mut self, data: Bytes) {
        self.outgoing.push(data);
    }

    fn send_end(&mut self, trailers: Option<&Headers>) {
        let trailers = trailers.map(|trailers| {
            self.count_head();
            let mut map = HeaderMap::new();
            map::to_map(trailers, &mut map);
            map
        });
        self.outgoing.finish(trailers);
    }

    fn has_room(&self) -> bool {
        self.outgoing.has_room()
    }

    fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let Some(send) = &mut self.send else {
            return Poll::Ready(if self.aborted { Err(Gone::Closed) } else { Ok(()) });
        };
        match self.outgoing.poll(task, send) {
            Poll::Ready(outcome) => Poll::Ready(outcome.map_err(|error| gone(&error))),
            Poll::Pending => {
                // A client that takes nothing may still reset the stream.
                match send.poll_reset(task) {
                    Poll::Ready(Ok(_)) => Poll::Ready(Err(Gone::Reset)),
                    Poll::Ready(Err(_)) => Poll::Ready(Err(Gone::Closed)),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn abort(&mut self) {
        self.aborted = true;
        match &mut self.send {
            Some(send) => send.send_reset(Reason::INTERNAL_ERROR),
            None => self.respond.send_reset(Reason::INTERNAL_ERROR),
        }
    }

    fn close_after(&mut self, head: &mut ResponseHead, _request_ended: bool) {
        head.headers.remove(name::CONNECTION);
    }

    fn wire_bytes(&mut self) -> (u64, u64) {
        (0, 0)
    }
}

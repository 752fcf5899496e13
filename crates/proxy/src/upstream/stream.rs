//! One request's stream to an endpoint, over HTTP/1.1 or HTTP/2.
//! In: a head and pieces. Out: a head and pieces, or how the stream failed.
//! Dropping a stream that is not finished resets it, or closes its connection.

use crate::exchange::{Failure, Piece};
use crate::http1::ClientConnection;
use crate::http2::ClientStream;
use bytes::Bytes;
use lateen_proxy_core::headers::{Headers, RequestHead, ResponseHead};
use lateen_proxy_core::http1::BodyFraming;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// A stream to an endpoint.
pub enum UpstreamStream {
    /// A whole HTTP/1.1 connection, for the time of a request.
    Http1(Box<ClientConnection>),
    /// One stream of an HTTP/2 connection.
    Http2(Box<ClientStream>),
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self {
            Self::Http1($stream) => $call,
            Self::Http2($stream) => $call,
        }
    };
}

impl UpstreamStream {
    /// Begins the request.
    ///
    /// # Errors
    /// When the stream cannot take it.
    pub fn send_head(&mut self, head: &RequestHead, framing: BodyFraming) -> Result<(), Failure> {
        match self {
            Self::Http1(connection) => {
                connection.send_head(head, framing);
                Ok(())
            }
            Self::Http2(stream) => stream.send_head(head, framing),
        }
    }

    /// Adds a piece of the body.
    ///
    /// # Errors
    /// When it is more than was announced, or the stream has failed.
    pub fn send_data(&mut self, data: Bytes) -> Result<(), Failure> {
        each!(self, stream => stream.send_data(data))
    }

    /// Ends the request, or this direction of a tunnel.
    ///
    /// # Errors
    /// When less came than was announced, or the stream has failed.
    pub fn send_end(&mut self, trailers: Option<&Headers>) -> Result<(), Failure> {
        each!(self, stream => stream.send_end(trailers))
    }

    /// Whether more of the body may be added.
    pub fn has_room(&self) -> bool {
        each!(self, stream => stream.has_room())
    }

    /// Writes what waits.
    pub fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        each!(self, stream => stream.poll_flush(task))
    }

    /// The head of the response, interim ones too.
    pub fn poll_head(&mut self, task: &mut Context<'_>) -> Poll<Result<(ResponseHead, BodyFraming), Failure>> {
        each!(self, stream => stream.poll_head(task))
    }

    /// The next piece of the response's body.
    pub fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Result<Piece, Failure>> {
        each!(self, stream => stream.poll_piece(task))
    }

    /// Own address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        each!(self, stream => stream.local_addr())
    }

    /// Whether the connection has served a request before.
    pub fn is_reused(&self) -> bool {
        each!(self, stream => stream.is_reused())
    }

    /// Whether something of the response has come.
    pub fn has_response(&self) -> bool {
        each!(self, stream => stream.has_response())
    }

    /// Whether the server cannot have seen anything of the request.
    pub fn nothing_sent(&self) -> bool {
        each!(self, stream => stream.nothing_sent())
    }

    /// Bytes of this exchange on the wire: received, sent.
    pub fn wire_bytes(&self) -> (u64, u64) {
        each!(self, stream => stream.wire_bytes())
    }

    /// The exchange is complete; the connection may be used again.
    pub fn finish(self) {
        match self {
            Self::Http1(connection) => connection.finish(),
            Self::Http2(stream) => stream.finish(),
        }
    }

    /// The response is of no use. The connection is kept if all of it has come already.
    pub fn discard(mut self) {
        let waker = std::task::Waker::noop();
        let mut task = Context::from_waker(waker);
        while let Poll::Ready(Ok(piece)) = self.poll_piece(&mut task) {
            if !matches!(piece, Piece::Data(_)) {
                self.finish();
                return;
            }
        }
    }
}

//! What the two sides of an exchange look like to it.
//! In: HTTP/1 and HTTP/2 streams. Out: the same words for both.

use bytes::Bytes;
use lateen_proxy_core::grpc_web::BadText;
use lateen_proxy_core::headers::{Headers, ResponseHead};
use lateen_proxy_core::http1::{BodyFraming, ParseError};
use std::task::{Context, Poll};

/// The next part of a body.
#[derive(Debug)]
pub enum Piece {
    /// Some bytes.
    Data(Bytes),
    /// Trailers; the end follows.
    Trailers(Headers),
    /// Nothing follows.
    End,
}

/// How an upstream stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection was closed or reset.
    Closed,
    /// The stream was reset.
    Reset,
    /// The stream was refused before anything was done.
    Refused,
    /// What came is no HTTP.
    Protocol,
    /// We ended it, because the request cannot be sent as it is.
    Local,
}

/// Why a downstream stream gives nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The peer has closed the connection.
    Closed,
    /// The peer has reset the stream.
    Reset,
    /// What came is no HTTP.
    Protocol(ParseError),
    /// The body is broken in a way that ends the stream (HTTP/2).
    Invalid,
    /// The body is to be base64 and is not (gRPC-Web).
    Text(BadText),
}

/// The downstream side of an exchange. Polls register the task that runs the exchange.
pub trait Downstream {
    /// The next piece of the request's body. Not called again after `Piece::End`.
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Result<Piece, Gone>>;

    /// Ready when the peer is gone. Called only after the end of the request.
    fn poll_gone(&mut self, task: &mut Context<'_>) -> Poll<Gone>;

    /// Adds an interim response.
    fn send_interim(&mut self, head: &ResponseHead);

    /// Adds the head. `framing` is that of the upstream or of a local reply.
    fn send_head(&mut self, head: &ResponseHead, framing: BodyFraming);

    /// Adds a piece of the body.
    fn send_data(&mut self, data: Bytes);

    /// Ends the response, or the downstream direction of a tunnel.
    fn send_end(&mut self, trailers: Option<&Headers>);

    /// Whether more of the body may be added.
    fn has_room(&self) -> bool;

    /// Writes what waits.
    fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Gone>>;

    /// Says that the response cannot be completed: the stream is reset, or the connection closed.
    fn abort(&mut self);

    /// Says that the connection is not to be used again after this response, if it can say so in `head`.
    fn close_after(&mut self, head: &mut ResponseHead, request_ended: bool);

    /// Bytes on the wire of this exchange so far: received, sent.
    fn wire_bytes(&mut self) -> (u64, u64);
}

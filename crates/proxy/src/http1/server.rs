//! The downstream side of an HTTP/1.1 connection.
//! In: bytes of the client. Out: requests one after another, and their responses in order.
//! Never here: what a request means.

use super::input::Input;
use crate::exchange::{Downstream, Gone, Piece};
use crate::listener::Ending;
use crate::transport::{Output, Transport};
use bytes::Bytes;
use lateen_proxy_core::headers::{Headers, ResponseHead, Version, name};
use lateen_proxy_core::http1::encode::encode_response_head;
use lateen_proxy_core::http1::{BodyDecoder, BodyEncoder, BodyFraming, Decoded, ParsedRequest, request};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// Bytes of pipelined requests that are read ahead.
const READ_AHEAD: usize = 16 << 10;

/// The stream of the request of the moment.
pub struct ServerStream {
    /// The client.
    pub transport: Transport,
    /// What it has sent.
    pub input: Input,
    output: Output,
    /// Reads heads.
    pub parser: request::Parser,
    decoder: BodyDecoder,
    encoder: BodyEncoder,
    version: Version,
    head_request: bool,
    tunnel: bool,
    half_close: bool,
    enable_trailers: bool,
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// Whether this is the last request that the connection may carry.
    pub last: bool,
    ending: Ending,
    /// The response has been cut off: close at once.
    pub aborted: bool,
    sent: u64,
    buffer_limit: usize,
}

impl ServerStream {
    /// The stream of a new connection.
    pub fn new(transport: Transport, ending: Ending, enable_trailers: bool, buffer_limit: usize) -> Self {
        Self {
            transport,
            input: Input::default(),
            output: Output::default(),
            parser: request::Parser::default(),
            decoder: BodyDecoder::new(BodyFraming::None, false),
            encoder: BodyEncoder::new(BodyFraming::None),
            version: Version::Http11,
            head_request: false,
            tunnel: false,
            half_close: false,
            enable_trailers,
            keep_alive: true,
            last: false,
            ending,
            aborted: false,
            sent: 0,
            buffer_limit,
        }
    }

    /// A request begins.
    pub fn begin(&mut self, parsed: &ParsedRequest) {
        self.decoder = BodyDecoder::new(parsed.body, self.enable_trailers);
        self.version = parsed.head.version;
        self.head_request = parsed.head.method == lateen_proxy_core::headers::Method::Head;
        self.keep_alive = parsed.keep_alive;
        self.tunnel = parsed.body == BodyFraming::Tunnel;
        self.sent = 0;
        self.input.restart_count();
    }

    /// Answers `Expect: 100-continue`.
    pub fn send_continue(&mut self) {
        self.output.tail(|out| out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n"));
    }

    /// Whether the request of the moment was read to its end.
    pub fn request_ended(&self) -> bool {
        self.decoder.is_done()
    }

    fn write_end(&mut self, trailers: Option<&Headers>) {
        let trailers = trailers.filter(|_| self.enable_trailers);
        let mut complete = true;
        self.output.tail(|out| complete = self.encoder.finish(trailers, out).is_ok());
        if !complete {
            // Shorter than announced: only the end of the connection tells the client.
            self.abort();
        }
    }
}

impl Downstream for ServerStream {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Result<Piece, Gone>> {
        loop {
            match self.decoder.decode(&mut self.input.buffer) {
                Ok(Decoded::Data(data)) => {
                    self.input.let_go(&data);
                    return Poll::Ready(Ok(Piece::Data(data)));
                }
                Ok(Decoded::Trailers(trailers)) => return Poll::Ready(Ok(Piece::Trailers(trailers))),
                Ok(Decoded::End) => return Poll::Ready(Ok(Piece::End)),
                Ok(Decoded::NeedMore) => {}
                Err(error) => return Poll::Ready(Err(Gone::Protocol(error))),
            }
            match ready!(self.input.poll_fill(task, &mut self.transport)) {
                Ok(true) => {}
                Ok(false) if self.decoder.close().is_ok() => {}
                Ok(false) | Err(_) => return Poll::Ready(Err(Gone::Closed)),
            }
        }
    }

    fn poll_gone(&mut self, task: &mut Context<'_>) -> Poll<Gone> {
        while self.input.buffer.len() < READ_AHEAD {
            match ready!(self.input.poll_fill(task, &mut self.transport)) {
                Ok(true) => {}
                Ok(false) | Err(_) => return Poll::Ready(Gone::Closed),
            }
        }
        Poll::Pending
    }

    fn send_interim(&mut self, head: &ResponseHead) {
        if self.version == Version::Http11 {
            self.output.tail(|out| encode_response_head(head, BodyFraming::None, out));
        }
    }

    fn send_head(&mut self, head: &ResponseHead, framing: BodyFraming) {
        let framing = match framing {
            _ if self.head_request && framing != BodyFraming::Tunnel => BodyFraming::None,
            BodyFraming::Chunked | BodyFraming::UntilClose if self.version == Version::Http10 => {
                self.keep_alive = false;
                BodyFraming::UntilClose
            }
            BodyFraming::UntilClose => BodyFraming::Chunked,
            framing => framing,
        };
        self.tunnel = framing == BodyFraming::Tunnel;
        self.encoder = BodyEncoder::new(framing);
        self.output.tail(|out| encode_response_head(head, framing, out));
    }

    fn send_data(&mut self, data: Bytes) {
        match self.encoder.frame(data.len()) {
            Ok(frame) => self.output.push_framed(frame.prefix(), data, frame.suffix()),
            // A body where none may be, such as after HEAD, is left out.
            Err(_) if self.head_request => {}
            Err(_) => self.abort(),
        }
    }

    fn send_end(&mut self, trailers: Option<&Headers>) {
        self.write_end(trailers);
        self.half_close = self.tunnel;
    }

    fn has_room(&self) -> bool {
        self.output.len() < self.buffer_limit
    }

    fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        // Also with nothing here: TLS may have kept the end of what it took.
        let before = self.output.len();
        let outcome = self.output.poll_flush(task, &mut self.transport);
        self.sent += (before - self.output.len()) as u64;
        ready!(outcome).map_err(|_| Gone::Closed)?;
        if self.half_close {
            ready!(Pin::new(&mut self.transport).poll_shutdown(task)).map_err(|_| Gone::Closed)?;
            self.half_close = false;
        }
        Poll::Ready(Ok(()))
    }

    fn abort(&mut self) {
        self.keep_alive = false;
        self.aborted = true;
    }

    fn close_after(&mut self, head: &mut ResponseHead, request_ended: bool) {
        if self.last || self.ending.is_draining() || !request_ended {
            self.keep_alive = false;
        }
        if !self.keep_alive {
            head.headers.set(name::CONNECTION, "close");
        } else if self.version == Version::Http10 {
            head.headers.set(name::CONNECTION, "keep-alive");
        }
    }

    fn wire_bytes(&mut self) -> (u64, u64) {
        (self.input.received(), self.sent)
    }
}

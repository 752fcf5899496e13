//! An HTTP/1.1 connection to an upstream, used for one request after another.
//! In: a request head and pieces of its body. Out: the response. The task of the downstream connection drives it.
//! Never here: which request goes where, or what happens after a failure.

use super::input::Input;
use crate::exchange::{Failure, Piece};
use crate::transport::{Output, Transport};
use crate::upstream::Slot;
use bytes::Bytes;
use lateen_proxy_core::headers::{Headers, RequestHead, ResponseHead};
use lateen_proxy_core::http1::encode::encode_request_head;
use lateen_proxy_core::http1::{
    BodyDecoder, BodyEncoder, BodyFraming, Decoded, ResponseContext, ResponseOptions, response,
};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::AsyncWrite;

/// A connection to an endpoint.
pub struct ClientConnection {
    transport: Transport,
    input: Input,
    output: Output,
    parser: response::Parser,
    expected: ResponseContext,
    options: ResponseOptions,
    encoder: BodyEncoder,
    decoder: BodyDecoder,
    state: State,
    tunnel: bool,
    /// The sending direction of a tunnel ends once everything is written.
    half_close: bool,
    requests: u32,
    max_requests: Option<u32>,
    /// When it is too old for another request.
    ends: Option<Instant>,
    idle_since: Instant,
    local: Option<SocketAddr>,
    buffer_limit: usize,
    sent: u64,
    slot: Slot,
    name: Option<Rc<str>>,
}

/// Where the exchange on this connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The request is being sent, the response has not begun.
    Waiting { request_ended: bool },
    /// The response has begun.
    Responding { request_ended: bool, keep_alive: bool },
    /// Nothing more is to be had here.
    Broken,
}

impl ClientConnection {
    /// A connection that was just opened.
    pub fn new(
        transport: Transport,
        slot: Slot,
        options: ResponseOptions,
        max_requests: Option<u32>,
        ends: Option<Instant>,
        buffer_limit: usize,
        name: Option<Rc<str>>,
    ) -> Self {
        Self {
            name,
            local: transport.local_addr().ok(),
            transport,
            input: Input::default(),
            output: Output::default(),
            parser: response::Parser::default(),
            expected: ResponseContext::default(),
            options,
            encoder: BodyEncoder::new(BodyFraming::None),
            decoder: BodyDecoder::new(BodyFraming::None, false),
            state: State::Broken,
            tunnel: false,
            half_close: false,
            requests: 0,
            max_requests,
            ends,
            idle_since: Instant::now(),
            buffer_limit,
            sent: 0,
            slot,
        }
    }

    /// The server name that was sent, where it is that of the request.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Own address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// When its last request ended.
    pub fn idle_since(&self) -> Instant {
        self.idle_since
    }

    /// Whether it is too old for another request.
    pub fn is_old(&self, now: Instant) -> bool {
        self.ends.is_some_and(|end| now >= end)
    }

    /// Whether it has served a request before the one of now.
    pub fn is_reused(&self) -> bool {
        self.requests > 1
    }

    /// Whether a byte of the response has come.
    pub fn has_response(&self) -> bool {
        !self.input.buffer.is_empty() || matches!(self.state, State::Responding { .. })
    }

    /// Whether it can take a request: the server has neither closed it nor said anything.
    pub fn is_fresh(&mut self) -> bool {
        let quiet = self.input.buffer.is_empty() && !self.transport.is_disturbed();
        if !quiet {
            self.slot.closed_by_peer();
        }
        quiet
    }

    /// Begins a request; nothing is written before `poll_flush`.
    pub fn send_head(&mut self, head: &RequestHead, framing: BodyFraming) {
        self.requests += 1;
        self.sent = 0;
        self.input.restart_count();
        self.tunnel = framing == BodyFraming::Tunnel;
        self.expected = ResponseContext::of(&head.method, head.protocol.is_some());
        let framing = if framing == BodyFraming::UntilClose { BodyFraming::Chunked } else { framing };
        self.output.tail(|out| encode_request_head(head, framing, out));
        self.encoder = BodyEncoder::new(framing);
        self.parser = response::Parser::default();
        self.state = State::Waiting { request_ended: false };
    }

    /// Adds a piece of the request's body.
    pub fn send_data(&mut self, data: Bytes) -> Result<(), Failure> {
        let frame = self.encoder.frame(data.len()).map_err(|_| Failure::Local)?;
        self.output.push_framed(frame.prefix(), data, frame.suffix());
        Ok(())
    }

    /// Ends the request.
    pub fn send_end(&mut self, trailers: Option<&Headers>) -> Result<(), Failure> {
        let trailers = trailers.filter(|_| self.options.enable_trailers);
        let mut outcome = Ok(());
        self.output.tail(|out| outcome = self.encoder.finish(trailers, out));
        match &mut self.state {
            State::Waiting { request_ended } | State::Responding { request_ended, .. } => *request_ended = true,
            State::Broken => {}
        }
        self.half_close = self.tunnel;
        outcome.map_err(|_| Failure::Local)
    }

    /// Whether more of the body may be added.
    pub fn has_room(&self) -> bool {
        self.output.len() < self.buffer_limit
    }

    /// Writes what waits.
    pub fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        // Also with nothing here: TLS may have kept the end of what it took.
        let before = self.output.len();
        let outcome = self.output.poll_flush(task, &mut self.transport);
        self.sent += (before - self.output.len()) as u64;
        ready!(outcome).map_err(|_| self.broken())?;
        if self.half_close {
            ready!(Pin::new(&mut self.transport).poll_shutdown(task)).map_err(|_| self.broken())?;
            self.half_close = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The head of the response, interim ones too.
    pub fn poll_head(&mut self, task: &mut Context<'_>) -> Poll<Result<(ResponseHead, BodyFraming), Failure>> {
        loop {
            if !self.input.buffer.is_empty() {
                match self.parser.parse(&mut self.input.buffer, self.expected, &self.options) {
                    Ok(None) => {}
                    Ok(Some(parsed)) => {
                        if !parsed.head.is_informational() {
                            let request_ended = matches!(self.state, State::Waiting { request_ended: true });
                            self.state = State::Responding { request_ended, keep_alive: parsed.keep_alive };
                            self.decoder = BodyDecoder::new(parsed.body, self.options.enable_trailers);
                        }
                        return Poll::Ready(Ok((parsed.head, parsed.body)));
                    }
                    Err(_) => {
                        self.state = State::Broken;
                        self.slot.stats().upstream_cx_protocol_error.inc();
                        return Poll::Ready(Err(Failure::Protocol));
                    }
                }
            }
            match ready!(self.input.poll_fill(task, &mut self.transport)) {
                Ok(true) => {}
                Ok(false) | Err(_) => return Poll::Ready(Err(self.broken())),
            }
        }
    }

    /// The next piece of the response's body.
    pub fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Result<Piece, Failure>> {
        loop {
            match self.decoder.decode(&mut self.input.buffer) {
                Ok(Decoded::Data(data)) => {
                    self.input.let_go(&data);
                    return Poll::Ready(Ok(Piece::Data(data)));
                }
                Ok(Decoded::Trailers(trailers)) => return Poll::Ready(Ok(Piece::Trailers(trailers))),
                Ok(Decoded::End) => return Poll::Ready(Ok(Piece::End)),
                Ok(Decoded::NeedMore) => {}
                Err(_) => {
                    self.state = State::Broken;
                    self.slot.stats().upstream_cx_protocol_error.inc();
                    return Poll::Ready(Err(Failure::Protocol));
                }
            }
            match ready!(self.input.poll_fill(task, &mut self.transport)) {
                Ok(true) => {}
                Ok(false) if self.decoder.close().is_ok() => {}
                Ok(false) | Err(_) => return Poll::Ready(Err(self.broken())),
            }
        }
    }

    fn broken(&mut self) -> Failure {
        self.state = State::Broken;
        self.slot.closed_by_peer();
        Failure::Closed
    }

    /// Whether nothing of the request has left this machine.
    pub fn nothing_sent(&self) -> bool {
        self.sent == 0
    }

    /// Bytes of this exchange on the wire: received, sent.
    pub fn wire_bytes(&self) -> (u64, u64) {
        (self.input.received(), self.sent)
    }

    /// Gives the connection back to its endpoint, if both ends let it be used again.
    pub fn finish(mut self: Box<Self>) {
        let reusable = matches!(self.state, State::Responding { request_ended: true, keep_alive: true })
            && self.decoder.is_done()
            && self.output.is_empty()
            && self.input.buffer.is_empty()
            && !self.input.ended;
        if !reusable {
            return;
        }
        if self.max_requests.is_some_and(|max| self.requests >= max) {
            self.slot.stats().upstream_cx_max_requests.inc();
            return;
        }
        self.idle_since = Instant::now();
        if self.is_old(self.idle_since) {
            return;
        }
        self.input.release();
        if let Some(host) = self.slot.host() {
            host.release(self);
        }
    }
}

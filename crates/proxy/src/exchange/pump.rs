//! Bytes between the two streams of an exchange.
//! In: pieces of the request and of the response, as both sides give and take them. Out: heads, ends and failures.
//! Each direction stops reading when the other side does not take what is there: no buffer grows without bound.

use super::deadlines::Limit;
use super::piece::{Downstream, Failure, Gone, Piece};
use super::run::Exchange;
use crate::upstream::UpstreamStream;
use lateen_proxy_core::headers::ResponseHead;
use lateen_proxy_core::http1::BodyFraming;
use std::task::{Context, Poll};
use std::time::Instant;

/// Bytes of a response that are read before they are written: as much as a cache holds easily.
const BURST: u64 = 128 << 10;

/// What came of waiting.
pub(super) enum Heard {
    /// The head of the response.
    Head(ResponseHead, BodyFraming),
    /// The client is gone.
    Gone(Gone),
    /// The upstream stream has failed.
    Failed(Failure),
    /// A time limit is over.
    Late(Limit),
}

impl<D: Downstream> Exchange<'_, D> {
    /// Sends the request and waits for the head of the response.
    pub(super) fn poll_head(&mut self, stream: &mut UpstreamStream, task: &mut Context<'_>) -> Poll<Heard> {
        let sent = match self.poll_request(stream, task) {
            Ok(sent) => sent,
            Err(gone) => return Poll::Ready(Heard::Gone(gone)),
        };
        loop {
            match stream.poll_head(task) {
                Poll::Ready(Ok((head, framing))) => {
                    self.moved();
                    if !head.is_informational() {
                        return Poll::Ready(Heard::Head(head, framing));
                    }
                    // As Envoy: the first one goes on, and none unless `100-continue` is left to the upstream.
                    let first = !std::mem::replace(&mut self.interim, true);
                    if first && self.manager.config.proxy_100_continue {
                        self.downstream.send_interim(&head);
                        if let Poll::Ready(Err(gone)) = self.downstream.poll_flush(task) {
                            return Poll::Ready(Heard::Gone(gone));
                        }
                    }
                }
                Poll::Ready(Err(failure)) => return Poll::Ready(Heard::Failed(failure)),
                Poll::Pending => break,
            }
        }
        // A server may answer and close before it has read everything, so a failed write is not the end yet.
        if let Err(failure) = sent {
            return Poll::Ready(Heard::Failed(failure));
        }
        if (self.body_ended || self.framing == BodyFraming::Tunnel)
            && let Poll::Ready(gone) = self.downstream.poll_gone(task)
        {
            return Poll::Ready(Heard::Gone(gone));
        }
        self.poll_limit(task).map(Heard::Late)
    }

    /// Sends the response, and what is left of the request.
    pub(super) fn poll_response(
        &mut self,
        stream: &mut UpstreamStream,
        task: &mut Context<'_>,
    ) -> Poll<Result<(), Heard>> {
        match self.poll_request(stream, task) {
            // What the client sends after the response has begun may find no taker.
            Ok(sent) => self.sent_all |= sent.is_err(),
            Err(gone) => return Poll::Ready(Err(Heard::Gone(gone))),
        }
        loop {
            let before = self.facts.bytes_sent;
            let mut full = !self.downstream.has_room();
            while !self.response_done && !full {
                match stream.poll_piece(task) {
                    Poll::Ready(Ok(piece)) => {
                        self.pass(piece);
                        full = !self.downstream.has_room() || self.facts.bytes_sent - before >= BURST;
                    }
                    Poll::Ready(Err(failure)) => {
                        // What is there already still goes out.
                        let _ = self.downstream.poll_flush(task);
                        return Poll::Ready(Err(Heard::Failed(failure)));
                    }
                    Poll::Pending => break,
                }
            }
            match self.downstream.poll_flush(task) {
                Poll::Ready(Ok(())) if self.response_done => {
                    if !self.tunnel || self.sent_all {
                        return Poll::Ready(Ok(()));
                    }
                    break;
                }
                Poll::Ready(Ok(())) if full => {}
                Poll::Ready(Ok(())) | Poll::Pending => break,
                Poll::Ready(Err(gone)) => return Poll::Ready(Err(Heard::Gone(gone))),
            }
        }
        if self.body_ended
            && !self.tunnel
            && let Poll::Ready(gone) = self.downstream.poll_gone(task)
        {
            return Poll::Ready(Err(Heard::Gone(gone)));
        }
        self.poll_limit(task).map(|limit| Err(Heard::Late(limit)))
    }

    /// The limit that is over, if one is.
    pub(super) fn poll_limit(&mut self, task: &mut Context<'_>) -> Poll<Limit> {
        let Some((at, limit)) = self.deadlines.next() else { return Poll::Pending };
        self.timer.poll(task, Some(at)).map(|()| limit)
    }

    fn pass(&mut self, piece: Piece) {
        self.moved();
        let piece = match self.grpc_web {
            Some(_) => self.pass_grpc_web(piece),
            None => piece,
        };
        match piece {
            Piece::Data(data) => {
                self.facts.bytes_sent += data.len() as u64;
                self.downstream.send_data(data);
            }
            Piece::Trailers(trailers) => {
                self.downstream.send_end(Some(&trailers));
                self.facts.trailers = Some(trailers);
                self.response_done = true;
            }
            Piece::End => {
                self.downstream.send_end(None);
                self.response_done = true;
            }
        }
    }

    /// Moves what there is of the request. The outer error is the client's, the inner the upstream's.
    fn poll_request(
        &mut self,
        stream: &mut UpstreamStream,
        task: &mut Context<'_>,
    ) -> Result<Result<(), Failure>, Gone> {
        loop {
            if let Err(failure) = self.fill_request(stream, task)? {
                return Ok(Err(failure));
            }
            let full = !stream.has_room();
            match stream.poll_flush(task) {
                Poll::Ready(Ok(())) if full && !self.sent_all => {}
                Poll::Ready(Err(failure)) => return Ok(Err(failure)),
                _ => return Ok(Ok(())),
            }
        }
    }

    fn fill_request(
        &mut self,
        stream: &mut UpstreamStream,
        task: &mut Context<'_>,
    ) -> Result<Result<(), Failure>, Gone> {
        if self.framing == BodyFraming::Tunnel && !self.tunnel {
            return Ok(Ok(()));
        }
        while !self.sent_all && stream.has_room() {
            if let Some(piece) = self.replay.piece(self.replayed) {
                let piece = piece.clone();
                self.replayed += 1;
                if let Err(failure) = stream.send_data(piece) {
                    return Ok(Err(failure));
                }
                continue;
            }
            if self.body_ended {
                self.sent_all = true;
                return Ok(stream.send_end(self.request_trailers.as_ref()));
            }
            let piece = match self.downstream.poll_piece(task) {
                Poll::Ready(piece) => piece?,
                Poll::Pending => return Ok(Ok(())),
            };
            self.moved();
            match piece {
                Piece::Data(mut data) => {
                    self.facts.bytes_received += data.len() as u64;
                    if let Some(call) = &mut self.grpc_web {
                        data = call.decode(data).map_err(Gone::Text)?;
                    }
                    self.replay.keep(&data);
                    self.replayed += 1;
                    if let Err(failure) = stream.send_data(data) {
                        return Ok(Err(failure));
                    }
                }
                Piece::Trailers(trailers) => self.request_trailers = Some(trailers),
                Piece::End => {
                    if let Some(call) = &self.grpc_web {
                        call.decode_end().map_err(Gone::Text)?;
                    }
                    let now = Instant::now();
                    self.body_ended = true;
                    self.facts.request_end = Some(now);
                    if !self.tunnel {
                        self.deadlines.request_ended(now);
                    }
                }
            }
        }
        Ok(Ok(()))
    }

    fn moved(&mut self) {
        self.deadlines.moved(Instant::now());
    }
}

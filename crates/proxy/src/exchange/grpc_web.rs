//! gRPC-Web in an exchange: what `lateen_proxy_core::grpc_web` makes of heads and pieces, in its order.
//! In: responses and local replies for a gRPC-Web call. Out: what the browser is sent.

use super::piece::{Downstream, Gone, Piece};
use super::pump::Heard;
use super::run::Exchange;
use crate::upstream::UpstreamStream;
use bytes::Bytes;
use lateen_proxy_core::grpc_web::{GrpcWeb, MESSAGE_LIMIT};
use lateen_proxy_core::headers::{RequestHead, ResponseHead};
use lateen_proxy_core::http1::BodyFraming;
use lateen_proxy_core::local_reply::LocalReply;
use std::task::Poll;

/// An answer of our own. To Envoy a gRPC-Web call is no gRPC call, so its status is kept.
pub(super) fn local_reply(call: &GrpcWeb, reply: &LocalReply, request: &mut RequestHead) -> (ResponseHead, Bytes) {
    request.headers.remove("content-type");
    let (mut head, mut body) = reply.response(request);
    request.headers.set("content-type", Bytes::from_static(b"application/grpc"));
    if call.answer(&mut head, body.is_empty()) {
        GrpcWeb::explain(&mut head, &body);
        body = Bytes::new();
    }
    (head, body)
}

impl<D: Downstream> Exchange<'_, D> {
    /// The response to a call; a body that is no gRPC is read to its end first.
    pub(super) async fn answer_grpc_web(
        &mut self,
        stream: &mut UpstreamStream,
        head: &mut ResponseHead,
        framing: BodyFraming,
    ) -> Result<BodyFraming, Heard> {
        let Some(call) = &self.grpc_web else { return Ok(framing) };
        if !call.answer(head, framing.is_empty()) {
            return Ok(if framing.is_empty() { framing } else { BodyFraming::Chunked });
        }
        let mut body = Vec::new();
        std::future::poll_fn(|task| {
            loop {
                match stream.poll_piece(task) {
                    Poll::Ready(Ok(Piece::Data(data))) => {
                        self.deadlines.moved(std::time::Instant::now());
                        let room = MESSAGE_LIMIT.saturating_sub(body.len());
                        body.extend_from_slice(data.get(..room).unwrap_or(&data));
                    }
                    Poll::Ready(Ok(_)) => return Poll::Ready(Ok(())),
                    Poll::Ready(Err(failure)) => return Poll::Ready(Err(Heard::Failed(failure))),
                    Poll::Pending => break,
                }
            }
            if self.body_ended
                && let Poll::Ready(gone) = self.downstream.poll_gone(task)
            {
                return Poll::Ready(Err(Heard::Gone(gone)));
            }
            self.poll_limit(task).map(|limit| Err(Heard::Late(limit)))
        })
        .await?;
        GrpcWeb::explain(head, &body);
        Ok(BodyFraming::Length(0))
    }

    /// A piece of the response: trailers become the end of the body.
    pub(super) fn pass_grpc_web(&mut self, piece: Piece) -> Piece {
        let Some(call) = &mut self.grpc_web else { return piece };
        let (last, trailers) = match piece {
            Piece::Data(data) => return Piece::Data(call.encode(data)),
            Piece::Trailers(trailers) => (call.encode_end(Some(&trailers)), Some(trailers)),
            Piece::End => (call.encode_end(None), None),
        };
        if !last.is_empty() {
            self.facts.bytes_sent += last.len() as u64;
            self.downstream.send_data(last);
        }
        if trailers.is_some() {
            self.facts.trailers = trailers;
        }
        Piece::End
    }
}

/// What a client is told whose text is no base64; `None` for any other trouble.
pub(super) fn refused(gone: Gone) -> Option<LocalReply> {
    let Gone::Text(bad) = gone else { return None };
    let reply = LocalReply::new(400, lateen_proxy_core::flags::ResponseFlags::NONE, bad.details());
    Some(reply.with_body(lateen_proxy_core::grpc_web::BAD_TEXT))
}

//! Bodies of answers, made while they are sent.
//! In comes what to send (a text, a number of bytes, a number of lines, the request's own body);
//! out come frames of at most 16 KiB. No body is held in memory as a whole, except short texts.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::identity::Echo;

/// What `/bytes/N` sends, over and over.
static FILLER: [u8; 16 << 10] = filler();

const fn filler() -> [u8; 16 << 10] {
    let mut bytes = [0; 16 << 10];
    let mut i = 0;
    while i < bytes.len() {
        // Printable, 64 different characters in turn, so that a shifted or cut body shows.
        bytes[i] = b'0' + (i % 64) as u8;
        i += 1;
    }
    bytes
}

/// The body of an answer.
pub(crate) enum EchoBody {
    /// A text that is there already.
    Text(Bytes),
    /// So many bytes of filler.
    Filler { left: u64 },
    /// Lines of JSON, one frame each.
    Lines { next: u64, count: u64, echo: Echo },
    /// The bytes of the request, followed by the trailers of gRPC.
    Request { body: Incoming, done: bool },
    /// A text, followed by the trailers of gRPC.
    Message { text: Bytes, done: bool },
}

impl EchoBody {
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self::Text(text.into())
    }
}

fn grpc_ok() -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    Frame::trailers(trailers)
}

impl Body for EchoBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        Poll::Ready(match this {
            Self::Text(text) if text.is_empty() => None,
            Self::Text(text) => Some(Ok(Frame::data(std::mem::take(text)))),
            Self::Filler { left: 0 } => None,
            Self::Filler { left } => {
                let size = usize::try_from(*left).unwrap_or(usize::MAX).min(FILLER.len());
                *left -= size as u64;
                Some(Ok(Frame::data(Bytes::from_static(&FILLER[..size]))))
            }
            Self::Lines { next, count, .. } if next == count => None,
            Self::Lines { next, echo, .. } => {
                let line = format!("{}\n", serde_json::json!({ "id": *next, "echo": echo.to_json() }));
                *next += 1;
                Some(Ok(Frame::data(line.into())))
            }
            Self::Request { done: true, .. } | Self::Message { done: true, .. } => None,
            Self::Request { body, done } => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    // Trailers of a gRPC request carry no meaning; the status stands in their place.
                    Some(Ok(frame)) if frame.is_trailers() => {}
                    Some(Ok(frame)) => break Some(Ok(frame)),
                    Some(Err(error)) => {
                        *done = true;
                        break Some(Err(error));
                    }
                    None => {
                        *done = true;
                        break Some(Ok(grpc_ok()));
                    }
                }
            },
            Self::Message { text, done } if text.is_empty() => {
                *done = true;
                Some(Ok(grpc_ok()))
            }
            Self::Message { text, .. } => Some(Ok(Frame::data(std::mem::take(text)))),
        })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Filler { left } => *left == 0,
            Self::Lines { next, count, .. } => next == count,
            Self::Request { done, .. } | Self::Message { done, .. } => *done,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.len() as u64),
            Self::Filler { left } => SizeHint::with_exact(*left),
            Self::Lines { .. } | Self::Request { .. } | Self::Message { .. } => SizeHint::default(),
        }
    }
}

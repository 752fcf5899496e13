//! A body on its way into an HTTP/2 stream.
//! In: pieces, then the end. Out: DATA frames as the windows of the peer allow, trailers.
//! What the peer does not take waits here, and the caller sees that there is no room.

use bytes::Bytes;
use h2::SendStream;
use http::HeaderMap;
use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

/// Bytes that may wait for the peer's window.
const LIMIT: usize = 64 << 10;

/// Pieces that wait, and how the body ends.
#[derive(Default)]
pub struct Outgoing {
    pieces: VecDeque<Bytes>,
    waiting: usize,
    end: End,
}

#[derive(Default)]
enum End {
    #[default]
    Open,
    Ended,
    Trailers(HeaderMap),
    Sent,
}

impl Outgoing {
    /// Nothing more can be sent: the head said so.
    pub fn ended(&mut self) {
        self.end = End::Sent;
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() && matches!(self.end, End::Open) {
            self.waiting += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// Adds the end.
    pub fn finish(&mut self, trailers: Option<HeaderMap>) {
        if matches!(self.end, End::Open) {
            self.end = trailers.map_or(End::Ended, End::Trailers);
        }
    }

    /// Whether there is room for another piece.
    pub fn has_room(&self) -> bool {
        self.waiting < LIMIT
    }

    /// Hands over what the windows allow; ready when nothing waits.
    pub fn poll(&mut self, task: &mut Context<'_>, stream: &mut SendStream<Bytes>) -> Poll<Result<(), h2::Error>> {
        while let Some(piece) = self.pieces.front_mut() {
            let mut capacity = stream.capacity();
            if capacity == 0 {
                stream.reserve_capacity(self.waiting);
                capacity = stream.capacity();
                if capacity == 0 {
                    match ready!(stream.poll_capacity(task)) {
                        Some(granted) => capacity = granted?,
                        // The stream takes nothing any more.
                        None => return Poll::Ready(Err(h2::Reason::STREAM_CLOSED.into())),
                    }
                }
            }
            if capacity == 0 {
                continue;
            }
            let part = piece.split_to(piece.len().min(capacity));
            if piece.is_empty() {
                self.pieces.pop_front();
            }
            self.waiting -= part.len();
            let last = self.pieces.is_empty() && matches!(self.end, End::Ended);
            stream.send_data(part, last)?;
            if last {
                self.end = End::Sent;
            }
        }
        match std::mem::replace(&mut self.end, End::Sent) {
            End::Open => self.end = End::Open,
            End::Ended => stream.send_data(Bytes::new(), true)?,
            End::Trailers(trailers) => stream.send_trailers(trailers)?,
            End::Sent => {}
        }
        Poll::Ready(Ok(()))
    }
}

//! The body of a request as far as it was sent, kept for another try.
//! In: pieces on their way to the upstream. Out: the same pieces again.
//! A body above the limit is not kept; then there is no other try.

use bytes::Bytes;

/// Pieces that were sent.
#[derive(Debug, Default)]
pub struct Replay {
    pieces: Vec<Bytes>,
    size: usize,
    limit: usize,
    lost: bool,
}

impl Replay {
    /// Keeps up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Keeps nothing.
    pub fn off() -> Self {
        Self { lost: true, ..Self::default() }
    }

    /// Remembers a piece.
    pub fn keep(&mut self, piece: &Bytes) {
        if self.lost {
            return;
        }
        self.size += piece.len();
        if self.size > self.limit {
            *self = Self::off();
            return;
        }
        self.pieces.push(piece.clone());
    }

    /// Whether everything that was sent can be sent again.
    pub fn is_whole(&self) -> bool {
        !self.lost
    }

    /// Everything that was sent, if it was kept.
    pub fn all(&self) -> Option<Vec<Bytes>> {
        (!self.lost).then(|| self.pieces.clone())
    }

    /// The piece at a position.
    pub fn piece(&self, at: usize) -> Option<&Bytes> {
        self.pieces.get(at)
    }
}

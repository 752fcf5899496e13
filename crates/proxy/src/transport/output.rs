//! Bytes on their way to a peer.
//! In: heads and small pieces, which are gathered; large pieces, which are kept as they are. Out: vectored writes.
//! The caller asks `len` before it adds more: that is the back-pressure.

use super::{Transport, buffers};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

/// Pieces up to this size are copied together.
const GATHER: usize = 4096;
/// Pieces in one system call.
const SLICES: usize = 16;

/// What waits to be written, in order: `front`, then `queue`.
#[derive(Default)]
pub struct Output {
    front: BytesMut,
    queue: VecDeque<Bytes>,
    queued: usize,
}

impl Output {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.front.len() + self.queued
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buffer at the end, to write a head or a chunk size to.
    pub fn tail(&mut self, write: impl FnOnce(&mut BytesMut)) {
        if self.queue.is_empty() {
            write(&mut self.front);
        } else {
            let mut piece = BytesMut::new();
            write(&mut piece);
            self.queued += piece.len();
            self.queue.push_back(piece.freeze());
        }
    }

    /// Adds a piece of a body.
    pub fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        if self.queue.is_empty() && piece.len() <= GATHER {
            self.front.extend_from_slice(&piece);
        } else {
            self.queued += piece.len();
            self.queue.push_back(piece);
        }
    }

    /// Adds a piece of a body with what goes around it.
    pub fn push_framed(&mut self, prefix: &[u8], piece: Bytes, suffix: &'static [u8]) {
        if !prefix.is_empty() {
            self.tail(|out| out.extend_from_slice(prefix));
        }
        self.push(piece);
        self.push(Bytes::from_static(suffix));
    }

    /// Writes until nothing waits.
    pub fn poll_flush(&mut self, task: &mut Context<'_>, transport: &mut Transport) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = ready!(self.poll_write(task, transport))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        ready!(transport.poll_flush_wire(task))?;
        // An idle connection keeps no buffer.
        if self.front.capacity() > 0 {
            self.front = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, task: &mut Context<'_>, transport: &mut Transport) -> Poll<io::Result<usize>> {
        if self.queue.is_empty() {
            return transport.poll_write_slices(task, &[IoSlice::new(&self.front)]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        let front = (!self.front.is_empty()).then_some(&self.front[..]);
        for (slot, piece) in slices.iter_mut().zip(front.into_iter().chain(self.queue.iter().map(|piece| &piece[..]))) {
            *slot = IoSlice::new(piece);
            count += 1;
        }
        transport.poll_write_slices(task, &slices[..count])
    }

    fn advance(&mut self, mut written: usize) {
        let from_front = written.min(self.front.len());
        self.front.advance(from_front);
        written -= from_front;
        self.queued -= written;
        while written > 0 {
            let Some(piece) = self.queue.front_mut() else { return };
            if piece.len() > written {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            if let Some(piece) = self.queue.pop_front() {
                buffers::recycle(piece);
            }
        }
    }
}

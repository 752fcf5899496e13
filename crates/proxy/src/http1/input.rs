//! The read buffer of an HTTP/1 connection.
//! In: a transport. Out: bytes for the codec. Reads grow while they fill their room, and an idle connection holds none.

use crate::transport::{Transport, buffers};
use bytes::BytesMut;
use std::io;
use std::task::{Context, Poll, ready};

const FIRST_READ: usize = 4 << 10;
const LARGEST_READ: usize = buffers::LARGE;

/// Bytes that have been read and not yet understood.
pub struct Input {
    /// What the codec takes from.
    pub buffer: BytesMut,
    /// The peer sends no more.
    pub ended: bool,
    next_read: usize,
    received: u64,
}

impl Default for Input {
    fn default() -> Self {
        Self { buffer: BytesMut::new(), ended: false, next_read: FIRST_READ, received: 0 }
    }
}

impl Input {
    /// Reads once; false at the end of the stream.
    pub fn poll_fill(&mut self, task: &mut Context<'_>, transport: &mut Transport) -> Poll<io::Result<bool>> {
        if self.ended {
            return Poll::Ready(Ok(false));
        }
        if self.buffer.is_empty() && self.buffer.capacity() < self.next_read {
            self.release();
            if self.next_read >= LARGEST_READ {
                self.buffer = buffers::take();
            }
        }
        let count = match transport.poll_read_into(task, &mut self.buffer, self.next_read) {
            Poll::Pending => {
                self.release();
                return Poll::Pending;
            }
            ready => ready!(ready)?,
        };
        self.received += count as u64;
        if count >= self.next_read && self.next_read < LARGEST_READ {
            self.next_read *= 2;
        } else if count < self.next_read / 8 && self.next_read > FIRST_READ {
            self.next_read /= 2;
        }
        self.ended = count == 0;
        Poll::Ready(Ok(!self.ended))
    }

    /// Gives an empty buffer back.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            buffers::give(std::mem::take(&mut self.buffer));
        }
    }

    /// Leaves the buffer to a large piece that was taken from it, so that it can be used again once that is written.
    pub fn let_go(&mut self, piece: &[u8]) {
        if self.buffer.is_empty() && piece.len() >= LARGEST_READ / 4 {
            self.buffer = BytesMut::new();
        }
    }

    /// Bytes received since the count began.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Begins the count for the next message; what is there already belongs to it.
    pub fn restart_count(&mut self) {
        self.received = self.buffer.len() as u64;
    }
}

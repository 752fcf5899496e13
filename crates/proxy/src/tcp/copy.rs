//! One direction of a TCP proxy.
//! In: a transport to read. Out: the same bytes on the other, then the end of the stream.
//! There is a buffer only while bytes wait in it.

use super::splice::{Moved, Pipe};
use crate::transport::Transport;
use bytes::{Buf, BytesMut};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

const FIRST_READ: usize = 16 << 10;
const LARGEST_READ: usize = 256 << 10;

/// One direction.
pub struct Direction {
    buffer: BytesMut,
    next_read: usize,
    total: u64,
    ended: bool,
    closed: bool,
    pipe: Option<Pipe>,
    /// The last round through the pipe brought little.
    slow: bool,
    /// This system does not splice.
    unable: bool,
}

impl Default for Direction {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            next_read: FIRST_READ,
            total: 0,
            ended: false,
            closed: false,
            pipe: None,
            slow: false,
            unable: false,
        }
    }
}

impl Direction {
    /// With bytes that were read already.
    pub fn beginning_with(early: BytesMut) -> Self {
        Self { total: early.len() as u64, buffer: early, ..Self::default() }
    }

    /// Bytes that were read.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Moves what there is; ready at the end of the stream, or when a side fails.
    pub fn poll(&mut self, task: &mut Context<'_>, from: &mut Transport, to: &mut Transport) -> Poll<io::Result<()>> {
        loop {
            while !self.buffer.is_empty() {
                let written = ready!(to.poll_write_slices(task, &[IoSlice::new(&self.buffer)]))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.buffer.advance(written);
            }
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(task))?;
                self.closed = true;
                return Poll::Ready(Ok(()));
            }
            if let (Transport::Tcp(source), Transport::Tcp(sink)) = (&*from, &*to)
                && self.next_read >= LARGEST_READ
                && !self.unable
            {
                ready!(self.poll_splice(task, source, sink))?;
                continue;
            }
            if self.buffer.capacity() < self.next_read {
                self.buffer = BytesMut::new();
            }
            let count = match from.poll_read_into(task, &mut self.buffer, self.next_read) {
                Poll::Ready(count) => count?,
                Poll::Pending => {
                    self.buffer = BytesMut::new();
                    // TLS may have kept the end of what it took.
                    if let Poll::Ready(Err(error)) = to.poll_flush_wire(task) {
                        return Poll::Ready(Err(error));
                    }
                    return Poll::Pending;
                }
            };
            self.total += count as u64;
            self.ended = count == 0;
            if count >= self.next_read && self.next_read < LARGEST_READ {
                self.next_read *= 2;
            }
        }
    }
    /// Moves bytes through a pipe; ready when something has changed.
    fn poll_splice(&mut self, task: &mut Context<'_>, from: &TcpStream, to: &TcpStream) -> Poll<io::Result<()>> {
        if self.pipe.is_none() {
            self.pipe = Pipe::new();
        }
        let Some(pipe) = &mut self.pipe else {
            self.unable = true;
            return Poll::Ready(Ok(()));
        };
        let moved = pipe.poll(task, from, to);
        let waits = moved.is_pending() && pipe.is_empty();
        match moved {
            Poll::Pending if waits && self.slow => {
                // Little comes: back to small reads, and the pipe is given back.
                (self.pipe, self.next_read, self.slow) = (None, FIRST_READ, false);
                return Poll::Pending;
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Moved::Bytes(count))) => {
                self.total += count as u64;
                self.slow = count < FIRST_READ;
            }
            Poll::Ready(Ok(Moved::Ended)) => (self.ended, self.pipe) = (true, None),
            Poll::Ready(Ok(Moved::Unable)) => (self.unable, self.pipe) = (true, None),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }
}

//! Gathers the frames of many streams into one write.
//! In: frames, one by one, as crate `h2` writes them. Out: one system call when the connection has no more to say.
//! Whoever drives the connection calls `poll_drain` after each poll of it; `poll_flush` alone writes nothing.

use crate::transport::Transport;
use bytes::{Buf, BytesMut};
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are gathered before they are written anyway.
const LIMIT: usize = 32 << 10;

/// A transport whose writes wait for `poll_drain`. Clones are the same.
#[derive(Clone)]
pub struct Cork(Rc<RefCell<Inner>>);

struct Inner {
    transport: Transport,
    out: BytesMut,
}

impl Cork {
    /// Corks a transport.
    pub fn new(transport: Transport) -> Self {
        Self(Rc::new(RefCell::new(Inner { transport, out: BytesMut::new() })))
    }

    /// Writes what was gathered.
    pub fn poll_drain(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_drain(task)
    }
}

impl Inner {
    fn poll_drain(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.capacity() == 0 {
            return self.transport.poll_flush_wire(task);
        }
        while !self.out.is_empty() {
            let written = ready!(self.transport.poll_write_slices(task, &[IoSlice::new(&self.out)]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(written);
        }
        self.out = BytesMut::new();
        self.transport.poll_flush_wire(task)
    }
}

impl AsyncRead for Cork {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.borrow_mut().transport).poll_read(task, buf)
    }
}

impl AsyncWrite for Cork {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(task, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let inner = &mut *self.0.borrow_mut();
        let total = slices.iter().map(|slice| slice.len()).sum::<usize>();
        if inner.out.len() + total > LIMIT {
            ready!(inner.poll_drain(task))?;
        }
        if total > LIMIT / 2 {
            ready!(inner.poll_drain(task))?;
            return inner.transport.poll_write_slices(task, slices);
        }
        inner.out.reserve(total);
        for slice in slices {
            inner.out.extend_from_slice(slice);
        }
        Poll::Ready(Ok(total))
    }

    fn poll_flush(self: Pin<&mut Self>, _task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let inner = &mut *self.0.borrow_mut();
        ready!(inner.poll_drain(task))?;
        Pin::new(&mut inner.transport).poll_shutdown(task)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

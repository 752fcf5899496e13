//! Bytes from one socket to another that never come up to user space (splice(2)).
//! In: two sockets in plain text. Out: bytes moved through a pipe, or the word that this system cannot.
//! A pipe costs two descriptors, so there is one only while much is moved.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Size that is asked for; the system may give less.
const SIZE: i32 = 1 << 20;

/// A pipe between two sockets.
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    filled: usize,
    size: usize,
}

/// What one round has come to.
pub enum Moved {
    /// So many bytes came in.
    Bytes(usize),
    /// The sender has ended its direction, and everything is out.
    Ended,
    /// This system does not splice these sockets; nothing is lost.
    Unable,
}

impl Pipe {
    /// A pipe; `None` when there are no descriptors.
    pub fn new() -> Option<Self> {
        let (read, write) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).ok()?;
        // Without leave for a larger one it stays as it is.
        let _ = fcntl(&write, FcntlArg::F_SETPIPE_SZ(SIZE));
        let size = fcntl(&write, FcntlArg::F_GETPIPE_SZ).ok().and_then(|size| usize::try_from(size).ok())?;
        Some(Self { read, write, filled: 0, size })
    }

    /// Whether bytes wait in it.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Moves bytes out, then in.
    pub fn poll(&mut self, task: &mut Context<'_>, from: &TcpStream, to: &TcpStream) -> Poll<io::Result<Moved>> {
        loop {
            while self.filled > 0 {
                ready!(to.poll_write_ready(task))?;
                let moving = || Self::run(&self.read, to, self.filled);
                match to.try_io(Interest::WRITABLE, moving) {
                    Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Ok(count) => self.filled -= count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            ready!(from.poll_read_ready(task))?;
            let moving = || Self::run(from, &self.write, self.size);
            match from.try_io(Interest::READABLE, moving) {
                Ok(0) => return Poll::Ready(Ok(Moved::Ended)),
                Ok(count) => {
                    self.filled = count;
                    return Poll::Ready(Ok(Moved::Bytes(count)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Poll::Ready(Ok(Moved::Unable)),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn run(from: impl AsFd, to: impl AsFd, most: usize) -> io::Result<usize> {
        loop {
            let flags = SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK;
            match splice(from.as_fd(), None, to.as_fd(), None, most, flags) {
                Ok(count) => return Ok(count),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

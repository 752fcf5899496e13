//! A stream of bytes to a peer, in plain text or under TLS.
//! In: a socket, or a TLS session on one. Out: reads into a growing buffer, vectored writes, half-close.
//! Nothing else in the data path knows the difference.

use crate::tls::TlsStream;
use bytes::BytesMut;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connected peer.
pub enum Transport {
    /// Plain text.
    Tcp(TcpStream),
    /// TLS, of either side.
    Tls(Box<TlsStream>),
}

impl Transport {
    /// Reads at least one byte to the end of `buf`, or 0 at the end of the stream.
    ///
    /// Room for `chunk` bytes is made only once there is something to read.
    pub fn poll_read_into(
        &mut self,
        task: &mut Context<'_>,
        buf: &mut BytesMut,
        chunk: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => {
                if buf.capacity() == buf.len() {
                    ready!(stream.poll_read_ready(task))?;
                    buf.reserve(chunk);
                }
                pin!(stream.read_buf(buf)).poll(task)
            }
            Self::Tls(stream) => stream.poll_read_into(task, buf),
        }
    }

    /// Writes some of `slices`.
    pub fn poll_write_slices(&mut self, task: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => match slices {
                [one] => Pin::new(stream).poll_write(task, one),
                _ => Pin::new(stream).poll_write_vectored(task, slices),
            },
            Self::Tls(stream) => stream.poll_write_slices(task, slices),
        }
    }

    /// Writes what was taken and not sent yet; only TLS keeps something back.
    pub fn poll_flush_wire(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => stream.poll_flush_wire(task),
        }
    }

    /// Whether the peer has closed or sent something although nothing was asked. Costs no system call when it has not.
    pub fn is_disturbed(&mut self) -> bool {
        match self {
            Self::Tcp(stream) => {
                let mut byte = [0];
                !matches!(stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            Self::Tls(stream) => stream.is_disturbed(),
        }
    }

    /// Whether ALPN has chosen HTTP/2.
    pub fn agreed_on_http2(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Tls(stream) => stream.alpn() == Some(b"h2"),
        }
    }

    /// Address of the peer.
    ///
    /// # Errors
    /// When the socket is not connected any more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr(),
            Self::Tls(stream) => stream.socket().peer_addr(),
        }
    }

    /// Own address.
    ///
    /// # Errors
    /// When the socket is not connected any more.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr(),
            Self::Tls(stream) => stream.socket().local_addr(),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(task, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(task, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(task, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(task, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(task),
            Self::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(task),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(task, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(task, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

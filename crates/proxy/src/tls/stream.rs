//! A TLS session on a socket.
//! In: a session whose handshake is over. Out: reads and writes of plain text, with one system call for many records.
//! Buffers for records are the worker's; the stream keeps bytes only while the peer owes the rest of a record,
//! or does not take what we have to say.

use super::engine::{Engine, OVERHEAD, RECORD};
use bytes::{Buf, BytesMut};
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes of the wire in one read; more than one record, so that a read never ends without progress.
const READ: usize = 64 << 10;
/// Records in one write.
const RECORDS: usize = 4;

thread_local! {
    static WIRE_IN: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
    static WIRE_OUT: RefCell<Vec<u8>> = RefCell::new(vec![0; RECORDS * (RECORD + OVERHEAD)]);
    static GATHER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(RECORD));
}

/// A session on a socket.
pub struct TlsStream {
    pub(super) socket: TcpStream,
    pub(super) engine: Engine,
    /// Of the wire, the beginning of a record.
    pub(super) incoming: BytesMut,
    /// Decrypted and not asked for yet.
    pub(super) plain: BytesMut,
    /// Of the wire, not taken by the peer yet.
    pub(super) outgoing: BytesMut,
    pub(super) peer_closed: bool,
    closed: bool,
}

/// What a session agreed on, for logs and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// Cipher, as OpenSSL calls it.
    pub cipher: &'static str,
}

impl TlsStream {
    pub(super) fn new(socket: TcpStream, engine: Engine, early: BytesMut) -> Self {
        Self {
            socket,
            engine,
            incoming: early,
            plain: BytesMut::new(),
            outgoing: BytesMut::new(),
            peer_closed: false,
            closed: false,
        }
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The protocol that was agreed on.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.engine.common().alpn_protocol()
    }

    /// Version and cipher.
    pub fn secured(&self) -> Secured {
        let common = self.engine.common();
        Secured {
            version: match common.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "",
            },
            cipher: common.negotiated_cipher_suite().map_or("", super::params::openssl_name),
        }
    }

    /// Certificates that the peer has shown, leaf first.
    pub fn peer_certificates(&self) -> &[rustls::pki_types::CertificateDer<'static>] {
        self.engine.common().peer_certificates().unwrap_or_default()
    }

    /// Takes what the socket has and works on it; `plain` grows. Ready with 0 when the socket has ended.
    /// `look` sees the bytes first.
    pub(super) fn poll_feed(
        &mut self,
        task: &mut Context<'_>,
        plain: &mut BytesMut,
        look: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        WIRE_IN.with_borrow_mut(|wire| {
            let kept = self.incoming.len();
            if kept + RECORD > wire.len() {
                // Only a handshake message of many records gets here, and those have a limit.
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            let mut buffer = ReadBuf::new(&mut wire[kept..]);
            ready!(Pin::new(&mut self.socket).poll_read(task, &mut buffer))?;
            let count = buffer.filled().len();
            if count > 0 {
                wire[..kept].copy_from_slice(&self.incoming);
                look(&wire[..kept + count]);
                self.work(&mut wire[..kept + count], plain)?;
            }
            Poll::Ready(Ok(count))
        })
    }

    /// Works on bytes that are here already.
    pub(super) fn work(&mut self, wire: &mut [u8], plain: &mut BytesMut) -> io::Result<()> {
        let fed = self.engine.feed(wire, plain, &mut self.outgoing);
        let rest = wire.get(fed.used..).unwrap_or_default();
        self.incoming = if rest.is_empty() { BytesMut::new() } else { BytesMut::from(rest) };
        self.peer_closed |= fed.closed;
        match fed.error {
            None => Ok(()),
            Some(error) => {
                // The alert was the last word.
                (self.closed, self.peer_closed) = (true, true);
                self.try_flush();
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    }

    /// Reads plain text to the end of `buf`; 0 at the end.
    pub fn poll_read_into(&mut self, task: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        if !self.plain.is_empty() {
            let count = self.plain.len();
            if buf.is_empty() {
                *buf = std::mem::take(&mut self.plain);
            } else {
                buf.extend_from_slice(&std::mem::take(&mut self.plain));
            }
            return Poll::Ready(Ok(count));
        }
        let before = buf.len();
        loop {
            if self.peer_closed {
                return Poll::Ready(Ok(0));
            }
            let count = ready!(self.poll_feed(task, buf, &mut |_| {}))?;
            self.try_flush();
            if buf.len() > before {
                return Poll::Ready(Ok(buf.len() - before));
            }
            if count == 0 {
                self.peer_closed = true;
            }
        }
    }

    /// Encrypts some of `slices` and writes it.
    pub fn poll_write_slices(&mut self, task: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush_wire(task))?;
        if self.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(self.socket.poll_write_ready(task))?;
        Poll::Ready(self.write(slices))
    }

    /// Encrypts and writes what fits into a few records; what the socket does not take is kept.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        WIRE_OUT.with_borrow_mut(|wire| {
            let mut length = 0;
            let mut taken = 0;
            let mut rest = Rest { slices, offset: 0 };
            for _ in 0..RECORDS {
                let room = wire.get_mut(length..).unwrap_or_default();
                let (engine, pending) = (&mut self.engine, &mut self.incoming);
                let Some(count) = rest.next_record(|plain| {
                    length += engine.encrypt(pending, plain, room).ok_or(io::ErrorKind::BrokenPipe)?;
                    Ok::<usize, io::ErrorKind>(plain.len())
                }) else {
                    break;
                };
                taken += count?;
            }
            self.send(&wire[..length])?;
            Ok(taken)
        })
    }

    /// Writes bytes of the wire, after those that wait.
    fn send(&mut self, wire: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        if self.outgoing.is_empty() {
            sent = match self.socket.try_write(wire) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
        }
        if sent < wire.len() {
            self.outgoing.extend_from_slice(&wire[sent..]);
        }
        Ok(())
    }

    /// Writes what waits.
    pub fn poll_flush_wire(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.capacity() == 0 {
            return Poll::Ready(Ok(()));
        }
        while !self.outgoing.is_empty() {
            let count = ready!(Pin::new(&mut self.socket).poll_write(task, &self.outgoing))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(count);
        }
        self.outgoing = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Writes what waits as far as the socket takes it now.
    fn try_flush(&mut self) {
        while !self.outgoing.is_empty() {
            match self.socket.try_write(&self.outgoing) {
                Ok(count) if count > 0 => self.outgoing.advance(count),
                // What is wrong is found by the next read or write.
                _ => return,
            }
        }
        self.outgoing = BytesMut::new();
    }

    fn say_goodbye(&mut self) {
        if std::mem::replace(&mut self.closed, true) || self.engine.common().is_handshaking() {
            return;
        }
        let mut alert = [0; 2 * OVERHEAD];
        if let Some(length) = self.engine.close(&mut self.incoming, &mut alert) {
            // A peer that takes nothing more needs no goodbye.
            let _ = self.send(&alert[..length]);
        }
    }

    /// Whether the peer has closed or sent something although nothing was asked; tickets and key updates do not count.
    pub fn is_disturbed(&mut self) -> bool {
        if self.peer_closed || !self.plain.is_empty() {
            return true;
        }
        WIRE_IN.with_borrow_mut(|wire| {
            loop {
                let kept = self.incoming.len();
                if kept + RECORD > wire.len() {
                    return true;
                }
                let count = match self.socket.try_read(&mut wire[kept..]) {
                    Ok(0) => return true,
                    Ok(count) => count,
                    Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
                };
                wire[..kept].copy_from_slice(&self.incoming);
                let mut plain = BytesMut::new();
                if self.work(&mut wire[..kept + count], &mut plain).is_err() || self.peer_closed || !plain.is_empty() {
                    return true;
                }
                self.try_flush();
            }
        })
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.plain.is_empty() {
            let mut plain = BytesMut::new();
            let read = this.poll_read_into(task, &mut plain);
            this.plain = plain;
            ready!(read)?;
        }
        let count = this.plain.len().min(buf.remaining());
        buf.put_slice(&this.plain[..count]);
        this.plain.advance(count);
        if this.plain.is_empty() {
            this.plain = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_slices(task, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_slices(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush_wire(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.say_goodbye();
        ready!(this.poll_flush_wire(task))?;
        Pin::new(&mut this.socket).poll_shutdown(task)
    }
}

impl Drop for TlsStream {
    fn drop(&mut self) {
        // Without it a client cannot tell the end from an attack (RFC 8446 section 6.1).
        self.say_goodbye();
    }
}

/// What of some slices is still to be encrypted.
struct Rest<'a> {
    slices: &'a [IoSlice<'a>],
    offset: usize,
}

impl Rest<'_> {
    /// Hands out the plain text of one record: a part of a large piece, or small pieces put together.
    fn next_record<T>(&mut self, encrypt: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let first = loop {
            let (slice, others) = self.slices.split_first()?;
            match slice.get(self.offset..).filter(|left| !left.is_empty()) {
                Some(left) => break left,
                None => (self.slices, self.offset) = (others, 0),
            }
        };
        if first.len() >= RECORD || self.slices.len() == 1 {
            let part = &first[..first.len().min(RECORD)];
            self.offset += part.len();
            return Some(encrypt(part));
        }
        GATHER.with_borrow_mut(|gather| {
            gather.clear();
            while let Some(slice) = self.slices.first() {
                let left = slice.get(self.offset..).unwrap_or_default();
                let part = &left[..left.len().min(RECORD - gather.len())];
                gather.extend_from_slice(part);
                self.offset += part.len();
                if self.offset < slice.len() {
                    break;
                }
                (self.slices, self.offset) = (&self.slices[1..], 0);
            }
            Some(encrypt(gather))
        })
    }
}

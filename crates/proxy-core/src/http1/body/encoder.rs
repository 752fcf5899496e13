//! Writes bodies: as they are when the length is known, else in chunks.
//!
//! In: sizes of data, or data. Out: bytes to write before and after data, so that the shell can
//! use vectored writes; or everything in one buffer. A body never gets longer than announced.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use crate::headers::Headers;

use super::BodyFraming;

/// A body whose size is not the announced `Content-Length`; the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LengthMismatch {
    /// More data than announced, or data where there is no body.
    #[error("body longer than announced")]
    TooLong,
    /// The body ended early.
    #[error("body shorter than announced by {0} bytes")]
    TooShort(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    Chunked,
    Raw,
    Done,
}

/// Writes one body.
#[derive(Debug, Clone)]
pub struct BodyEncoder {
    state: State,
}

/// What goes around a piece of data on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    prefix: [u8; 18],
    start: u8,
    suffix: &'static [u8],
}

impl Frame {
    const BARE: Frame = Frame { prefix: [0; 18], start: 18, suffix: b"" };

    fn chunk(size: usize) -> Self {
        let mut frame = Frame { prefix: [0; 18], start: 16, suffix: b"\r\n" };
        frame.prefix[16] = b'\r';
        frame.prefix[17] = b'\n';
        let mut rest = size as u64;
        while rest > 0 || frame.start == 16 {
            frame.start -= 1;
            frame.prefix[frame.start as usize] = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        frame
    }

    /// The bytes before the data; may be empty.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix[self.start as usize..]
    }

    /// The bytes after the data; may be empty.
    #[must_use]
    pub fn suffix(&self) -> &'static [u8] {
        self.suffix
    }
}

impl BodyEncoder {
    /// An encoder of one body with the framing the head announced.
    #[must_use]
    pub fn new(framing: BodyFraming) -> Self {
        let state = match framing {
            BodyFraming::None | BodyFraming::Length(0) => State::Done,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::Chunked,
            BodyFraming::UntilClose | BodyFraming::Tunnel => State::Raw,
        };
        Self { state }
    }

    /// The frame around the next `size` bytes of data. Write prefix, data and suffix.
    ///
    /// # Errors
    /// When the data is more than was announced.
    pub fn frame(&mut self, size: usize) -> Result<Frame, LengthMismatch> {
        if size == 0 {
            return Ok(Frame::BARE);
        }
        match self.state {
            State::Raw => Ok(Frame::BARE),
            State::Chunked => Ok(Frame::chunk(size)),
            State::Length(left) => match left.checked_sub(size as u64) {
                Some(0) => {
                    self.state = State::Done;
                    Ok(Frame::BARE)
                }
                Some(left) => {
                    self.state = State::Length(left);
                    Ok(Frame::BARE)
                }
                None => Err(LengthMismatch::TooLong),
            },
            State::Done => Err(LengthMismatch::TooLong),
        }
    }

    /// Appends data with its frame to `out`; for small pieces.
    ///
    /// # Errors
    /// When the data is more than was announced.
    pub fn write(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), LengthMismatch> {
        let frame = self.frame(data.len())?;
        out.reserve(data.len() + 20);
        out.put_slice(frame.prefix());
        out.put_slice(data);
        out.put_slice(frame.suffix());
        Ok(())
    }

    /// Appends what ends the body: the last chunk with trailers, or nothing.
    ///
    /// Trailers need chunks; with other framing they are not written, as in Envoy.
    ///
    /// # Errors
    /// When less data came than was announced.
    pub fn finish(&mut self, trailers: Option<&Headers>, out: &mut BytesMut) -> Result<(), LengthMismatch> {
        let state = std::mem::replace(&mut self.state, State::Done);
        match state {
            State::Length(left) => return Err(LengthMismatch::TooShort(left)),
            State::Chunked => {
                out.put_slice(b"0\r\n");
                for (name, value) in trailers.into_iter().flat_map(Headers::iter_bytes) {
                    out.put_slice(name);
                    out.put_slice(b": ");
                    out.put_slice(value);
                    out.put_slice(b"\r\n");
                }
                out.put_slice(b"\r\n");
            }
            State::Raw | State::Done => {}
        }
        Ok(())
    }
}

//! Bodies of HTTP/1 messages: framing, decoding, encoding (RFC 9112 sections 6 and 7).
//!
//! In: the read buffer after a head, or data to send. Out: data as shares of the buffer,
//! trailers, the end; or chunk frames around data that is never copied here unless asked.
//! Never here: unbounded lines; sizes, extensions and trailers have limits.

use bytes::{Buf, Bytes, BytesMut};

use crate::headers::{Headers, name};

use super::ParseError;
use super::field::{self, Limits};
use super::request::UnderscoresAction;
use super::scan::Scanner;

pub use encoder::{BodyEncoder, Frame, LengthMismatch};

mod encoder;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyFraming {
    /// No body: none was announced, or none may follow (HEAD, 1xx, 204, 304).
    #[default]
    None,
    /// `Content-Length`; may be 0.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The connection closes at the end (responses only).
    UntilClose,
    /// All further bytes belong to an upgraded protocol or a CONNECT tunnel.
    Tunnel,
}

impl BodyFraming {
    /// Whether no byte of a body follows.
    #[must_use]
    pub fn is_empty(self) -> bool {
        matches!(self, BodyFraming::None | BodyFraming::Length(0))
    }
}

/// What `BodyDecoder::decode` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A piece of the body, never empty.
    Data(Bytes),
    /// The trailers, at most once, after all data. Only when trailers are enabled.
    Trailers(Headers),
    /// The body is complete; further bytes belong to the next message.
    End,
    /// More bytes are needed.
    NeedMore,
}

/// Longest chunk size line in bytes, its extension included.
const MAX_CHUNK_LINE: usize = 4096;
/// Most hex digits of a chunk size.
const MAX_CHUNK_DIGITS: usize = 16;
/// Most bytes of chunk extensions in one body.
const MAX_EXTENSION_BYTES: usize = 16 * 1024;
/// Largest trailer section in bytes, and most trailers.
const MAX_TRAILER_BYTES: usize = 60 * 1024;
const MAX_TRAILERS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

/// Takes one body apart.
#[derive(Debug, Clone)]
pub struct BodyDecoder {
    state: State,
    enable_trailers: bool,
    extension_bytes: usize,
    scanner: Scanner,
}

impl BodyDecoder {
    /// A decoder of one body. Trailers are checked always, and kept with `enable_trailers`.
    #[must_use]
    pub fn new(framing: BodyFraming, enable_trailers: bool) -> Self {
        let state = match framing {
            BodyFraming::None | BodyFraming::Length(0) => State::Done,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::ChunkSize,
            BodyFraming::UntilClose | BodyFraming::Tunnel => State::UntilClose,
        };
        Self { state, enable_trailers, extension_bytes: 0, scanner: Scanner::default() }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Says that the peer closed the connection.
    ///
    /// # Errors
    /// When the body is not complete.
    pub fn close(&mut self) -> Result<(), ParseError> {
        match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(ParseError::UnexpectedEof),
        }
    }

    /// Takes the next piece off the front of `buf`.
    ///
    /// # Errors
    /// When chunk framing is broken or a limit is exceeded; the connection must be closed.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Decoded, ParseError> {
        loop {
            match self.state {
                State::Done => return Ok(Decoded::End),
                State::UntilClose if buf.is_empty() => return Ok(Decoded::NeedMore),
                State::UntilClose => return Ok(Decoded::Data(buf.split().freeze())),
                State::Length(left) => {
                    return Ok(match data(buf, left) {
                        None => Decoded::NeedMore,
                        Some((data, 0)) => {
                            self.state = State::Done;
                            Decoded::Data(data)
                        }
                        Some((data, left)) => {
                            self.state = State::Length(left);
                            Decoded::Data(data)
                        }
                    });
                }
                State::ChunkData(left) => {
                    return Ok(match data(buf, left) {
                        None => Decoded::NeedMore,
                        Some((data, 0)) => {
                            self.state = State::ChunkEnd;
                            Decoded::Data(data)
                        }
                        Some((data, left)) => {
                            self.state = State::ChunkData(left);
                            Decoded::Data(data)
                        }
                    });
                }
                State::ChunkEnd => {
                    let seen = buf.len().min(2);
                    if buf[..seen] != b"\r\n"[..seen] {
                        return Err(ParseError::InvalidChunkEnd);
                    }
                    if seen < 2 {
                        return Ok(Decoded::NeedMore);
                    }
                    buf.advance(2);
                    self.state = State::ChunkSize;
                }
                State::ChunkSize => match self.chunk_size(buf)? {
                    None => return Ok(Decoded::NeedMore),
                    Some(0) => self.state = State::Trailers,
                    Some(size) => self.state = State::ChunkData(size),
                },
                State::Trailers => return self.trailers(buf),
            }
        }
    }

    /// The size line of a chunk, taken off the buffer when it is complete.
    fn chunk_size(&mut self, buf: &mut BytesMut) -> Result<Option<u64>, ParseError> {
        let searched = &buf[..buf.len().min(MAX_CHUNK_LINE)];
        let Some(end) = memchr::memchr(b'\n', searched) else {
            // Sizes are checked early, so that garbage does not wait for the end of its line.
            hex(searched)?;
            return if searched.len() == MAX_CHUNK_LINE { Err(ParseError::InvalidChunkExtension) } else { Ok(None) };
        };
        let Some((b'\r', line)) = searched[..end].split_last() else {
            return Err(ParseError::InvalidChunkSize);
        };
        let (size, digits) = hex(line)?;
        if digits == 0 {
            return Err(ParseError::InvalidChunkSize);
        }
        let extension = &line[digits..];
        // Envoy ignores whatever follows the size after `;` or a space.
        let control = |&byte: &u8| (byte < 0x20 && byte != b'\t') || byte == 0x7f;
        self.extension_bytes += extension.len();
        if extension.iter().any(control) || self.extension_bytes > MAX_EXTENSION_BYTES {
            return Err(ParseError::InvalidChunkExtension);
        }
        buf.advance(end + 1);
        Ok(Some(size))
    }

    /// The trailer section, up to its empty line.
    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Decoded, ParseError> {
        if self.scanner.lines == 0 {
            if buf.starts_with(b"\r\n") {
                buf.advance(2);
                self.state = State::Done;
                return Ok(Decoded::End);
            }
            if matches!(buf[..], [] | [b'\r']) {
                return Ok(Decoded::NeedMore);
            }
        }
        let found = self.scanner.find(buf, MAX_TRAILER_BYTES);
        let Some(end) = found.map_err(|error| match error {
            ParseError::HeadersTooLarge => ParseError::TrailersTooLarge,
            other => other,
        })?
        else {
            return Ok(Decoded::NeedMore);
        };
        let lines = self.scanner.lines;
        let mut section = buf.split_to(end);
        let limits = Limits {
            max_headers: MAX_TRAILERS,
            underscores: UnderscoresAction::Allow,
            too_many: ParseError::TrailersTooLarge,
        };
        let mut fields = field::parse(&mut section, 0, lines, limits)?;
        self.state = State::Done;
        if !self.enable_trailers {
            return Ok(Decoded::End);
        }
        let mut trailers = std::mem::take(&mut fields.headers);
        trailers.attach(section.freeze());
        // RFC 9110 section 6.5.1: framing, routing and connection fields are no trailers.
        trailers.retain(|header, _| {
            !matches!(
                header,
                name::CONTENT_LENGTH
                    | name::TRANSFER_ENCODING
                    | name::CONNECTION
                    | name::UPGRADE
                    | name::TE
                    | name::TRAILER
                    | name::KEEP_ALIVE
                    | name::PROXY_CONNECTION
            )
        });
        Ok(if trailers.is_empty() { Decoded::End } else { Decoded::Trailers(trailers) })
    }
}

/// Up to `left` bytes of the buffer, and how many are left after them.
fn data(buf: &mut BytesMut, left: u64) -> Option<(Bytes, u64)> {
    if buf.is_empty() {
        return None;
    }
    let size = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
    Some((buf.split_to(size).freeze(), left - size as u64))
}

/// The number at the start of a chunk size line, and how many digits it has.
fn hex(line: &[u8]) -> Result<(u64, usize), ParseError> {
    let mut size = 0_u64;
    for (digits, &byte) in line.iter().enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b';' | b' ' | b'\t' if digits > 0 => return Ok((size, digits)),
            b'\r' if digits > 0 && digits + 1 == line.len() => return Ok((size, digits)),
            _ => return Err(ParseError::InvalidChunkSize),
        };
        if digits >= MAX_CHUNK_DIGITS {
            return Err(ParseError::InvalidChunkSize);
        }
        size = (size << 4) | u64::from(digit);
    }
    Ok((size, line.len()))
}

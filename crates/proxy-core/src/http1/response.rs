//! Response heads: from the read buffer of an upstream connection to a `ParsedResponse`.
//!
//! In: bytes as they arrive, and what was asked. Out: nothing yet, a checked head, or an error,
//! which the proxy turns into 502 with the flag `UPE`. Interim responses come out one by one.

use bytes::{Bytes, BytesMut};

use crate::headers::{Method, ResponseHead, Version, name};

use super::ParseError;
use super::body::BodyFraming;
use super::field::{self, Limits};
use super::hop;
use super::request::UnderscoresAction;
use super::scan::{self, Scanner};

/// What an upstream may send; the defaults are Envoy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseOptions {
    /// Largest head in bytes (`max_response_headers_kb`).
    pub max_head_bytes: usize,
    /// Most headers in a head (`max_headers_count`).
    pub max_headers: usize,
    /// Drop `Content-Length` beside `Transfer-Encoding: chunked` (`allow_chunked_length`).
    pub allow_chunked_length: bool,
    /// Pass trailers on instead of dropping them (`enable_trailers`).
    pub enable_trailers: bool,
}

impl Default for ResponseOptions {
    fn default() -> Self {
        Self { max_head_bytes: 60 * 1024, max_headers: 100, allow_chunked_length: false, enable_trailers: false }
    }
}

/// The request that a response answers, as far as framing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseContext {
    /// The request was HEAD: its response has no body.
    pub head: bool,
    /// The request was CONNECT: a 2xx opens a tunnel.
    pub connect: bool,
    /// The request asked for an upgrade: a 101 opens a tunnel.
    pub upgrade: bool,
}

impl ResponseContext {
    /// The context of a request with `method`.
    #[must_use]
    pub fn of(method: &Method, upgrade: bool) -> Self {
        Self { head: *method == Method::Head, connect: *method == Method::Connect, upgrade }
    }
}

/// A response whose head is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedResponse {
    /// The head, with its hop-by-hop headers.
    pub head: ResponseHead,
    /// How the body that follows is framed. `None` for interim responses: another head follows.
    pub body: BodyFraming,
    /// Whether the upstream lets the connection be used again after this response.
    pub keep_alive: bool,
}

/// Reads response heads of one connection, one after another.
#[derive(Debug, Default, Clone)]
pub struct Parser {
    scanner: Scanner,
}

/// Parses one head from a buffer that holds it whole; see [`Parser::parse`].
///
/// # Errors
/// As [`Parser::parse`].
pub fn parse(
    buf: &mut BytesMut,
    context: ResponseContext,
    options: &ResponseOptions,
) -> Result<Option<ParsedResponse>, ParseError> {
    Parser::default().parse(buf, context, options)
}

impl Parser {
    /// Takes one head off the front of `buf`; `None` when it is not complete.
    ///
    /// Call again when bytes have been added at the end of the same buffer, and after an
    /// interim response (1xx but 101) for the next head.
    ///
    /// # Errors
    /// When the bytes are no acceptable response. The connection must be closed.
    pub fn parse(
        &mut self,
        buf: &mut BytesMut,
        context: ResponseContext,
        options: &ResponseOptions,
    ) -> Result<Option<ParsedResponse>, ParseError> {
        if self.scanner.lines == 0 && buf.first().is_some_and(|&byte| byte != b'H') {
            return Err(ParseError::InvalidStatusLine);
        }
        let limit = options.max_head_bytes.min(u32::MAX as usize / 2);
        let end = self.scanner.find(buf, limit)?;
        let (Some(end), Some(first_line)) = (end, self.scanner.first_line) else {
            return Ok(None);
        };
        let (version, status) = status_line(&buf[..first_line])?;
        let lines = self.scanner.lines;
        *self = Self::default();
        let mut head = buf.split_to(end);
        let limits = Limits {
            max_headers: options.max_headers,
            underscores: UnderscoresAction::Allow,
            too_many: ParseError::TooManyHeaders,
        };
        let mut fields = field::parse(&mut head, first_line + 2, lines, limits)?;
        let head = head.freeze();
        complete(&head, version, status, &mut fields, context, options).map(Some)
    }
}

/// Version and status of `HTTP/1.1 200 OK`; the reason may be missing and is not kept.
fn status_line(line: &[u8]) -> Result<(Version, u16), ParseError> {
    let version = match line.get(..9) {
        Some(b"HTTP/1.1 ") => Version::Http11,
        Some(b"HTTP/1.0 ") => Version::Http10,
        _ => return Err(ParseError::InvalidVersion),
    };
    match line.get(9..).unwrap_or_default() {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', reason @ ..]
            if matches!(reason, [] | [b' ', ..]) && !reason.contains(&0) =>
        {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Ok((version, digit(a) * 100 + digit(b) * 10 + digit(c)))
        }
        _ => Err(ParseError::InvalidStatusLine),
    }
}

/// Judges a head as a whole (RFC 9112 section 6.3).
fn complete(
    head: &Bytes,
    version: Version,
    status: u16,
    fields: &mut field::Fields,
    context: ResponseContext,
    options: &ResponseOptions,
) -> Result<ParsedResponse, ParseError> {
    let mut headers = std::mem::take(&mut fields.headers);
    headers.attach(head.clone());
    let length = fields.length(head)?;
    if fields.transfer_encoding.is_some() && length.is_some() {
        if !options.allow_chunked_length || !fields.chunked(head)? {
            return Err(ParseError::ContentLengthNotAllowed);
        }
        headers.remove(name::CONTENT_LENGTH);
    }
    let chunked = fields.chunked(head)?;
    if chunked && version == Version::Http10 {
        return Err(ParseError::TransferEncodingNotAllowed);
    }
    let tunnel = (status == 101 && context.upgrade) || (context.connect && (200..300).contains(&status));
    if status == 101 && !context.upgrade {
        return Err(ParseError::UnexpectedUpgrade);
    }
    if chunked && context.connect && tunnel {
        return Err(ParseError::InvalidTransferEncoding);
    }
    if status < 200 || status == 204 {
        if chunked {
            return Err(ParseError::TransferEncodingNotAllowed);
        }
        if length.is_some_and(|length| length > 0) {
            return Err(ParseError::ContentLengthNotAllowed);
        }
        headers.remove(name::CONTENT_LENGTH);
    }
    // A host in a response means nothing; it is kept as any other header.
    if let Some(span) = fields.host {
        headers.append(name::HOST, scan::slice(head, span));
    }
    let body = match (chunked, length) {
        _ if tunnel => BodyFraming::Tunnel,
        _ if context.head || status < 200 || status == 204 || status == 304 => BodyFraming::None,
        (true, _) => BodyFraming::Chunked,
        (false, Some(length)) => BodyFraming::Length(length),
        (false, None) => BodyFraming::UntilClose,
    };
    let close =
        hop::names(&headers, name::CONNECTION, b"close") || hop::names(&headers, name::PROXY_CONNECTION, b"close");
    let stay = version != Version::Http10 || hop::names(&headers, name::CONNECTION, b"keep-alive");
    let framed = !matches!(body, BodyFraming::UntilClose | BodyFraming::Tunnel);
    Ok(ParsedResponse { head: ResponseHead { status, headers, version }, body, keep_alive: framed && !close && stay })
}

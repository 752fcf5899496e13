//! Header lines of a head or of trailers: checked, lower-cased in place, kept as spans.
//!
//! In: the mutable bytes of a head whose lines all end with CRLF. Out: spans, and the few
//! headers that decide about framing and about the connection.
//! Never here: a decision; `request` and `response` judge what was found.

use crate::headers::Headers;

use super::ParseError;
use super::request::UnderscoresAction;

/// A range (start, end) of the head.
pub(super) type Span = (u32, u32);

/// One header line as ranges of the head.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) name: Span,
    pub(super) value: Span,
}

/// The header lines of a head.
#[derive(Default)]
pub(super) struct Fields {
    /// All but `host`; spans of the head, which is attached when it is frozen.
    pub(super) headers: Headers,
    pub(super) host: Option<Span>,
    pub(super) content_length: Option<Span>,
    pub(super) transfer_encoding: Option<Span>,
    /// `transfer-encoding` came more than once.
    pub(super) repeated_transfer_encoding: bool,
    /// `connection` or `proxy-connection` came.
    pub(super) connection: bool,
    pub(super) upgrade: bool,
    pub(super) expect: Option<Span>,
}

/// The lower-case form of every token byte; 0 for bytes that no name may have.
const LOWER: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        if crate::headers::name::TOKEN[byte] {
            table[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// How names with underscores are treated and how many headers there may be.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_headers: usize,
    pub(super) underscores: UnderscoresAction,
    /// What is said when there are too many.
    pub(super) too_many: ParseError,
}

/// Parses the lines in `head[from..]`, which ends with an empty line.
///
/// Names are lower-cased in place.
pub(super) fn parse(head: &mut [u8], from: usize, expected: usize, limits: Limits) -> Result<Fields, ParseError> {
    // Room for what a proxy adds: x-forwarded-for, x-request-id and the like.
    let headers = Headers::with_capacity(expected.min(limits.max_headers) + 8);
    let mut fields = Fields { headers, ..Fields::default() };
    let mut at = from;
    loop {
        let rest = head.get(at..).unwrap_or_default();
        // The scanner has seen CRLF at the end of every line and an empty line at the end.
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return Err(ParseError::InvalidHeaderLine);
        };
        let line_end = at + length.saturating_sub(1);
        if line_end == at {
            return Ok(fields);
        }
        let line = line(head, at, line_end)?;
        at = line_end + 2;
        if fields.headers.len() + usize::from(fields.host.is_some()) >= limits.max_headers {
            return Err(limits.too_many);
        }
        let name = &head[line.name.0 as usize..line.name.1 as usize];
        if limits.underscores != UnderscoresAction::Allow && memchr::memchr(b'_', name).is_some() {
            match limits.underscores {
                UnderscoresAction::DropHeader => continue,
                _ => return Err(ParseError::Underscore),
            }
        }
        fields.note(name, line)?;
    }
}

/// Checks one line `head[start..end]` (without CRLF) and lower-cases its name.
fn line(head: &mut [u8], start: usize, end: usize) -> Result<Line, ParseError> {
    let mut colon = start;
    for byte in &mut head[start..end] {
        let lower = LOWER[*byte as usize];
        if lower == 0 {
            break;
        }
        *byte = lower;
        colon += 1;
    }
    if colon == end || (colon == start && matches!(head[start], b' ' | b'\t')) {
        return Err(ParseError::InvalidHeaderLine);
    }
    if colon == start || head[colon] != b':' {
        return Err(ParseError::InvalidHeaderName);
    }
    let (mut first, mut last) = (colon + 1, end);
    while first < last && matches!(head[first], b' ' | b'\t') {
        first += 1;
    }
    while first < last && matches!(head[last - 1], b' ' | b'\t') {
        last -= 1;
    }
    if !is_value(&head[first..last]) {
        return Err(ParseError::InvalidHeaderValue);
    }
    // A head is far smaller than 4 GiB: its limit is given in KiB by a 32 bit number at most,
    // and `Scanner` is asked with a limit below `u32::MAX`.
    Ok(Line { name: (start as u32, colon as u32), value: (first as u32, last as u32) })
}

/// Whether a value has no control bytes but HTAB (RFC 9110 section 5.5); bytes above 0x7f may be.
fn is_value(value: &[u8]) -> bool {
    !value.iter().fold(false, |bad, &byte| bad | ((byte < 0x20) & (byte != b'\t')) | (byte == 0x7f))
}

impl Fields {
    /// Keeps a line, or its place when the header decides about framing or the host.
    fn note(&mut self, name: &[u8], line: Line) -> Result<(), ParseError> {
        match name {
            b"host" => {
                // `Host` is carried as the authority of the head.
                return match self.host.replace(line.value) {
                    Some(_) => Err(ParseError::DuplicateHost),
                    None => Ok(()),
                };
            }
            b"content-length" => {
                let repeated = self.content_length.replace(line.value).is_some();
                if repeated {
                    return Err(ParseError::DuplicateContentLength);
                }
            }
            b"transfer-encoding" => {
                let repeated = self.transfer_encoding.replace(line.value).is_some();
                self.repeated_transfer_encoding |= repeated;
            }
            b"connection" | b"proxy-connection" => self.connection = true,
            b"upgrade" => self.upgrade = true,
            b"expect" => self.expect = Some(line.value),
            _ => {}
        }
        self.headers.push_span(name, line.name, line.value);
        Ok(())
    }

    /// The value of `content-length`, checked.
    pub(super) fn length(&self, head: &[u8]) -> Result<Option<u64>, ParseError> {
        self.content_length
            .map(|span| decimal(bytes_of(head, span)).ok_or(ParseError::InvalidContentLength))
            .transpose()
    }

    /// Whether the body is chunked; an unknown transfer coding is an error.
    pub(super) fn chunked(&self, head: &[u8]) -> Result<bool, ParseError> {
        match self.transfer_encoding {
            None => Ok(false),
            Some(span) if !self.repeated_transfer_encoding && bytes_of(head, span).eq_ignore_ascii_case(b"chunked") => {
                Ok(true)
            }
            Some(_) => Err(ParseError::InvalidTransferEncoding),
        }
    }
}

/// The bytes of a range of the head.
pub(super) fn bytes_of(head: &[u8], (start, end): Span) -> &[u8] {
    &head[start as usize..end as usize]
}

/// A decimal number without sign, spaces or leading zeros.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text[0] == b'0') {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

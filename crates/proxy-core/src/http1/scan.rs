//! Finds the end of a message head in a buffer that grows, without looking at a byte twice.
//!
//! In: the read buffer and how far it was scanned. Out: the length of the head, or nothing yet.
//! A line that ends with LF alone is refused here, so a later reader sees CRLF lines only.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::ParseError;

/// Progress in one head. Reset for every message.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Scanner {
    /// Bytes that need no second look.
    scanned: usize,
    /// Where the line begins that is not complete.
    line_start: usize,
    /// Lines seen that far.
    pub(super) lines: usize,
    /// Length of the first line without CRLF, once it is complete.
    pub(super) first_line: Option<usize>,
}

impl Scanner {
    /// The length of the head, with its empty line, when it is complete.
    pub(super) fn find(&mut self, bytes: &[u8], limit: usize) -> Result<Option<usize>, ParseError> {
        while let Some(offset) = memchr(b'\n', bytes.get(self.scanned..).unwrap_or_default()) {
            let at = self.scanned + offset;
            if at >= limit {
                return Err(ParseError::HeadersTooLarge);
            }
            if at == 0 || bytes[at - 1] != b'\r' {
                return Err(ParseError::BareLf);
            }
            if at == self.line_start + 1 && self.lines > 0 {
                return Ok(Some(at + 1));
            }
            self.first_line.get_or_insert(at - 1);
            self.lines += 1;
            self.line_start = at + 1;
            self.scanned = at + 1;
        }
        self.scanned = bytes.len();
        if bytes.len() > limit {
            return Err(ParseError::HeadersTooLarge);
        }
        Ok(None)
    }
}

/// Drops empty lines before a message (RFC 9112 section 2.2); says whether there were any.
pub(super) fn skip_empty_lines(buf: &mut BytesMut) -> bool {
    let mut skipped = false;
    while buf.starts_with(b"\r\n") {
        buf.advance(2);
        skipped = true;
    }
    skipped
}

/// The bytes of a range; the codec makes only ranges inside the head.
pub(super) fn slice(head: &Bytes, (start, end): (u32, u32)) -> Bytes {
    head.slice(start as usize..end as usize)
}

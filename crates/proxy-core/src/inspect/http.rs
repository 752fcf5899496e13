//! Whether a connection in plain text speaks HTTP, and which.
//! In: the first bytes. Out: the protocol as filter chains name it: `http/1.0`, `http/1.1`, `h2c`.

use super::Inspected;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Longest request line that is waited for.
const LONGEST: usize = 8 << 10;
/// Longest method.
const METHOD: usize = 32;

/// Recognises HTTP by its preface or its request line.
#[must_use]
pub fn http(bytes: &[u8]) -> Inspected<&'static str> {
    let seen = bytes.len().min(PREFACE.len());
    if bytes[..seen] == PREFACE[..seen] {
        return if seen == PREFACE.len() { Inspected::Yes("h2c") } else { Inspected::More };
    }
    // Empty lines before a request are allowed (RFC 9112 section 2.2).
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    if start > 4 {
        return Inspected::No;
    }
    let bytes = &bytes[start..];
    let method = bytes.iter().position(|byte| !is_token(*byte)).unwrap_or(bytes.len());
    if method > METHOD || (method < bytes.len() && (method == 0 || bytes[method] != b' ')) {
        return Inspected::No;
    }
    let line = match memchr::memchr(b'\n', bytes) {
        Some(end) => &bytes[..end],
        None if bytes.len() >= LONGEST => return Inspected::No,
        None => return Inspected::More,
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.ends_with(b" HTTP/1.1") {
        Inspected::Yes("http/1.1")
    } else if line.ends_with(b" HTTP/1.0") {
        Inspected::Yes("http/1.0")
    } else {
        Inspected::No
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

//! The head of a request and of a response, the same for HTTP/1 and HTTP/2.
//!
//! In: what a codec has parsed and checked. Out: what filters read and change, and what is encoded.
//! The authority is not in `headers`: `Host` of HTTP/1 and `:authority` of HTTP/2 are one field.

use std::fmt;

use bytes::Bytes;

use super::Headers;

/// The protocol version a message was received with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
    /// HTTP/2
    Http2,
}

impl Version {
    /// The text of Envoy's `%PROTOCOL%`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
            Version::Http2 => "HTTP/2",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request method; case counts (RFC 9110 section 9.1).
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// `GET`
    #[default]
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `CONNECT`
    Connect,
    /// `OPTIONS`
    Options,
    /// `TRACE`
    Trace,
    /// `PATCH`
    Patch,
    /// Any other token; never one of the above.
    Other(Bytes),
}

impl Method {
    /// One of the named methods, or `None`.
    #[must_use]
    pub fn common(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            b"PATCH" => Method::Patch,
            _ => return None,
        })
    }

    /// Any method that is a token (RFC 9110 section 5.6.2); `None` for other bytes.
    #[must_use]
    pub fn decode(text: &[u8]) -> Option<Self> {
        if let Some(method) = Self::common(text) {
            return Some(method);
        }
        super::name::is_token(text).then(|| Method::Other(Bytes::copy_from_slice(text)))
    }

    /// The method as bytes of the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Method::Get => b"GET",
            Method::Head => b"HEAD",
            Method::Post => b"POST",
            Method::Put => b"PUT",
            Method::Delete => b"DELETE",
            Method::Connect => b"CONNECT",
            Method::Options => b"OPTIONS",
            Method::Trace => b"TRACE",
            Method::Patch => b"PATCH",
            Method::Other(text) => text,
        }
    }

    /// The method as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether the method is safe (RFC 9110 section 9.2.1).
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options | Method::Trace)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// `:scheme` of HTTP/2, or the scheme of an absolute-form target; else unknown.
    pub scheme: Option<Bytes>,
    /// `:authority` or `Host`; may be empty.
    pub authority: Bytes,
    /// Path and query as received (origin-form); empty for CONNECT, `*` for OPTIONS.
    pub path: Bytes,
    /// Headers without `host`.
    pub headers: Headers,
    /// `:protocol` of extended CONNECT (RFC 8441), or the protocol of an accepted upgrade.
    pub protocol: Option<Bytes>,
    /// The version the request came with.
    pub version: Version,
}

impl RequestHead {
    /// The path without its query.
    #[must_use]
    pub fn path_only(&self) -> &[u8] {
        match memchr::memchr(b'?', &self.path) {
            Some(at) => &self.path[..at],
            None => &self.path,
        }
    }

    /// The query without its `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&[u8]> {
        memchr::memchr(b'?', &self.path).map(|at| &self.path[at + 1..])
    }

    /// The authority as text; empty when it is not UTF-8.
    #[must_use]
    pub fn authority_str(&self) -> &str {
        std::str::from_utf8(&self.authority).unwrap_or_default()
    }

    /// Path and query as text; empty when they are not UTF-8.
    #[must_use]
    pub fn path_str(&self) -> &str {
        std::str::from_utf8(&self.path).unwrap_or_default()
    }

    /// Size as Envoy counts request headers, pseudo headers included, in bytes.
    #[must_use]
    pub fn byte_size(&self) -> usize {
        let pseudo = ":method".len() + self.method.as_bytes().len();
        let scheme = ":scheme".len() + self.scheme.as_ref().map_or(0, Bytes::len);
        let path = ":path".len() + self.path.len();
        let authority = ":authority".len() + self.authority.len();
        pseudo + scheme + path + authority + self.headers.byte_size()
    }
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseHead {
    /// Status code, 100 to 999.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// The version the response came with.
    pub version: Version,
}

impl ResponseHead {
    /// A response with this status and no headers.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Whether this is an interim response (1xx) other than 101.
    #[must_use]
    pub fn is_informational(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// The bytes that may stand in an authority.
const AUTHORITY: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_usize;
    while byte < 128 {
        table[byte] = matches!(byte as u8,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'$' | b'%' | b'&' | b'\'' | b'(' | b')'
            | b'*' | b'+' | b',' | b'-' | b'.' | b':' | b';' | b'=' | b'@' | b'[' | b']' | b'_' | b'~');
        byte += 1;
    }
    table
};

/// Whether every byte may stand in an authority (RFC 3986 section 3.2, as Envoy checks it).
///
/// An empty authority passes: `Host:` without a value is a host.
#[must_use]
pub fn is_authority(authority: &[u8]) -> bool {
    authority.iter().all(|&byte| AUTHORITY[byte as usize])
}

//! Request heads: from the read buffer of a downstream connection to a `ParsedRequest`.
//!
//! In: bytes as they arrive, in any pieces. Out: nothing yet, a checked head, or a `ParseError`.
//! The checks and their order are those of Envoy 1.40's HTTP/1 codec and connection manager,
//! with its `stricter` cases refused: bare LF, CR in values, folded lines, two Host headers.

use bytes::{Bytes, BytesMut};

use crate::headers::{Headers, Method, RequestHead, Version, head::is_authority, name};

use super::body::BodyFraming;
use super::field::{self, Fields, Limits, Span, bytes_of};
use super::scan::{self, Scanner};
use super::target::{self, Target};
use super::{ParseError, hop};

/// What to do with header names that contain an underscore
/// (Envoy's `headers_with_underscores_action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnderscoresAction {
    /// Pass them on.
    #[default]
    Allow,
    /// Refuse the request with 400.
    RejectRequest,
    /// Drop the header.
    DropHeader,
}

/// What a listener accepts; the defaults are Envoy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Largest head in bytes (`max_request_headers_kb`).
    pub max_head_bytes: usize,
    /// Most headers in a head (`common_http_protocol_options.max_headers_count`).
    pub max_headers: usize,
    /// Take HTTP/1.0 (`http_protocol_options.accept_http_10`).
    pub allow_http10: bool,
    /// The host of HTTP/1.0 requests that name none (`default_host_for_http_10`).
    pub default_host: Bytes,
    /// `common_http_protocol_options.headers_with_underscores_action`.
    pub headers_with_underscores: UnderscoresAction,
    /// Take absolute URLs as targets (`allow_absolute_url`).
    pub allow_absolute_url: bool,
    /// Refuse absolute URLs with `https`: the connection has no TLS, and no proxy before it has ended one.
    pub reject_https_url: bool,
    /// Drop `Content-Length` beside `Transfer-Encoding: chunked` (`allow_chunked_length`).
    pub allow_chunked_length: bool,
    /// Pass trailers on instead of dropping them (`enable_trailers`).
    pub enable_trailers: bool,
    /// Take any token as a method (`allow_custom_methods`).
    pub allow_custom_methods: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_head_bytes: 60 * 1024,
            max_headers: 100,
            allow_http10: false,
            default_host: Bytes::new(),
            headers_with_underscores: UnderscoresAction::Allow,
            allow_absolute_url: true,
            reject_https_url: false,
            allow_chunked_length: false,
            enable_trailers: false,
            allow_custom_methods: false,
        }
    }
}

/// A request whose head is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedRequest {
    /// The head. `host` is the authority; headers named by `Connection` are gone.
    pub head: RequestHead,
    /// How the body that follows is framed.
    pub body: BodyFraming,
    /// Whether the client lets the connection be used again after this request.
    pub keep_alive: bool,
    /// `Expect: 100-continue` came; answer 100 and remove the header before passing on.
    pub expect_continue: bool,
    /// The protocol of an `Upgrade` (never `h2c`, which is removed). The body is a tunnel then;
    /// when the route allows no such upgrade the answer is 403 and the connection ends.
    pub upgrade: Option<Bytes>,
}

/// Reads request heads of one connection, one after another.
#[derive(Debug, Default, Clone)]
pub struct Parser {
    scanner: Scanner,
    first_line_checked: bool,
}

/// Parses one head from a buffer that holds it whole; see [`Parser::parse`].
///
/// # Errors
/// As [`Parser::parse`].
pub fn parse(buf: &mut BytesMut, options: &Options) -> Result<Option<ParsedRequest>, ParseError> {
    Parser::default().parse(buf, options)
}

impl Parser {
    /// Whether nothing of a head has arrived: the peer may close the connection here.
    #[must_use]
    pub fn is_idle(&self, buf: &BytesMut) -> bool {
        self.scanner.lines == 0 && buf.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
    }

    /// Takes one head off the front of `buf`; `None` when it is not complete.
    ///
    /// Call again when bytes have been added at the end of the same buffer. No byte is scanned
    /// twice for the end of the head. Nothing is consumed before a head is complete, except
    /// empty lines before it.
    ///
    /// # Errors
    /// When the bytes are no acceptable request. The connection must be closed after the answer.
    pub fn parse(&mut self, buf: &mut BytesMut, options: &Options) -> Result<Option<ParsedRequest>, ParseError> {
        if self.scanner.lines == 0 {
            if scan::skip_empty_lines(buf) {
                self.scanner = Scanner::default();
            }
            if buf.first().is_some_and(|&byte| byte != b'\r' && !starts_method(byte, options)) {
                return Err(ParseError::InvalidMethod);
            }
        }
        let limit = options.max_head_bytes.min(u32::MAX as usize / 2);
        let found = self.scanner.find(buf, limit);
        let Some(first_line) = self.scanner.first_line else {
            return found.map(|_| None);
        };
        // The first line is judged as soon as it is complete, and before what follows it.
        if self.first_line_checked && !matches!(found, Ok(Some(_))) {
            return found.map(|_| None);
        }
        let line = request_line(&buf[..first_line], options)?;
        self.first_line_checked = true;
        let Some(end) = found? else {
            return Ok(None);
        };
        let lines = self.scanner.lines;
        *self = Self::default();
        let mut head = buf.split_to(end);
        let limits = Limits {
            max_headers: options.max_headers,
            underscores: options.headers_with_underscores,
            too_many: ParseError::TooManyHeaders,
        };
        let mut fields = field::parse(&mut head, first_line + 2, lines, limits)?;
        complete(&head.freeze(), line, &mut fields, options).map(Some)
    }
}

/// Methods Envoy's codec knows besides the common ones.
const OTHER_METHODS: [&[u8]; 26] = [
    b"ACL",
    b"BIND",
    b"CHECKOUT",
    b"COPY",
    b"LINK",
    b"LOCK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MOVE",
    b"MSEARCH",
    b"NOTIFY",
    b"PROPFIND",
    b"PROPPATCH",
    b"PURGE",
    b"QUERY",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"SOURCE",
    b"SUBSCRIBE",
    b"UNBIND",
    b"UNLINK",
    b"UNLOCK",
    b"UNSUBSCRIBE",
];

fn starts_method(byte: u8, options: &Options) -> bool {
    if options.allow_custom_methods {
        return name::TOKEN[byte as usize];
    }
    b"ABCDGHLMNOPQRSTU".contains(&byte)
}

fn method(text: &[u8], options: &Options) -> Result<Method, ParseError> {
    if let Some(method) = Method::common(text) {
        return Ok(method);
    }
    if OTHER_METHODS.contains(&text) || (options.allow_custom_methods && name::is_token(text)) {
        return Ok(Method::Other(Bytes::copy_from_slice(text)));
    }
    Err(ParseError::InvalidMethod)
}

/// What the first line says.
struct RequestLine {
    method: Method,
    target: Target,
    /// Where the target is in the head.
    at: Span,
    /// `None` for versions other than 1.0 and 1.1, and for none (HTTP/0.9).
    version: Option<Version>,
}

/// Takes the first line apart; the parts are separated by spaces or tabs, as Envoy allows.
fn request_line(line: &[u8], options: &Options) -> Result<RequestLine, ParseError> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let word_end = |from: usize| {
        let rest = line.get(from..).unwrap_or_default();
        from + rest.iter().position(blank).unwrap_or(rest.len())
    };
    let word_start = |from: usize| {
        let rest = line.get(from..).unwrap_or_default();
        from + rest.iter().position(|b| !blank(b)).unwrap_or(rest.len())
    };
    let method_end = word_end(0);
    let method = method(&line[..method_end], options)?;
    let start = word_start(method_end);
    let end = word_end(start);
    let mut version = &line[word_start(end)..];
    while let [rest @ .., b' ' | b'\t'] = version {
        version = rest;
    }
    let is = |wanted: Method| method == wanted;
    let target = target::parse(&line[start..end], is(Method::Connect), is(Method::Options))?;
    let version = match version {
        b"HTTP/1.1" => Some(Version::Http11),
        b"HTTP/1.0" => Some(Version::Http10),
        [] => None,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => None,
        _ => return Err(ParseError::InvalidVersion),
    };
    Ok(RequestLine { method, target, at: (start as u32, end as u32), version })
}

/// Judges a head as a whole.
fn complete(
    head: &Bytes,
    line: RequestLine,
    fields: &mut Fields,
    options: &Options,
) -> Result<ParsedRequest, ParseError> {
    let connect = line.method == Method::Connect;
    let version = line.version.unwrap_or(Version::Http10);
    let length = fields.length(head)?;
    let mut headers = std::mem::take(&mut fields.headers);
    headers.attach(head.clone());
    let upgrade = upgrade(fields, &mut headers);

    if connect && length.is_some() {
        if length != Some(0) {
            return Err(ParseError::BodyDisallowed);
        }
        headers.remove(name::CONTENT_LENGTH);
    }
    if fields.transfer_encoding.is_some() && length.is_some() {
        if !options.allow_chunked_length || !fields.chunked(head)? || connect {
            return Err(ParseError::ContentLengthNotAllowed);
        }
        headers.remove(name::CONTENT_LENGTH);
    }
    let chunked = fields.chunked(head)?;
    if chunked && connect {
        return Err(ParseError::InvalidTransferEncoding);
    }
    if upgrade.is_some() && !connect && (chunked || length.is_some_and(|length| length > 0)) {
        return Err(ParseError::BodyDisallowed);
    }
    let body = match (chunked, length) {
        _ if connect || upgrade.is_some() => BodyFraming::Tunnel,
        (true, _) => BodyFraming::Chunked,
        (false, Some(length)) => BodyFraming::Length(length),
        (false, None) => BodyFraming::None,
    };
    let keep_alive = keep_alive(version, fields, &headers);
    let mut host = fields.host;
    if fields.connection && upgrade.is_none() && !connect {
        let names_host = hop::sanitize_connection(&mut headers)?;
        if names_host {
            host = None;
        }
    }
    let place = place(head, &line, host, options)?;
    if let Some(authority) = &place.authority
        && !is_authority(authority)
    {
        return Err(ParseError::InvalidAuthority);
    }
    if line.version != Some(Version::Http11) {
        if !options.allow_http10 || line.version.is_none() {
            return Err(ParseError::LowVersion);
        }
        if fields.transfer_encoding.is_some() {
            return Err(ParseError::TransferEncodingNotAllowed);
        }
    }
    let authority = match place.authority {
        Some(authority) => authority,
        None if version == Version::Http10 && !options.default_host.is_empty() => options.default_host.clone(),
        None => return Err(ParseError::MissingHost),
    };
    if !connect {
        match place.path.first() {
            Some(b'/') => {}
            Some(b'?') => return Err(ParseError::MissingPath),
            _ => return Err(ParseError::AbsolutePath),
        }
    }
    let expect_continue = fields.expect.is_some_and(|span| bytes_of(head, span).eq_ignore_ascii_case(b"100-continue"));
    Ok(ParsedRequest {
        head: RequestHead {
            method: line.method,
            scheme: place.scheme,
            authority,
            path: place.path,
            headers,
            protocol: None,
            version,
        },
        body,
        keep_alive,
        expect_continue,
        upgrade,
    })
}

/// Where a request goes to.
struct Place {
    scheme: Option<Bytes>,
    authority: Option<Bytes>,
    path: Bytes,
}

/// Scheme, authority and path from the target and the `Host` header.
fn place(head: &Bytes, line: &RequestLine, host: Option<Span>, options: &Options) -> Result<Place, ParseError> {
    let url = scan::slice(head, line.at);
    let host = host.map(|span| scan::slice(head, span));
    Ok(match &line.target {
        Target::Origin | Target::Asterisk => Place { scheme: None, authority: host, path: url },
        // The host of the target wins over the Host header (RFC 9112 section 3.2.2).
        Target::Authority => Place { scheme: None, authority: Some(url), path: Bytes::new() },
        Target::Absolute { .. } if !options.allow_absolute_url => {
            return Err(ParseError::AbsolutePath);
        }
        Target::Absolute { https: true, .. } if options.reject_https_url => return Err(ParseError::HttpsUrl),
        Target::Absolute { https, authority, path } => Place {
            scheme: Some(Bytes::from_static(if *https { b"https" } else { b"http" })),
            authority: Some(url.slice(authority.clone())),
            path: if path.is_empty() { Bytes::from_static(b"/") } else { url.slice(path.clone()) },
        },
    })
}

/// The protocol of an upgrade. `h2c` is taken out of the head, as Envoy does.
fn upgrade(fields: &Fields, headers: &mut Headers) -> Option<Bytes> {
    if !fields.upgrade || !fields.connection || !hop::names(headers, name::CONNECTION, b"upgrade") {
        return None;
    }
    let protocol = headers.get_joined(name::UPGRADE)?;
    if !protocol.eq_ignore_ascii_case(b"h2c") {
        return (!protocol.is_empty()).then_some(protocol);
    }
    headers.remove(name::UPGRADE);
    headers.remove(name::HTTP2_SETTINGS);
    hop::remove_tokens(headers, &[b"upgrade", b"http2-settings"]);
    None
}

/// Whether the connection may be used again (RFC 9112 section 9.3); Envoy also heeds
/// `Proxy-Connection: close`.
fn keep_alive(version: Version, fields: &Fields, headers: &Headers) -> bool {
    if !fields.connection {
        return version != Version::Http10;
    }
    let close =
        hop::names(headers, name::CONNECTION, b"close") || hop::names(headers, name::PROXY_CONNECTION, b"close");
    let stay = hop::names(headers, name::CONNECTION, b"keep-alive");
    !close && (version != Version::Http10 || stay)
}

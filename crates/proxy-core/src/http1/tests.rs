//! The codec by cases: what is accepted, what is refused and how, what is written.
//!
//! In: messages as text. Out: heads, framings, statuses and details as a client sees them.

#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};

use super::*;
use crate::headers::{Headers, RequestHead, ResponseHead, Version};

fn request_with(text: &str, options: &Options) -> Result<Option<ParsedRequest>, ParseError> {
    request::parse(&mut BytesMut::from(text), options)
}

fn request_of(text: &str) -> Result<ParsedRequest, ParseError> {
    request_with(text, &Options::default()).map(Option::unwrap)
}

#[test]
fn a_request_is_taken_apart() {
    let mut buf = BytesMut::from(
        "\r\nPOST /a?b HTTP/1.1\r\nHost: h:1\r\nX-One:  1 \r\nx-one:\t2\r\nContent-Length: 3\r\n\r\nabcGET",
    );
    let parsed = request::parse(&mut buf, &Options::default()).unwrap().unwrap();
    assert_eq!(&buf[..], b"abcGET");
    assert_eq!(parsed.head.method.as_str(), "POST");
    assert_eq!((parsed.head.path_str(), parsed.head.authority_str()), ("/a?b", "h:1"));
    assert_eq!(parsed.head.headers.get_joined("x-one").unwrap(), "1,2");
    assert_eq!(parsed.body, BodyFraming::Length(3));
    assert!(parsed.keep_alive && !parsed.expect_continue && parsed.upgrade.is_none());
    assert!(!parsed.head.headers.contains("host"));
}

#[test]
fn an_https_url_is_refused_where_the_connection_is_known_to_be_plain() {
    // Envoy 1.40: 403 with `use_remote_address` and no trusted hop, before the version is judged; else it is forwarded.
    for text in ["GET https://a/b HTTP/1.1\r\nhost: a\r\n\r\n", "GET HTTPS://a:443 HTTP/1.0\r\n\r\n"] {
        let error = request_with(text, &Options { reject_https_url: true, ..Options::default() }).unwrap_err();
        assert_eq!((error.status(), error.details()), (403, "http1.https_url_on_plaintext_connection"), "{text:?}");
    }
    let parsed = request_of("GET https://a/b HTTP/1.1\r\nhost: b\r\n\r\n").unwrap();
    assert_eq!((parsed.head.authority_str(), parsed.head.path_str()), ("a", "/b"));
}

#[test]
fn refusals_say_what_envoy_says() {
    for (text, status, details) in [
        ("get / HTTP/1.1\r\n", 400, "http1.codec_error"),
        ("GET /a b HTTP/1.1\r\n", 400, "http1.codec_error"),
        ("GET / HTTP/1.0\r\n\r\n", 426, "low_version"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "missing_host_header"),
        ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "http.invalid_authority"),
        ("GET / HTTP/1.1\r\nhost: a\r\nx: \u{1}\r\n\r\n", 400, "http1.invalid_characters"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 404, "absolute_path_rejected"),
        ("GET http://a?b HTTP/1.1\r\nhost: a\r\n\r\n", 404, "missing_path_rejected"),
        ("GET ftp://a/b HTTP/1.1\r\nhost: a\r\n\r\n", 400, "http1.invalid_scheme"),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 501, "http1.invalid_transfer_encoding"),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n",
            400,
            "http1.content_length_not_allowed",
        ),
        ("GET / HTTP/1.1\r\nhost: a\r\nconnection: x-forwarded-for\r\n\r\n", 400, "http1.connection_header_rejected"),
    ] {
        let error = request_with(text, &Options::default()).unwrap_err();
        assert_eq!((error.status(), error.details()), (status, details), "{text:?}");
    }
}

#[test]
fn options_open_what_they_name() {
    let with = |change: fn(&mut Options), text: &str| {
        let mut options = Options::default();
        change(&mut options);
        request_with(text, &options).map(Option::unwrap)
    };
    let old = with(
        |options| {
            options.allow_http10 = true;
            options.default_host = Bytes::from_static(b"d");
        },
        "GET / HTTP/1.0\r\n\r\n",
    )
    .unwrap();
    assert_eq!((old.head.version, old.keep_alive), (Version::Http10, false));
    assert_eq!(old.head.authority_str(), "d");
    let custom = with(|options| options.allow_custom_methods = true, "fo_o / HTTP/1.1\r\nhost:\r\n\r\n");
    assert_eq!(custom.unwrap().head.method.as_str(), "fo_o");
    let text = "GET / HTTP/1.1\r\nhost: a\r\nx_y: 1\r\n\r\n";
    let dropped = with(|options| options.headers_with_underscores = UnderscoresAction::DropHeader, text);
    assert!(dropped.unwrap().head.headers.is_empty());
    let rejected = with(|options| options.headers_with_underscores = UnderscoresAction::RejectRequest, text);
    assert_eq!(rejected, Err(ParseError::Underscore));
    let chunked = with(
        |options| options.allow_chunked_length = true,
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n",
    )
    .unwrap();
    assert_eq!(chunked.body, BodyFraming::Chunked);
    assert!(!chunked.head.headers.contains("content-length"));
    let relative = with(|options| options.allow_absolute_url = false, "GET http://a/ HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(relative, Err(ParseError::AbsolutePath));
}

#[test]
fn limits_hold_for_heads_that_never_end() {
    let options = Options { max_head_bytes: 100, max_headers: 2, ..Options::default() };
    let long = format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(100));
    assert_eq!(request_with(&long, &options), Err(ParseError::HeadersTooLarge));
    let many = "GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\n\r\n";
    assert_eq!(request_with(many, &options), Err(ParseError::TooManyHeaders));
    let mut parser = request::Parser::default();
    let mut buf = BytesMut::from("BREW");
    assert!(parser.is_idle(&BytesMut::new()) && !parser.is_idle(&buf));
    assert_eq!(parser.parse(&mut buf, &options), Ok(None));
    buf.extend_from_slice(b" / HTCPCP/1.0\r\n");
    assert_eq!(parser.parse(&mut buf, &options), Err(ParseError::InvalidMethod));
}

#[test]
fn upgrades_are_found_and_h2c_is_taken_out() {
    let head = "GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: ";
    let websocket = request_of(&format!("{head}websocket\r\n\r\n")).unwrap();
    assert_eq!(websocket.upgrade.as_deref(), Some(&b"websocket"[..]));
    assert_eq!(websocket.body, BodyFraming::Tunnel);
    let h2c = request_of(&format!("{head}h2c\r\nhttp2-settings: x\r\n\r\n")).unwrap();
    assert_eq!((h2c.upgrade, h2c.body), (None, BodyFraming::None));
    assert_eq!(h2c.head.headers.len(), 1);
    assert_eq!(h2c.head.headers.get("connection"), Some(&b"keep-alive"[..]));
    let body = request_of(&format!("{head}websocket\r\ncontent-length: 1\r\n\r\n"));
    assert_eq!(body, Err(ParseError::BodyDisallowed));
}

fn response_of(text: &str, context: ResponseContext) -> Result<ParsedResponse, ParseError> {
    let options = ResponseOptions::default();
    response::parse(&mut BytesMut::from(text), context, &options).map(Option::unwrap)
}

#[test]
fn responses_are_framed_by_request_and_status() {
    let get = ResponseContext::default();
    let head = ResponseContext { head: true, ..get };
    let connect = ResponseContext { connect: true, ..get };
    let upgrade = ResponseContext { upgrade: true, ..get };
    for (context, text, body, keep_alive) in [
        (get, "200 OK\r\ncontent-length: 2\r\n", BodyFraming::Length(2), true),
        (get, "200\r\ntransfer-encoding: chunked\r\n", BodyFraming::Chunked, true),
        (get, "200 \r\n", BodyFraming::UntilClose, false),
        (get, "304 No\r\ncontent-length: 2\r\n", BodyFraming::None, true),
        (get, "204 No\r\ncontent-length: 0\r\n", BodyFraming::None, true),
        (get, "103 Hints\r\nlink: x\r\n", BodyFraming::None, true),
        (get, "200 OK\r\ncontent-length: 0\r\nconnection: x, close\r\n", BodyFraming::Length(0), false),
        (head, "200 OK\r\ncontent-length: 2\r\n", BodyFraming::None, true),
        (connect, "200 OK\r\n", BodyFraming::Tunnel, false),
        (connect, "407 No\r\ncontent-length: 1\r\n", BodyFraming::Length(1), true),
        (upgrade, "101 Go\r\nupgrade: x\r\n", BodyFraming::Tunnel, false),
    ] {
        let parsed = response_of(&format!("HTTP/1.1 {text}\r\n"), context).unwrap();
        assert_eq!((parsed.body, parsed.keep_alive), (body, keep_alive), "{text:?}");
    }
    for (text, want) in [
        ("HTTP/1.1 101 Go\r\n\r\n", ParseError::UnexpectedUpgrade),
        ("HTTP/1.1 99 No\r\n\r\n", ParseError::InvalidStatusLine),
        ("HTTP/2.0 200 OK\r\n\r\n", ParseError::InvalidVersion),
        ("ICY 200 OK\r\n\r\n", ParseError::InvalidStatusLine),
        ("HTTP/1.1 204 No\r\ncontent-length: 1\r\n\r\n", ParseError::ContentLengthNotAllowed),
        ("HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n", ParseError::TransferEncodingNotAllowed),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", ParseError::DuplicateContentLength),
        ("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", ParseError::InvalidHeaderLine),
        ("HTTP/1.1 200 OK\na: b\n\n", ParseError::BareLf),
    ] {
        assert_eq!(response_of(text, get), Err(want), "{text:?}");
    }
}

fn decode_all(text: &str, trailers: bool) -> Result<(String, Headers, bool), ParseError> {
    let mut buf = BytesMut::from(text);
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked, trailers);
    let (mut data, mut tail) = (Vec::new(), Headers::new());
    loop {
        match decoder.decode(&mut buf)? {
            Decoded::Data(bytes) => data.extend_from_slice(&bytes),
            Decoded::Trailers(headers) => tail = headers,
            Decoded::End => return Ok((String::from_utf8(data).unwrap(), tail, true)),
            Decoded::NeedMore => return Ok((String::from_utf8(data).unwrap(), tail, false)),
        }
    }
}

#[test]
fn chunks_are_read_strictly() {
    let (data, tail, done) = decode_all("3;x=1\r\nabc\r\n01 y\r\nd\r\n0\r\nX-T: 1\r\nHost: a\r\n\r\n", true).unwrap();
    assert_eq!((data.as_str(), tail.len(), done), ("abcd", 1, true));
    assert_eq!(tail.get("x-t"), Some(&b"1"[..]));
    for (text, want) in [
        ("\r\n", ParseError::InvalidChunkSize),
        ("g", ParseError::InvalidChunkSize),
        ("-1\r\n", ParseError::InvalidChunkSize),
        ("1\na", ParseError::InvalidChunkSize),
        ("11111111111111111", ParseError::InvalidChunkSize),
        ("1;\u{0}\r\n", ParseError::InvalidChunkExtension),
        ("1;\rx\r\n", ParseError::InvalidChunkExtension),
        ("1\r\nab", ParseError::InvalidChunkEnd),
        ("0\r\nx : 1\r\n\r\n", ParseError::InvalidHeaderName),
        ("0\r\nx: 1\n\r\n", ParseError::BareLf),
    ] {
        assert_eq!(decode_all(text, false).map(|_| ()), Err(want), "{text:?}");
    }
    let flood = format!("1;{}\r\na\r\n", "x".repeat(4000)).repeat(5);
    assert_eq!(decode_all(&flood, false), Err(ParseError::InvalidChunkExtension));
    let line = format!("1;{}", "x".repeat(5000));
    assert_eq!(decode_all(&line, false), Err(ParseError::InvalidChunkExtension));
    let trailers = format!("0\r\nx: {}", "x".repeat(70_000));
    assert_eq!(decode_all(&trailers, false), Err(ParseError::TrailersTooLarge));
}

#[test]
fn a_close_ends_only_what_may_end_so() {
    for (framing, fine) in [
        (BodyFraming::None, true),
        (BodyFraming::UntilClose, true),
        (BodyFraming::Tunnel, true),
        (BodyFraming::Length(1), false),
        (BodyFraming::Chunked, false),
    ] {
        assert_eq!(BodyDecoder::new(framing, false).close().is_ok(), fine, "{framing:?}");
    }
}

#[test]
fn a_body_is_never_longer_or_shorter_than_announced() {
    let mut out = BytesMut::new();
    let mut encoder = BodyEncoder::new(BodyFraming::Length(3));
    encoder.write(b"ab", &mut out).unwrap();
    assert_eq!(encoder.frame(2), Err(body::LengthMismatch::TooLong));
    assert_eq!(encoder.finish(None, &mut out), Err(body::LengthMismatch::TooShort(1)));
    let mut encoder = BodyEncoder::new(BodyFraming::Chunked);
    let mut out = BytesMut::new();
    encoder.write(b"", &mut out).unwrap();
    encoder.write(&[b'x'; 26], &mut out).unwrap();
    let trailers: Headers = [("x-t", "1")].into_iter().collect();
    encoder.finish(Some(&trailers), &mut out).unwrap();
    let want = format!("1a\r\n{}\r\n0\r\nx-t: 1\r\n\r\n", "x".repeat(26));
    assert_eq!(out, want.as_bytes());
}

#[test]
fn heads_are_written_as_announced() {
    let mut head = RequestHead {
        method: crate::headers::Method::Post,
        authority: Bytes::from_static(b"h"),
        path: Bytes::from_static(b"/a b\r\nx"),
        headers: [("x-a", "1"), ("content-length", "9"), ("transfer-encoding", "x")].into_iter().collect(),
        ..RequestHead::default()
    };
    let mut out = BytesMut::new();
    encode::encode_request_head(&head, BodyFraming::None, &mut out);
    let want = "POST /a%20b%0D%0Ax HTTP/1.1\r\nhost: h\r\nx-a: 1\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(out, want.as_bytes());
    head.method = crate::headers::Method::Connect;
    head.protocol = Some(Bytes::from_static(b"websocket"));
    head.path = Bytes::from_static(b"/");
    let mut out = BytesMut::new();
    encode::encode_request_head(&head, BodyFraming::Tunnel, &mut out);
    let want = "GET / HTTP/1.1\r\nhost: h\r\nx-a: 1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    assert_eq!(out, want.as_bytes());
    for (status, framing, want) in [
        (200, BodyFraming::None, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
        (200, BodyFraming::Length(4), "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"),
        (200, BodyFraming::Chunked, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        (204, BodyFraming::Length(4), "HTTP/1.1 204 No Content\r\n\r\n"),
        (42, BodyFraming::Length(0), "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
    ] {
        let mut head = ResponseHead::new(status);
        head.headers.set("content-length", "9");
        let mut out = BytesMut::new();
        encode::encode_response_head(&head, framing, &mut out);
        assert_eq!(out, want.as_bytes());
    }
}

#[test]
fn hop_by_hop_headers_stay_on_their_hop() {
    let make = || -> Headers {
        [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("keep-alive", "1"),
            ("proxy-connection", "x"),
            ("te", "gzip, trailers"),
            ("transfer-encoding", "chunked"),
            ("x", "1"),
        ]
        .into_iter()
        .collect()
    };
    let names = |headers: &Headers| headers.iter().map(|(n, _)| n.to_owned()).collect::<Vec<_>>();
    let mut plain = make();
    hop::strip_request(&mut plain, hop::Hop::Plain);
    assert_eq!(names(&plain), ["te", "x"]);
    assert_eq!(plain.get("te"), Some(&b"trailers"[..]));
    let mut upgrade = make();
    hop::strip_response(&mut upgrade, hop::Hop::Upgrade);
    assert_eq!(names(&upgrade), ["connection", "upgrade", "te", "x"]);
    let nominated =
        request_of("GET / HTTP/1.1\r\nhost: a\r\nconnection: close, x-a\r\nx-a: 1\r\nx-b: 2\r\n\r\n").unwrap();
    assert!(!nominated.keep_alive);
    assert_eq!(names(&nominated.head.headers), ["connection", "x-b"]);
    assert_eq!(nominated.head.headers.get("connection"), Some(&b"close"[..]));
}

#[test]
fn the_preface_of_http2_is_told_apart() {
    assert_eq!(detect(b""), Detected::Undecided);
    assert_eq!(detect(b"PRI * HTTP"), Detected::Undecided);
    assert_eq!(detect(HTTP2_PREFACE), Detected::Http2);
    assert_eq!(detect(b"PROPFIND"), Detected::Http1);
}

#[test]
fn heads_of_http2_are_checked_as_strictly() {
    let check = |method: &[u8], authority: &'static str, path: &'static str| {
        check_head(&RequestHead {
            method: crate::headers::Method::decode(method).unwrap(),
            authority: Bytes::from_static(authority.as_bytes()),
            path: Bytes::from_static(path.as_bytes()),
            version: Version::Http2,
            ..RequestHead::default()
        })
    };
    for (method, authority, path, want) in [
        (&b"GET"[..], "a:1", "/x?y", Ok(())),
        (b"CONNECT", "a:1", "", Ok(())),
        (b"GET", "a", "", Err(ParseError::MissingPath)),
        (b"GET", "a", "*", Err(ParseError::AbsolutePath)),
        (b"GET", "a", "/a b", Err(ParseError::InvalidUrl)),
        (b"GET", "a", "/\u{e9}", Err(ParseError::InvalidUrl)),
        (b"GET", "a/b", "/", Err(ParseError::InvalidAuthority)),
    ] {
        assert_eq!(check(method, authority, path), want, "{path}");
    }
}

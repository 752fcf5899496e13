//! Heads as bytes of the wire, with lower-case names as Envoy writes them.
//!
//! In: a head whose hop-by-hop headers are stripped (see `hop`), and the framing of its body.
//! Out: bytes at the end of a buffer. The framing headers come from the framing alone, so that
//! what is announced is what `BodyEncoder` writes. No byte of a head can end a line early.

use bytes::{BufMut, BytesMut};

use crate::headers::{Headers, Method, RequestHead, ResponseHead};

use super::body::BodyFraming;
use super::reason;

/// Appends a request head for an HTTP/1.1 upstream.
///
/// With `protocol` set the request becomes an HTTP/1.1 upgrade to it, also when it came as
/// extended CONNECT over HTTP/2 (RFC 8441). Otherwise `connection` and `upgrade` go out as they
/// are among the headers. A request without a body says `content-length: 0` if its method may have one.
pub fn encode_request_head(head: &RequestHead, framing: BodyFraming, out: &mut BytesMut) {
    out.reserve(64 + head.path.len() + head.authority.len() + size(&head.headers));
    let upgrade = head.protocol.as_ref();
    match &head.method {
        Method::Connect if upgrade.is_some() => out.put_slice(b"GET"),
        method => out.put_slice(method.as_bytes()),
    }
    out.put_u8(b' ');
    if head.method == Method::Connect && upgrade.is_none() {
        put_visible(&head.authority, out);
    } else if head.path.is_empty() {
        out.put_u8(b'/');
    } else {
        put_visible(&head.path, out);
    }
    out.put_slice(b" HTTP/1.1\r\nhost: ");
    put_visible(&head.authority, out);
    out.put_slice(b"\r\n");
    for (header, value) in head.headers.iter_bytes() {
        let skipped = match header {
            b"host" | b"content-length" | b"transfer-encoding" => true,
            b"connection" | b"upgrade" => upgrade.is_some(),
            _ => false,
        };
        if !skipped {
            put_line(header, value, out);
        }
    }
    if let Some(protocol) = upgrade {
        out.put_slice(b"connection: upgrade\r\nupgrade: ");
        put_visible(protocol, out);
        out.put_slice(b"\r\n");
    }
    let framing = match (framing, &head.method) {
        (BodyFraming::None, method) if upgrade.is_none() && may_have_body(method) => BodyFraming::Length(0),
        // A request cannot end with its connection.
        (BodyFraming::UntilClose, _) => BodyFraming::Chunked,
        (framing, _) => framing,
    };
    put_framing(framing, out);
    out.put_slice(b"\r\n");
}

/// Whether a missing body has to be said (Envoy `HeaderUtility::requestShouldHaveNoBody`, turned round).
fn may_have_body(method: &Method) -> bool {
    !matches!(method, Method::Get | Method::Head | Method::Delete | Method::Trace | Method::Connect)
}

/// Appends a response head for an HTTP/1.1 client.
///
/// With `BodyFraming::None` a `content-length` among the headers goes out as it is, because
/// it describes the body that HEAD or 304 left out; a response whose body just is empty has
/// `BodyFraming::Length(0)`.
pub fn encode_response_head(head: &ResponseHead, framing: BodyFraming, out: &mut BytesMut) {
    out.reserve(64 + size(&head.headers));
    let status = match head.status {
        status @ 100..=999 => status,
        _ => 500,
    };
    out.put_slice(b"HTTP/1.1 ");
    put_decimal(u64::from(status), out);
    out.put_u8(b' ');
    out.put_slice(reason::phrase(status).as_bytes());
    out.put_slice(b"\r\n");
    let bodiless = status < 200 || status == 204;
    for (header, value) in head.headers.iter_bytes() {
        let skipped = match header {
            b"transfer-encoding" => true,
            b"content-length" => framing != BodyFraming::None || bodiless,
            _ => false,
        };
        if !skipped {
            put_line(header, value, out);
        }
    }
    if !bodiless {
        put_framing(framing, out);
    }
    out.put_slice(b"\r\n");
}

/// Bytes that the header lines need at most.
fn size(headers: &Headers) -> usize {
    headers.byte_size() + headers.len() * 4 + 64
}

fn put_line(header: &[u8], value: &[u8], out: &mut BytesMut) {
    out.put_slice(header);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

fn put_framing(framing: BodyFraming, out: &mut BytesMut) {
    match framing {
        BodyFraming::Length(length) => {
            out.put_slice(b"content-length: ");
            put_decimal(length, out);
            out.put_slice(b"\r\n");
        }
        BodyFraming::Chunked => out.put_slice(b"transfer-encoding: chunked\r\n"),
        BodyFraming::None | BodyFraming::UntilClose | BodyFraming::Tunnel => {}
    }
}

/// Appends a path or an authority. Spaces and control bytes, which only a rewrite could have
/// put there, are percent-encoded.
fn put_visible(text: &[u8], out: &mut BytesMut) {
    let bad = |byte: u8| byte <= 0x20 || byte == 0x7f;
    if !text.iter().fold(false, |found, &byte| found | bad(byte)) {
        out.put_slice(text);
        return;
    }
    for &byte in text {
        if bad(byte) {
            let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
            out.put_slice(&[b'%', digit(byte >> 4), digit(byte)]);
        } else {
            out.put_u8(byte);
        }
    }
}

fn put_decimal(mut number: u64, out: &mut BytesMut) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(&digits[start..]);
}

//! Conversion between `Headers` and `http::HeaderMap`, which the `h2` crate speaks.
//!
//! In: a header map of an HTTP/2 frame, or `Headers`. Out: the other one.
//! From a map: one block for all headers (one allocation). To a map: values are shared.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Headers, name};

/// Copies a header map into one block.
///
/// Several `cookie` fields of HTTP/2 are joined with `; ` (RFC 9113 section 8.2.3).
/// `host` is skipped when `skip_host` is set, because the authority is carried elsewhere.
#[must_use]
pub fn from_map(map: &HeaderMap, skip_host: bool) -> Headers {
    let size: usize = map.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if u32::try_from(size).is_err() {
        // Far above any limit on a header block; the caller has refused it before.
        return Headers::new();
    }
    let mut block = BytesMut::with_capacity(size);
    let mut headers = Headers::with_capacity(map.len() + 8);
    let cookies = map.get_all(http::header::COOKIE).iter().count();
    for (name, value) in map {
        if (skip_host && name == http::header::HOST) || (cookies > 1 && name == http::header::COOKIE) {
            continue;
        }
        let start = block.len() as u32;
        block.extend_from_slice(name.as_str().as_bytes());
        let middle = block.len() as u32;
        block.extend_from_slice(value.as_bytes());
        let end = block.len() as u32;
        headers.push_span(name.as_str().as_bytes(), (start, middle), (middle, end));
    }
    headers.attach(block.freeze());
    if cookies > 1 {
        let values: Vec<&[u8]> = map.get_all(http::header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        headers.append(name::COOKIE, values.join(&b"; "[..]));
    }
    headers
}

/// Puts all headers into `map`, keeping those it has. Returns how many could not be carried.
///
/// Values are shared, not copied. A value with control bytes that HTTP/1 tolerates
/// is no `HeaderValue`; the caller decides what a non-zero count means.
pub fn to_map(headers: &Headers, map: &mut HeaderMap) -> usize {
    let mut refused = 0;
    map.reserve(headers.len());
    for entry in &headers.entries {
        let value = entry.value.share(&headers.block);
        let name = HeaderName::from_bytes(entry.name.bytes(&headers.block));
        match (name, HeaderValue::from_maybe_shared(value)) {
            (Ok(name), Ok(value)) => {
                map.append(name, value);
            }
            _ => refused += 1,
        }
    }
    refused
}

/// The bytes of a header value, as `Headers` keeps them.
#[must_use]
pub fn value_bytes(value: &HeaderValue) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

/// Makes a header value without a copy; `None` when HTTP/2 cannot carry it.
#[must_use]
pub fn header_value(value: Bytes) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(value).ok()
}

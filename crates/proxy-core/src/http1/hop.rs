//! Headers that belong to one hop: `connection` and what it names, `keep-alive`, `te` and such.
//!
//! In: the headers of a message. Out: the headers that may go to the next hop.
//! What a client may nominate is limited as in Envoy: never `x-forwarded-*`, at most nine names.

use crate::headers::{HeaderName, Headers, name};

use super::ParseError;

/// Envoy refuses a request that names this many headers, or more.
const MAX_NOMINATED: usize = 10;
/// Envoy refuses a nominated `te` of this size, or larger.
const MAX_TE_BYTES: usize = 256;

/// Whether a comma separated header has `token`, ignoring case.
#[must_use]
pub fn names(headers: &Headers, header: &str, token: &[u8]) -> bool {
    headers.get_all(header).flat_map(tokens).any(|part| part.eq_ignore_ascii_case(token))
}

/// The trimmed, non-empty parts of a comma separated value.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|part| !part.is_empty())
}

/// Takes tokens (lower-case) out of `connection`.
pub(super) fn remove_tokens(headers: &mut Headers, unwanted: &[&[u8]]) {
    let kept: Vec<&[u8]> = headers
        .get_all(name::CONNECTION)
        .flat_map(tokens)
        .filter(|part| !unwanted.iter().any(|out| part.eq_ignore_ascii_case(out)))
        .collect();
    if kept.is_empty() {
        headers.remove(name::CONNECTION);
    } else {
        let kept = kept.join(&b","[..]);
        headers.set(name::CONNECTION, kept);
    }
}

/// Removes the headers that `connection` names. Says whether it named `host`, which the head
/// does not keep among its headers.
///
/// # Errors
/// When it names ten headers or more, an `x-forwarded-*` header that decides about trust, a
/// pseudo header, or a `te` that is too large.
pub(super) fn sanitize_connection(headers: &mut Headers) -> Result<bool, ParseError> {
    let listed: Vec<Vec<u8>> =
        headers.get_all(name::CONNECTION).flat_map(tokens).map(<[u8]>::to_ascii_lowercase).collect();
    if listed.len() >= MAX_NOMINATED {
        return Err(ParseError::ConnectionHeaderRejected);
    }
    let mut names_host = false;
    let mut removed: Vec<&[u8]> = Vec::new();
    for token in &listed {
        match token.as_slice() {
            b"close" | b"http2-settings" | b"keep-alive" | b"upgrade" => continue,
            b"connection" => {}
            b"x-forwarded-for" | b"x-forwarded-host" | b"x-forwarded-proto" => {
                return Err(ParseError::ConnectionHeaderRejected);
            }
            [b':', ..] => return Err(ParseError::ConnectionHeaderRejected),
            b"te" if headers.contains(name::TE) => {
                if keep_te_trailers(headers)? {
                    continue;
                }
            }
            b"host" => names_host = true,
            other => {
                if let Ok(text) = std::str::from_utf8(other)
                    && let Ok(nominated) = HeaderName::decode(text)
                {
                    headers.remove(nominated.as_str());
                }
            }
        }
        removed.push(token);
    }
    if !removed.is_empty() {
        remove_tokens(headers, &removed);
    }
    Ok(names_host)
}

/// Reduces `te` to `trailers`, or removes it. Says whether it stays.
fn keep_te_trailers(headers: &mut Headers) -> Result<bool, ParseError> {
    let size: usize = headers.get_all(name::TE).map(<[u8]>::len).sum();
    if size >= MAX_TE_BYTES {
        return Err(ParseError::ConnectionHeaderRejected);
    }
    let keep = names(headers, name::TE, b"trailers");
    if keep {
        headers.set(name::TE, "trailers");
    } else {
        headers.remove(name::TE);
    }
    Ok(keep)
}

/// Whether a message goes on as an upgrade, which keeps `connection` and `upgrade`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// An ordinary message.
    Plain,
    /// An accepted upgrade (or the 101 that answers one).
    Upgrade,
}

/// Removes the hop-by-hop headers of a request before it goes upstream.
///
/// What `connection` nominates was removed when the request was parsed. `te` stays only as
/// `trailers`. `content-length` and `transfer-encoding` are written by the encoder.
pub fn strip_request(headers: &mut Headers, hop: Hop) {
    strip(headers, hop);
    if headers.contains(name::TE) {
        if names(headers, name::TE, b"trailers") {
            headers.set(name::TE, "trailers");
        } else {
            headers.remove(name::TE);
        }
    }
}

/// Removes the hop-by-hop headers of a response before it goes downstream.
pub fn strip_response(headers: &mut Headers, hop: Hop) {
    strip(headers, hop);
}

fn strip(headers: &mut Headers, hop: Hop) {
    headers.retain(|header, _| match header {
        name::KEEP_ALIVE | name::PROXY_CONNECTION | name::TRANSFER_ENCODING => false,
        name::CONNECTION | name::UPGRADE => hop == Hop::Upgrade,
        name::HTTP2_SETTINGS => false,
        _ => true,
    });
}

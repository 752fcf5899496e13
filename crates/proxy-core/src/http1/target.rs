//! The request target: origin-form, absolute-form, authority-form, `*` (RFC 9112 section 3.2).
//!
//! In: the bytes between method and version. Out: ranges of scheme, authority and path in it.
//! As Envoy: userinfo of an absolute URL is dropped, host characters are letters, digits, `.`, `-`.

use std::ops::Range;

use crate::headers::head::is_authority;
use crate::headers::name::is_token;
use crate::headers::{Method, RequestHead};

use super::ParseError;

/// Checks a head that came over HTTP/2 as strictly as one of HTTP/1, and as Envoy's connection
/// manager does: method, authority and path.
///
/// # Errors
/// When the request must be refused; `ParseError::status` and `details` say how. With HTTP/2 it
/// is the stream that ends, not the connection.
pub fn check_head(head: &RequestHead) -> Result<(), ParseError> {
    if !is_token(head.method.as_bytes()) {
        return Err(ParseError::InvalidMethod);
    }
    if !is_authority(&head.authority) {
        return Err(ParseError::InvalidAuthority);
    }
    match head.path.first() {
        None if head.method == Method::Connect && head.protocol.is_none() => Ok(()),
        None => Err(ParseError::MissingPath),
        Some(_) if !is_path(&head.path) => Err(ParseError::InvalidUrl),
        Some(b'/') => Ok(()),
        Some(_) => Err(ParseError::AbsolutePath),
    }
}

/// A target taken apart; ranges are relative to the target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `/path?query`
    Origin,
    /// `*` of OPTIONS
    Asterisk,
    /// `http://authority/path?query`
    Absolute {
        https: bool,
        authority: Range<usize>,
        /// Empty when the URL ends after the authority: the path is `/` then.
        path: Range<usize>,
    },
    /// `host:port` of CONNECT
    Authority,
}

/// Takes a target apart.
pub(super) fn parse(target: &[u8], connect: bool, options: bool) -> Result<Target, ParseError> {
    if connect {
        let has_port = host_port(target)?;
        return if has_port { Ok(Target::Authority) } else { Err(ParseError::InvalidUrl) };
    }
    match target.first() {
        Some(b'/') if is_path(target) => Ok(Target::Origin),
        Some(b'*') if options && is_path(target) => Ok(Target::Asterisk),
        Some(byte) if byte.is_ascii_alphabetic() => absolute(target),
        _ => Err(ParseError::InvalidUrl),
    }
}

/// Whether all bytes are visible ASCII. `#` passes: whether a fragment is refused or stripped
/// is decided when the path is normalised.
fn is_path(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |bad, &byte| bad | (byte.wrapping_sub(0x21) > 0x7e - 0x21))
}

fn absolute(target: &[u8]) -> Result<Target, ParseError> {
    let scheme_len = target.iter().position(|byte| !byte.is_ascii_alphabetic()).ok_or(ParseError::InvalidUrl)?;
    let (scheme, rest) = target.split_at(scheme_len);
    if !rest.starts_with(b"://") {
        return Err(ParseError::InvalidUrl);
    }
    let https = scheme.eq_ignore_ascii_case(b"https");
    if !https && !scheme.eq_ignore_ascii_case(b"http") {
        return Err(ParseError::InvalidScheme);
    }
    let start = scheme_len + 3;
    let end = target[start..]
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .map_or(target.len(), |at| start + at);
    if target.get(end) == Some(&b'#') || !is_path(&target[end..]) {
        return Err(ParseError::InvalidUrl);
    }
    let host_start = match target[start..end].iter().position(|&byte| byte == b'@') {
        Some(at) if target[start..start + at].iter().all(is_userinfo) => start + at + 1,
        Some(_) => return Err(ParseError::InvalidUrl),
        None => start,
    };
    host_port(&target[host_start..end])?;
    Ok(Target::Absolute { https, authority: host_start..end, path: end..target.len() })
}

fn is_userinfo(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()%;:&=+$,".contains(byte)
}

/// Checks `host` or `host:port`; says whether there is a port.
fn host_port(authority: &[u8]) -> Result<bool, ParseError> {
    let invalid = ParseError::InvalidUrl;
    let (host_len, valid) = match authority.first() {
        Some(b'[') => {
            let close = memchr::memchr(b']', authority).ok_or(invalid)?;
            (close + 1, is_ipv6(&authority[1..close]))
        }
        Some(_) => {
            let len = memchr::memchr(b':', authority).unwrap_or(authority.len());
            let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            (len, len > 0 && authority[..len].iter().all(name))
        }
        None => return Err(invalid),
    };
    if !valid {
        return Err(invalid);
    }
    match &authority[host_len..] {
        [] => Ok(false),
        [b':', port @ ..] if is_port(port) => Ok(true),
        _ => Err(invalid),
    }
}

fn is_ipv6(host: &[u8]) -> bool {
    let (address, zone) = match memchr::memchr(b'%', host) {
        Some(at) => (&host[..at], Some(&host[at + 1..])),
        None => (host, None),
    };
    let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let zone_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"%.-_~".contains(byte);
    !address.is_empty()
        && address.iter().all(part)
        && zone.is_none_or(|zone| !zone.is_empty() && zone.iter().all(zone_part))
}

fn is_port(port: &[u8]) -> bool {
    !port.is_empty()
        && port
            .iter()
            .try_fold(0_u32, |number, byte| {
                let digit = u32::from(byte.wrapping_sub(b'0'));
                let number = number.saturating_mul(10).saturating_add(digit);
                (digit <= 9 && number <= 0xffff).then_some(number)
            })
            .is_some()
}

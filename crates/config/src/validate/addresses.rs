//! Which texts are addresses: IP, CIDR, `host:port`, and Unix sockets.

use std::net::IpAddr;

use crate::decode::context::shorten;
use crate::validate::{Rule, limits, wrong};

/// How an address of a Unix socket begins.
pub(crate) const UNIX: &str = "unix://";

/// Bytes of a socket path: `sun_path` of Linux without the closing zero; Envoy refuses longer ones.
const LONGEST_SOCKET: usize = 107;

/// Whether this is an IP address.
pub(crate) fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// An IP address.
pub(crate) fn ip(text: &str) -> Rule {
    if is_ip(text) {
        return Ok(());
    }
    wrong(format!("`{}` is no IP address", shorten(text)), "write it as `10.0.0.1` or `2001:db8::1`")
}

/// An IP address or a range of them.
pub(crate) fn subnet(text: &str) -> Rule {
    let Some((address, bits)) = text.split_once('/') else { return ip(text) };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return wrong(format!("`{}` is no address range", shorten(text)), "write it as `10.0.0.0/8`"),
    };
    let plain = !bits.is_empty() && bits.bytes().all(|c| c.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    match bits.parse::<u8>() {
        Ok(bits) if plain && bits <= most => Ok(()),
        _ => wrong(
            format!("`{}` is no address range", shorten(text)),
            format!("after the slash stands a number from 0 to {most}"),
        ),
    }
}

/// The path of a Unix socket, after `unix://`; `@` begins an abstract name.
pub(crate) fn unix(path: &str) -> Rule {
    if path.len() > LONGEST_SOCKET {
        return wrong(
            format!("`{}` is too long for a socket", shorten(path)),
            format!("a path has at most {LONGEST_SOCKET} bytes"),
        );
    }
    if path.starts_with('@') || (path.starts_with('/') && !path.ends_with('/')) {
        return Ok(());
    }
    wrong(format!("`{}` is no absolute path of a socket", shorten(path)), "write it as `unix:///run/app.sock`")
}

/// Splits `host:port`, with an IPv6 address in brackets.
pub(crate) fn split_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').map(|inner| (inner, port)),
        None if host.contains([':', '[', ']']) => None,
        None => Some((host, port)),
    }
}

/// A port as text.
pub(crate) fn port_text(text: &str) -> Rule {
    match text.parse::<u32>() {
        Ok(number) => limits::port(number),
        Err(_) => wrong(format!("`{}` is no port number", shorten(text)), "write a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests;

//! The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt).
//! In: the first bytes. Out: who the client is and where it connected to, and how many bytes that took.
//! TLVs are skipped; `LOCAL` and `UNKNOWN` say nothing about the client.

use super::Inspected;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest line of version 1, with CRLF.
const LINE: usize = 107;

/// What a proxy says about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxied {
    /// Bytes of the header.
    pub length: usize,
    /// Client and destination; `None` when the proxy speaks for itself or does not know.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
}

/// Reads a header. `No` means that the bytes begin otherwise; `Err` that they begin right and go on wrong.
///
/// # Errors
/// When the header is broken; the connection is closed.
pub fn proxy_protocol(bytes: &[u8]) -> Result<Inspected<Proxied>, &'static str> {
    let seen = bytes.len().min(SIGNATURE.len());
    if seen > 0 && bytes[..seen] == SIGNATURE[..seen] {
        return if seen < SIGNATURE.len() { Ok(Inspected::More) } else { version2(bytes) };
    }
    let seen = bytes.len().min(6);
    if bytes[..seen] == b"PROXY "[..seen] {
        return if seen < 6 { Ok(Inspected::More) } else { version1(bytes) };
    }
    Ok(Inspected::No)
}

fn version1(bytes: &[u8]) -> Result<Inspected<Proxied>, &'static str> {
    let head = &bytes[..bytes.len().min(LINE)];
    let Some(end) = memchr::memchr(b'\n', head) else {
        return if bytes.len() >= LINE { Err("the line is too long") } else { Ok(Inspected::More) };
    };
    let length = end + 1;
    let line = head[..end].strip_suffix(b"\r").ok_or("the line does not end with CRLF")?;
    let line = std::str::from_utf8(line).map_err(|_| "the line is no text")?;
    let mut words = line.split(' ').skip(1);
    let version4 = match words.next() {
        Some("TCP4") => true,
        Some("TCP6") => false,
        Some("UNKNOWN") => return Ok(Inspected::Yes(Proxied { length, addresses: None })),
        _ => return Err("the protocol is none of TCP4, TCP6, UNKNOWN"),
    };
    let mut address = || -> Option<IpAddr> {
        let word = words.next()?;
        if version4 { word.parse().map(IpAddr::V4).ok() } else { word.parse().map(IpAddr::V6).ok() }
    };
    let (source, destination) = (address().ok_or("no source")?, address().ok_or("no destination")?);
    let mut port = || -> Option<u16> {
        let word = words.next()?;
        // No sign, no empty word, nothing before the first digit.
        word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
    };
    let (from, to) = (port().ok_or("no source port")?, port().ok_or("no destination port")?);
    if words.next().is_some() {
        return Err("words after the ports");
    }
    let addresses = Some((SocketAddr::new(source, from), SocketAddr::new(destination, to)));
    Ok(Inspected::Yes(Proxied { length, addresses }))
}

fn version2(bytes: &[u8]) -> Result<Inspected<Proxied>, &'static str> {
    let Some(header) = bytes.get(..16) else { return Ok(Inspected::More) };
    if header[12] >> 4 != 2 {
        return Err("the version is not 2");
    }
    let local = match header[12] & 0xf {
        0 => true,
        1 => false,
        _ => return Err("the command is neither LOCAL nor PROXY"),
    };
    let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
    let length = 16 + rest;
    let family = header[13] >> 4;
    let stream = header[13] & 0xf == 1;
    let needed = match (local, family) {
        (true, _) | (false, 0) => 0,
        (false, 1) => 12,
        (false, 2) => 36,
        (false, _) => return Err("the address family is neither IPv4 nor IPv6"),
    };
    if rest < needed {
        return Err("the header is shorter than its addresses");
    }
    if needed > 0 && !stream {
        return Err("the transport is not TCP");
    }
    let Some(body) = bytes.get(16..length) else { return Ok(Inspected::More) };
    let word = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let addresses = match needed {
        12 => {
            let ip = |at: usize| IpAddr::V4(Ipv4Addr::new(body[at], body[at + 1], body[at + 2], body[at + 3]));
            Some((SocketAddr::new(ip(0), word(8)), SocketAddr::new(ip(4), word(10))))
        }
        36 => {
            let ip = |at: usize| {
                let mut octets = [0; 16];
                octets.copy_from_slice(&body[at..at + 16]);
                IpAddr::V6(Ipv6Addr::from(octets))
            };
            Some((SocketAddr::new(ip(0), word(32)), SocketAddr::new(ip(16), word(34))))
        }
        _ => None,
    };
    Ok(Inspected::Yes(Proxied { length, addresses }))
}

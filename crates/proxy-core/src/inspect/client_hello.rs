//! The ClientHello of TLS (RFC 8446 section 4.1.2), as far as filter chains ask about it.
//! In: the first bytes of a connection. Out: server name, ALPN, newest version.
//! A hello may be spread over records; what is no hello is said so at once.

use super::Inspected;

/// Longest hello that is looked at, with its record headers; Envoy's limit is 16 KiB.
const LONGEST: usize = 16 << 10;

/// What a client says first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// SNI, lower case; empty for none.
    pub server_name: String,
    /// ALPN in the order of the client.
    pub alpn: Vec<String>,
    /// Newest version that is offered, as on the wire: 0x0304 for TLS 1.3.
    pub version: u16,
}

/// Reads a ClientHello.
#[must_use]
pub fn client_hello(bytes: &[u8]) -> Inspected<ClientHello> {
    let mut hello = Vec::new();
    let mut rest = bytes;
    loop {
        if let Some(length) = length_of(&hello) {
            if length > LONGEST || hello.first() != Some(&1) {
                return Inspected::No;
            }
            if hello.len() >= length {
                return match hello.get(4..length).and_then(parse) {
                    Some(found) => Inspected::Yes(found),
                    None => Inspected::No,
                };
            }
        } else if hello.first().is_some_and(|kind| *kind != 1) {
            return Inspected::No;
        }
        // ContentType handshake, then 3.x.
        if !matches!(rest, [0x16, 0x03, _, ..] | [0x16] | [0x16, 0x03] | []) {
            return Inspected::No;
        }
        let Some(header) = rest.get(..5) else { return more(bytes) };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        // An empty record carries nothing, and a longer one is none (RFC 8446 section 5.1).
        if length == 0 || length > 1 << 14 {
            return Inspected::No;
        }
        let body = rest.get(5..).unwrap_or_default();
        let taken = body.get(..length).unwrap_or(body);
        hello.extend_from_slice(taken);
        if taken.len() < length {
            // The kind is known from the first byte on; the rest of the record has not come.
            return if hello.first().is_some_and(|kind| *kind != 1) { Inspected::No } else { more(bytes) };
        }
        rest = &body[length..];
    }
}

fn more(bytes: &[u8]) -> Inspected<ClientHello> {
    if bytes.len() >= LONGEST { Inspected::No } else { Inspected::More }
}

/// Header and body of the handshake message, once the header is there.
fn length_of(hello: &[u8]) -> Option<usize> {
    let header = hello.get(..4)?;
    Some(4 + (usize::from(header[1]) << 16 | usize::from(header[2]) << 8 | usize::from(header[3])))
}

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<usize> {
        self.take(1).map(|byte| usize::from(byte[0]))
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A field with its length in one byte.
    fn short(&mut self) -> Option<Self> {
        let length = self.u8()?;
        self.take(length).map(Self)
    }

    /// A field with its length in two bytes.
    fn long(&mut self) -> Option<Self> {
        let length = usize::from(self.u16()?);
        self.take(length).map(Self)
    }
}

fn parse(body: &[u8]) -> Option<ClientHello> {
    let mut fields = Fields(body);
    let mut hello = ClientHello { version: fields.u16()?, ..ClientHello::default() };
    fields.take(32)?; // random
    fields.short()?; // session id
    fields.long()?; // cipher suites
    fields.short()?; // compression methods
    if fields.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = fields.long()?;
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let mut data = extensions.long()?;
        match kind {
            0 => {
                let mut names = data.long()?;
                while !names.0.is_empty() {
                    let host_name = names.u8()? == 0;
                    let name = names.long()?.0;
                    if host_name && hello.server_name.is_empty() {
                        hello.server_name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
                    }
                }
            }
            16 => {
                let mut names = data.long()?;
                while !names.0.is_empty() {
                    hello.alpn.push(String::from_utf8_lossy(names.short()?.0).into_owned());
                }
            }
            43 => {
                let mut versions = data.short()?;
                while !versions.0.is_empty() {
                    let version = versions.u16()?;
                    // GREASE (RFC 8701) is no version.
                    if version >> 8 == 3 {
                        hello.version = hello.version.max(version);
                    }
                }
            }
            _ => {}
        }
    }
    Some(hello)
}

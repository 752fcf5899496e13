//! The HTTP/1.1 codec: bytes in, heads and bodies out, and back, without sockets or a clock.
//!
//! In: a read buffer that the shell fills. Out: checked heads, body frames, bytes to write.
//! As strict as Envoy 1.40's default codec or stricter; a `ParseError` always ends the connection.
//! Never here: routing, `x-forwarded-*`, time-outs, retries.

pub mod body;
pub mod encode;
pub mod error;
mod field;
pub mod hop;
pub mod reason;
pub mod request;
pub mod response;
mod scan;
mod target;
#[cfg(test)]
mod tests;

pub use body::{BodyDecoder, BodyEncoder, BodyFraming, Decoded};
pub use error::ParseError;
pub use request::{Options, ParsedRequest, UnderscoresAction};
pub use response::{ParsedResponse, ResponseContext, ResponseOptions};
pub use target::check_head;

/// The connection preface of HTTP/2 (RFC 9113 section 3.4).
pub const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol that the first bytes of a plaintext connection speak (Envoy's `AUTO` codec).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detected {
    /// Too few bytes to say.
    Undecided,
    /// Anything but the HTTP/2 preface.
    Http1,
    /// The whole HTTP/2 preface.
    Http2,
}

/// Tells HTTP/2 with prior knowledge from HTTP/1 by the first bytes; consumes nothing.
#[must_use]
pub fn detect(bytes: &[u8]) -> Detected {
    let seen = bytes.len().min(HTTP2_PREFACE.len());
    if bytes[..seen] != HTTP2_PREFACE[..seen] {
        Detected::Http1
    } else if seen == HTTP2_PREFACE.len() {
        Detected::Http2
    } else {
        Detected::Undecided
    }
}

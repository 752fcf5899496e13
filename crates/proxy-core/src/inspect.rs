//! What the first bytes of a connection say, before a filter chain is chosen.
//! In: the bytes so far. Out: a verdict, or the word that more are needed; nothing is consumed.
//! Bytes come from anyone: no length in them is trusted.

mod client_hello;
mod http;
mod proxy_protocol;
#[cfg(test)]
mod tests;

pub use client_hello::{ClientHello, client_hello};
pub use http::http;
pub use proxy_protocol::{Proxied, proxy_protocol};

/// What is known after some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspected<T> {
    /// More bytes are needed.
    More,
    /// It is not what was looked for.
    No,
    /// It is.
    Yes(T),
}

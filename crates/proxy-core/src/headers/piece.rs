//! The text of a header name or value: a span of the message head, static, or its own bytes.
//!
//! In: checked spans, `&'static str`, shared bytes. Out: bytes, text, shares without a copy.
//! Forbidden bytes never stay in a `Piece` that was made by `cleaned`.

use std::fmt;

use bytes::Bytes;

use super::{name, span};

/// Name or value; `Block` is a range (start, end) of the block of its `Headers`.
#[derive(Clone)]
pub(super) enum Piece {
    Block(u32, u32),
    Static(&'static str),
    Shared(Bytes),
}

impl Piece {
    /// A value from outside the codec: CR, LF and NUL become spaces.
    pub(super) fn cleaned(value: Bytes) -> Self {
        if memchr::memchr3(b'\r', b'\n', 0, &value).is_none() {
            return Piece::Shared(value);
        }
        let clean = |&byte: &u8| match byte {
            b'\r' | b'\n' | 0 => b' ',
            other => other,
        };
        Piece::Shared(value.iter().map(clean).collect())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Piece::Block(start, end) => end.saturating_sub(*start) as usize,
            Piece::Static(text) => text.len(),
            Piece::Shared(bytes) => bytes.len(),
        }
    }

    pub(super) fn bytes<'a>(&'a self, block: &'a Bytes) -> &'a [u8] {
        match self {
            Piece::Block(start, end) => span(block, (*start, *end)),
            Piece::Static(text) => text.as_bytes(),
            Piece::Shared(bytes) => bytes,
        }
    }

    /// The text of a name. Names are ASCII tokens, so the check never fails.
    pub(super) fn text<'a>(&'a self, block: &'a Bytes) -> &'a str {
        match self {
            Piece::Static(text) => text,
            other => std::str::from_utf8(other.bytes(block)).unwrap_or_default(),
        }
    }

    pub(super) fn is(&self, block: &Bytes, wanted: &[u8]) -> bool {
        self.len() == wanted.len() && self.bytes(block) == wanted
    }

    /// A share of the bytes without a copy.
    pub(super) fn share(&self, block: &Bytes) -> Bytes {
        match self {
            Piece::Block(..) => block.slice_ref(self.bytes(block)),
            Piece::Static(text) => Bytes::from_static(text.as_bytes()),
            Piece::Shared(bytes) => bytes.clone(),
        }
    }

    /// The same piece, independent of its block.
    pub(super) fn detached(&self, block: &Bytes) -> Piece {
        match self {
            Piece::Block(..) => Piece::Shared(self.share(block)),
            other => other.clone(),
        }
    }
}

/// A header name: lower-case, an RFC 9110 token.
#[derive(Clone)]
pub struct HeaderName(pub(super) Piece);

/// Why a text is no header name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header name {0:?} is not a token (RFC 9110 section 5.6.2)")]
pub struct InvalidHeaderName(pub String);

impl HeaderName {
    /// Checks a name from a configuration and lower-cases it.
    ///
    /// # Errors
    /// When the name is empty or has a byte that is no token character.
    pub fn decode(text: &str) -> Result<Self, InvalidHeaderName> {
        let invalid = || InvalidHeaderName(text.to_owned());
        let lower = text.to_ascii_lowercase();
        if !name::is_token(lower.as_bytes()) {
            return Err(invalid());
        }
        Ok(match name::known(lower.as_bytes()) {
            Some(known) => Self(Piece::Static(known)),
            None => Self(Piece::Shared(lower.into())),
        })
    }

    /// The name as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // A name outside a list is never a span.
        match &self.0 {
            Piece::Block(..) => &[],
            Piece::Static(text) => text.as_bytes(),
            Piece::Shared(bytes) => bytes,
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Piece::Static(text) => text,
            _ => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
        }
    }
}

impl From<&'static str> for HeaderName {
    /// The text is a lower-case token by contract.
    fn from(text: &'static str) -> Self {
        debug_assert!(name::is_lower(text), "header name {text:?}");
        Self(Piece::Static(text))
    }
}

impl From<&HeaderName> for HeaderName {
    fn from(name: &HeaderName) -> Self {
        name.clone()
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for HeaderName {}

impl PartialEq<str> for HeaderName {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl std::hash::Hash for HeaderName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! `envoy.config.route.v3.HeaderMatcher`.
//! In: the value of a header, repeated ones joined with `,`. Out: whether it matches.

use super::StringMatcher;
use crate::headers::{Headers, RequestHead};
use bytes::Bytes;
use std::fmt;

/// A condition on a header.
#[derive(Debug, Clone)]
pub struct HeaderMatcher {
    /// Name, lower case; `:authority`, `:method`, `:path` and `:scheme` too.
    pub name: String,
    /// What is asked.
    pub kind: HeaderMatch,
    /// `invert_match`.
    pub invert: bool,
    /// `treat_missing_header_as_empty`.
    pub missing_as_empty: bool,
}

/// What is asked of a header.
#[derive(Debug, Clone)]
pub enum HeaderMatch {
    /// It is there, or it is not.
    Present(bool),
    /// Its value is like this.
    Value(StringMatcher),
    /// Its value is a decimal integer in this half-open range.
    Range(std::ops::Range<i64>),
}

impl HeaderMatcher {
    /// Whether a request meets the condition.
    #[must_use]
    pub fn matches_request(&self, head: &RequestHead) -> bool {
        if let Some(single) = single(head, &self.name) {
            return self.matches(Some(single));
        }
        self.matches(pseudo_or_header(head, &self.name).as_deref())
    }

    /// Whether headers without pseudo headers (of a response) meet the condition.
    #[must_use]
    pub fn matches_headers(&self, headers: &Headers) -> bool {
        self.matches(headers.get_joined(&self.name).as_deref())
    }

    /// Whether a value meets the condition; `None` for a header that is not there.
    #[must_use]
    pub fn matches(&self, value: Option<&[u8]>) -> bool {
        let value = if self.missing_as_empty { Some(value.unwrap_or_default()) } else { value };
        let met = match (&self.kind, value) {
            (HeaderMatch::Present(wanted), value) => value.is_some() == *wanted,
            // As in Envoy: what is missing never matches, inverted or not.
            (_, None) => return false,
            (HeaderMatch::Value(wanted), Some(value)) => wanted.matches(value),
            (HeaderMatch::Range(range), Some(value)) => decimal(value).is_some_and(|number| range.contains(&number)),
        };
        met != self.invert
    }

    /// Why a request does not meet the condition, for people.
    #[must_use]
    pub fn why_not(&self, head: &RequestHead) -> String {
        match pseudo_or_header(head, &self.name) {
            None => format!("header {} is missing", self.name),
            Some(value) => format!("header {} is {:?}, wanted {self}", self.name, String::from_utf8_lossy(&value)),
        }
    }
}

/// The value of a header that occurs once, without a share of it.
fn single<'h>(head: &'h RequestHead, name: &str) -> Option<&'h [u8]> {
    if name.starts_with(':') {
        return None;
    }
    let mut only = None;
    for (found, value) in &head.headers {
        if found == name {
            if only.is_some() {
                return None;
            }
            only = Some(value);
        }
    }
    only
}

/// A header or pseudo header of a request, repeated ones joined with `,`.
#[must_use]
pub fn pseudo_or_header(head: &RequestHead, name: &str) -> Option<Bytes> {
    match name {
        ":authority" | "host" => (!head.authority.is_empty()).then(|| head.authority.clone()),
        ":path" => (!head.path.is_empty()).then(|| head.path.clone()),
        ":method" => Some(Bytes::copy_from_slice(head.method.as_bytes())),
        ":scheme" => head.scheme.clone(),
        ":protocol" => head.protocol.clone(),
        name if name.starts_with(':') => None,
        name => head.headers.get_joined(name),
    }
}

/// A decimal integer as Envoy's `SimpleAtoi` reads it.
fn decimal(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']).parse().ok()
}

impl fmt::Display for HeaderMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.invert {
            f.write_str("not ")?;
        }
        match &self.kind {
            HeaderMatch::Present(true) => f.write_str("present"),
            HeaderMatch::Present(false) => f.write_str("absent"),
            HeaderMatch::Value(value) => value.fmt(f),
            HeaderMatch::Range(range) => write!(f, "in {}..{}", range.start, range.end),
        }
    }
}

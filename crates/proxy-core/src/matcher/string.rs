//! `envoy.type.matcher.v3.StringMatcher`.
//! In: bytes. Out: whether they match. Regular expressions match the whole text, as RE2's `FullMatch`.

use lateen_core::Re2;
use std::fmt;

/// A matcher of a text.
#[derive(Debug, Clone)]
pub struct StringMatcher {
    /// What the text must be like.
    pub kind: StringKind,
    /// Whether ASCII case is ignored; never with a regular expression.
    pub ignore_case: bool,
}

/// What a text must be like.
#[derive(Debug, Clone)]
pub enum StringKind {
    /// This.
    Exact(String),
    /// This at the beginning.
    Prefix(String),
    /// This at the end.
    Suffix(String),
    /// This somewhere.
    Contains(String),
    /// All of it matches; made by [`full_match`].
    Regex(Re2),
}

impl StringMatcher {
    /// A matcher of exactly this text.
    #[must_use]
    pub fn exact(text: impl Into<String>) -> Self {
        Self { kind: StringKind::Exact(text.into()), ignore_case: false }
    }

    /// Whether `text` matches.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        match &self.kind {
            StringKind::Exact(wanted) => self.same(text, wanted.as_bytes()),
            StringKind::Prefix(wanted) => {
                text.get(..wanted.len()).is_some_and(|part| self.same(part, wanted.as_bytes()))
            }
            StringKind::Suffix(wanted) => {
                let start = text.len().checked_sub(wanted.len());
                start.is_some_and(|start| self.same(&text[start..], wanted.as_bytes()))
            }
            StringKind::Contains(wanted) if wanted.is_empty() => true,
            StringKind::Contains(wanted) if self.ignore_case => {
                text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
            }
            StringKind::Contains(wanted) => memchr::memmem::find(text, wanted.as_bytes()).is_some(),
            StringKind::Regex(regex) => regex.is_match(text),
        }
    }

    fn same(&self, left: &[u8], right: &[u8]) -> bool {
        if self.ignore_case { left.eq_ignore_ascii_case(right) } else { left == right }
    }
}

impl fmt::Display for StringMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StringKind::Exact(text) => write!(f, "{text:?}"),
            StringKind::Prefix(text) => write!(f, "prefix {text:?}"),
            StringKind::Suffix(text) => write!(f, "suffix {text:?}"),
            StringKind::Contains(text) => write!(f, "containing {text:?}"),
            StringKind::Regex(regex) => write!(f, "regex {regex}"),
        }?;
        if self.ignore_case { f.write_str(" (any case)") } else { Ok(()) }
    }
}

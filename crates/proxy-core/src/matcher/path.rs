//! The path condition of a route (`RouteMatch.path_specifier`).
//! In: the path without its query. Out: whether it matches, and which part a prefix rewrite replaces.

use lateen_core::Re2;
use std::fmt;

/// Path of a route.
#[derive(Debug, Clone)]
pub enum PathMatch {
    /// It begins with this.
    Prefix(String),
    /// It is this.
    Exact(String),
    /// It is this, or begins with this and a `/` (`path_separated_prefix`).
    SeparatedPrefix(String),
    /// All of it matches.
    Regex(Re2),
    /// The request is CONNECT (`connect_matcher`).
    Connect,
    /// `path_match_policy` with a URI template.
    Template {
        /// As in the resource.
        pattern: String,
        /// What it comes to.
        regex: Re2,
    },
}

impl PathMatch {
    /// Whether a path without query and fragment matches. CONNECT is not looked at here.
    #[must_use]
    pub fn matches(&self, path: &[u8], case_sensitive: bool) -> bool {
        let same = |left: &[u8], right: &str| {
            if case_sensitive { left == right.as_bytes() } else { left.eq_ignore_ascii_case(right.as_bytes()) }
        };
        match self {
            PathMatch::Prefix(wanted) => path.get(..wanted.len()).is_some_and(|part| same(part, wanted)),
            PathMatch::Exact(wanted) => same(path, wanted),
            PathMatch::SeparatedPrefix(wanted) => {
                path.get(..wanted.len()).is_some_and(|part| same(part, wanted))
                    && path.get(wanted.len()).is_none_or(|next| *next == b'/')
            }
            PathMatch::Regex(regex) | PathMatch::Template { regex, .. } => regex.is_match(path),
            PathMatch::Connect => false,
        }
    }

    /// How much of a matching path a prefix rewrite replaces; `len` is the length of the whole path.
    #[must_use]
    pub fn replaced(&self, len: usize) -> usize {
        match self {
            PathMatch::Prefix(text) | PathMatch::SeparatedPrefix(text) => text.len().min(len),
            _ => len,
        }
    }
}

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathMatch::Prefix(text) => write!(f, "prefix {text}"),
            PathMatch::Exact(text) => write!(f, "path {text}"),
            PathMatch::SeparatedPrefix(text) => write!(f, "path prefix {text}"),
            PathMatch::Regex(regex) => write!(f, "regex {regex}"),
            PathMatch::Connect => f.write_str("CONNECT"),
            PathMatch::Template { pattern, .. } => write!(f, "template {pattern}"),
        }
    }
}

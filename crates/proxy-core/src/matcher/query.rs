//! `envoy.config.route.v3.QueryParameterMatcher`.
//! In: path and query. Out: whether a parameter matches. Values are not percent-decoded, as in Envoy.

use super::StringMatcher;
use std::fmt;

/// A condition on a parameter of the query.
#[derive(Debug, Clone)]
pub struct QueryMatcher {
    /// Name; case counts.
    pub name: String,
    /// What is asked.
    pub kind: QueryMatch,
}

/// What is asked of a parameter.
#[derive(Debug, Clone)]
pub enum QueryMatch {
    /// It is there, or it is not.
    Present(bool),
    /// Its first value is like this.
    Value(StringMatcher),
}

impl QueryMatcher {
    /// Whether the query (without `?`) meets the condition.
    #[must_use]
    pub fn matches(&self, query: Option<&[u8]>) -> bool {
        let found = query.and_then(|query| parameters(query).find(|(name, _)| *name == self.name.as_bytes()));
        match (&self.kind, found) {
            (QueryMatch::Present(wanted), found) => found.is_some() == *wanted,
            (QueryMatch::Value(_), None) => false,
            (QueryMatch::Value(wanted), Some((_, value))) => wanted.matches(value),
        }
    }
}

/// Names and values of a query; a name without `=` has an empty value.
pub fn parameters(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let query = query.split(|byte| *byte == b'#').next().unwrap_or_default();
    query.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).map(|part| match memchr::memchr(b'=', part) {
        Some(at) => (&part[..at], &part[at + 1..]),
        None => (part, &[][..]),
    })
}

impl fmt::Display for QueryMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            QueryMatch::Present(true) => write!(f, "parameter {} present", self.name),
            QueryMatch::Present(false) => write!(f, "parameter {} absent", self.name),
            QueryMatch::Value(value) => write!(f, "parameter {} {value}", self.name),
        }
    }
}

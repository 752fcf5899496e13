//! Matchers of paths, headers, strings and query parameters.
//! In: matchers out of Envoy resources, parts of a request. Out: whether they match, and what they want in words.
//! Never here: routes, allocation for a header that occurs once.

mod header;
mod path;
mod query;
mod string;

#[cfg(test)]
mod tests;

pub use header::{HeaderMatch, HeaderMatcher, pseudo_or_header};
pub use path::PathMatch;
pub use query::{QueryMatch, QueryMatcher, parameters};
pub use string::{StringKind, StringMatcher};

//! Matchers of paths, headers and query parameters.

/// Path of a route.
#[derive(Debug, Clone)]
pub struct PathMatch;

/// A header of a route.
#[derive(Debug, Clone)]
pub struct HeaderMatcher;

/// A query parameter of a route.
#[derive(Debug, Clone)]
pub struct QueryMatcher;

//! Regular expressions as RE2 has them, which is what Istio's API means and Envoy compiles.
//! In: a pattern in RE2's syntax, bytes. Out: whether they match, what a substitution makes of them.
//!
//! Matching is done by crate `regex`, whose syntax and classes differ; a pattern is read here and written anew for it.
//! [`check`] reads only, in time that grows with the pattern's length; what it takes, [`Re2`] compiles.

mod class;
mod error;
mod read;
mod substitution;
#[cfg(test)]
mod tests;

pub use error::Re2Error;
pub use substitution::Substitution;

use std::fmt;
use std::sync::Arc;

/// Instructions that a program may have; RE2 gives them a quarter of two thirds of 8 MiB, 16 bytes each.
const LARGEST: u64 = 87_000;

/// Bytes that a compiled program may take: more than `LARGEST` instructions ever do.
const MOST_BYTES: usize = 64 << 20;

/// What is known of a pattern without compiling it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Capture groups, without the whole match.
    pub groups: usize,
    /// Estimate of the instructions of its program.
    pub cost: u64,
}

/// A compiled expression; clones share the program.
#[derive(Clone)]
pub struct Re2 {
    pattern: Arc<str>,
    cost: u64,
    compiled: regex::bytes::Regex,
}

/// Judges a pattern without compiling it.
///
/// # Errors
/// When RE2 would not take it, or it is too large.
pub fn check(pattern: &str) -> Result<Checked, Re2Error> {
    read::pattern(pattern).map(|read| Checked { groups: read.groups, cost: read.cost })
}

impl Re2 {
    /// Compiles a pattern that matches a text when all of it matches (RE2's `FullMatch`).
    ///
    /// # Errors
    /// When RE2 would not take it, or it is too large.
    pub fn full(pattern: &str) -> Result<Self, Re2Error> {
        Self::compile(pattern, r"\A(?:", r")\z")
    }

    /// Compiles a pattern that is looked for anywhere in a text (RE2's `PartialMatch` and `GlobalReplace`).
    ///
    /// # Errors
    /// When RE2 would not take it, or it is too large.
    pub fn partial(pattern: &str) -> Result<Self, Re2Error> {
        Self::compile(pattern, "", "")
    }

    fn compile(pattern: &str, before: &str, after: &str) -> Result<Self, Re2Error> {
        let read = read::pattern(pattern)?;
        let compiled = regex::bytes::RegexBuilder::new(&format!("{before}{}{after}", read.text))
            .size_limit(MOST_BYTES)
            // Groups that were written anew lie deeper than those of the pattern.
            .nest_limit(4 * read::DEEPEST)
            .build()
            .map_err(|_| Re2Error::TooLarge { cost: read.cost })?;
        Ok(Self { pattern: pattern.into(), cost: read.cost, compiled })
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Estimate of the instructions of the program.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Whether the text matches.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.compiled.is_match(text)
    }

    /// Capture groups, without the whole match.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.compiled.captures_len() - 1
    }
}

impl fmt::Debug for Re2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.pattern)
    }
}

impl fmt::Display for Re2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

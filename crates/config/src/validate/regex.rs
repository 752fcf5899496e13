//! Regular expressions as RE2 has them, which is what Istio's API means and Envoy compiles.
//!
//! `lateen_core::re2` judges, which compiles expressions for the proxy as well; nothing is compiled here.

use crate::decode::context::shorten;
use crate::validate::{Rule, wrong};
use lateen_core::re2::{self, Substitution};

/// Characters of an expression that Istio takes.
const LONGEST: usize = 1024;

/// An expression, which may not be empty.
pub(crate) fn regex(text: &str) -> Rule {
    groups(text).map(|_| ())
}

/// The number of capture groups of an expression.
pub(crate) fn groups(text: &str) -> Result<usize, crate::validate::check::Wrong> {
    let refuse = |message: String, hint: &str| wrong(message, hint).map(|()| 0);
    if text.is_empty() {
        return refuse("the expression is empty".to_owned(), "write `.*` to match anything, or leave the match out");
    }
    if text.len() > LONGEST {
        return refuse(format!("the expression has {} bytes", text.len()), "the longest has 1024");
    }
    match re2::check(text) {
        Ok(checked) => Ok(checked.groups),
        Err(error) => refuse(
            format!("`{}` is no expression of RE2: {error}", shorten(text)),
            "the syntax is that of RE2, without look-around and back-references",
        ),
    }
}

/// A replacement for the matches of an expression with this many groups.
pub(crate) fn substitution(text: &str, groups: usize) -> Rule {
    match Substitution::new(text, groups) {
        Ok(_) => Ok(()),
        Err(error) => wrong(
            format!("`{}` is no replacement: {error}", shorten(text)),
            "`\\0` to `\\9` stand for groups, and `\\\\` for a backslash",
        ),
    }
}

#[cfg(test)]
mod tests;

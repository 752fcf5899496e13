//! Regular expressions in linear time, as Go's RE2.
//! In: a pattern and a text. Out: matches, parts, replacements.
//! Never here: backtracking, or a pattern that compiles to more than a megabyte.

use regex::{Regex, RegexBuilder};

use super::args::{int, made, made_texts, text};
use super::patterns::translate;
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Int, String as Str};
use crate::value::{Elem, List, Value};

pub(super) const FUNCTIONS: &[Row] = &[
    ("regexMatch", &[Str, Str], None, |b, a| Ok(compile(b, a).is_ok_and(|re| re.is_match(text(a, 1))).into())),
    ("mustRegexMatch", &[Str, Str], None, |b, a| Ok(compile(b, a)?.is_match(text(a, 1)).into())),
    ("regexFindAll", &[Str, Str, Int], None, find_all),
    ("mustRegexFindAll", &[Str, Str, Int], None, find_all),
    ("regexFind", &[Str, Str], None, find),
    ("mustRegexFind", &[Str, Str], None, find),
    ("regexReplaceAll", &[Str, Str, Str], None, |b, a| replace(b, a, false)),
    ("mustRegexReplaceAll", &[Str, Str, Str], None, |b, a| replace(b, a, false)),
    ("regexReplaceAllLiteral", &[Str, Str, Str], None, |b, a| replace(b, a, true)),
    ("mustRegexReplaceAllLiteral", &[Str, Str, Str], None, |b, a| replace(b, a, true)),
    ("regexSplit", &[Str, Str, Int], None, split),
    ("mustRegexSplit", &[Str, Str, Int], None, split),
    ("regexQuoteMeta", &[Str], None, |b, a| made(quote_meta(text(a, 0)), b)),
];

const MAX_COMPILED: usize = 1 << 20;

/// The pattern that comes first, for the text that comes second.
fn compile(budget: &Budget, args: &[Value]) -> Result<Regex> {
    let pattern = text(args, 0);
    budget.spend(100 + (pattern.len() + text(args, 1).len()) as u64 / 16)?;
    let translated = translate(pattern).map_err(|why| CallError::new(format!("error parsing regexp: {why}")))?;
    RegexBuilder::new(&translated).size_limit(MAX_COMPILED).build().map_err(|err| {
        // The crate draws a picture; its last line says what is wrong.
        let err = err.to_string();
        let why = err.lines().last().unwrap_or_default().trim_start_matches("error: ");
        CallError::new(format!("error parsing regexp: {why}: `{pattern}`"))
    })
}

/// How many at most; a negative number is no bound.
fn limit(args: &[Value]) -> usize {
    usize::try_from(int(args, 2)).unwrap_or(usize::MAX)
}

fn find_all(budget: &Budget, args: &[Value]) -> Result {
    let re = compile(budget, args)?;
    let mut found = Vec::new();
    for matched in re.find_iter(text(args, 1)).take(limit(args)) {
        found.push(matched.as_str().to_owned());
        budget.spend(1)?;
    }
    if found.is_empty() {
        return Ok(List::nil(Elem::String).into());
    }
    made_texts(found, budget)
}

fn find(budget: &Budget, args: &[Value]) -> Result {
    let found = compile(budget, args)?;
    let found = found.find(text(args, 1)).map_or("", |matched| matched.as_str());
    made(found.to_owned(), budget)
}

fn replace(budget: &Budget, args: &[Value], literal: bool) -> Result {
    let re = compile(budget, args)?;
    let (source, replacement) = (text(args, 1), text(args, 2));
    let mut out = String::new();
    let mut last = 0;
    for captures in re.captures_iter(source) {
        let Some(whole) = captures.get(0) else { continue };
        budget.spend(1)?;
        out.push_str(&source[last..whole.start()]);
        if literal {
            out.push_str(replacement);
        } else {
            captures.expand(replacement, &mut out);
        }
        budget.check_size(out.len())?;
        last = whole.end();
    }
    out.push_str(&source[last..]);
    made(out, budget)
}

/// As Go: an empty match at the start does not split, and at most `n` parts when `n` is positive.
fn split(budget: &Budget, args: &[Value]) -> Result {
    let re = compile(budget, args)?;
    let (source, count) = (text(args, 1), int(args, 2));
    if count == 0 {
        return Ok(List::nil(Elem::String).into());
    }
    if source.is_empty() && !text(args, 0).is_empty() {
        return made_texts(vec![String::new()], budget);
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for matched in re.find_iter(source) {
        budget.spend(1)?;
        if count > 0 && i64::try_from(parts.len()).is_ok_and(|len| len == count - 1) {
            break;
        }
        end = matched.start();
        if matched.end() != 0 {
            parts.push(source[start..end].to_owned());
        }
        start = matched.end();
    }
    if end != source.len() {
        parts.push(source[start..].to_owned());
    }
    made_texts(parts, budget)
}

fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

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
    ("regexMatch", &[Str, Str], None, matches),
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

/// Bytes that a pattern may compile to, what one of such a size costs in steps, and how many times more
/// a text costs with it. Each is tried before the next.
const SIZES: [(usize, u64, u64); 3] = [(1 << 14, 500, 1), (1 << 17, 10_000, 4), (1 << 20, 80_000, 16)];

/// The pattern that comes first, for the text that comes second.
fn compile(budget: &Budget, args: &[Value]) -> Result<Regex> {
    let pattern = text(args, 0);
    let refuse = |why: &str| CallError::new(format!("error parsing regexp: {why}"));
    let translated = translate(pattern).map_err(|why| refuse(&why))?;
    // Classes of Unicode are large before anything is compiled.
    let classes = pattern.matches("\\p").count() + pattern.matches("\\P").count();
    budget.spend(200 + 2 * pattern.len() as u64 + 2000 * classes as u64)?;
    let mut failed = None;
    for (size, cost, factor) in SIZES {
        budget.spend(cost + factor * (text(args, 1).len() as u64 / 16))?;
        match RegexBuilder::new(&translated).size_limit(size).build() {
            Ok(regex) => return Ok(regex),
            Err(err @ regex::Error::CompiledTooBig(_)) => failed = Some(err),
            Err(err) => {
                failed = Some(err);
                break;
            }
        }
    }
    // The crate draws a picture; its last line says what is wrong.
    let err = failed.map(|err| err.to_string()).unwrap_or_default();
    let why = err.lines().last().unwrap_or_default().trim_start_matches("error: ");
    Err(refuse(&format!("{why}: `{pattern}`")))
}

/// A pattern that does not read matches nothing.
fn matches(budget: &Budget, args: &[Value]) -> Result {
    match compile(budget, args) {
        Err(err) if err.is_limit() => Err(err),
        compiled => Ok(compiled.is_ok_and(|regex| regex.is_match(text(args, 1))).into()),
    }
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

//! Texts: trimming, cutting, joining, quoting, indenting.
//! In: texts and numbers. Out: texts, bools, lists of texts.
//! Never here: letter case, regular expressions, encodings.
//!
//! Where Go cuts a character in two, what is left of it becomes U+FFFD.

use super::args::{int, made, made_texts, text, to_text, to_texts, value};
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Any, Int, String as Str};
use crate::quote::quote as go_quote;
use crate::value::{Elem, Map, Value};

pub(super) const FUNCTIONS: &[Row] = &[
    ("hello", &[], None, |_, _| Ok("Hello!".into())),
    ("abbrev", &[Int, Str], None, |b, a| made(abbreviate(text(a, 1), 0, int(a, 0)), b)),
    ("abbrevboth", &[Int, Int, Str], None, |b, a| made(abbreviate_both(text(a, 2), int(a, 0), int(a, 1)), b)),
    ("trunc", &[Int, Str], None, |b, a| made(trunc(int(a, 0), text(a, 1)), b)),
    ("trim", &[Str], None, |b, a| made(text(a, 0).trim().into(), b)),
    ("trimall", &[Str, Str], None, trim_all),
    ("trimAll", &[Str, Str], None, trim_all),
    ("trimSuffix", &[Str, Str], None, |b, a| made(strip_suffix(text(a, 1), text(a, 0)).into(), b)),
    ("trimPrefix", &[Str, Str], None, |b, a| made(strip_prefix(text(a, 1), text(a, 0)).into(), b)),
    ("nospace", &[Str], None, |b, a| made(nospace(text(a, 0)), b)),
    ("initials", &[Str], None, |b, a| made(initials(text(a, 0)), b)),
    ("substr", &[Int, Int, Str], None, substr),
    ("repeat", &[Int, Str], None, repeat),
    ("wrap", &[Int, Str], None, |b, a| wrap(b, text(a, 1), int(a, 0), "", false)),
    ("wrapWith", &[Int, Str, Str], None, |b, a| wrap(b, text(a, 2), int(a, 0), text(a, 1), true)),
    ("contains", &[Str, Str], None, |_, a| Ok(text(a, 1).contains(text(a, 0)).into())),
    ("hasPrefix", &[Str, Str], None, |_, a| Ok(text(a, 1).starts_with(text(a, 0)).into())),
    ("hasSuffix", &[Str, Str], None, |_, a| Ok(text(a, 1).ends_with(text(a, 0)).into())),
    ("quote", &[], Some(Any), |b, a| quoted(b, a, go_quote)),
    ("squote", &[], Some(Any), |b, a| quoted(b, a, |text| format!("'{text}'"))),
    ("cat", &[], Some(Any), |b, a| quoted(b, a, str::to_owned)),
    ("indent", &[Int, Str], None, |b, a| indent(b, int(a, 0), text(a, 1), "")),
    ("nindent", &[Int, Str], None, |b, a| indent(b, int(a, 0), text(a, 1), "\n")),
    ("replace", &[Str, Str, Str], None, replace),
    ("plural", &[Str, Str, Int], None, |b, a| made(text(a, usize::from(int(a, 2) != 1)).into(), b)),
    ("toString", &[Any], None, |b, a| made(to_text(value(a, 0), b)?, b)),
    ("toStrings", &[Any], None, |b, a| made_texts(to_texts(value(a, 0), b)?, b)),
    ("join", &[Str, Any], None, join),
    ("sortAlpha", &[Any], None, sort_alpha),
    ("split", &[Str, Str], None, |b, a| numbered(b, text(a, 1), text(a, 0), -1)),
    ("splitn", &[Str, Int, Str], None, |b, a| numbered(b, text(a, 2), text(a, 0), int(a, 1))),
    ("splitList", &[Str, Str], None, |b, a| made_texts(split(b, text(a, 1), text(a, 0), -1)?, b)),
];

/// Bytes as a text; a character that was cut in two becomes U+FFFD.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn trunc(count: i64, text: &str) -> String {
    let bytes = text.as_bytes();
    let keep = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if keep >= bytes.len() {
        text.to_owned()
    } else if count < 0 {
        lossy(&bytes[bytes.len() - keep..])
    } else {
        lossy(&bytes[..keep])
    }
}

fn trim_all(budget: &Budget, args: &[Value]) -> Result {
    let cut = text(args, 0);
    made(text(args, 1).trim_matches(|c| cut.contains(c)).into(), budget)
}

fn strip_suffix<'a>(text: &'a str, suffix: &str) -> &'a str {
    text.strip_suffix(suffix).unwrap_or(text)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// Byte by byte, as there: what is not ASCII comes out as Latin-1 where anything is taken out.
fn nospace(text: &str) -> String {
    if !text.bytes().any(|byte| char::from(byte).is_whitespace()) {
        return text.to_owned();
    }
    text.bytes().map(char::from).filter(|c| !c.is_whitespace()).collect()
}

fn initials(text: &str) -> String {
    let mut after_gap = true;
    let mut out = String::new();
    // Byte by byte, as there.
    for c in text.bytes().map(char::from) {
        if c.is_whitespace() {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            out.push(c);
        }
    }
    out
}

fn abbreviate_both(text: &str, left: i64, right: i64) -> String {
    if right < 4 || (left > 0 && right < 7) {
        return text.to_owned();
    }
    abbreviate(text, left, right)
}

/// Cuts to a width with `...` at the cut ends; `offset` is what should be seen at the left.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let bytes = text.as_bytes();
    let len = bytes.len();
    let Some(width) = usize::try_from(width).ok().filter(|width| (4..len).contains(width)) else {
        return text.to_owned();
    };
    let mut offset = usize::try_from(offset).unwrap_or(0).min(len);
    if len - offset < width - 3 {
        offset = len - (width - 3);
    }
    if offset <= 4 {
        return lossy(&bytes[..width - 3]) + "...";
    }
    if width < 7 {
        return String::new();
    }
    if offset + width - 3 < len {
        let tail = &bytes[offset..];
        let shown = width - 6;
        // What is left is cut at its right end too; 3 more characters go to the dots.
        return if tail.len() <= width - 3 || width - 3 < 4 {
            format!("...{}", if width - 3 < 4 { String::new() } else { lossy(tail) })
        } else {
            format!("...{}...", lossy(&tail[..shown]))
        };
    }
    format!("...{}", lossy(&bytes[len - (width - 3)..]))
}

fn substr(budget: &Budget, args: &[Value]) -> Result {
    let (start, end, bytes) = (int(args, 0), int(args, 1), text(args, 2).as_bytes());
    let len = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let (from, to) = match (start, end) {
        (start, end) if start < 0 => (0, end),
        (start, end) if end < 0 || end > len => (start, len),
        both => both,
    };
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to && to <= bytes.len() => made(lossy(&bytes[from..to]), budget),
        _ if to < 0 => Err(CallError::new(format!("runtime error: slice bounds out of range [:{to}]"))),
        _ if to > len => {
            Err(CallError::new(format!("runtime error: slice bounds out of range [:{to}] with length {len}")))
        }
        _ => Err(CallError::new(format!("runtime error: slice bounds out of range [{from}:{to}]"))),
    }
}

fn repeat(budget: &Budget, args: &[Value]) -> Result {
    let (count, piece) = (int(args, 0), text(args, 1));
    let count = usize::try_from(count).map_err(|_| CallError::new("strings: negative Repeat count"))?;
    budget.text(piece.len().saturating_mul(count))?;
    Ok(piece.repeat(count).into())
}

/// Breaks lines at spaces; `long` breaks words that do not fit as well.
fn wrap(budget: &Budget, text: &str, width: i64, newline: &str, long: bool) -> Result {
    let newline = if newline.is_empty() { "\n" } else { newline };
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let mut at = 0;
    while bytes.len() - at > width {
        budget.spend(1)?;
        budget.check_size(out.len())?;
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let line_end = match bytes[at..=at + width].iter().rposition(|b| *b == b' ') {
            Some(space) => at + space,
            None if long => at + width,
            None => match bytes[at + width..].iter().position(|b| *b == b' ') {
                Some(space) => at + width + space,
                None => break,
            },
        };
        out.extend_from_slice(&bytes[at..line_end]);
        out.extend_from_slice(newline.as_bytes());
        at = line_end + usize::from(bytes[line_end] == b' ');
    }
    out.extend_from_slice(&bytes[at..]);
    made(lossy(&out), budget)
}

/// All that is not nil, each in its own way, with spaces between.
fn quoted(budget: &Budget, args: &[Value], each: fn(&str) -> String) -> Result {
    let mut out = String::new();
    let shown = args.iter().filter(|arg| !matches!(arg, Value::Nil));
    for (i, arg) in shown.enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(&each(&to_text(arg, budget)?));
        budget.check_size(out.len())?;
    }
    made(out, budget)
}

fn indent(budget: &Budget, spaces: i64, text: &str, before: &str) -> Result {
    let spaces = usize::try_from(spaces).map_err(|_| CallError::new("strings: negative Repeat count"))?;
    let lines = text.matches('\n').count() + 1;
    budget.text(spaces.saturating_mul(lines).saturating_add(text.len()))?;
    let pad = " ".repeat(spaces);
    Ok(format!("{before}{pad}{}", text.replace('\n', &format!("\n{pad}"))).into())
}

fn replace(budget: &Budget, args: &[Value]) -> Result {
    let (old, new, source) = (text(args, 0), text(args, 1), text(args, 2));
    let count = source.matches(old).count();
    budget.text(source.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(source.replace(old, new).into())
}

fn join(budget: &Budget, args: &[Value]) -> Result {
    let (separator, texts) = (text(args, 0), to_texts(value(args, 1), budget)?);
    let size = texts.iter().map(String::len).sum::<usize>();
    budget.text(size.saturating_add(separator.len().saturating_mul(texts.len())))?;
    Ok(texts.join(separator).into())
}

fn sort_alpha(budget: &Budget, args: &[Value]) -> Result {
    let mut texts = match value(args, 0) {
        list @ Value::List(_) => to_texts(list, budget)?,
        other => vec![to_text(other, budget)?],
    };
    budget.items(texts.len().saturating_mul(4))?;
    texts.sort_unstable();
    made_texts(texts, budget)
}

/// At most `count` parts, all when it is negative. An empty separator splits between characters.
pub(super) fn split(budget: &Budget, text: &str, separator: &str, count: i64) -> Result<Vec<String>> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    if separator.is_empty() {
        let mut parts: Vec<String> = Vec::new();
        let mut rest = text;
        budget.items(text.len().min(limit))?;
        while let Some(c) = rest.chars().next() {
            if parts.len() + 1 == limit {
                parts.push(rest.to_owned());
                break;
            }
            parts.push(c.to_string());
            rest = &rest[c.len_utf8()..];
        }
        return Ok(parts);
    }
    budget.items(text.matches(separator).count().min(limit))?;
    Ok(text.splitn(limit, separator).map(str::to_owned).collect())
}

/// The parts under the keys `_0`, `_1` and so on.
fn numbered(budget: &Budget, text: &str, separator: &str, count: i64) -> Result {
    let parts = split(budget, text, separator, count)?;
    let entries = parts.into_iter().enumerate().map(|(i, part)| (format!("_{i}").into(), part.into()));
    Ok(Value::Map(Map::new(Elem::String, entries)))
}

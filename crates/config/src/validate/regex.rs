//! Regular expressions as RE2 has them, which is what Istio's API means and Envoy compiles.
//!
//! The `regex` crate judges; what it takes and RE2 does not is found by a scan before.

use crate::decode::context::shorten;
use crate::validate::{Rule, wrong};

/// Characters of an expression that Istio takes.
const LONGEST: usize = 1024;

/// Most repetitions in `{n,m}` (RE2, `kMaxRepeat`).
const MOST_REPEATS: u32 = 1000;

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
    if let Some(reason) = beyond_re2(text) {
        return refuse(
            format!("`{}` is no expression of RE2: {reason}", shorten(text)),
            "RE2 has no look-around and no back-references",
        );
    }
    match regex::Regex::new(text) {
        Ok(regex) => Ok(regex.captures_len() - 1),
        Err(error) => {
            // The last line says what is wrong; those before draw the place.
            let reason = match &error {
                regex::Error::CompiledTooBig(_) => "it compiles to too large a program".to_owned(),
                error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
            };
            refuse(
                format!("`{}` is no valid expression: {reason}", shorten(text)),
                "the syntax is that of RE2, without look-around and back-references",
            )
        }
    }
}

/// What the `regex` crate takes and RE2 does not.
fn beyond_re2(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut in_class = false;
    let mut repeated = false;
    while let Some(&c) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        let mut repeats = false;
        at += match c {
            b'\\' => match next {
                Some(b'u' | b'U' | b'<' | b'>') => return Some("this escape is unknown there"),
                Some(b'b') if bytes.get(at + 2) == Some(&b'{') => return Some("`\\b{…}` is unknown there"),
                _ => 2,
            },
            b'[' if !in_class => {
                in_class = true;
                // A bracket right after the opening stands for itself.
                let negated = usize::from(next == Some(b'^'));
                1 + negated + usize::from(bytes.get(at + 1 + negated) == Some(&b']'))
            }
            b']' if in_class => {
                in_class = false;
                1
            }
            b'&' | b'~' | b'-' if in_class && next == Some(c) => return Some("it has no operators inside brackets"),
            _ if in_class => 1,
            b'(' if next == Some(b'?') => {
                let flags = &bytes[at + 2..];
                let end = flags.iter().position(|c| matches!(c, b':' | b')' | b'<' | b'P')).unwrap_or(0);
                if flags[..end].iter().any(|c| matches!(c, b'x' | b'u' | b'R')) {
                    return Some("these flags are unknown there");
                }
                2
            }
            b'*' | b'+' | b'?' if repeated && c != b'?' => return Some("a repetition is repeated"),
            b'*' | b'+' | b'?' => {
                // `a*?` is lazy and may not be repeated either.
                repeats = true;
                1 + usize::from(next == Some(b'?'))
            }
            b'{' => match counts(&bytes[at + 1..]) {
                Some((length, most)) => {
                    if most > MOST_REPEATS {
                        return Some("it repeats at most 1000 times");
                    }
                    if repeated {
                        return Some("a repetition is repeated");
                    }
                    repeats = true;
                    1 + length + usize::from(bytes.get(at + 1 + length) == Some(&b'?'))
                }
                None => 1,
            },
            _ => 1,
        };
        repeated = repeats;
    }
    None
}

/// Length after `{` and largest number of a repetition `{n}`, `{n,}` or `{n,m}`.
fn counts(bytes: &[u8]) -> Option<(usize, u32)> {
    let end = bytes.iter().position(|c| *c == b'}')?;
    let inner = std::str::from_utf8(&bytes[..end]).ok()?;
    let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
    let number = |text: &str| -> Option<u32> {
        (text.bytes().all(|c| c.is_ascii_digit())).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let low_number = if low.is_empty() { return None } else { number(low)? };
    let high_number = if high.is_empty() { 0 } else { number(high)? };
    Some((end + 1, low_number.max(high_number)))
}

#[cfg(test)]
mod tests;

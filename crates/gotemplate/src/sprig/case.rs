//! Letter case: upper, lower, title, and the casings of identifiers.
//! In: text. Out: text.
//! Never here: anything but letters, digits and what joins words.

use super::Row;
use super::args::{made, text};
use crate::function::Type::String as Str;

pub(super) const FUNCTIONS: &[Row] = &[
    ("upper", &[Str], None, |b, a| made(text(a, 0).chars().map(upper).collect(), b)),
    ("lower", &[Str], None, |b, a| made(text(a, 0).chars().map(lower).collect(), b)),
    ("title", &[Str], None, |b, a| made(title(text(a, 0)), b)),
    ("untitle", &[Str], None, |b, a| made(untitle(text(a, 0)), b)),
    ("swapcase", &[Str], None, |b, a| made(text(a, 0).chars().map(swap).collect(), b)),
    ("snakecase", &[Str], None, |b, a| made(separated(text(a, 0), '_'), b)),
    ("kebabcase", &[Str], None, |b, a| made(separated(text(a, 0), '-'), b)),
    ("camelcase", &[Str], None, |b, a| made(camel(text(a, 0)), b)),
];

/// Go maps characters one by one; those that would become two stay.
fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn swap(c: char) -> char {
    if c.is_uppercase() {
        lower(c)
    } else if c.is_lowercase() {
        upper(c)
    } else {
        c
    }
}

/// The first letter of each word in upper case. Words are joined by letters, digits and `_`, outside ASCII by all but space.
fn title(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let separates = match before {
                b if b.is_ascii() => !(b.is_ascii_alphanumeric() || b == '_'),
                b => !b.is_alphanumeric() && b.is_whitespace(),
            };
            before = c;
            if separates { upper(c) } else { c }
        })
        .collect()
}

/// The first letter of each word in lower case. Words are separated by space.
fn untitle(text: &str) -> String {
    let mut first = true;
    text.chars()
        .map(|c| {
            if c.is_whitespace() {
                first = true;
                c
            } else if std::mem::take(&mut first) {
                lower(c)
            } else {
                c
            }
        })
        .collect()
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// `some_words` to `SomeWords`. Connectors at the ends stay, of several in a row the last goes.
fn camel(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let Some(start) = chars.iter().position(|c| !is_connector(*c)) else { return text.to_owned() };
    let mut out: String = chars[..start].iter().collect();
    let mut before = upper(chars[start]);
    for c in &chars[start + 1..] {
        let mut c = *c;
        match (is_connector(c), is_connector(before)) {
            (true, true) => out.push(before),
            (false, true) => c = upper(c),
            _ => out.push(before),
        }
        before = c;
    }
    out.push(before);
    out
}

/// What a run of characters is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Number,
    /// Begins with an upper case letter: `HTTP`, `Status`.
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_cased(c: char) -> bool {
    c.is_alphabetic()
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~')
}

/// Splits into runs; `HTTPStatus` is `HTTP` and `Status`.
fn runs(text: &str) -> Vec<(Run, String)> {
    let chars: Vec<char> = text.chars().collect();
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(&first) = chars.get(at) {
        let span = |from: usize, holds: &dyn Fn(char) -> bool| chars[from..].iter().take_while(|c| holds(**c)).count();
        let letters = |c: char| is_cased(c) && !c.is_uppercase();
        let (run, mut len) = if is_connector(first) {
            (Run::Connector, span(at, &is_connector))
        } else if is_punctuation(first) {
            (Run::Punctuation, span(at, &is_punctuation))
        } else if first.is_uppercase() {
            let uppers = span(at, &char::is_uppercase);
            match chars.get(at + uppers) {
                Some(next) if uppers > 1 && is_cased(*next) => (Run::Upper, uppers - 1),
                _ if uppers > 1 => (Run::Upper, uppers),
                _ => (Run::Upper, 1 + span(at + 1, &letters)),
            }
        } else if is_cased(first) {
            (Run::Letters, span(at, &letters))
        } else if first.is_numeric() {
            (Run::Number, span(at, &char::is_numeric))
        } else {
            let other = |c: char| !is_connector(c) && !is_cased(c) && !c.is_numeric() && !is_punctuation(c);
            (Run::Other, span(at, &other))
        };
        len = len.max(1);
        runs.push((run, chars[at..at + len].iter().collect()));
        at += len;
    }
    runs
}

/// `HTTPServer` to `http_server`. A number belongs to the word before it, unless letters follow it at once.
fn separated(text: &str, connector: char) -> String {
    let runs = runs(text);
    let mut out = String::new();
    let kind = |i: usize| runs.get(i).map(|(run, _)| *run);
    let joins = |i: usize| !matches!(kind(i), None | Some(Run::Connector | Run::Punctuation));
    let write = |out: &mut String, i: usize| {
        if let Some((run, word)) = runs.get(i) {
            match run {
                Run::Connector => out.extend(word.chars().map(|_| connector)),
                _ => out.extend(word.chars().map(lower)),
            }
        }
    };
    // A number takes the letters and numbers after it along.
    let take_along = |out: &mut String, mut i: usize| {
        while matches!(kind(i), Some(Run::Letters | Run::Number)) {
            write(out, i);
            i += 1;
        }
        if joins(i) {
            out.push(connector);
        }
        i
    };
    let mut i = 0;
    while i < runs.len() {
        write(&mut out, i);
        let run = kind(i);
        i += 1;
        match run {
            Some(Run::Number) => i = take_along(&mut out, i),
            Some(Run::Connector | Run::Punctuation) | None => {}
            Some(_) if kind(i) == Some(Run::Number) => {
                if i + 1 == runs.len() {
                    write(&mut out, i);
                    i += 1;
                } else if kind(i + 1) == Some(Run::Letters) {
                    out.push(connector);
                    write(&mut out, i);
                    i = take_along(&mut out, i + 1);
                } else {
                    write(&mut out, i);
                    i += 1;
                    if joins(i) {
                        out.push(connector);
                    }
                }
            }
            Some(_) if joins(i) => out.push(connector),
            Some(_) => {}
        }
    }
    out
}

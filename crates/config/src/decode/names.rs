//! Field names: which spelling means which field, and which name a misspelt one comes closest to.

use crate::decode::Oneof;

/// A field as `message!` lists it: its Rust name and its extra JSON spellings.
pub(crate) type Field<'a> = (&'static str, &'a [&'static str]);

/// Which slots of a message were written, under which key, and with which rank.
#[derive(Default)]
pub(crate) struct Seen<'a>(pub(crate) Vec<(&'static str, &'a str, usize)>);

/// Whether a key of the document is one of the spellings of a field.
///
/// Proto3 JSON takes the lowerCamelCase name and the name of the proto file.
pub(crate) fn matches(key: &str, field: &str, spellings: &[&str]) -> bool {
    let field = plain(field);
    spellings.contains(&key) || key == field || is_camel_of(key, field)
}

/// The member of a oneof that a key names.
pub(crate) fn member<T: Oneof>(key: &str) -> Option<usize> {
    T::MEMBERS.iter().position(|field| matches(key, field, &[]))
}

/// The name that documents use for a field.
pub(crate) fn written(field: &str, spellings: &[&str]) -> String {
    if let Some(first) = spellings.first() {
        return (*first).to_owned();
    }
    let mut out = String::new();
    let mut upper = false;
    for c in plain(field).chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// The candidate that a word was most likely meant to be, if any is close.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A key of hostile length is no misspelling; the distance is quadratic.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (word.len().max(candidate.len()) / 3).max(1)
                || (lower.len() >= 4 && candidate.to_lowercase().starts_with(&lower))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(field: &str) -> &str {
    field.strip_prefix("r#").unwrap_or(field)
}

fn is_camel_of(key: &str, field: &str) -> bool {
    let mut key = key.bytes();
    let mut upper = false;
    for c in field.bytes() {
        if c == b'_' {
            upper = true;
            continue;
        }
        let expected = if upper { c.to_ascii_uppercase() } else { c };
        upper = false;
        if key.next() != Some(expected) {
            return false;
        }
    }
    key.next().is_none()
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to another.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = replace.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;

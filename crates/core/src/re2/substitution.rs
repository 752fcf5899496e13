//! What a match is replaced by (RE2's rewrite strings): `\0` to `\9` stand for groups, `\\` for a backslash.
//! In: the text of a substitution, bytes. Out: the bytes with every match replaced, as `GlobalReplace` does it.

use super::{Re2, Re2Error};
use std::borrow::Cow;

/// A substitution that fits its pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substitution(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

impl Substitution {
    /// Reads a substitution for a pattern with this many groups.
    ///
    /// # Errors
    /// When it names a group that is not there, or a backslash stands before anything but a digit or a backslash.
    pub fn new(text: &str, groups: usize) -> Result<Self, Re2Error> {
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            match (byte, (byte == b'\\').then(|| bytes.next()).flatten()) {
                (b'\\', Some(b'\\')) => plain.push(b'\\'),
                (b'\\', Some(digit @ b'0'..=b'9')) => {
                    let group = usize::from(digit - b'0');
                    if group > groups {
                        return Err(Re2Error::NoGroup { group, groups });
                    }
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Group(group));
                }
                (b'\\', _) => return Err(Re2Error::Backslash),
                (byte, _) => plain.push(byte),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }
}

impl Re2 {
    /// Replaces every match. A match of nothing right after another match does not count, nor one inside a character.
    #[must_use]
    pub fn replace_all<'t>(&self, text: &'t [u8], by: &Substitution) -> Cow<'t, [u8]> {
        let mut out = Vec::new();
        let (mut copied, mut at, mut last_end, mut replaced) = (0, 0, None, false);
        while let Some(found) = (at <= text.len()).then(|| self.compiled.captures_at(text, at)).flatten() {
            let Some(whole) = found.get(0) else { break };
            if whole.is_empty() && (last_end == Some(whole.start()) || inside_character(text, whole.start())) {
                at = whole.start() + 1;
                continue;
            }
            replaced = true;
            out.extend_from_slice(text.get(copied..whole.start()).unwrap_or_default());
            for piece in &by.0 {
                match piece {
                    Piece::Text(plain) => out.extend_from_slice(plain),
                    Piece::Group(group) => out.extend_from_slice(found.get(*group).map_or(&[], |part| part.as_bytes())),
                }
            }
            copied = whole.end();
            at = whole.end();
            last_end = Some(whole.end());
        }
        if !replaced {
            return Cow::Borrowed(text);
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }
}

/// Whether a position lies behind the first byte of a character, within it.
fn inside_character(text: &[u8], at: usize) -> bool {
    (1..=3).any(|back| {
        let Some(start) = at.checked_sub(back) else { return false };
        let first = text.get(start..(start + 4).min(text.len())).and_then(|part| part.utf8_chunks().next());
        first.and_then(|chunk| chunk.valid().chars().next()).is_some_and(|character| character.len_utf8() > back)
    })
}

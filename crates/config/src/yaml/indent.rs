//! Lines inside `{}`, `[]` and quotes that stand further left than the block around them; tabs and comments where
//! the scanner wants a space.
//! In: a text, and where the scanner stopped. Out: the text with such lines moved to the right, and with the space.
//! Never here: lines of blocks, whose indentation has a meaning.
//!
//! YAML wants these lines indented. The readers of Kubernetes and Istio take them anywhere, and Istio's injection
//! templates up to 1.22 write `annotations: {` with the `}` below the key, so what they take is taken here too.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// What all texts tried for one file may add up to, in bytes; beyond it the scanner's complaint stands.
pub(super) const MOST_BYTES: usize = 16 << 20;
/// A column to which lines are moved at most; deeper blocks are not mended.
const WIDEST: usize = 512;
/// What flow collections inside one another add to the indentation that the scanner wants.
const NESTING: usize = 128;

/// A text, some lines of it moved to the right.
pub(super) struct Indented<'t> {
    text: Cow<'t, str>,
    moved: BTreeSet<usize>,
    /// How far lines are moved.
    columns: usize,
}

impl<'t> Indented<'t> {
    /// The text as it is.
    pub(super) fn new(text: &'t str) -> Indented<'t> {
        let lead = |line: &str| line.bytes().take_while(|b| matches!(b, b' ' | b'-' | b'?' | b'\t')).count();
        let deepest = text.split('\n').map(lead).max().unwrap_or_default();
        Indented { text: Cow::Borrowed(text), moved: BTreeSet::new(), columns: deepest + NESTING }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How far the line was moved; lines count from 1.
    pub(super) fn moved(&self, row: usize) -> usize {
        if self.moved.contains(&row) { self.columns } else { 0 }
    }

    /// Moves the lines at which the scanner stopped, if that is why it stopped, and takes the length of the new text
    /// from `bytes`; whether another attempt is worth it.
    pub(super) fn mend(&mut self, row: usize, column: usize, why: &str, bytes: &mut usize) -> bool {
        if self.columns > WIDEST + NESTING || self.text.len() > *bytes {
            return false;
        }
        match why {
            "':' must be followed by a valid YAML whitespace" => return self.space(row, column, tabs_of_value, bytes),
            "comments must be separated from other tokens by whitespace" => {
                return self.space(row, column, before_comment, bytes);
            }
            _ => {}
        }
        let rows = match why {
            "invalid indentation" | "invalid indentation in flow construct" => self.flow(row),
            // The scanner names the line of the first quote.
            "invalid indentation in quoted scalar" => self.quoted(row),
            _ => return false,
        };
        if rows.is_empty() {
            return false;
        }
        let length = self.text.len() + rows.len() * self.columns;
        let Some(left) = bytes.checked_sub(length) else { return false };
        *bytes = left;
        let space = " ".repeat(self.columns);
        let mut text = String::with_capacity(length);
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            if rows.contains(&(index + 1)) {
                text.push_str(&space);
            }
            text.push_str(line);
        }
        self.text = Cow::Owned(text);
        self.moved.extend(rows);
        true
    }

    /// Rewrites the line at a column, which counts characters from 0; what stands behind stays where it is, but for the
    /// text of a comment.
    fn space(
        &mut self,
        row: usize,
        column: usize,
        mended: fn(&str, &str) -> Option<String>,
        bytes: &mut usize,
    ) -> bool {
        let start: usize = self.text.split_inclusive('\n').take(row.saturating_sub(1)).map(str::len).sum();
        let line = self.text.get(start..).and_then(|rest| rest.split('\n').next()).unwrap_or_default();
        let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let (before, after) = line.split_at(at);
        let (Some(new), Some(left)) = (mended(before, after), bytes.checked_sub(self.text.len() + 1)) else {
            return false;
        };
        *bytes = left;
        let end = start + line.len();
        self.text.to_mut().replace_range(start..end, &new);
        true
    }

    /// The line, and those behind it of which it is clear that they belong to the same collections.
    fn flow(&self, row: usize) -> Vec<usize> {
        let mut rows = Vec::new();
        let mut open = 0_i64;
        for (row, line) in (row..).zip(self.text.split('\n').skip(row.saturating_sub(1))) {
            if self.moved.contains(&row) || is_marker(line) || (!rows.is_empty() && open < 0) {
                break;
            }
            match opened(line, open) {
                Some(now) => open = now,
                None if rows.is_empty() => open = -1,
                None => break,
            }
            rows.push(row);
        }
        rows
    }

    /// The lines behind this one in which a quote goes on: up to one that may end it, from the first not moved yet.
    fn quoted(&self, row: usize) -> Vec<usize> {
        let lines = (1..).zip(self.text.split('\n')).skip(row).skip_while(|(row, _)| self.moved.contains(row));
        let mut ended = false;
        let inside = lines.take_while(|(_, line)| {
            let more = !ended && !is_marker(line);
            ended |= line.contains(['"', '\'']);
            more
        });
        inside.map(|(row, _)| row).collect()
    }
}

/// Spaces for the tabs between a key and its value on the same line, which stand where a key cannot begin any more.
fn tabs_of_value(before: &str, after: &str) -> Option<String> {
    let key = before.trim_end_matches([' ', '\t']);
    let is_simple = !key.strip_suffix(':')?.trim_start_matches([' ', '\t', '-', '?']).is_empty();
    let blank = before.get(key.len()..).filter(|blank| is_simple && blank.contains('\t'))?;
    Some(format!("{key}{}{after}", " ".repeat(blank.len())))
}

/// A space before a comment that stands directly behind a quote or a bracket.
fn before_comment(before: &str, after: &str) -> Option<String> {
    after.starts_with('#').then(|| format!("{before} {after}"))
}

/// Whether a line ends a document, wherever it stands.
fn is_marker(line: &str) -> bool {
    line.starts_with("---") || line.starts_with("...")
}

/// How many brackets are open behind the line, below 0 when one is closed that was open before the first line.
///
/// Nothing where quotes or comments make that hard to tell.
fn opened(line: &str, mut open: i64) -> Option<i64> {
    if line.contains(['\'', '#', '\\']) {
        return None;
    }
    let mut quoted = false;
    for b in line.bytes() {
        match b {
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => open += 1,
            b'}' | b']' if !quoted => open -= 1,
            _ => {}
        }
        if open < 0 {
            return Some(-1);
        }
    }
    (!quoted).then_some(open)
}

#[cfg(test)]
mod tests;

//! Finds the line and column of a field in JSON text.
//!
//! In: text that is valid JSON, and the path to a value. Out: a byte offset,
//! or line and column. Runs only when an error is reported, so the decoder
//! itself need not carry positions.

use super::decode::Step;

/// Byte offset of what `path` leads to: the key of a field, or the item of a
/// list. Stops at the deepest step that it finds.
pub(super) fn offset(text: &str, path: &[Step]) -> usize {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.space();
    let mut best = scan.at;
    for step in path {
        let found = match step {
            Step::Key(key) => scan.enter_key(key),
            Step::Index(index) => scan.enter_index(*index),
        };
        match found {
            Some(at) => best = at,
            None => break,
        }
    }
    best
}

/// Line and column, both from 1; columns count characters.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Moves onto the value of `key`, the last one where keys repeat, as the
    /// parser keeps the last; gives the offset of the key.
    fn enter_key(&mut self, key: &str) -> Option<usize> {
        if self.peek()? != b'{' {
            return None;
        }
        self.at += 1;
        let mut found = None;
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                break;
            }
            let start = self.at;
            self.string();
            let name: Option<String> = self.bytes.get(start..self.at).and_then(|raw| serde_json::from_slice(raw).ok());
            self.space();
            self.at += 1; // the colon
            self.space();
            if name.as_deref() == Some(key) {
                found = Some((start, self.at));
            }
            self.value();
            self.space();
            if self.peek() != Some(b',') {
                break;
            }
            self.at += 1;
        }
        let (key_at, value_at) = found?;
        self.at = value_at;
        Some(key_at)
    }

    /// Moves onto the item and gives its offset.
    fn enter_index(&mut self, index: usize) -> Option<usize> {
        if self.peek()? != b'[' {
            return None;
        }
        self.at += 1;
        for _ in 0..index {
            self.space();
            self.value();
            self.space();
            if self.peek() != Some(b',') {
                return None;
            }
            self.at += 1;
        }
        self.space();
        Some(self.at)
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
    }

    /// Skips one value; brackets are counted, so depth costs no stack.
    fn value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    if depth == 0 {
                        return; // the end of what encloses a bare number
                    }
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                b',' if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

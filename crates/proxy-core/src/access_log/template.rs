//! A text with Envoy's command operators.
//! In: `%REQ(:PATH)% …` once, then records. Out: bytes.

use super::command::Command;
use super::record::Record;

/// A text with command operators, parsed.
#[derive(Debug, Clone, Default)]
pub struct Template {
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text(Box<[u8]>),
    Command(Box<Command>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {at} of the format")]
pub struct TemplateError {
    /// Byte of the text.
    pub at: usize,
    /// What is wrong there.
    pub reason: String,
}

impl Template {
    /// A text without commands.
    #[must_use]
    pub fn literal(text: impl AsRef<[u8]>) -> Self {
        Self { pieces: vec![Piece::Text(text.as_ref().into())] }
    }

    /// Parses a text; `%%` is a percent sign.
    ///
    /// # Errors
    /// [`TemplateError`] for an unknown command or a stray `%`.
    pub fn decode(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal: Vec<u8> = Vec::new();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find('%')) {
            let start = at + found;
            literal.extend_from_slice(&text.as_bytes()[at..start]);
            if text[start + 1..].starts_with('%') {
                literal.push(b'%');
                at = start + 2;
                continue;
            }
            let (command, end) = operator(text, start)?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal).into()));
            }
            pieces.push(Piece::Command(Box::new(command)));
            at = end;
        }
        literal.extend_from_slice(&text.as_bytes()[at..]);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal.into()));
        }
        Ok(Self { pieces })
    }

    /// The value for JSON: one command alone keeps its type, more become text.
    pub(super) fn json(&self, record: &Record<'_>, absent: &[u8]) -> Option<serde_json::Value> {
        if let [Piece::Command(command)] = self.pieces.as_slice() {
            return command.json(record);
        }
        let mut text = Vec::new();
        self.render_with(record, absent, &mut text);
        Some(String::from_utf8_lossy(&text).into_owned().into())
    }

    /// The text when there is no command in it.
    #[must_use]
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(&[]),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Adds the text for `record` to `out`; what is absent is `-`.
    pub fn render(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.render_with(record, b"-", out);
    }

    /// The same with another text for what is absent (headers leave it empty).
    pub fn render_with(&self, record: &Record<'_>, absent: &[u8], out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Command(command) => {
                    if !command.render(record, out) {
                        out.extend_from_slice(absent);
                    }
                }
            }
        }
    }
}

/// The operator that begins at `start`, and the byte after it.
fn operator(text: &str, start: usize) -> Result<(Command, usize), TemplateError> {
    let error = |reason: String| TemplateError { at: start, reason };
    let rest = &text[start + 1..];
    let name_end = rest
        .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .ok_or_else(|| error("a command has no end".to_owned()))?;
    let (name, mut rest) = rest.split_at(name_end);
    if name.is_empty() {
        return Err(error("a single % (write %% for a percent sign)".to_owned()));
    }
    let mut argument = None;
    if let Some(inside) = rest.strip_prefix('(') {
        let end = inside.find(')').ok_or_else(|| error(format!("{name}( has no closing bracket")))?;
        argument = Some(&inside[..end]);
        rest = &inside[end + 1..];
    }
    let mut length = None;
    if let Some(digits) = rest.strip_prefix(':') {
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        length = Some(digits[..end].parse().map_err(|_| error(format!("{name}: a length is a number")))?);
        rest = &digits[end..];
    }
    let rest = rest.strip_prefix('%').ok_or_else(|| error(format!("{name} has no closing %")))?;
    Ok((Command::decode(name, argument, length).map_err(error)?, text.len() - rest.len()))
}

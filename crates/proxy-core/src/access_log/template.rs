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
        Ok(Self::literal(text))
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

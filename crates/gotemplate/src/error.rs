//! What can go wrong: with a template's text, with its execution, inside a function.
//! In: positions and messages. Out: texts worded as Go's, so that what users know from there helps here.
//! Never here: a panic.

use std::fmt;

use crate::quote::quote;

/// A template that does not parse.
///
/// Prints as Go's: `template: NAME:LINE: MESSAGE`. The column is beside it; Go has none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {template}:{line}: {message}")]
pub struct ParseError {
    /// Name of the template's text.
    pub template: String,
    /// From 1.
    pub line: usize,
    /// Bytes from the start of the line, from 0.
    pub column: usize,
    pub message: String,
}

/// An execution that stopped.
///
/// Prints as Go's: `template: NAME:LINE:COLUMN: executing "NAME" at <PIECE>: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {file}:{line}:{column}: executing {} at <{piece}>: {message}", quote(.template))]
pub struct ExecError {
    /// Name of the text that was parsed.
    pub file: String,
    /// Name of the template inside it that was running.
    pub template: String,
    /// From 1.
    pub line: usize,
    /// Bytes from the start of the line, from 0, as Go counts.
    pub column: usize,
    /// The part of the template that was evaluated.
    pub piece: String,
    pub message: String,
    pub kind: ExecErrorKind,
}

/// Whose fault a failed execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecErrorKind {
    /// The template and its data do not fit.
    Evaluation,
    /// A bound of [`Limits`](crate::Limits) was reached.
    Limit,
    /// The writer refused the output.
    Write,
}

/// Why a function or a method gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    message: String,
    limit: bool,
}

impl CallError {
    pub fn new(message: impl Into<String>) -> CallError {
        CallError { message: message.into(), limit: false }
    }

    pub(crate) fn limit(message: impl Into<String>) -> CallError {
        CallError { message: message.into(), limit: true }
    }

    pub(crate) fn too_deep() -> CallError {
        CallError::limit("value nests too deep")
    }

    pub(crate) fn is_limit(&self) -> bool {
        self.limit
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

impl From<String> for CallError {
    fn from(message: String) -> CallError {
        CallError::new(message)
    }
}

impl From<&str> for CallError {
    fn from(message: &str) -> CallError {
        CallError::new(message)
    }
}

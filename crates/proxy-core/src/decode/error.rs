//! Why a resource was not accepted.

use std::fmt;

/// Why a resource was not accepted: which, where in it, what stands there, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Kind of the resource, such as `Listener`.
    pub kind: &'static str,
    /// Its name.
    pub name: Box<str>,
    /// Path of the field, such as `filter_chains[0].filters[1].typed_config.codec_type`.
    pub field: String,
    /// The value as JSON, cut when it is long; empty when there is none.
    pub value: Box<str>,
    /// What is wrong.
    pub problem: Problem,
    /// What to do; may be empty.
    pub hint: Box<str>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Envoy has it, lateen cannot do it.
    Unsupported,
    /// Envoy would reject it too.
    Invalid(String),
    /// It must be there.
    Missing,
    /// The bytes are not the message.
    Malformed(String),
}

impl std::error::Error for DecodeError {}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: ", self.kind, self.name)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        match &self.problem {
            Problem::Unsupported => f.write_str("is not supported")?,
            Problem::Invalid(reason) => f.write_str(reason)?,
            Problem::Missing => f.write_str("is missing")?,
            Problem::Malformed(reason) => write!(f, "is malformed: {reason}")?,
        }
        if !self.value.is_empty() {
            write!(f, " (value {})", self.value)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

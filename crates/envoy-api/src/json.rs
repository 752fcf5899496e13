//! The proto3 JSON form of Envoy's types, both ways.
//!
//! In: JSON text or values, or prost messages. Out: the other one, or a
//! [`JsonError`] with the field path, line and column.
//! Led by a static table of all messages (no descriptor pool), so the code is
//! always ready and holds no memory between calls.
//! Never here: YAML, and defaults that proto3 does not know.

mod decode;
mod encode;
mod locate;
mod scalar;
mod stream;
mod time;

#[cfg(test)]
mod tests;

use crate::{Any, table, type_url};
use decode::{Fault, Step};
use encode::Encoder;
use prost::Name;
use serde_json::Value;
use std::fmt;

/// How [`encode_with`] spells field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// As in the .proto file (`typed_config`), as Envoy's admin interface writes them.
    #[default]
    Proto,
    /// lowerCamelCase (`typedConfig`), the default of proto3 JSON, as istioctl writes them.
    Camel,
}

/// Why a JSON text is no valid message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Where in the value, such as `static_resources.listeners[0].name`, in the
    /// spelling of the input; empty for the root and for bad syntax.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
    /// Line from 1; 0 when the input was a value and no text.
    pub line: usize,
    /// Column from 1, in characters; 0 when the input was a value and no text.
    pub column: usize,
}

impl std::error::Error for JsonError {}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {} column {}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

/// Decodes a `T` from JSON text; field names in snake_case or lowerCamelCase,
/// also mixed.
///
/// Accepts what proto3 JSON accepts: numbers as strings, enums by name or
/// number, durations as `"1.5s"`, null as absent, `Any` as an object with
/// `@type` and the fields of that type.
///
/// ```
/// use lateen_envoy_api::{json, v3};
/// let cluster: v3::cluster::Cluster =
///     json::decode(r#"{"name": "a", "connect_timeout": "1.5s"}"#)?;
/// assert_eq!(cluster.connect_timeout.map(|t| t.nanos), Some(500_000_000));
/// # Ok::<(), json::JsonError>(())
/// ```
///
/// # Errors
/// [`JsonError`] on bad syntax, a field or `@type` that does not exist, two
/// fields of one oneof, or a value outside its type.
pub fn decode<T: Name + Default>(text: &str) -> Result<T, JsonError> {
    if let Some(bytes) = table::message(&T::full_name()).and_then(|rows| stream::decode(rows, text))
        && let Ok(message) = T::decode(bytes.as_slice())
    {
        return Ok(message);
    }
    tree(text, decode_message)
}

/// The wire form of a `T` from JSON text, for one so large that it is better taken apart than decoded as a whole;
/// see [`decode`].
///
/// # Errors
/// [`JsonError`] as for [`decode`].
pub fn to_wire<T: Name>(text: &str) -> Result<Vec<u8>, JsonError> {
    match table::message(&T::full_name()).and_then(|rows| stream::decode(rows, text)) {
        Some(bytes) => Ok(bytes),
        None => tree(text, |value| wire_of::<T>(value)),
    }
}

/// By way of a tree of values, which takes a dozen times the memory of the text and knows where what is wrong stands.
fn tree<T>(text: &str, decode: impl FnOnce(&Value) -> Result<T, Fault>) -> Result<T, JsonError> {
    let value: Value = serde_json::from_str(text).map_err(|error| JsonError {
        path: String::new(),
        reason: syntax_reason(&error),
        line: error.line(),
        column: error.column(),
    })?;
    decode(&value).map_err(|fault| {
        let (line, column) = locate::line_and_column(text, locate::offset(text, &fault.path));
        JsonError { line, column, ..JsonError::from(fault) }
    })
}

/// Decodes a `T` from a JSON value; see [`decode`]. The error has no line and column.
///
/// # Errors
/// [`JsonError`] as for [`decode`].
pub fn decode_value<T: Name + Default>(value: &Value) -> Result<T, JsonError> {
    decode_message(value).map_err(JsonError::from)
}

/// Encodes `message` with field names as in its .proto file, as Envoy's admin
/// interface does; each `Any` becomes an object with `@type`.
/// Fields with their default value are left out.
#[must_use]
pub fn encode<T: Name>(message: &T) -> Value {
    encode_with(message, Names::Proto)
}

/// Encodes `message` with the given spelling of field names; see [`encode`].
#[must_use]
pub fn encode_with<T: Name>(message: &T, names: Names) -> Value {
    let bytes = message.encode_to_vec();
    let encoded = table::message(&T::full_name()).map(|rows| Encoder::new(names).message(rows, &bytes));
    match encoded {
        Some(Ok(value)) => value,
        // Only for a type outside Envoy's API, or a duration outside its bounds.
        _ => Encoder::new(names).any(&type_url::of::<T>(), &bytes),
    }
}

/// Encodes what `any` holds as an object with `@type`. A type that is unknown
/// here, or bytes that are no such message, become
/// `{"@type": …, "value": base64}`; [`decode`] takes that form back.
#[must_use]
pub fn encode_any(any: &Any, names: Names) -> Value {
    Encoder::new(names).any(&any.type_url, &any.value)
}

/// Whether JSON can name `type_url` in `@type`.
#[must_use]
pub fn knows(type_url: &str) -> bool {
    table::message(type_url::full_name(type_url)).is_some()
}

fn decode_message<T: Name + Default>(value: &Value) -> Result<T, Fault> {
    let bytes = wire_of::<T>(value)?;
    T::decode(bytes.as_slice())
        .map_err(|error| Fault { path: Vec::new(), reason: format!("{}: {error}", T::full_name()) })
}

fn wire_of<T: Name>(value: &Value) -> Result<Vec<u8>, Fault> {
    let name = T::full_name();
    let unknown = || Fault { path: Vec::new(), reason: format!("{name} is no type of Envoy's API") };
    decode::decode(table::message(&name).ok_or_else(unknown)?, value)
}

/// serde_json ends its messages with the position, which [`JsonError`] carries itself.
fn syntax_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

impl From<Fault> for JsonError {
    fn from(fault: Fault) -> Self {
        let mut path = String::new();
        for step in &fault.path {
            match step {
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Key(key) if key.is_empty() || key.contains(['.', '[', ' ']) => {
                    path.push_str(&format!("[{key:?}]"));
                }
                Step::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                }
            }
        }
        Self { path, reason: fault.reason, line: 0, column: 0 }
    }
}

//! The line of an access log: text or JSON.

use super::record::Record;
use super::template::Template;

/// The line of an access log.
#[derive(Debug, Clone)]
pub enum Format {
    /// Text, with its own line end.
    Text(Template),
    /// JSON, with a line end.
    Json {
        /// The value.
        root: JsonNode,
        /// Whether absent values are left out instead of `null` (`omit_empty_values`).
        omit_empty: bool,
    },
}

/// A part of a JSON format.
#[derive(Debug, Clone)]
pub enum JsonNode {
    /// An object, keys in order.
    Object(Vec<(String, JsonNode)>),
    /// A list.
    List(Vec<JsonNode>),
    /// A template; one command alone keeps its type.
    Template(Template),
    /// A number, boolean or null as it stands.
    Literal(serde_json::Value),
}

impl Format {
    /// Adds one line to `out`.
    pub fn render(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        match self {
            Format::Text(template) => template.render(record, out),
            Format::Json { .. } => {}
        }
    }

    /// What `body_format` of a direct response is sent as.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Format::Text(_) => "text/plain",
            Format::Json { .. } => "application/json",
        }
    }
}

//! The line of an access log: text or JSON.
//! In: a record. Out: bytes; JSON keeps numbers as numbers and writes what is absent as null.

use super::record::Record;
use super::template::Template;
use serde_json::{Map, Value};

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
            Format::Json { root, omit_empty } => {
                let value = root.render(record, *omit_empty).unwrap_or(Value::Null);
                // Writing to a Vec cannot fail.
                let _ = serde_json::to_writer(&mut *out, &value);
                out.push(b'\n');
            }
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

impl JsonNode {
    /// The value; `None` for what is absent and left out.
    fn render(&self, record: &Record<'_>, omit_empty: bool) -> Option<Value> {
        let absent: &[u8] = if omit_empty { b"" } else { b"-" };
        let keep = |value: Option<Value>| value.or(if omit_empty { None } else { Some(Value::Null) });
        match self {
            JsonNode::Object(fields) => {
                let named = |(key, node): &(String, JsonNode)| Some((key.clone(), node.render(record, omit_empty)?));
                Some(Value::Object(fields.iter().filter_map(named).collect::<Map<_, _>>()))
            }
            JsonNode::List(items) => {
                Some(Value::Array(items.iter().filter_map(|item| item.render(record, omit_empty)).collect()))
            }
            JsonNode::Template(template) => keep(template.json(record, absent)),
            JsonNode::Literal(value) => Some(value.clone()),
        }
    }
}

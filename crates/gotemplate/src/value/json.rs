//! JSON in and out, as Go's `encoding/json` reads into and writes from `interface {}`.
//! In: JSON text, `serde_json` values, template values. Out: the other of them.
//! Never here: unbounded output; what is written is charged to the execution.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Elem, FloatKind, List, MAX_VALUE_DEPTH, Map, Value};
use crate::budget::Budget;
use crate::engine::Options;
use crate::error::CallError;
use crate::format::float;

/// What a JSON number becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonStyle {
    /// `float64` always, as `encoding/json` and `sigs.k8s.io/yaml` decode into `interface {}`.
    Floats,
    /// `int64` where the number is one, `float64` elsewhere, as Kubernetes' unstructured objects have it.
    Integers,
}

/// Text that is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("invalid JSON at line {line}, column {column}: {message}")]
pub struct FromJsonError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    pub message: String,
}

impl Value {
    /// The template value of a JSON value.
    pub fn from_json(json: &Json, style: JsonStyle) -> Value {
        match json {
            Json::Null => Value::Nil,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(number) => match (style, number.as_i64(), number.as_u64()) {
                (JsonStyle::Integers, Some(n), _) => Value::Int(n, super::IntKind::Int64),
                (JsonStyle::Integers, None, Some(n)) => n.into(),
                _ => number.as_f64().unwrap_or(f64::NAN).into(),
            },
            Json::String(text) => Value::from(text.as_str()),
            Json::Array(items) => {
                Value::List(List::new(Elem::Any, items.iter().map(|v| Value::from_json(v, style)).collect()))
            }
            Json::Object(entries) => Value::Map(Map::new(
                Elem::Any,
                entries.iter().map(|(key, value)| (Arc::from(key.as_str()), Value::from_json(value, style))),
            )),
        }
    }
}

impl Value {
    /// JSON text as Go's `json.Marshal` writes it: no spaces, keys of maps in order, `<`, `>` and `&` escaped.
    ///
    /// Fails on what JSON cannot say, and beyond the default [`Limits`](crate::Limits).
    pub fn json_text(&self) -> Result<String, CallError> {
        let layout = Layout { pretty: false, escape_html: true };
        write_json(self, layout, &Budget::new(&Options::default()))
    }

    /// The JSON of a value. Fails on what JSON cannot say, and beyond the default [`Limits`](crate::Limits).
    pub fn checked_json(&self) -> Result<Json, CallError> {
        encode(self, &Budget::new(&Options::default()))
    }
}

/// Reads JSON text with all numbers as `float64`.
pub(crate) fn parse_json(text: &str) -> Result<Value, FromJsonError> {
    match serde_json::from_str::<Json>(text) {
        Ok(json) => Ok(Value::from_json(&json, JsonStyle::Floats)),
        Err(err) => {
            let (line, column, message) = (err.line(), err.column(), err.to_string());
            let message = message.trim_end_matches(&format!(" at line {line} column {column}")).to_owned();
            Err(FromJsonError { line, column, message })
        }
    }
}

impl From<Json> for Value {
    /// As [`Value::from_json`] with [`JsonStyle::Floats`].
    fn from(json: Json) -> Value {
        Value::from_json(&json, JsonStyle::Floats)
    }
}

impl From<&Value> for Json {
    /// The JSON of a value. Functions, NaN, infinities and what nests deeper than 100 containers become null.
    fn from(value: &Value) -> Json {
        to_json(value, &mut |_| Ok::<_, ()>(()), 0).unwrap_or(Json::Null)
    }
}

/// Turns a value into JSON; `refuse` decides what happens to a part that JSON cannot say.
fn to_json<E>(value: &Value, refuse: &mut impl FnMut(Step<'_>) -> Result<(), E>, depth: usize) -> Result<Json, E> {
    if depth > MAX_VALUE_DEPTH {
        refuse(Step::TooDeep)?;
        return Ok(Json::Null);
    }
    refuse(Step::Node)?;
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n, _) => (*n).into(),
        Value::Uint(n, _) => (*n).into(),
        Value::Float(n, kind) => match serde_json::Number::from_f64(shown(*n, *kind)) {
            Some(number) => Json::Number(number),
            None => {
                refuse(Step::Unsupported(value))?;
                Json::Null
            }
        },
        Value::String(text) => Json::String(text.to_string()),
        Value::List(list) if list.is_nil() => Json::Null,
        Value::List(list) => {
            let items = list.items().iter().map(|item| to_json(item, refuse, depth + 1));
            Json::Array(items.collect::<Result<_, E>>()?)
        }
        Value::Map(map) if map.is_nil() => Json::Null,
        Value::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, item) in map.entries() {
                object.insert(key.to_string(), to_json(&item, refuse, depth + 1)?);
            }
            Json::Object(object)
        }
        Value::Object(object) => object.to_json(),
        Value::Function(_) => {
            refuse(Step::Unsupported(value))?;
            Json::Null
        }
    })
}

/// A float32 as the number that its shortest text says.
fn shown(n: f64, kind: FloatKind) -> f64 {
    match kind {
        FloatKind::Float32 => (n as f32).to_string().parse().unwrap_or(n),
        FloatKind::Float64 => n,
    }
}

enum Step<'a> {
    Node,
    TooDeep,
    Unsupported(&'a Value),
}

/// How JSON text is laid out.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// Two spaces for each level, one entry on a line.
    pub pretty: bool,
    /// `<`, `>` and `&` as `\u003c` and so on.
    pub escape_html: bool,
}

/// Writes a value as Go's encoder does.
pub(crate) fn write_json(value: &Value, layout: Layout, budget: &Budget) -> Result<String, CallError> {
    let json = encode(value, budget)?;
    let mut writer = Writer { out: String::new(), layout, budget };
    writer.value(&json, 0)?;
    Ok(writer.out)
}

/// Turns a value into JSON, or says what JSON has no words for.
fn encode(value: &Value, budget: &Budget) -> Result<Json, CallError> {
    to_json(
        value,
        &mut |step| match step {
            Step::Node => budget.spend(1),
            Step::TooDeep => Err(CallError::too_deep()),
            Step::Unsupported(Value::Float(n, _)) => {
                Err(CallError::new(format!("json: unsupported value: {}", float::shortest(*n, true))))
            }
            Step::Unsupported(other) => Err(CallError::new(format!("json: unsupported type: {}", other.type_name()))),
        },
        0,
    )
}

struct Writer<'a> {
    out: String,
    layout: Layout,
    budget: &'a Budget,
}

impl Writer<'_> {
    fn value(&mut self, json: &Json, depth: usize) -> Result<(), CallError> {
        self.budget.check_size(self.out.len())?;
        match json {
            Json::Null => self.out.push_str("null"),
            Json::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(n), _, _) => self.out.push_str(&n.to_string()),
                (_, Some(n), _) => self.out.push_str(&n.to_string()),
                (_, _, n) => self.out.push_str(&float::json(n.unwrap_or_default())),
            },
            Json::String(text) => self.string(text),
            Json::Array(items) => {
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    self.separate(i, depth + 1);
                    self.value(item, depth + 1)?;
                }
                self.close(']', items.is_empty(), depth);
            }
            Json::Object(entries) => {
                self.out.push('{');
                for (i, (key, item)) in entries.iter().enumerate() {
                    self.separate(i, depth + 1);
                    self.string(key);
                    self.out.push_str(if self.layout.pretty { ": " } else { ":" });
                    self.value(item, depth + 1)?;
                }
                self.close('}', entries.is_empty(), depth);
            }
        }
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.push(',');
        }
        self.new_line(depth);
    }

    fn close(&mut self, bracket: char, empty: bool, depth: usize) {
        if !empty {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if self.layout.pretty {
            self.out.push('\n');
            self.out.push_str(&"  ".repeat(depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '<' | '>' | '&' if self.layout.escape_html => self.escape(c),
                '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => self.escape(c),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, c: char) {
        self.out.push_str(&format!("\\u{:04x}", u32::from(c)));
    }
}

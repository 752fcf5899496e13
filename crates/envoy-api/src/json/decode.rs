//! JSON value to protobuf bytes, led by the field table.
//!
//! In: a `serde_json::Value` and the full name of a message. Out: its bytes,
//! with fields in the order of their numbers as prost writes them, or a
//! [`Fault`] with the path to the place.
//! Never here: the text that the value came from, and prost's typed messages.

use super::scalar::{self, Bits};
use super::time;
use crate::table::{self, Field, Kind, Message, Shape};
use crate::{type_url, wire};
use prost::encoding::WireType;
use serde_json::{Map, Value};

/// Messages inside messages; deeper ones would not decode in prost either.
pub(super) const MAX_DEPTH: usize = 100;

/// One step of the path to a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) path: Vec<Step>,
    pub(super) reason: String,
}

type Decoded<T> = Result<T, Fault>;

pub(super) fn decode(message: &'static Message, value: &Value) -> Decoded<Vec<u8>> {
    Decoder { path: Vec::new() }.message(message, value)
}

pub(super) struct Decoder {
    path: Vec<Step>,
}

impl Decoder {
    /// For a value so far down; the path in its faults is not the true one.
    pub(super) fn at_depth(depth: usize) -> Self {
        Self { path: vec![Step::Index(0); depth] }
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Decoded<T> {
        Err(Fault { path: self.path.clone(), reason: reason.into() })
    }

    /// Runs `work` one step further down.
    fn at<T>(&mut self, step: Step, work: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<T> {
        if self.path.len() >= MAX_DEPTH {
            return self.fault(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        self.path.push(step);
        let result = work(self)?;
        self.path.pop();
        Ok(result)
    }

    fn message(&mut self, message: &'static Message, value: &Value) -> Decoded<Vec<u8>> {
        if let Some(bytes) = self.well_known(message, value)? {
            return Ok(bytes);
        }
        match value {
            Value::Object(object) => self.fields(message, object, &[]),
            other => {
                self.fault(format!("expected an object ({}), found {}", message.full_name(), scalar::describe(other)))
            }
        }
    }

    /// The fields of a plain message; keys in `skip` belong to the caller.
    fn fields(&mut self, message: &'static Message, object: &Map<String, Value>, skip: &[&str]) -> Decoded<Vec<u8>> {
        let mut parts: Vec<(u32, Vec<u8>)> = Vec::with_capacity(object.len());
        let mut oneofs: Vec<(i16, &'static str)> = Vec::new();
        for (key, value) in object {
            if skip.contains(&key.as_str()) {
                continue;
            }
            let bytes = self.at(Step::Key(key.clone()), |this| {
                let Some(field) = message.by_name(key) else {
                    return this.fault(format!("unknown field `{key}` in {}", message.full_name()));
                };
                if value.is_null() && !takes_null(field) {
                    return Ok(None);
                }
                if parts.iter().any(|(number, _)| *number == field.number) {
                    return this.fault(format!("`{}` is given twice", field.name()));
                }
                if let Some(oneof) = field.oneof() {
                    if let Some((_, other)) = oneofs.iter().find(|(seen, _)| *seen == oneof) {
                        return this.fault(format!("only one of `{other}` and `{}` may be set", field.name()));
                    }
                    oneofs.push((oneof, field.name()));
                }
                Ok(Some((field.number, this.field(field, value)?)))
            })?;
            parts.extend(bytes);
        }
        // prost writes by number, so equal values have equal bytes.
        parts.sort_by_key(|(number, _)| *number);
        Ok(parts.into_iter().flat_map(|(_, bytes)| bytes).collect())
    }

    pub(super) fn field(&mut self, field: &'static Field, value: &Value) -> Decoded<Vec<u8>> {
        match (field.shape, value) {
            (Shape::Single, value) => self.single(field, value, field.presence),
            (Shape::List, Value::Array(items)) => self.list(field, items),
            (Shape::Map, Value::Object(entries)) => self.map(field, entries),
            (Shape::List, other) => self.fault(format!("expected a list, found {}", scalar::describe(other))),
            (Shape::Map, other) => self.fault(format!("expected an object, found {}", scalar::describe(other))),
        }
    }

    /// Key and value; nothing for a default that is not told from absence.
    fn single(&mut self, field: &'static Field, value: &Value, presence: bool) -> Decoded<Vec<u8>> {
        let mut out = Vec::new();
        if let Some(message) = field.kind.message() {
            let bytes = self.message(message, value)?;
            wire::write_bytes(&mut out, field.number, &bytes);
            return Ok(out);
        }
        let bits = self.scalar(field.kind, value)?;
        if presence || !bits.is_default() {
            wire::write_key(&mut out, field.number, bits.wire_type());
            bits.write(&mut out);
        }
        Ok(out)
    }

    fn list(&mut self, field: &'static Field, items: &[Value]) -> Decoded<Vec<u8>> {
        let (mut out, mut packed) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            self.at(Step::Index(index), |this| {
                if item.is_null() && !takes_null(field) {
                    return this.fault("a list holds no null");
                }
                if field.kind.is_packed() {
                    this.scalar(field.kind, item)?.write(&mut packed);
                } else {
                    out.extend(this.single(field, item, true)?);
                }
                Ok(())
            })?;
        }
        if !packed.is_empty() {
            wire::write_bytes(&mut out, field.number, &packed);
        }
        Ok(out)
    }

    fn map(&mut self, field: &'static Field, entries: &Map<String, Value>) -> Decoded<Vec<u8>> {
        let Some([key_field, value_field]) = field.kind.message().map(Message::fields) else {
            return self.fault("a map entry without key and value");
        };
        let mut out = Vec::new();
        for (key, value) in entries {
            let entry = self.at(Step::Key(key.clone()), |this| {
                if value.is_null() && !takes_null(value_field) {
                    return this.fault("a map holds no null");
                }
                // Keys of any kind stand as strings in JSON.
                let mut entry = this.single(key_field, &Value::String(key.clone()), false)?;
                entry.extend(this.single(value_field, value, false)?);
                Ok(entry)
            })?;
            wire::write_bytes(&mut out, field.number, &entry);
        }
        Ok(out)
    }

    fn scalar(&mut self, kind: Kind, value: &Value) -> Decoded<Bits> {
        scalar::parse(kind, value).or_else(|reason| self.fault(reason))
    }

    /// The messages with a JSON form of their own; `None` for all others.
    fn well_known(&mut self, message: &'static Message, value: &Value) -> Decoded<Option<Vec<u8>>> {
        let Some(name) = message.full_name().strip_prefix("google.protobuf.") else {
            return Ok(None);
        };
        Ok(Some(match (name, value) {
            ("Any", Value::Object(object)) => self.any(object)?,
            ("Struct", Value::Object(object)) => {
                let fields = message.fields();
                match fields.first() {
                    Some(field) => self.map(field, object)?,
                    None => return self.fault("google.protobuf.Struct has no fields"),
                }
            }
            ("ListValue", Value::Array(items)) => match message.fields().first() {
                Some(field) => self.list(field, items)?,
                None => return self.fault("google.protobuf.ListValue has no fields"),
            },
            ("Value", value) => self.any_value(message, value)?,
            ("Duration", Value::String(text)) => match time::parse_duration(text) {
                Some((seconds, nanos)) => seconds_and_nanos(seconds, nanos),
                None => {
                    return self.fault(format!("`{text}` is no duration; write seconds with an s, such as \"1.5s\""));
                }
            },
            ("Timestamp", Value::String(text)) => match time::parse_timestamp(text) {
                Some((seconds, nanos)) => seconds_and_nanos(seconds, nanos),
                None => return self.fault(format!("`{text}` is no RFC 3339 time")),
            },
            ("FieldMask", Value::String(text)) => {
                let mut out = Vec::new();
                for path in text.split(',').filter(|path| !path.is_empty()) {
                    wire::write_bytes(&mut out, 1, scalar::snake_case(path).as_bytes());
                }
                out
            }
            (wrapper, value) if wrapper.ends_with("Value") => match message.fields().first() {
                Some(field) => self.single(field, value, false)?,
                None => return Ok(None),
            },
            ("Duration" | "Timestamp" | "FieldMask", other) => {
                return self.fault(format!("expected a string, found {}", scalar::describe(other)));
            }
            _ => return Ok(None),
        }))
    }

    fn any_value(&mut self, message: &'static Message, value: &Value) -> Decoded<Vec<u8>> {
        let field = match value {
            Value::Null => "null_value",
            Value::Number(_) => "number_value",
            Value::String(_) => "string_value",
            Value::Bool(_) => "bool_value",
            Value::Object(_) => "struct_value",
            Value::Array(_) => "list_value",
        };
        match message.by_name(field) {
            Some(field) => self.single(field, value, true),
            None => self.fault("google.protobuf.Value has no such field"),
        }
    }

    pub(super) fn any(&mut self, object: &Map<String, Value>) -> Decoded<Vec<u8>> {
        let url = match object.get("@type") {
            Some(Value::String(url)) => url,
            None if object.is_empty() => return Ok(Vec::new()),
            _ => return self.fault("an Any needs a string `@type`"),
        };
        let bytes = match (table::message(type_url::full_name(url)), object.get("value")) {
            (Some(inner), Some(value)) if has_json_form(inner) => {
                if let Some(extra) = object.keys().find(|key| *key != "@type" && *key != "value") {
                    return self.fault(format!("unknown field `{extra}` beside the `value` of {url}"));
                }
                self.at(Step::Key("value".to_owned()), |this| this.message(inner, value))?
            }
            (Some(inner), _) => self.fields(inner, object, &["@type"])?,
            // The form in which unknown types are written; see `encode_any`.
            (None, Some(Value::String(text))) if object.len() == 2 => match scalar::parse_base64(text) {
                Some(bytes) => bytes,
                None => {
                    return self.at(Step::Key("value".to_owned()), |this| {
                        this.fault(format!("{url} is unknown and its value no base64"))
                    });
                }
            },
            (None, _) => {
                return self.at(Step::Key("@type".to_owned()), |this| this.fault(format!("unknown type `{url}`")));
            }
        };
        let mut out = Vec::new();
        wire::write_bytes(&mut out, 1, url.as_bytes());
        if !bytes.is_empty() {
            wire::write_bytes(&mut out, 2, &bytes);
        }
        Ok(out)
    }
}

/// Whether a message stands in the `value` of an Any and not beside `@type`.
pub(super) fn has_json_form(message: &Message) -> bool {
    message.full_name().strip_prefix("google.protobuf.").is_some_and(|name| {
        matches!(name, "Any" | "Struct" | "Duration" | "Timestamp" | "FieldMask" | "Empty") || name.ends_with("Value")
    })
}

/// `google.protobuf.Value` and `NullValue` are the two kinds that null is a value of.
pub(super) fn takes_null(field: &Field) -> bool {
    field.shape == Shape::Single
        && (field.kind.message().is_some_and(|m| m.full_name() == "google.protobuf.Value")
            || field.kind.enumeration().is_some_and(|e| e.full_name() == "google.protobuf.NullValue"))
        || field.shape == Shape::List && field.kind.message().is_some_and(|m| m.full_name() == "google.protobuf.Value")
}

fn seconds_and_nanos(seconds: i64, nanos: i32) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in [(1, seconds), (2, i64::from(nanos))] {
        if value != 0 {
            wire::write_key(&mut out, number, WireType::Varint);
            // Negative numbers stand as their two's complement in 64 bits.
            wire::write_varint(&mut out, value.cast_unsigned());
        }
    }
    out
}

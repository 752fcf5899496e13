//! Proto3's canonical JSON of a message, as golang/protobuf's jsonpb writes it.
//!
//! Zero values are left out, presence is kept, enums go by name, numbers of 64 bits are strings,
//! keys come in the order of the API. Never here: text; the caller prints.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as JsonMap, Number, Value as Json};

use crate::reflect::{Message, Scalar, Slot, Value};

impl dyn Message + '_ {
    /// The canonical JSON.
    pub fn to_json(&self) -> Json {
        let fields = self.fields().into_iter().filter(|field| field.is_set());
        Json::Object(fields.map(|field| (field.json_name(), field.value.to_json())).collect())
    }
}

impl Value<'_> {
    /// The canonical JSON; null for what is not set and has presence.
    pub fn to_json(self) -> Json {
        match self {
            Value::Wrapper { set: false, .. } | Value::Duration(None) | Value::Struct(None) => Json::Null,
            Value::Message(Slot::Unset(_)) => Json::Null,
            Value::Scalar(value) | Value::Wrapper { value, set: true } => scalar(value),
            Value::String(text) => text.into(),
            Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
            Value::Enum(value) => value.name.into(),
            Value::Duration(Some(duration)) => duration_text(duration).into(),
            Value::Message(Slot::Set(message)) => message.to_json(),
            Value::List(list) => list.items().into_iter().map(Value::to_json).collect(),
            Value::Map(map) => {
                let entries = map.entries().into_iter();
                Json::Object(entries.map(|(key, value)| (key.to_owned(), value.to_json())).collect())
            }
            Value::Struct(Some(object)) => Json::Object(sorted(object)),
        }
    }
}

/// A duration as proto3 JSON has it: seconds with 0, 3, 6 or 9 digits after the point, and `s`.
pub fn duration_text(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    match nanos {
        0 => format!("{seconds}s"),
        _ if nanos.is_multiple_of(1_000_000) => format!("{seconds}.{:03}s", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => format!("{seconds}.{:06}s", nanos / 1_000),
        _ => format!("{seconds}.{nanos:09}s"),
    }
}

fn scalar(value: Scalar) -> Json {
    match value {
        Scalar::Bool(value) => value.into(),
        Scalar::I32(value) => value.into(),
        Scalar::U32(value) => value.into(),
        Scalar::I64(value) => value.to_string().into(),
        Scalar::U64(value) => value.to_string().into(),
        // Go writes 100 and not 100.0.
        Scalar::F64(value) if value.fract() == 0.0 && value.abs() < 1e15 => (value as i64).into(),
        Scalar::F64(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
    }
}

/// A Struct is a map to protobuf, which writes maps in the order of their keys.
fn sorted(object: &JsonMap<String, Json>) -> JsonMap<String, Json> {
    fn value(json: &Json) -> Json {
        match json {
            Json::Object(object) => Json::Object(sorted(object)),
            Json::Array(items) => items.iter().map(value).collect(),
            other => other.clone(),
        }
    }
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.into_iter().map(|(key, json)| (key.clone(), value(json))).collect()
}

//! Leaves of messages in Go: numbers, wrappers, enums, durations and free-form JSON.
//! In: values by kind. Out: template values that print and answer as Go's do.
//! Never here: messages with fields of their own.

use std::time::Duration;

use lateen_config::reflect::{EnumValue, Scalar, Value as Reflected};
use lateen_gotemplate::{FloatKind, Function, IntKind, JsonStyle, Object, UintKind, Value};
use serde_json::{Map as JsonMap, Value as Json, json};

use super::{answer, go_types, text};

/// A boolean or number of Go.
pub(super) fn scalar(value: Scalar) -> Value {
    match value {
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::I32(value) => Value::Int(value.into(), IntKind::Int32),
        Scalar::U32(value) => Value::Uint(value.into(), UintKind::Uint32),
        Scalar::I64(value) => Value::Int(value, IntKind::Int64),
        Scalar::U64(value) => Value::Uint(value, UintKind::Uint64),
        Scalar::F64(value) => Value::Float(value, FloatKind::Float64),
    }
}

/// A pointer to a wrapper, such as `*wrapperspb.Int32Value`.
#[derive(Debug)]
pub(super) struct WrapperView {
    pub(super) value: Scalar,
    pub(super) set: bool,
}

impl Object for WrapperView {
    fn type_name(&self) -> String {
        let name = match self.value {
            Scalar::Bool(_) => "Bool",
            Scalar::I32(_) => "Int32",
            Scalar::U32(_) => "UInt32",
            Scalar::I64(_) => "Int64",
            Scalar::U64(_) => "UInt64",
            Scalar::F64(_) => "Double",
        };
        format!("*wrapperspb.{name}Value")
    }

    fn is_pointer(&self) -> bool {
        true
    }

    fn is_nil(&self) -> bool {
        !self.set
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Value").then(|| scalar(self.value))
    }

    fn fields(&self) -> Vec<(String, Value)> {
        vec![("Value".to_owned(), scalar(self.value))]
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "GetValue" => Some(answer(scalar(self.value))),
            "String" => self.string().map(|text| answer(text.into())),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        Some(match self.set {
            true => text::wrapper(self.value),
            false => "<nil>".to_owned(),
        })
    }

    /// Go's plain JSON of the struct, which is not that of protobuf.
    fn to_json(&self) -> Json {
        match (self.set, self.value.is_zero()) {
            (false, _) => Json::Null,
            (true, true) => json!({}),
            (true, false) => json!({ "value": Json::from(&scalar(self.value)) }),
        }
    }
}

/// An enum: a number that prints as its name.
#[derive(Debug)]
pub(super) struct EnumView(pub(super) EnumValue);

impl Object for EnumView {
    fn type_name(&self) -> String {
        go_types::go(self.0.type_name)
    }

    fn truth(&self) -> bool {
        self.0.number != 0
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "String" => Some(answer(self.0.name.into())),
            "Number" => Some(answer(self.0.number.into())),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        Some(self.0.name.to_owned())
    }

    fn to_json(&self) -> Json {
        self.0.number.into()
    }
}

/// A pointer to a duration.
#[derive(Debug)]
pub(super) struct DurationView(pub(super) Option<Duration>);

impl DurationView {
    fn parts(&self) -> [(&'static str, Value); 2] {
        let duration = self.0.unwrap_or_default();
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        [
            ("Seconds", Value::Int(seconds, IntKind::Int64)),
            ("Nanos", Value::Int(duration.subsec_nanos().into(), IntKind::Int32)),
        ]
    }
}

impl Object for DurationView {
    fn type_name(&self) -> String {
        "*durationpb.Duration".to_owned()
    }

    fn is_pointer(&self) -> bool {
        true
    }

    fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.parts().into_iter().find(|(part, _)| *part == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(String, Value)> {
        self.parts().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "String" => self.string().map(|text| answer(text.into())),
            _ => self.field(name.strip_prefix("Get")?).map(answer),
        }
    }

    fn string(&self) -> Option<String> {
        Some(match self.0 {
            Some(duration) => text::duration(duration),
            None => "<nil>".to_owned(),
        })
    }

    /// Go's plain JSON of the struct, which is not that of protobuf.
    fn to_json(&self) -> Json {
        let Some(duration) = self.0 else { return Json::Null };
        let parts = [("seconds", duration.as_secs()), ("nanos", duration.subsec_nanos().into())];
        let set = parts.into_iter().filter(|(_, value)| *value != 0);
        Json::Object(set.map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}

/// A pointer to free-form JSON.
#[derive(Debug)]
pub(super) struct StructView(pub(super) Option<JsonMap<String, Json>>);

impl Object for StructView {
    fn type_name(&self) -> String {
        "*structpb.Struct".to_owned()
    }

    fn is_pointer(&self) -> bool {
        true
    }

    fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Function> {
        let object = || Json::Object(self.0.clone().unwrap_or_default());
        match name {
            "AsMap" => Some(answer(Value::from_json(&object(), JsonStyle::Floats))),
            "String" => self.string().map(|text| answer(text.into())),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        Some(self.0.as_ref().map_or_else(|| "<nil>".to_owned(), |_| self.to_json().to_string()))
    }

    fn to_json(&self) -> Json {
        Reflected::Struct(self.0.as_ref()).to_json()
    }
}

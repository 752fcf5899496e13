//! The types of Kubernetes that are one scalar in JSON: quantities, times, ports by number or name; and pointers to scalars.
//! In: JSON. Out: values that print as Go's.
//! Never here: arithmetic.

use lateen_gotemplate::{Function, IntKind, Object, Signature, Value};
use serde_json::Value as Json;

use super::{integer, text};
use crate::schema::Kind;

/// A pointer to a scalar: it prints as what it points to, is true when it is not nil, and is no scalar itself.
#[derive(Debug)]
pub(super) struct Pointer {
    pub(super) kind: &'static Kind,
    pub(super) pointee: Option<Value>,
}

impl Object for Pointer {
    fn type_name(&self) -> String {
        format!("*{}", self.kind.go_name())
    }

    fn is_pointer(&self) -> bool {
        true
    }

    fn is_nil(&self) -> bool {
        self.pointee.is_none()
    }

    fn field(&self, name: &str) -> Option<Value> {
        match &self.pointee {
            Some(Value::Object(object)) => object.field(name),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Function> {
        match &self.pointee {
            Some(Value::Object(object)) => object.method(name),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        Some(match self.pointee.as_ref()? {
            Value::String(text) => text.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Int(number, _) => number.to_string(),
            Value::Object(object) => object.string()?,
            _ => return None,
        })
    }

    fn to_json(&self) -> Json {
        self.pointee.as_ref().map(Json::from).unwrap_or_default()
    }
}

/// A method without arguments.
fn answer(value: impl Into<Value>) -> Function {
    let value = value.into();
    Function::typed(Signature::fixed([]), move |_| Ok(value.clone()))
}

/// `resource.Quantity`.
#[derive(Debug)]
pub(super) struct Quantity(String);

impl Quantity {
    pub(super) fn of(json: Option<&Json>) -> Quantity {
        let amount = json.map(text).filter(|text| !text.is_empty());
        Quantity(amount.unwrap_or_else(|| "0".to_owned()))
    }
}

impl Object for Quantity {
    fn type_name(&self) -> String {
        Kind::Quantity.go_name()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Function> {
        (name == "String").then(|| answer(self.0.as_str()))
    }

    fn string(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn to_json(&self) -> Json {
        Json::String(self.0.clone())
    }
}

/// `v1.Time`.
#[derive(Debug)]
pub(super) struct Time(Option<String>);

impl Time {
    pub(super) fn of(json: Option<&Json>) -> Time {
        Time(json.map(text).filter(|text| !text.is_empty()))
    }

    /// As Go prints times; Kubernetes writes them in UTC and in whole seconds.
    fn shown(&self) -> String {
        let Some(text) = &self.0 else { return "0001-01-01 00:00:00 +0000 UTC".to_owned() };
        match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
            Some((date, clock)) => format!("{date} {clock} +0000 UTC"),
            None => text.clone(),
        }
    }
}

impl Object for Time {
    fn type_name(&self) -> String {
        Kind::Time.go_name()
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Time").then(|| Value::object(Time(self.0.clone())))
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "String" => Some(answer(self.shown())),
            "IsZero" => Some(answer(self.0.is_none())),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        Some(self.shown())
    }

    fn to_json(&self) -> Json {
        self.0.clone().map(Json::String).unwrap_or_default()
    }
}

/// `intstr.IntOrString`.
#[derive(Debug)]
pub(super) enum IntOrString {
    Int(i64),
    Text(String),
}

impl IntOrString {
    pub(super) fn of(json: Option<&Json>) -> IntOrString {
        match json {
            Some(Json::String(text)) => IntOrString::Text(text.clone()),
            json => IntOrString::Int(json.map(integer).unwrap_or_default()),
        }
    }

    fn shown(&self) -> String {
        match self {
            IntOrString::Int(number) => number.to_string(),
            IntOrString::Text(text) => text.clone(),
        }
    }
}

impl Object for IntOrString {
    fn type_name(&self) -> String {
        Kind::IntOrString.go_name()
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match (name, self) {
            ("Type", IntOrString::Int(_)) => Value::Int(0, IntKind::Int64),
            ("Type", IntOrString::Text(_)) => Value::Int(1, IntKind::Int64),
            ("IntVal", IntOrString::Int(number)) => Value::Int(*number, IntKind::Int32),
            ("IntVal", IntOrString::Text(_)) => Value::Int(0, IntKind::Int32),
            ("StrVal", IntOrString::Int(_)) => "".into(),
            ("StrVal", IntOrString::Text(text)) => text.as_str().into(),
            _ => return None,
        })
    }

    fn method(&self, name: &str) -> Option<Function> {
        match (name, self) {
            ("String", _) => Some(answer(self.shown())),
            ("IntValue", IntOrString::Int(number)) => Some(answer(*number)),
            ("IntValue", IntOrString::Text(text)) => Some(answer(text.parse::<i64>().unwrap_or_default())),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        Some(self.shown())
    }

    fn to_json(&self) -> Json {
        match self {
            IntOrString::Int(number) => (*number).into(),
            IntOrString::Text(text) => text.as_str().into(),
        }
    }
}

/// `v1.FieldsV1`: JSON that nobody looks into.
#[derive(Debug)]
pub(super) struct Raw(Json);

impl Raw {
    pub(super) fn of(json: Option<&Json>) -> Raw {
        Raw(json.cloned().unwrap_or_default())
    }
}

impl Object for Raw {
    fn type_name(&self) -> String {
        Kind::Raw.go_name()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn string(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn to_json(&self) -> Json {
        self.0.clone()
    }
}

//! Mesh and proxy configuration as templates see them: Go's protobuf messages.
//! In: typed configuration. Out: values with Go's field names and getters, made when a template asks for them.
//! Never here: defaults of their own.

use std::sync::Arc;

use lateen_config::ProxyConfig;
use lateen_config::reflect::{Field, Message, Slot, Value as Reflected};
use lateen_gotemplate::{Elem, Function, List, Map, Object, Signature, UintKind, Value};
use serde_json::Value as Json;

mod go_types;
mod leaf;
mod text;

use leaf::{DurationView, EnumView, StructView, WrapperView};

use crate::go_json;

/// Go's type of a proxy configuration.
const PROXY_CONFIG: &str = "*v1alpha1.ProxyConfig";

/// Fields that Istio leaves out of a proxy's JSON when they have their defaults (`cleanProxyConfig`).
const CLEANED: &[&str] = &[
    "configPath",
    "binaryPath",
    "controlPlaneAuthPolicy",
    "serviceCluster",
    "drainDuration",
    "terminationDrainDuration",
    "discoveryAddress",
    "proxyAdminPort",
    "statNameLength",
    "statusPort",
];

/// A message as templates see it: a pointer to a Go struct with fields and getters.
///
/// Nothing is converted before a template asks for it. A message inside of it is copied when it is asked for.
pub(crate) fn view(message: Arc<dyn Message>) -> Value {
    Value::object(MessageView { message, nil: false })
}

/// What `protoToJSON` answers: a message as proto3 JSON, in the order of the API, on one line.
///
/// A proxy configuration comes without the fields that have Istio's defaults, as `cleanProxyConfig` has it. A nil
/// pointer, and what is no message, is `{}`.
pub(crate) fn proxy_config_json(value: &Value) -> String {
    let Value::Object(object) = value else { return "{}".to_owned() };
    if object.is_nil() {
        return "{}".to_owned();
    }
    let mut json = object.to_json();
    if object.type_name() == PROXY_CONFIG
        && let Json::Object(fields) = &mut json
    {
        let defaults = ProxyConfig::istio_defaults();
        let defaults: &dyn Message = &defaults;
        let defaults = defaults.to_json();
        fields.retain(|name, value| !(CLEANED.contains(&name.as_str()) && defaults.get(name) == Some(&*value)));
    }
    go_json::text(&json)
}

#[derive(Debug)]
struct MessageView {
    /// The message; an empty one behind a nil pointer.
    message: Arc<dyn Message>,
    nil: bool,
}

impl MessageView {
    /// The value of a field, or of the interface that holds the member of a oneof.
    fn find(&self, name: &str, members: bool) -> Option<Value> {
        let fields = self.message.fields();
        let found = fields.iter().find(|field| (members || field.oneof.is_none()) && field.is_go_name(name));
        if let Some(field) = found {
            return Some(value(field.value));
        }
        let mut members = fields.iter().filter(|field| field.oneof.is_some_and(|oneof| oneof.is_go_name(name)));
        let first = members.next()?;
        Some(
            self.holder(std::iter::once(first).chain(members).find(|field| field.oneof.is_some_and(|oneof| oneof.set))),
        )
    }

    /// Go's one-field struct around the member of a oneof that is set.
    fn holder(&self, member: Option<&Field<'_>>) -> Value {
        let Some(field) = member else { return Value::Nil };
        let name = format!("{}_{}", go_types::go(self.message.message_name()), field.go_name());
        Value::object(HolderView { type_name: format!("*{name}"), name: field.go_name(), value: value(field.value) })
    }
}

impl Object for MessageView {
    fn type_name(&self) -> String {
        format!("*{}", go_types::go(self.message.message_name()))
    }

    fn is_pointer(&self) -> bool {
        true
    }

    fn is_nil(&self) -> bool {
        self.nil
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.find(name, false)
    }

    fn fields(&self) -> Vec<(String, Value)> {
        let fields = self.message.fields();
        let mut out: Vec<(String, Value)> = Vec::with_capacity(fields.len());
        for field in &fields {
            match field.oneof {
                None => out.push((field.go_name(), value(field.value))),
                Some(oneof) => {
                    let name = oneof.go_name();
                    match out.last_mut().filter(|(last, _)| *last == name) {
                        Some(last) if oneof.set => last.1 = self.holder(Some(field)),
                        Some(_) => {}
                        None => out.push((name, self.holder(Some(field).filter(|_| oneof.set)))),
                    }
                }
            }
        }
        out
    }

    fn method(&self, name: &str) -> Option<Function> {
        if name == "String" {
            return Some(answer(self.text().into()));
        }
        self.find(name.strip_prefix("Get")?, true).map(answer)
    }

    fn string(&self) -> Option<String> {
        Some(self.text())
    }

    fn to_json(&self) -> Json {
        if self.nil { Json::Null } else { self.message.to_json() }
    }
}

impl MessageView {
    fn text(&self) -> String {
        if self.nil { "<nil>".to_owned() } else { text::message(&*self.message) }
    }
}

/// Go's struct around one member of a oneof.
#[derive(Debug)]
struct HolderView {
    type_name: String,
    name: String,
    value: Value,
}

impl Object for HolderView {
    fn type_name(&self) -> String {
        self.type_name.clone()
    }

    fn is_pointer(&self) -> bool {
        true
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == self.name).then(|| self.value.clone())
    }

    fn fields(&self) -> Vec<(String, Value)> {
        vec![(self.name.clone(), self.value.clone())]
    }
}

/// A value of a field in Go.
fn value(reflected: Reflected<'_>) -> Value {
    match reflected {
        Reflected::Scalar(scalar) => leaf::scalar(scalar),
        Reflected::Wrapper { value, set } => Value::object(WrapperView { value, set }),
        Reflected::String(text) => text.into(),
        Reflected::Bytes(bytes) => {
            let items = bytes.iter().map(|byte| Value::Uint((*byte).into(), UintKind::Uint8));
            Value::List(List::new(Elem::Named("uint8".into()), items.collect()))
        }
        Reflected::Enum(value) => Value::object(EnumView(value)),
        Reflected::Duration(duration) => Value::object(DurationView(duration)),
        Reflected::Message(Slot::Set(message)) => view(message.to_shared()),
        Reflected::Message(Slot::Unset(zero)) => Value::object(MessageView { message: zero(), nil: true }),
        Reflected::List(list) => {
            let (elem, items) = (elem(list.zero()), list.items());
            match items.is_empty() {
                true => Value::List(List::nil(elem)),
                false => Value::List(List::new(elem, items.into_iter().map(value).collect())),
            }
        }
        Reflected::Map(map) => {
            let (elem, entries) = (elem(map.zero()), map.entries());
            match entries.is_empty() {
                true => Value::Map(Map::nil(elem)),
                false => Value::Map(Map::new(elem, entries.into_iter().map(|(key, item)| (key.into(), value(item))))),
            }
        }
        Reflected::Struct(object) => Value::object(StructView(object.cloned())),
    }
}

/// The element type of a list or map whose items have this zero value.
fn elem(zero: Reflected<'_>) -> Elem {
    match zero {
        Reflected::String(_) => Elem::String,
        other => Elem::Named(value(other).type_name().into()),
    }
}

/// A method without arguments.
fn answer(value: Value) -> Function {
    Function::typed(Signature::fixed([]), move |_| Ok(value.clone()))
}

#[cfg(test)]
mod tests;

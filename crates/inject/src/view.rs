//! A pod as templates see it: Go's typed structs over the pod's JSON.
//! In: JSON and its type. Out: a value whose fields have Go's names and Go's zero values.
//! Never here: changes of the pod. What the schema does not know cannot be seen, as in Go.
//!
//! Nothing is converted before a template asks for it, and nothing twice.

use std::sync::{Arc, OnceLock};

use lateen_gotemplate::{Elem, Function, List, Map, Object, Record, Signature, Value};
use serde_json::Value as Json;

use crate::go_json;
use crate::pod::Pod;
use crate::schema::{Embedded, Kind, Member, Type, of};

mod scalar;
#[cfg(test)]
mod tests;

use scalar::{IntOrString, Pointer, Quantity, Raw, Time};

/// `v1.ObjectMeta` of a pod.
pub(crate) fn object_meta(pod: &Pod) -> Value {
    part(pod.metadata(), "ObjectMeta")
}

/// `v1.PodSpec` of a pod.
pub(crate) fn pod_spec(pod: &Pod) -> Value {
    part(pod.spec(), "PodSpec")
}

fn part(json: Option<&serde_json::Map<String, Json>>, ty: &str) -> Value {
    let json = json.cloned().map(Json::Object).unwrap_or_default();
    of(ty).map_or(Value::Nil, |ty| view(json, ty))
}

/// The struct of that type that the JSON stands for; null is the zero value.
fn view(json: Json, ty: &'static Type) -> Value {
    Value::object(Struct::new(Arc::new(Place::Root(json)), ty, Reference::Value))
}

/// `v1.TypeMeta`.
pub(crate) fn type_meta(api_version: &str, kind: &str) -> Value {
    let meta = Record::new("v1.TypeMeta").field("Kind", "kind", kind).field("APIVersion", "apiVersion", api_version);
    Value::object(meta)
}

/// `types.NamespacedName`.
pub(crate) fn namespaced_name(namespace: &str, name: &str) -> Value {
    let names = Record::new("types.NamespacedName")
        .required_field("Namespace", "Namespace", namespace)
        .required_field("Name", "Name", name)
        .prints_as(&format!("{namespace}/{name}"));
    Value::object(names)
}

/// Where in the JSON something stands; it is looked up again each time, because it cannot be borrowed.
#[derive(Debug)]
enum Place {
    Root(Json),
    Field(Arc<Place>, &'static str),
    Item(Arc<Place>, usize),
}

impl Place {
    /// What stands there; nothing for null.
    fn json(&self) -> Option<&Json> {
        let json = match self {
            Place::Root(json) => json,
            Place::Field(above, name) => above.json()?.get(name)?,
            Place::Item(above, place) => above.json()?.get(place)?,
        };
        (!json.is_null()).then_some(json)
    }
}

/// How Go holds a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reference {
    Value,
    Pointer,
    Nil,
}

#[derive(Debug)]
struct Struct {
    place: Arc<Place>,
    ty: &'static Type,
    reference: Reference,
    /// What each field was found to be.
    fields: Box<[OnceLock<Value>]>,
}

impl Struct {
    fn new(place: Arc<Place>, ty: &'static Type, reference: Reference) -> Struct {
        let count = if reference == Reference::Nil { 0 } else { ty.fields().len() };
        Struct { place, ty, reference, fields: (0..count).map(|_| OnceLock::new()).collect() }
    }

    fn at(&self, index: usize) -> Option<Value> {
        let field = self.ty.fields().get(index)?;
        let Some(cell) = self.fields.get(index) else { return Some(Value::Nil) };
        let make = || {
            let place = Arc::new(Place::Field(self.place.clone(), field.json));
            value(&field.kind, field.pointer, place)
        };
        Some(cell.get_or_init(make).clone())
    }

    /// The embedded struct itself, such as `.VolumeSource`.
    fn embedded(&self, embedded: &Embedded) -> Value {
        let place = match embedded.json {
            None => self.place.clone(),
            Some(name) => Arc::new(Place::Field(self.place.clone(), name)),
        };
        Value::object(Struct::new(place, embedded.ty.get(), Reference::Value))
    }
}

/// What stands at a place, or Go's zero value of its kind.
fn value(kind: &'static Kind, pointer: bool, place: Arc<Place>) -> Value {
    if let Some(ty) = kind.message() {
        let reference = match (pointer, place.json()) {
            (false, _) => Reference::Value,
            (true, Some(_)) => Reference::Pointer,
            (true, None) => Reference::Nil,
        };
        return Value::object(Struct::new(place, ty, reference));
    }
    if pointer {
        let pointee = place.json().is_some().then(|| value(kind, false, place));
        return Value::object(Pointer { kind, pointee });
    }
    let json = place.json();
    match kind {
        Kind::String => json.map(text).unwrap_or_default().into(),
        Kind::Bool => Value::Bool(json.and_then(Json::as_bool).unwrap_or_default()),
        Kind::Int(width) => Value::Int(json.map(integer).unwrap_or_default(), *width),
        Kind::Quantity => Value::object(Quantity::of(json)),
        Kind::Time => Value::object(Time::of(json)),
        Kind::IntOrString => Value::object(IntOrString::of(json)),
        Kind::Raw => Value::object(Raw::of(json)),
        Kind::Message(_) => Value::Nil,
        Kind::List(elem) => match json {
            Some(Json::Array(items)) => {
                let item = |at| value(elem, false, Arc::new(Place::Item(place.clone(), at)));
                Value::List(List::new(element(elem), (0..items.len()).map(item).collect()))
            }
            _ => Value::List(List::nil(element(elem))),
        },
        Kind::Map(elem) => match json {
            Some(Json::Object(entries)) => {
                let entries = entries.iter().map(|(key, json)| (Arc::from(key.as_str()), entry(elem, json)));
                Value::Map(Map::new(element(elem), entries))
            }
            _ => Value::Map(Map::nil(element(elem))),
        },
    }
}

/// The value of a map's entry; pods have maps of strings and of quantities.
fn entry(kind: &'static Kind, json: &Json) -> Value {
    match kind {
        Kind::String => text(json).into(),
        kind => value(kind, false, Arc::new(Place::Root(json.clone()))),
    }
}

/// The element type of a list or a map.
fn element(kind: &Kind) -> Elem {
    match kind {
        Kind::String => Elem::String,
        Kind::Bool => Elem::Bool,
        other => Elem::Named(other.go_name().into()),
    }
}

/// The text of a scalar; a number that stands where text belongs is its text.
pub(crate) fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Number(_) | Json::Bool(_) => json.to_string(),
        _ => String::new(),
    }
}

/// A whole number; 0 for all else.
pub(crate) fn integer(json: &Json) -> i64 {
    json.as_i64().or_else(|| json.as_f64().map(|number| number as i64)).unwrap_or_default()
}

impl Object for Struct {
    fn type_name(&self) -> String {
        match self.reference {
            Reference::Value => self.ty.go_name(),
            _ => format!("*{}", self.ty.go_name()),
        }
    }

    fn is_pointer(&self) -> bool {
        self.reference != Reference::Value
    }

    fn is_nil(&self) -> bool {
        self.reference == Reference::Nil
    }

    fn field(&self, name: &str) -> Option<Value> {
        if let Some(index) = self.ty.fields().iter().position(|field| field.go == name) {
            return self.at(index);
        }
        self.ty.embedded().iter().find_map(|embedded| {
            if embedded.go == name {
                return Some(self.embedded(embedded));
            }
            // Go lends the fields of `metadata` to the outer struct, whatever JSON calls it.
            embedded.json?;
            embedded.ty.get().field_by_go(name)?;
            match self.field(embedded.go)? {
                Value::Object(inner) => inner.field(name),
                _ => None,
            }
        })
    }

    fn fields(&self) -> Vec<(String, Value)> {
        let members = self.ty.members().iter().filter_map(|member| match member {
            Member::Field(index) => Some((self.ty.fields().get(*index)?.go.to_owned(), self.at(*index)?)),
            Member::Embedded(index) => {
                let embedded = self.ty.embedded().get(*index)?;
                Some((embedded.go.to_owned(), self.embedded(embedded)))
            }
        });
        members.collect()
    }

    fn method(&self, name: &str) -> Option<Function> {
        // Kubernetes gives getters to metadata alone.
        let field = name.strip_prefix("Get")?;
        let answer = match self.ty.name() {
            "ObjectMeta" => self.field(field)?,
            _ => match self.ty.embedded().iter().find(|embedded| embedded.go == "ObjectMeta") {
                Some(embedded) => match self.embedded(embedded) {
                    Value::Object(metadata) => metadata.field(field)?,
                    _ => return None,
                },
                None => return None,
            },
        };
        Some(Function::typed(Signature::fixed([]), move |_| Ok(answer.clone())))
    }

    fn to_json(&self) -> Json {
        match self.reference {
            Reference::Nil => Json::Null,
            _ => go_json::decoded(self.place.json().unwrap_or(&Json::Null), self.ty),
        }
    }
}

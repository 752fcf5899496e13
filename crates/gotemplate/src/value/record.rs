//! An object made of data: Go field names beside JSON names, getters that are safe on nil, methods as functions.
//! In: what the host fills in. Out: an [`Object`](super::Object).
//! Never here: types of any particular API.

use std::fmt;
use std::sync::Arc;

use super::{Object, Value};
use crate::function::{Function, Signature};

/// A struct as data.
///
/// ```
/// use lateen_gotemplate::{Engine, Record, Template, Value};
///
/// let meta = Record::new("v1.ObjectMeta").field("Name", "name", "web").getters();
/// let data = Value::map([("Meta", Value::object(meta))]);
/// let template = Template::parse("t", "{{ .Meta.Name }} {{ .Meta.GetName }}", &Engine::new()).unwrap();
/// assert_eq!(template.execute(&data).unwrap(), "web web");
/// ```
#[derive(Clone)]
pub struct Record {
    type_name: Arc<str>,
    pointer: bool,
    nil: bool,
    getters: bool,
    fields: Vec<Field>,
    methods: Vec<(Arc<str>, Function)>,
    string: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
struct Field {
    name: Arc<str>,
    /// Empty: left out of JSON.
    json: Arc<str>,
    omit_empty: bool,
    value: Value,
}

impl Record {
    /// An empty struct of that Go type name. A name that begins with `*` makes a pointer.
    pub fn new(type_name: &str) -> Record {
        Record {
            type_name: type_name.into(),
            pointer: type_name.starts_with('*'),
            nil: false,
            getters: false,
            fields: Vec::new(),
            methods: Vec::new(),
            string: None,
        }
    }

    /// A nil pointer of that Go type name. Fields added to it are what its getters answer: zero values, as protobuf's.
    pub fn nil(type_name: &str) -> Record {
        Record { pointer: true, nil: true, ..Record::new(type_name) }
    }

    /// Adds a field by its Go name and its JSON name. In JSON it is left out when it is empty.
    #[must_use]
    pub fn field(mut self, name: &str, json: &str, value: impl Into<Value>) -> Record {
        self.fields.push(Field { name: name.into(), json: json.into(), omit_empty: true, value: value.into() });
        self
    }

    /// Adds a field that JSON shows even when it is empty.
    #[must_use]
    pub fn required_field(mut self, name: &str, json: &str, value: impl Into<Value>) -> Record {
        self.fields.push(Field { name: name.into(), json: json.into(), omit_empty: false, value: value.into() });
        self
    }

    /// Gives each field a method `Get` + name, which answers on a nil pointer too.
    #[must_use]
    pub fn getters(mut self) -> Record {
        self.getters = true;
        self
    }

    /// Adds a method.
    #[must_use]
    pub fn method(mut self, name: &str, function: Function) -> Record {
        self.methods.push((name.into(), function));
        self
    }

    /// Sets what the value's `String` method answers. It prints so, and a template can call `.String`.
    #[must_use]
    pub fn prints_as(mut self, text: &str) -> Record {
        self.string = Some(text.into());
        self
    }

    fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| &*field.name == name)
    }

    fn getter(&self, name: &str) -> Option<&Field> {
        if self.getters { self.find(name.strip_prefix("Get")?) } else { None }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("type", &self.type_name).field("nil", &self.nil).finish_non_exhaustive()
    }
}

impl Object for Record {
    fn type_name(&self) -> String {
        self.type_name.to_string()
    }

    fn is_pointer(&self) -> bool {
        self.pointer
    }

    fn is_nil(&self) -> bool {
        self.nil
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.find(name).map(|field| field.value.clone())
    }

    fn fields(&self) -> Vec<(String, Value)> {
        self.fields.iter().map(|field| (field.name.to_string(), field.value.clone())).collect()
    }

    fn method(&self, name: &str) -> Option<Function> {
        if let Some((_, method)) = self.methods.iter().find(|(method, _)| &**method == name) {
            return Some(method.clone());
        }
        let answer = match (self.getter(name), &self.string) {
            (Some(field), _) => field.value.clone(),
            (None, Some(text)) if name == "String" => Value::String(text.clone()),
            _ => return None,
        };
        Some(Function::typed(Signature::fixed([]), move |_| Ok(answer.clone())))
    }

    fn string(&self) -> Option<String> {
        self.string.as_deref().map(str::to_owned)
    }

    fn to_json(&self) -> serde_json::Value {
        if self.nil {
            return serde_json::Value::Null;
        }
        let shown = self.fields.iter().filter(|field| {
            let empty = match &field.value {
                Value::Object(object) => object.is_nil(),
                other => !other.truth(),
            };
            !(field.json.is_empty() || field.omit_empty && empty)
        });
        serde_json::Value::Object(shown.map(|f| (f.json.to_string(), (&f.value).into())).collect())
    }
}

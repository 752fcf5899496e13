//! What a template computes with: the kinds of Go values that text/template can tell apart.
//! In: data from the host (Rust values, JSON, objects with methods) and results of functions.
//! Out: values that print, compare and answer as Go's do.
//! Never here: any knowledge of what the data means.

use std::sync::Arc;

mod equal;
mod json;
mod list;
mod map;
mod object;
mod record;

pub use json::{FromJsonError, JsonStyle};
pub use list::List;
pub use map::Map;
pub use object::Object;
pub use record::Record;

use crate::function::Function;
pub(crate) use equal::deep_equal;
pub(crate) use json::{Layout as JsonLayout, parse_json, write_json};

/// How deep a walk over a value goes before it is refused.
pub(crate) const MAX_VALUE_DEPTH: usize = 100;

/// Width of a signed integer, as Go names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

/// Width of an unsigned integer, as Go names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UintKind {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// Width of a floating point number, as Go names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatKind {
    Float32,
    Float64,
}

/// The element type of a list or a map.
///
/// It decides how the container names itself (`%T`, `typeOf`, error texts)
/// and what a missing key of a map is (`""` in a map of strings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elem {
    /// `interface {}`
    Any,
    /// `string`
    String,
    /// `int`
    Int,
    /// `bool`
    Bool,
    /// `[]interface {}`
    List,
    /// `map[string]interface {}`
    Map,
    /// Any other type, by its Go name, such as `v1.Container`.
    Named(Arc<str>),
}

impl Elem {
    /// The type's name in Go.
    pub fn name(&self) -> &str {
        match self {
            Elem::Any => "interface {}",
            Elem::String => "string",
            Elem::Int => "int",
            Elem::Bool => "bool",
            Elem::List => "[]interface {}",
            Elem::Map => "map[string]interface {}",
            Elem::Named(name) => name,
        }
    }

    /// Go's zero value of the type; nil for types that this crate does not know.
    pub fn zero(&self) -> Value {
        match self {
            Elem::Any | Elem::Named(_) => Value::Nil,
            Elem::String => Value::from(""),
            Elem::Int => Value::from(0_i64),
            Elem::Bool => Value::Bool(false),
            Elem::List => Value::List(List::nil(Elem::Any)),
            Elem::Map => Value::Map(Map::nil(Elem::Any)),
        }
    }
}

/// A value of a template.
///
/// Lists never change once made.
/// Maps are shared and change in place, as Go's do: `set` in a template is seen by everyone who holds the map.
/// A host that reuses data between executions gives each one a [`Value::deep_copy`] when templates may call `set` or `merge`.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// An untyped nil.
    #[default]
    Nil,
    Bool(bool),
    Int(i64, IntKind),
    Uint(u64, UintKind),
    Float(f64, FloatKind),
    String(Arc<str>),
    List(List),
    Map(Map),
    Object(Arc<dyn Object>),
    Function(Function),
}

impl Value {
    /// A list of `interface {}`.
    pub fn list<V: Into<Value>>(items: impl IntoIterator<Item = V>) -> Value {
        Value::List(List::new(Elem::Any, items.into_iter().map(Into::into).collect()))
    }

    /// A list of strings.
    pub fn strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value {
        Value::List(List::new(Elem::String, items.into_iter().map(|s| Value::from(s.as_ref())).collect()))
    }

    /// A `map[string]interface {}`.
    pub fn map<K: AsRef<str>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
        Value::Map(Map::new(Elem::Any, entries.into_iter().map(|(k, v)| (Arc::from(k.as_ref()), v.into()))))
    }

    /// A `map[string]string`, whose missing keys answer `""` to `index`.
    pub fn string_map<K: AsRef<str>, V: AsRef<str>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
        let entries = entries.into_iter().map(|(k, v)| (Arc::from(k.as_ref()), Value::from(v.as_ref())));
        Value::Map(Map::new(Elem::String, entries))
    }

    /// A value with fields and methods of its own.
    pub fn object(object: impl Object + 'static) -> Value {
        Value::Object(Arc::new(object))
    }

    /// The text of a string value, nothing for every other kind.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is nil: the untyped nil, a nil list or map, or an object that is a nil pointer.
    pub fn is_nil(&self) -> bool {
        match self {
            Value::Nil => true,
            Value::List(list) => list.is_nil(),
            Value::Map(map) => map.is_nil(),
            Value::Object(object) => object.is_nil(),
            _ => false,
        }
    }

    /// Truth as `if` sees it: not the zero value of the type, and not empty.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(b) => *b,
            Value::Int(n, _) => *n != 0,
            Value::Uint(n, _) => *n != 0,
            Value::Float(n, _) => *n != 0.0,
            Value::String(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(object) => object.truth(),
            Value::Function(_) => true,
        }
    }

    /// The name of the value's type in Go, such as `map[string]interface {}`; `<nil>` for nil.
    pub fn type_name(&self) -> String {
        match self {
            Value::Nil => "<nil>".into(),
            Value::Bool(_) => "bool".into(),
            Value::Int(_, kind) => kind.name().into(),
            Value::Uint(_, kind) => kind.name().into(),
            Value::Float(_, kind) => kind.name().into(),
            Value::String(_) => "string".into(),
            Value::List(list) => format!("[]{}", list.elem().name()),
            Value::Map(map) => format!("map[string]{}", map.elem().name()),
            Value::Object(object) => object.type_name(),
            Value::Function(function) => function.type_name(),
        }
    }

    /// The name of the value's kind, as Go's `reflect.Kind` prints it; `invalid` for nil.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(_, kind) => kind.name(),
            Value::Uint(_, kind) => kind.name(),
            Value::Float(_, kind) => kind.name(),
            Value::String(_) => "string",
            Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Object(object) => {
                if object.is_pointer() {
                    "ptr"
                } else {
                    "struct"
                }
            }
            Value::Function(_) => "func",
        }
    }

    /// A copy that shares no map with this value.
    ///
    /// Objects and functions are shared. What lies deeper than 100 containers is left out.
    pub fn deep_copy(&self) -> Value {
        fn copy(value: &Value, depth: usize) -> Value {
            if depth > MAX_VALUE_DEPTH {
                return Value::Nil;
            }
            match value {
                Value::List(list) if !list.is_nil() => Value::List(List::new(
                    list.elem().clone(),
                    list.items().iter().map(|item| copy(item, depth + 1)).collect(),
                )),
                Value::Map(map) if !map.is_nil() => Value::Map(Map::new(
                    map.elem().clone(),
                    map.entries().into_iter().map(|(key, item)| (key, copy(&item, depth + 1))),
                )),
                other => other.clone(),
            }
        }
        copy(self, 0)
    }
}

impl IntKind {
    pub fn name(self) -> &'static str {
        match self {
            IntKind::Int => "int",
            IntKind::Int8 => "int8",
            IntKind::Int16 => "int16",
            IntKind::Int32 => "int32",
            IntKind::Int64 => "int64",
        }
    }
}

impl UintKind {
    pub fn name(self) -> &'static str {
        match self {
            UintKind::Uint => "uint",
            UintKind::Uint8 => "uint8",
            UintKind::Uint16 => "uint16",
            UintKind::Uint32 => "uint32",
            UintKind::Uint64 => "uint64",
        }
    }
}

impl FloatKind {
    pub fn name(self) -> &'static str {
        match self {
            FloatKind::Float32 => "float32",
            FloatKind::Float64 => "float64",
        }
    }
}

macro_rules! from_number {
    ($($rust:ty => $variant:ident, $kind:expr;)*) => {$(
        impl From<$rust> for Value {
            fn from(number: $rust) -> Value {
                Value::$variant(number.into(), $kind)
            }
        }
    )*};
}

// `i64` is Go's `int`: it is what constants and lengths are.
from_number! {
    i8 => Int, IntKind::Int8;
    i16 => Int, IntKind::Int16;
    i32 => Int, IntKind::Int32;
    i64 => Int, IntKind::Int;
    u8 => Uint, UintKind::Uint8;
    u16 => Uint, UintKind::Uint16;
    u32 => Uint, UintKind::Uint32;
    u64 => Uint, UintKind::Uint64;
    f32 => Float, FloatKind::Float32;
    f64 => Float, FloatKind::Float64;
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::String(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Value {
        Value::String(text)
    }
}

impl From<usize> for Value {
    /// A length or an index: Go's `int`.
    fn from(number: usize) -> Value {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX), IntKind::Int)
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Value {
        value.map_or(Value::Nil, Into::into)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Value {
        Value::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Value::Map(map)
    }
}

impl From<Function> for Value {
    fn from(function: Function) -> Value {
        Value::Function(function)
    }
}

//! A walk over the fields of Istio's messages without knowing their types.
//!
//! In come the messages that `message!` declares; out come their fields by the names of the API,
//! of its JSON and of Go, with values by kind. Never here: what a field means, or a default.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map as JsonMap, Value as Json};

mod json;
mod names;

pub use json::duration_text;

/// A message whose fields can be walked over.
pub trait Message: Debug + Send + Sync {
    /// Name of the Rust type, such as `ProxyConfig`.
    fn message_name(&self) -> &'static str;

    /// All fields in the order of the API's .proto file, each member of a oneof as one of its own.
    fn fields(&self) -> Vec<Field<'_>>;

    /// A copy that can be held.
    fn to_shared(&self) -> Arc<dyn Message>;
}

/// One field of a message.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    name: &'static str,
    spellings: &'static [&'static str],
    /// The oneof that this is a member of.
    pub oneof: Option<Oneof>,
    /// The value; the zero value of the kind when nothing is set.
    pub value: Value<'a>,
}

/// The oneof that a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oneof {
    name: &'static str,
    /// Whether the field is the member that is set.
    pub set: bool,
}

/// A value by its kind.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A boolean or a number.
    Scalar(Scalar),
    /// One of the wrappers of protobuf, such as `Int32Value`; the zero value where it is unset.
    Wrapper {
        /// The value inside.
        value: Scalar,
        /// Whether the wrapper is there.
        set: bool,
    },
    /// A text.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A value of an enum.
    Enum(EnumValue),
    /// A duration, if it is set.
    Duration(Option<Duration>),
    /// A message, or the place of one.
    Message(Slot<'a>),
    /// Values of one kind.
    List(&'a dyn List),
    /// Values of one kind by name.
    Map(&'a dyn Map),
    /// Free-form JSON, if it is set.
    Struct(Option<&'a JsonMap<String, Json>>),
}

/// A boolean or a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// `bool`
    Bool(bool),
    /// `int32`
    I32(i32),
    /// `uint32`
    U32(u32),
    /// `int64`
    I64(i64),
    /// `uint64`
    U64(u64),
    /// `double`
    F64(f64),
}

/// A value of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnumValue {
    /// Name of the Rust type, such as `InboundInterceptionMode`.
    pub type_name: &'static str,
    /// The name that the API writes, such as `TPROXY`.
    pub name: &'static str,
    /// The number in the API.
    pub number: i32,
}

/// The place of a message inside another.
#[derive(Debug, Clone, Copy)]
pub enum Slot<'a> {
    /// The message.
    Set(&'a dyn Message),
    /// No message; this makes an empty one, as getters answer from.
    Unset(fn() -> Arc<dyn Message>),
}

/// A repeated field.
pub trait List: Debug {
    /// The values in order.
    fn items(&self) -> Vec<Value<'_>>;

    /// The zero value of an item, which tells its kind.
    fn zero(&self) -> Value<'static>;
}

/// A map field.
pub trait Map: Debug {
    /// The values in the order of their keys.
    fn entries(&self) -> Vec<(&str, Value<'_>)>;

    /// The zero value of an entry, which tells its kind.
    fn zero(&self) -> Value<'static>;
}

/// A type that a field can have.
pub(crate) trait Reflect {
    /// The value by its kind.
    fn reflect(&self) -> Value<'_>;
}

/// A type that an item, an entry or a member of a oneof can have.
pub(crate) trait Single: Reflect {
    /// The value when nothing is set.
    fn zero() -> Value<'static>;
}

/// The members of a oneof.
pub(crate) trait Members: Sized {
    /// Name, whether it is set, and value of each member, in order.
    fn members(value: Option<&Self>) -> Vec<(&'static str, bool, Value<'_>)>;
}

impl<'a> Field<'a> {
    pub(crate) fn new(name: &'static str, spellings: &'static [&'static str], value: Value<'a>) -> Self {
        let name = name.strip_prefix("r#").unwrap_or(name);
        Self { name, spellings, oneof: None, value }
    }

    /// The name in the .proto file.
    pub fn proto_name(&self) -> &'static str {
        self.spellings.iter().find(|spelling| spelling.contains('_')).copied().unwrap_or(self.name)
    }

    /// The name in JSON, lowerCamelCase.
    pub fn json_name(&self) -> String {
        crate::decode::names::written(self.name, self.spellings)
    }

    /// The name of the field in Go's struct, and after `Get` of its getter.
    pub fn go_name(&self) -> String {
        names::go(self.proto_name())
    }

    /// Whether [`Field::go_name`] is this, without making it.
    pub fn is_go_name(&self, name: &str) -> bool {
        names::is_go(self.proto_name(), name)
    }

    /// Whether JSON shows the field: proto3 leaves zero values out, unless they have presence.
    pub fn is_set(&self) -> bool {
        match (self.oneof, self.value) {
            (Some(oneof), _) => oneof.set,
            (None, Value::Scalar(scalar)) => !scalar.is_zero(),
            (None, Value::Wrapper { set, .. }) => set,
            (None, Value::String(text)) => !text.is_empty(),
            (None, Value::Bytes(bytes)) => !bytes.is_empty(),
            (None, Value::Enum(value)) => value.number != 0,
            (None, Value::Duration(duration)) => duration.is_some(),
            (None, Value::Message(slot)) => matches!(slot, Slot::Set(_)),
            (None, Value::List(list)) => !list.items().is_empty(),
            (None, Value::Map(map)) => !map.entries().is_empty(),
            (None, Value::Struct(object)) => object.is_some(),
        }
    }
}

impl Oneof {
    /// The name of the oneof's field in Go's struct.
    pub fn go_name(&self) -> String {
        names::go(self.name)
    }

    /// Whether [`Oneof::go_name`] is this, without making it.
    pub fn is_go_name(&self, name: &str) -> bool {
        names::is_go(self.name, name)
    }
}

impl Scalar {
    /// Whether this is `false` or 0.
    pub fn is_zero(self) -> bool {
        match self {
            Scalar::Bool(value) => !value,
            Scalar::I32(value) => value == 0,
            Scalar::U32(value) => value == 0,
            Scalar::I64(value) => value == 0,
            Scalar::U64(value) => value == 0,
            Scalar::F64(value) => value.to_bits() == 0,
        }
    }
}

/// Puts the members of a oneof where the API has them.
pub(crate) fn add_members<'a, T: Members>(
    fields: &mut Vec<Field<'a>>,
    oneof: &'static str,
    before: Option<&str>,
    value: Option<&'a T>,
) {
    let name = oneof.strip_prefix("r#").unwrap_or(oneof);
    let members = T::members(value)
        .into_iter()
        .map(|(member, set, value)| Field { oneof: Some(Oneof { name, set }), ..Field::new(member, &[], value) });
    let at = before.and_then(|before| fields.iter().position(|field| field.name == before)).unwrap_or(fields.len());
    fields.splice(at..at, members);
}

macro_rules! scalars {
    ($($type:ty => $variant:ident $zero:literal;)+) => { $(
        impl Reflect for $type {
            fn reflect(&self) -> Value<'_> {
                Value::Scalar(Scalar::$variant(*self))
            }
        }

        impl Single for $type {
            fn zero() -> Value<'static> {
                Value::Scalar(Scalar::$variant($zero))
            }
        }
    )+ };
}

scalars! {
    bool => Bool false;
    i32 => I32 0;
    u32 => U32 0;
    i64 => I64 0;
    u64 => U64 0;
    f64 => F64 0.0;
}

impl Reflect for String {
    fn reflect(&self) -> Value<'_> {
        Value::String(self)
    }
}

impl Single for String {
    fn zero() -> Value<'static> {
        Value::String("")
    }
}

impl Reflect for Vec<u8> {
    fn reflect(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Single for Vec<u8> {
    fn zero() -> Value<'static> {
        Value::Bytes(&[])
    }
}

impl Reflect for Duration {
    fn reflect(&self) -> Value<'_> {
        Value::Duration(Some(*self))
    }
}

impl Single for Duration {
    fn zero() -> Value<'static> {
        Value::Duration(None)
    }
}

impl Reflect for JsonMap<String, Json> {
    fn reflect(&self) -> Value<'_> {
        Value::Struct(Some(self))
    }
}

impl Single for JsonMap<String, Json> {
    fn zero() -> Value<'static> {
        Value::Struct(None)
    }
}

impl<T: Reflect> Reflect for Box<T> {
    fn reflect(&self) -> Value<'_> {
        T::reflect(self)
    }
}

impl<T: Single> Single for Box<T> {
    fn zero() -> Value<'static> {
        T::zero()
    }
}

impl<T: Single> Reflect for Option<T> {
    fn reflect(&self) -> Value<'_> {
        // An optional scalar is a wrapper of the API; all other kinds know that they are not set.
        let value = match self {
            Some(value) => value.reflect(),
            None => T::zero(),
        };
        match value {
            Value::Scalar(value) => Value::Wrapper { value, set: self.is_some() },
            value => value,
        }
    }
}

impl<T: Single + Debug> Reflect for Vec<T> {
    fn reflect(&self) -> Value<'_> {
        Value::List(self)
    }
}

impl<T: Single + Debug> List for Vec<T> {
    fn items(&self) -> Vec<Value<'_>> {
        self.iter().map(Reflect::reflect).collect()
    }

    fn zero(&self) -> Value<'static> {
        T::zero()
    }
}

impl<T: Single + Debug> Reflect for BTreeMap<String, T> {
    fn reflect(&self) -> Value<'_> {
        Value::Map(self)
    }
}

impl<T: Single + Debug> Map for BTreeMap<String, T> {
    fn entries(&self) -> Vec<(&str, Value<'_>)> {
        self.iter().map(|(key, value)| (key.as_str(), value.reflect())).collect()
    }

    fn zero(&self) -> Value<'static> {
        T::zero()
    }
}

#[cfg(test)]
mod tests;

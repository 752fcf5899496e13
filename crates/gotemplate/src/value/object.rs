//! The door for values of the host: things with fields, methods and a way to print.
//! In: names and arguments from a template. Out: values.
//! Never here: a default that invents a field.

use std::fmt;

use super::Value;
use crate::error::CallError;
use crate::function::Function;

/// A struct, or a pointer to one, that the host lends to a template.
///
/// For plain data [`Record`](super::Record) is enough; implement this for values that compute their fields.
pub trait Object: fmt::Debug + Send + Sync {
    /// The type's name in Go, such as `v1.ObjectMeta` or `*v1alpha1.ProxyConfig`.
    fn type_name(&self) -> String;

    /// Whether this stands for a pointer to a struct and not for a struct.
    fn is_pointer(&self) -> bool {
        self.is_nil()
    }

    /// Whether this stands for a nil pointer. Fields of it cannot be read; methods can be called.
    fn is_nil(&self) -> bool {
        false
    }

    /// Truth as `if` sees it: a struct is true, a nil pointer is false.
    fn truth(&self) -> bool {
        !self.is_nil()
    }

    /// The field of that Go name, if the type has it.
    fn field(&self, name: &str) -> Option<Value>;

    /// The exported fields in order, as `%v` prints them.
    fn fields(&self) -> Vec<(String, Value)> {
        Vec::new()
    }

    /// The method of that name, bound to this value. Methods go before fields, and answer on a nil pointer too.
    fn method(&self, _name: &str) -> Option<Function> {
        None
    }

    /// What the type's `String` method answers, if it has one; it is how the value prints.
    fn string(&self) -> Option<String> {
        None
    }

    /// The length, for objects that stand for a collection.
    fn length(&self) -> Option<usize> {
        None
    }

    /// An element, for objects that stand for a collection.
    fn index(&self, _key: &Value) -> Option<Result<Value, CallError>> {
        None
    }

    /// What `range` visits: index or key, and element. Nothing for values that cannot be ranged over.
    fn range(&self) -> Option<Vec<(Value, Value)>> {
        None
    }

    /// How the value reads in JSON and YAML, by its JSON names.
    fn to_json(&self) -> serde_json::Value {
        let fields = self.fields().into_iter().map(|(name, value)| (name, serde_json::Value::from(&value)));
        serde_json::Value::Object(fields.collect())
    }

    /// Whether both are equal, as `eq` and `deepEqual` see it.
    fn equals(&self, other: &dyn Object) -> bool {
        self.type_name() == other.type_name() && self.is_nil() == other.is_nil() && self.to_json() == other.to_json()
    }
}

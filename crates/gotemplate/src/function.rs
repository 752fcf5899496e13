//! Functions that a template can call, and the Go types of their parameters.
//! In: closures of the host, functions of this crate. Out: one form that the executor calls.
//! Never here: evaluation; arguments arrive as values of the promised types.

use std::fmt;
use std::sync::Arc;

use crate::budget::Budget;
use crate::error::CallError;
use crate::value::{FloatKind, IntKind, Value};

/// The Go type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: any value, nil too.
    Any,
    /// `reflect.Value`: as `Any`; the built-in functions of text/template take it.
    Reflect,
    Bool,
    String,
    Int,
    Int64,
    Float64,
    /// `map[string]interface {}`
    Map,
    /// `map[string]string`
    StringMap,
    /// `[]interface {}`
    List,
    /// `[]string`
    Strings,
    /// `time.Time`
    Time,
}

impl Type {
    /// The type's name in Go.
    pub fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Reflect => "reflect.Value",
            Type::Bool => "bool",
            Type::String => "string",
            Type::Int => "int",
            Type::Int64 => "int64",
            Type::Float64 => "float64",
            Type::Map => "map[string]interface {}",
            Type::StringMap => "map[string]string",
            Type::List => "[]interface {}",
            Type::Strings => "[]string",
            Type::Time => "time.Time",
        }
    }

    /// Whether a value can be passed as it is.
    pub(crate) fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Type::Any | Type::Reflect, _)
            | (Type::Bool, Value::Bool(_))
            | (Type::String, Value::String(_))
            | (Type::Int, Value::Int(_, IntKind::Int))
            | (Type::Int64, Value::Int(_, IntKind::Int64))
            | (Type::Float64, Value::Float(_, FloatKind::Float64)) => true,
            (Type::Map | Type::StringMap, Value::Map(_)) | (Type::List | Type::Strings, Value::List(_)) => {
                value.type_name() == self.name()
            }
            (Type::Time, Value::Object(_)) => value.type_name() == self.name(),
            _ => false,
        }
    }

    /// Whether nil can be passed, and as what it arrives.
    pub(crate) fn nil(self) -> Option<Value> {
        use crate::value::{Elem, List, Map};
        match self {
            Type::Any | Type::Reflect => Some(Value::Nil),
            Type::Map => Some(Map::nil(Elem::Any).into()),
            Type::StringMap => Some(Map::nil(Elem::String).into()),
            Type::List => Some(List::nil(Elem::Any).into()),
            Type::Strings => Some(List::nil(Elem::String).into()),
            _ => None,
        }
    }
}

/// What a function takes: fixed parameters, then any number of one more type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub fixed: Vec<Type>,
    pub variadic: Option<Type>,
}

impl Signature {
    /// Exactly these parameters.
    pub fn fixed(fixed: impl Into<Vec<Type>>) -> Signature {
        Signature { fixed: fixed.into(), variadic: None }
    }

    /// These parameters and any number of a last type.
    pub fn variadic(fixed: impl Into<Vec<Type>>, rest: Type) -> Signature {
        Signature { fixed: fixed.into(), variadic: Some(rest) }
    }
}

type HostBody = dyn Fn(&[Value]) -> Result<Value, CallError> + Send + Sync;
pub(crate) type InnerBody = fn(&Budget, &[Value]) -> Result<Value, CallError>;

#[derive(Clone)]
enum Body {
    Host(Arc<HostBody>),
    Inner(InnerBody),
}

/// A function: what it takes and what it does. It is a value as well, for `call`.
#[derive(Clone)]
pub struct Function {
    signature: Arc<Signature>,
    body: Body,
}

impl Function {
    /// A function of any number of any values.
    pub fn new(body: impl Fn(&[Value]) -> Result<Value, CallError> + Send + Sync + 'static) -> Function {
        Function::typed(Signature::variadic([], Type::Any), body)
    }

    /// A function whose arguments are checked before it is called, with Go's errors.
    pub fn typed(
        signature: Signature,
        body: impl Fn(&[Value]) -> Result<Value, CallError> + Send + Sync + 'static,
    ) -> Function {
        Function { signature: Arc::new(signature), body: Body::Host(Arc::new(body)) }
    }

    pub(crate) fn inner(fixed: &[Type], variadic: Option<Type>, body: InnerBody) -> Function {
        Function { signature: Arc::new(Signature { fixed: fixed.to_vec(), variadic }), body: Body::Inner(body) }
    }

    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    pub(crate) fn call(&self, budget: &Budget, args: &[Value]) -> Result<Value, CallError> {
        match &self.body {
            Body::Host(body) => body(args),
            Body::Inner(body) => body(budget, args),
        }
    }

    /// The type as Go would print it; the result is taken to be `interface {}`.
    pub(crate) fn type_name(&self) -> String {
        let mut params: Vec<String> = self.signature.fixed.iter().map(|t| t.name().to_owned()).collect();
        params.extend(self.signature.variadic.map(|t| format!("...{}", t.name())));
        format!("func({}) interface {{}}", params.join(", "))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name())
    }
}

//! text/template's own functions.
//! In: values. Out: a value, or Go's error.
//! Never here: `and`, `or` and `call` as a whole; the executor decides what of their arguments is evaluated.

use crate::budget::Budget;
use crate::error::CallError;
use crate::format;
use crate::function::{Function, Type};
use crate::value::{IntKind, Value};

mod compare;
mod escape;
mod index;

type Result<T = Value> = std::result::Result<T, CallError>;

/// All of them with their names.
pub(crate) fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    use Type::{Any, Reflect, String};
    let one: &[Type] = &[Reflect];
    let two: &[Type] = &[Reflect, Reflect];
    [
        ("and", Function::inner(one, Some(Reflect), never)),
        ("or", Function::inner(one, Some(Reflect), never)),
        ("call", Function::inner(one, Some(Reflect), never)),
        ("not", Function::inner(one, None, |_, args| Ok((!args[0].truth()).into()))),
        ("len", Function::inner(one, None, index::len)),
        ("index", Function::inner(one, Some(Reflect), index::index)),
        ("slice", Function::inner(one, Some(Reflect), index::slice)),
        ("eq", Function::inner(one, Some(Reflect), compare::eq)),
        ("ne", Function::inner(two, None, compare::ne)),
        ("lt", Function::inner(two, None, compare::lt)),
        ("le", Function::inner(two, None, compare::le)),
        ("gt", Function::inner(two, None, compare::gt)),
        ("ge", Function::inner(two, None, compare::ge)),
        ("print", Function::inner(&[], Some(Any), |budget, args| Ok(format::print(args, budget)?.into()))),
        ("println", Function::inner(&[], Some(Any), |budget, args| Ok(format::println(args, budget)?.into()))),
        ("printf", Function::inner(&[String], Some(Any), printf)),
        ("html", Function::inner(&[], Some(Any), escape::html)),
        ("js", Function::inner(&[], Some(Any), escape::js)),
        ("urlquery", Function::inner(&[], Some(Any), escape::urlquery)),
    ]
    .into_iter()
}

fn never(_: &Budget, _: &[Value]) -> Result {
    Err(CallError::new("not callable here"))
}

fn printf(budget: &Budget, args: &[Value]) -> Result {
    let (format, args) = args.split_first().ok_or_else(|| CallError::new("missing format"))?;
    Ok(format::printf(format.as_str().unwrap_or_default(), args, budget)?.into())
}

/// The function that `call` calls, once it is known to be one.
pub(crate) struct Callee<'a> {
    name: &'a str,
    function: &'a Function,
}

impl<'a> Callee<'a> {
    pub fn new(name: &'a str, value: Option<&'a Value>) -> Result<Callee<'a>> {
        match value {
            Some(Value::Function(function)) => Ok(Callee { name, function }),
            None | Some(Value::Nil) => Err(CallError::new("call of nil")),
            Some(other) => Err(CallError::new(format!("non-function {name} of type {}", other.type_name()))),
        }
    }

    pub fn call(&self, args: &[Value], budget: &Budget) -> Result {
        let signature = self.function.signature();
        let (fixed, got, name) = (signature.fixed.len(), args.len(), self.name);
        if signature.variadic.is_some() && got < fixed {
            return Err(CallError::new(format!("wrong number of args for {name}: got {got} want at least {fixed}")));
        }
        if signature.variadic.is_none() && got != fixed {
            return Err(CallError::new(format!("wrong number of args for {name}: got {got} want {fixed}")));
        }
        let mut values = Vec::with_capacity(got);
        for (i, arg) in args.iter().enumerate() {
            let wanted = signature.fixed.get(i).copied().or(signature.variadic).unwrap_or(Type::Any);
            let value = convert(arg, wanted).map_err(|message| CallError::new(format!("arg {i}: {message}")))?;
            values.push(value);
        }
        self.function.call(budget, &values)
    }
}

/// Integers change their width; everything else must fit as it is.
fn convert(value: &Value, wanted: Type) -> std::result::Result<Value, String> {
    match (value, wanted) {
        (Value::Nil, _) => wanted.nil().ok_or_else(|| format!("value is nil; should be of type {}", wanted.name())),
        (Value::Int(n, _), Type::Int) => Ok(Value::Int(*n, IntKind::Int)),
        (Value::Int(n, _), Type::Int64) => Ok(Value::Int(*n, IntKind::Int64)),
        (Value::Uint(n, _), Type::Int) => Ok(Value::Int(*n as i64, IntKind::Int)),
        (Value::Uint(n, _), Type::Int64) => Ok(Value::Int(*n as i64, IntKind::Int64)),
        _ if wanted.accepts(value) => Ok(value.clone()),
        _ => Err(format!("value has type {}; should be {}", value.type_name(), wanted.name())),
    }
}

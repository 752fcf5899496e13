//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`: only values of one basic kind compare, nil with anything.
//! In: values. Out: a bool, or why they do not compare.
//! Never here: conversion; an integer never equals a float.

use std::cmp::Ordering;

use super::Result;
use crate::budget::Budget;
use crate::error::CallError;
use crate::format;
use crate::value::{Object, Value};

/// The kinds that compare by their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    String,
}

fn basic(value: &Value) -> Option<Basic> {
    match value {
        Value::Bool(_) => Some(Basic::Bool),
        Value::Int(..) => Some(Basic::Int),
        Value::Uint(..) => Some(Basic::Uint),
        Value::Float(..) => Some(Basic::Float),
        Value::String(_) => Some(Basic::String),
        _ => None,
    }
}

/// Whether the first equals any of the others.
pub(super) fn eq(budget: &Budget, args: &[Value]) -> Result {
    let Some((first, others @ [_, ..])) = args.split_first() else {
        return Err(CallError::new("missing argument for comparison"));
    };
    for other in others {
        if equal(first, other, budget)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn equal(a: &Value, b: &Value, budget: &Budget) -> Result<bool> {
    if let Some(ordering) = numbers(a, b) {
        return Ok(ordering == Some(Ordering::Equal));
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        // A basic value is never nil, and comparing it with nil is no error.
        (Value::Nil, other) | (other, Value::Nil) => Ok(other.is_nil()),
        _ if basic(a) != basic(b) => Err(incompatible(a, b)),
        _ if a.kind_name() != b.kind_name() => {
            let (ta, tb) = (a.type_name(), b.type_name());
            let (a, b) = (show("%s", a, budget)?, show("%v", b, budget)?);
            Err(CallError::new(format!("non-comparable types {a}: {ta}, {tb}: {b}")))
        }
        _ if a.is_nil() || b.is_nil() => Ok(a.is_nil() == b.is_nil()),
        (Value::Object(a), Value::Object(b)) if comparable(&**b) => Ok(a.equals(&**b)),
        _ => {
            let shown = show("%s", b, budget)?;
            Err(CallError::new(format!("non-comparable type {shown}: {}", b.type_name())))
        }
    }
}

/// Pointers compare, and structs without a list, a map or a function in them.
fn comparable(object: &dyn Object) -> bool {
    object.is_pointer()
        || object.fields().iter().all(|(_, field)| match field {
            Value::List(_) | Value::Map(_) | Value::Function(_) => false,
            Value::Object(inner) => comparable(&**inner),
            _ => true,
        })
}

fn show(verb: &str, value: &Value, budget: &Budget) -> Result<String> {
    format::printf(verb, std::slice::from_ref(value), budget)
}

fn incompatible(a: &Value, b: &Value) -> CallError {
    let (a, b) = (a.type_name(), b.type_name());
    CallError::new(format!("incompatible types for comparison: {a} and {b}"))
}

/// How two numbers of one kind, or two integers of any sign, stand to each other; NaN stands nowhere.
fn numbers(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Value::Int(a, _), Value::Int(b, _)) => Some(a.cmp(b)),
        (Value::Uint(a, _), Value::Uint(b, _)) => Some(a.cmp(b)),
        (Value::Int(a, _), Value::Uint(b, _)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a, _), Value::Int(b, _)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Float(a, _), Value::Float(b, _)) => a.partial_cmp(b),
        _ => return None,
    })
}

fn order(args: &[Value]) -> Result<Option<Ordering>> {
    let [a, b] = args else { return Err(CallError::new("missing argument for comparison")) };
    let bad = || CallError::new("invalid type for comparison");
    let (x, y) = (basic(a).ok_or_else(bad)?, basic(b).ok_or_else(bad)?);
    if let Some(ordering) = numbers(a, b) {
        return Ok(ordering);
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        _ if x != y => Err(incompatible(a, b)),
        _ => Err(bad()),
    }
}

pub(super) fn ne(budget: &Budget, args: &[Value]) -> Result {
    let [a, b] = args else { return Err(CallError::new("missing argument for comparison")) };
    Ok((!equal(a, b, budget)?).into())
}

pub(super) fn lt(_: &Budget, args: &[Value]) -> Result {
    Ok((order(args)? == Some(Ordering::Less)).into())
}

pub(super) fn le(_: &Budget, args: &[Value]) -> Result {
    Ok(matches!(order(args)?, Some(Ordering::Less | Ordering::Equal)).into())
}

// As in Go, these are the inverses of `le` and `lt`, for NaN too.

pub(super) fn gt(_: &Budget, args: &[Value]) -> Result {
    Ok((!matches!(order(args)?, Some(Ordering::Less | Ordering::Equal))).into())
}

pub(super) fn ge(_: &Budget, args: &[Value]) -> Result {
    Ok((order(args)? != Some(Ordering::Less)).into())
}

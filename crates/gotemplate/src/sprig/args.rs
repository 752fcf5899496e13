//! Reading arguments: as they were promised, or converted as loosely as Sprig does.
//! In: arguments whose types the executor has checked. Out: Rust values.
//! Never here: a panic on a missing argument; it reads as the zero value.

use crate::budget::Budget;
use crate::error::CallError;
use crate::format;
use crate::parse::number::{parse_float, parse_int};
use crate::value::{Elem, IntKind, List, Map, Value};

pub(super) fn value(args: &[Value], i: usize) -> &Value {
    args.get(i).unwrap_or(&Value::Nil)
}

pub(super) fn text(args: &[Value], i: usize) -> &str {
    value(args, i).as_str().unwrap_or_default()
}

pub(super) fn int(args: &[Value], i: usize) -> i64 {
    match value(args, i) {
        Value::Int(n, _) => *n,
        _ => 0,
    }
}

pub(super) fn map(args: &[Value], i: usize) -> Map {
    match value(args, i) {
        Value::Map(map) => map.clone(),
        _ => Map::nil(Elem::Any),
    }
}

/// The rest of the arguments.
pub(super) fn rest(args: &[Value], from: usize) -> &[Value] {
    args.get(from..).unwrap_or_default()
}

/// A list argument, or an error that says what was tried on what.
pub(super) fn list(value: &Value, doing: &str) -> Result<List, CallError> {
    match value {
        Value::List(list) => Ok(list.clone()),
        Value::Nil => Err(CallError::new("runtime error: invalid memory address or nil pointer dereference")),
        other => Err(CallError::new(format!("Cannot {doing} type {}", other.kind_name()))),
    }
}

/// Any value as an `int64`: numbers are cut, texts read, everything else is 0.
pub(super) fn to_i64(value: &Value) -> i64 {
    match value {
        Value::Int(n, _) => *n,
        Value::Uint(n, _) => *n as i64,
        Value::Float(n, _) => cut(*n),
        Value::Bool(b) => i64::from(*b),
        Value::String(text) => parse_int(trim_zero_decimal(text)).unwrap_or(0),
        _ => 0,
    }
}

/// A float without its fraction. What does not fit is the least integer, as Go has it on amd64.
fn cut(number: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// `12.000` reads as 12.
fn trim_zero_decimal(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

/// Any value as a `float64`.
pub(super) fn to_f64(value: &Value) -> f64 {
    match value {
        Value::Int(n, _) => *n as f64,
        Value::Uint(n, _) => *n as f64,
        Value::Float(n, _) => *n,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Any value as a text.
pub(super) fn to_text(value: &Value, budget: &Budget) -> Result<String, CallError> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        other => format::print(std::slice::from_ref(other), budget),
    }
}

/// Any value as texts: the items of a list without nil, or the one value.
pub(super) fn to_texts(value: &Value, budget: &Budget) -> Result<Vec<String>, CallError> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let shown = list.items().iter().filter(|item| !matches!(item, Value::Nil));
            let mut size = 0_usize;
            shown
                .map(|item| {
                    let text = to_text(item, budget)?;
                    size = size.saturating_add(text.len() + 16);
                    budget.check_size(size)?;
                    budget.spend(1)?;
                    Ok(text)
                })
                .collect()
        }
        other => Ok(vec![to_text(other, budget)?]),
    }
}

pub(super) fn int64(number: i64) -> Value {
    Value::Int(number, IntKind::Int64)
}

/// A text result, charged.
pub(super) fn made(text: String, budget: &Budget) -> Result<Value, CallError> {
    budget.text(text.len())?;
    Ok(text.into())
}

/// A list result of any values, charged.
pub(super) fn made_list(items: Vec<Value>, budget: &Budget) -> Result<Value, CallError> {
    budget.items(items.len())?;
    Ok(Value::List(List::new(Elem::Any, items)))
}

/// A list result of texts, charged.
pub(super) fn made_texts(items: Vec<String>, budget: &Budget) -> Result<Value, CallError> {
    budget.items(items.len())?;
    Ok(Value::List(List::new(Elem::String, items.into_iter().map(Value::from).collect())))
}

//! `len`, `index` and `slice`.
//! In: a container and indexes. Out: its length, an element, a part of it.
//! Never here: a panic on an index that is out of range.

use super::Result;
use crate::budget::Budget;
use crate::error::CallError;
use crate::value::{List, UintKind, Value};

pub(super) fn len(_: &Budget, args: &[Value]) -> Result {
    let Some(value) = args.first() else { return Err(CallError::new("len of nil pointer")) };
    match value {
        Value::String(text) => Ok(text.len().into()),
        Value::List(list) => Ok(list.len().into()),
        Value::Map(map) => Ok(map.len().into()),
        Value::Nil => Err(CallError::new("len of nil pointer")),
        Value::Object(object) if object.is_nil() => Err(CallError::new("len of nil pointer")),
        Value::Object(object) if object.length().is_some() => Ok(object.length().unwrap_or_default().into()),
        other => Err(CallError::new(format!("len of type {}", bare_type(other)))),
    }
}

/// The type that a pointer points to.
fn bare_type(value: &Value) -> String {
    value.type_name().trim_start_matches('*').to_owned()
}

pub(super) fn index(budget: &Budget, args: &[Value]) -> Result {
    let Some((item, indexes)) = args.split_first() else { return Err(CallError::new("index of untyped nil")) };
    if matches!(item, Value::Nil) {
        return Err(CallError::new("index of untyped nil"));
    }
    let mut item = item.clone();
    for index in indexes {
        budget.spend(1)?;
        item = match &item {
            Value::Nil => return Err(CallError::new("index of nil pointer")),
            Value::Object(object) if object.is_nil() => return Err(CallError::new("index of nil pointer")),
            Value::List(list) => {
                let at = position(index, list.len(), false)?;
                list.items().get(at).cloned().unwrap_or_default()
            }
            Value::String(text) => {
                let at = position(index, text.len(), false)?;
                let byte = text.as_bytes().get(at).copied().unwrap_or_default();
                Value::Uint(byte.into(), UintKind::Uint8)
            }
            Value::Map(map) => match index {
                Value::String(key) => map.get(key).unwrap_or_else(|| map.elem().zero()),
                Value::Nil => return Err(CallError::new("value is nil; should be of type string")),
                other => {
                    return Err(CallError::new(format!("value has type {}; should be string", other.type_name())));
                }
            },
            Value::Object(object) => match object.index(index) {
                Some(element) => element?,
                None => return Err(CallError::new(format!("can't index item of type {}", bare_type(&item)))),
            },
            other => return Err(CallError::new(format!("can't index item of type {}", other.type_name()))),
        };
    }
    Ok(item)
}

/// An index below the length, or with `end` up to it.
fn position(index: &Value, len: usize, end: bool) -> Result<usize> {
    let at = match index {
        Value::Int(n, _) => i128::from(*n),
        Value::Uint(n, _) => i128::from(*n),
        Value::Nil => return Err(CallError::new("cannot index slice/array with nil")),
        other => {
            return Err(CallError::new(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    match usize::try_from(at) {
        Ok(position) if position < len || (end && position == len) => Ok(position),
        _ => Err(CallError::new(format!("index out of range: {}", at as i64))),
    }
}

pub(super) fn slice(budget: &Budget, args: &[Value]) -> Result {
    let Some((item, indexes)) = args.split_first() else { return Err(CallError::new("slice of untyped nil")) };
    if matches!(item, Value::Nil) {
        return Err(CallError::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(CallError::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let len = match item {
        Value::String(_) if indexes.len() == 3 => return Err(CallError::new("cannot 3-index slice a string")),
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        other => return Err(CallError::new(format!("can't slice item of type {}", other.type_name()))),
    };
    // `position` allows the length itself as an end.
    let mut bounds = [0, len, len];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, len, true)?;
    }
    let [start, end, cap] = bounds;
    if start > end {
        return Err(CallError::new(format!("invalid slice index: {start} > {end}")));
    }
    if end > cap {
        return Err(CallError::new(format!("invalid slice index: {end} > {cap}")));
    }
    match item {
        Value::String(text) => {
            budget.text(end - start)?;
            Ok(String::from_utf8_lossy(&text.as_bytes()[start..end]).into_owned().into())
        }
        // A part of a nil slice is nil.
        Value::List(list) if list.is_nil() => Ok(item.clone()),
        Value::List(list) => {
            budget.items(end - start)?;
            Ok(Value::List(List::new(list.elem().clone(), list.items()[start..end].to_vec())))
        }
        _ => Ok(Value::Nil),
    }
}

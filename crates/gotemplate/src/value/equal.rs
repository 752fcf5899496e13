//! Equality of whole values, as Go's `reflect.DeepEqual` sees it: same type, same content.
//! In: two values and a budget. Out: equal or not, or the refusal of values that are too deep.
//! Never here: equality across types; `eq` has its own rules.

use super::{MAX_VALUE_DEPTH, Value};
use crate::budget::Budget;
use crate::error::CallError;

pub(crate) fn deep_equal(a: &Value, b: &Value, budget: &Budget) -> Result<bool, CallError> {
    equal_at(a, b, budget, 0)
}

fn equal_at(a: &Value, b: &Value, budget: &Budget, depth: usize) -> Result<bool, CallError> {
    if depth > MAX_VALUE_DEPTH {
        return Err(CallError::too_deep());
    }
    budget.spend(1)?;
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, x), Value::Int(b, y)) => a == b && x == y,
        (Value::Uint(a, x), Value::Uint(b, y)) => a == b && x == y,
        (Value::Float(a, x), Value::Float(b, y)) => a == b && x == y,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            for (x, y) in a.items().iter().zip(b.items()) {
                if !equal_at(x, y, budget, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() {
                return Ok(false);
            }
            let (a, b) = (a.entries(), b.entries());
            if a.len() != b.len() {
                return Ok(false);
            }
            for ((ka, va), (kb, vb)) in a.iter().zip(&b) {
                if ka != kb || !equal_at(va, vb, budget, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(a), Value::Object(b)) => a.equals(&**b),
        _ => false,
    })
}

//! Numbers: JSON numbers and, as proto3 JSON has it, decimal strings.

use crate::decode::{Context, Decode};
use crate::yaml::{Node, ScalarKind, Value};

macro_rules! integer {
    ($($type:ty),+) => { $(
        impl Decode for $type {
            fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
                let number = whole_number(node, cx)?;
                let value = <$type>::try_from(number).ok();
                if value.is_none() {
                    let message = format!("`{number}` is out of range");
                    let hint = format!("allowed: {} to {}", <$type>::MIN, <$type>::MAX);
                    cx.error(node, message, Some(hint));
                }
                value
            }
        }
    )+ };
}

integer!(i32, u32, i64, u64);

impl Decode for f64 {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        let value = match &node.value {
            Value::Scalar(scalar) => match scalar.kind {
                // Numbers of 64 bits lose digits here as they do in JSON.
                ScalarKind::Int(number) => Some(number as f64),
                ScalarKind::Float(number) => Some(number),
                ScalarKind::String if decimal(&scalar.text) => scalar.text.parse().ok(),
                _ => None,
            },
            _ => None,
        };
        match value {
            Some(value) if value.is_finite() => Some(value),
            Some(_) => {
                cx.error(node, "expected a finite number".to_owned(), None);
                None
            }
            None => {
                cx.wrong_type(node, "a number", None);
                None
            }
        }
    }
}

fn whole_number(node: &Node, cx: &mut Context) -> Option<i128> {
    let Value::Scalar(scalar) = &node.value else {
        cx.wrong_type(node, "a whole number", None);
        return None;
    };
    match scalar.kind {
        ScalarKind::Int(number) => Some(number),
        // As proto3 JSON: 1.0 and 1e3 are whole numbers.
        ScalarKind::Float(number) if number.fract() == 0.0 && number.abs() < 1e18 => Some(number as i128),
        ScalarKind::String => {
            let digits = scalar.text.strip_prefix('-').unwrap_or(&scalar.text);
            let decimal = !digits.is_empty() && digits.len() <= 30 && digits.bytes().all(|c| c.is_ascii_digit());
            match scalar.text.parse() {
                Ok(number) if decimal => Some(number),
                _ => {
                    cx.wrong_type(node, "a whole number", None);
                    None
                }
            }
        }
        _ => {
            cx.wrong_type(node, "a whole number", None);
            None
        }
    }
}

fn decimal(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c))
}

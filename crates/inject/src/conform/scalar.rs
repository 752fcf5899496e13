//! Scalars: what Go's decoder takes for each kind, and the numbers that were meant as text.
//! In: a value and the kind of its field. Out: the value in the form of that kind.
//! Never here: maps and lists.

use lateen_gotemplate::IntKind;
use serde_json::Value as Json;

use super::{Result, Walk, describe, mismatch};
use crate::config::Form;
use crate::schema::{Kind, Path};

impl Walk {
    pub(super) fn scalar(&mut self, json: &mut Json, kind: &Kind, path: &Path<'_>) -> Result<()> {
        match (kind, &*json) {
            (Kind::String | Kind::Time, Json::String(_)) | (Kind::Bool, Json::Bool(_)) | (Kind::Raw, _) => {}
            (Kind::String, Json::Number(_) | Json::Bool(_)) => {
                let text = written(json);
                if self.form == Form::Pod {
                    let found = describe(json);
                    self.warnings.push(format!("`{path}` is {found}, where text is wanted; taken as {text:?}"));
                }
                *json = text.into();
            }
            (Kind::String | Kind::Time, _) => return Err(mismatch(path, json, "text")),
            (Kind::Bool, _) => return Err(mismatch(path, json, "true or false")),
            (Kind::Int(width), _) => match whole(json, *width) {
                Some(number) => *json = number.into(),
                None => return Err(mismatch(path, json, whole_number(*width))),
            },
            (Kind::IntOrString, Json::String(_)) => {}
            (Kind::IntOrString, _) => match whole(json, IntKind::Int32) {
                Some(number) => *json = number.into(),
                None => return Err(mismatch(path, json, "a whole number or a name")),
            },
            (Kind::Quantity, Json::Number(_)) => *json = written(json).into(),
            (Kind::Quantity, Json::String(text)) if is_quantity(text) => {}
            (Kind::Quantity, _) => return Err(mismatch(path, json, "a quantity such as 100m or 128Mi")),
            (Kind::Message(_) | Kind::List(_) | Kind::Map(_), _) => {}
        }
        Ok(())
    }
}

/// A number or a boolean as text; whole numbers have no point, as in Go.
fn written(json: &Json) -> String {
    match json.as_f64() {
        Some(number) if json.is_f64() => number.to_string(),
        _ => json.to_string(),
    }
}

/// A whole number that the width can hold; `1337.0` is one.
pub(super) fn whole(json: &Json, width: IntKind) -> Option<i64> {
    let exact = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    let number = json.as_i64().or_else(|| json.as_f64().and_then(exact))?;
    let fits = match width {
        IntKind::Int8 => i8::try_from(number).is_ok(),
        IntKind::Int16 => i16::try_from(number).is_ok(),
        IntKind::Int32 => i32::try_from(number).is_ok(),
        IntKind::Int | IntKind::Int64 => true,
    };
    fits.then_some(number)
}

/// How such a number is called.
pub(super) fn whole_number(width: IntKind) -> &'static str {
    match width {
        IntKind::Int8 => "a whole number of 8 bits",
        IntKind::Int16 => "a whole number of 16 bits",
        IntKind::Int32 => "a whole number of 32 bits",
        IntKind::Int | IntKind::Int64 => "a whole number",
    }
}

/// Whether Kubernetes reads the text as a quantity: a number, then a power of 1024 or 1000, or an exponent.
fn is_quantity(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let (digits, suffix) = number.split_at(end);
    let points = digits.bytes().filter(|byte| *byte == b'.').count();
    if points > 1 || digits.len() == points {
        return false;
    }
    match suffix.strip_prefix(['e', 'E']) {
        Some(exponent) if !exponent.is_empty() => exponent.parse::<i32>().is_ok(),
        _ => matches!(
            suffix,
            "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"
        ),
    }
}

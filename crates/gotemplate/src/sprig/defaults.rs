//! Defaults, emptiness, JSON, and what a value is.
//! In: values. Out: values, bools, texts.
//! Never here: an error where Sprig answers with an empty text.

use super::args::{made, text, value};
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Any, Bool, String as Str};
use crate::value::{JsonLayout, Value, deep_equal, parse_json, write_json};

const COMPACT: JsonLayout = JsonLayout { pretty: false, escape_html: true };
const PRETTY: JsonLayout = JsonLayout { pretty: true, escape_html: true };
const RAW: JsonLayout = JsonLayout { pretty: false, escape_html: false };

pub(super) const FUNCTIONS: &[Row] = &[
    ("default", &[Any], Some(Any), default),
    ("empty", &[Any], None, |_, a| Ok(is_empty(value(a, 0)).into())),
    ("coalesce", &[], Some(Any), |_, a| Ok(a.iter().find(|v| !is_empty(v)).cloned().unwrap_or_default())),
    ("all", &[], Some(Any), |_, a| Ok((!a.iter().any(is_empty)).into())),
    ("any", &[], Some(Any), |_, a| Ok(a.iter().any(|v| !is_empty(v)).into())),
    ("ternary", &[Any, Any, Bool], None, |_, a| Ok(value(a, usize::from(!value(a, 2).truth())).clone())),
    ("fromJson", &[Str], None, |_, a| Ok(parse_json(text(a, 0)).unwrap_or_default())),
    ("mustFromJson", &[Str], None, |_, a| parse_json(text(a, 0)).map_err(|err| CallError::new(err.to_string()))),
    ("toJson", &[Any], None, |b, a| forgiving(b, write_json(value(a, 0), COMPACT, b))),
    ("toPrettyJson", &[Any], None, |b, a| forgiving(b, write_json(value(a, 0), PRETTY, b))),
    ("toRawJson", &[Any], None, |b, a| made(write_json(value(a, 0), RAW, b)?, b)),
    ("mustToJson", &[Any], None, |b, a| made(write_json(value(a, 0), COMPACT, b)?, b)),
    ("mustToPrettyJson", &[Any], None, |b, a| made(write_json(value(a, 0), PRETTY, b)?, b)),
    ("mustToRawJson", &[Any], None, |b, a| made(write_json(value(a, 0), RAW, b)?, b)),
    ("typeOf", &[Any], None, |b, a| made(value(a, 0).type_name(), b)),
    ("typeIs", &[Str, Any], None, |_, a| Ok((text(a, 0) == value(a, 1).type_name()).into())),
    ("typeIsLike", &[Str, Any], None, type_is_like),
    ("kindOf", &[Any], None, |_, a| Ok(value(a, 0).kind_name().into())),
    ("kindIs", &[Str, Any], None, |_, a| Ok((text(a, 0) == value(a, 1).kind_name()).into())),
    ("deepEqual", &[Any, Any], None, |b, a| Ok(deep_equal(value(a, 0), value(a, 1), b)?.into())),
    ("fail", &[Str], None, |_, a| Err(CallError::new(text(a, 0)))),
];

/// Whether a value counts as not given: nil, zero, or without content. A struct always counts as given.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_nil(),
        other => !other.truth(),
    }
}

fn default(_: &Budget, args: &[Value]) -> Result {
    let given = value(args, 1);
    Ok(if is_empty(given) { value(args, 0) } else { given }.clone())
}

/// What JSON cannot say is an empty text; a bound that is reached stays an error.
fn forgiving(budget: &Budget, written: Result<String>) -> Result {
    match written {
        Err(err) if !err.is_limit() => Ok("".into()),
        written => made(written?, budget),
    }
}

fn type_is_like(_: &Budget, args: &[Value]) -> Result {
    let (target, name) = (text(args, 0), value(args, 1).type_name());
    Ok((name == target || name.strip_prefix('*') == Some(target)).into())
}

//! Functions to and from JSON, and to YAML.
//! In: values. Out: text in Go's form: keys of maps in order, `<`, `>` and `&` escaped, fields of structs as they come.
//! Never here: an error where Istio answers with `{}` or an empty text.

use lateen_gotemplate::{JsonStyle, Value};

use super::{Answer, arg, dicts, text, wrong_type};
use crate::{mesh, yaml_text};

/// A map of texts as JSON; none is `{}`.
pub(super) fn to_json(args: &[Value]) -> Answer {
    or_empty_object(arg(args, 0))
}

/// All maps as one in JSON; no maps are `null`, as the nil map is.
pub(super) fn to_json_map(args: &[Value]) -> Answer {
    Ok(Value::Map(dicts::merged(args)).json_text().unwrap_or_default().into())
}

/// A value from JSON, all numbers as floats. What is no JSON becomes the text `{}`.
pub(super) fn from_json(args: &[Value]) -> Answer {
    Ok(match serde_json::from_str(text(args, 0)) {
        Ok(json) => Value::from_json(&json, JsonStyle::Floats),
        Err(_) => "{}".into(),
    })
}

/// Any value as JSON; the untyped nil is `{}`, a nil map, list or pointer is `null`.
pub(super) fn struct_to_json(args: &[Value]) -> Answer {
    match arg(args, 0) {
        Value::Nil => Ok("{}".into()),
        value => Ok(value.json_text().unwrap_or_else(|_| "{}".to_owned()).into()),
    }
}

/// A protobuf message as JSON; a `ProxyConfig` without the fields that have their defaults.
pub(super) fn proto_to_json(args: &[Value]) -> Answer {
    match arg(args, 0) {
        Value::Nil => Ok("{}".into()),
        message @ Value::Object(_) => Ok(mesh::proxy_config_json(message).into()),
        other => Err(wrong_type("protoreflect.ProtoMessage", other)),
    }
}

/// Any value as YAML, by way of JSON; what has no JSON is an empty text.
pub(super) fn to_yaml(args: &[Value]) -> Answer {
    Ok(arg(args, 0).checked_json().map(|json| yaml_text::to_yaml(&json)).unwrap_or_default().into())
}

fn or_empty_object(value: &Value) -> Answer {
    if value.is_nil() {
        return Ok("{}".into());
    }
    Ok(value.json_text().unwrap_or_else(|_| "{}".to_owned()).into())
}

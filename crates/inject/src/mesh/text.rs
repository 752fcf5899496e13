//! How a message prints: protobuf's text format on one line, as its `String` method in Go writes it.
//! In: messages. Out: text such as `mode:ALLOW_ANY tls:{sni:"a"}`, with one space where Go puts one or two.
//! Never here: text that is read back.

use std::time::Duration;

use lateen_config::reflect::{Message, Scalar, Slot, Value};

/// A message.
pub(super) fn message(message: &dyn Message) -> String {
    let mut parts = Vec::new();
    for field in message.fields().iter().filter(|field| field.is_set()) {
        let name = field.proto_name();
        match field.value {
            Value::List(list) => parts.extend(list.items().into_iter().map(|item| format!("{name}:{}", value(item)))),
            Value::Map(map) => parts.extend(
                map.entries().into_iter().map(|(key, item)| format!("{name}:{{key:{key:?} value:{}}}", value(item))),
            ),
            other => parts.push(format!("{name}:{}", value(other))),
        }
    }
    parts.join(" ")
}

/// A wrapper.
pub(super) fn wrapper(value: Scalar) -> String {
    if value.is_zero() { String::new() } else { format!("value:{}", scalar(value)) }
}

/// A duration.
pub(super) fn duration(duration: Duration) -> String {
    let parts = [("seconds", duration.as_secs()), ("nanos", duration.subsec_nanos().into())];
    let set = parts.into_iter().filter(|(_, value)| *value != 0);
    set.map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(" ")
}

fn value(of: Value<'_>) -> String {
    match of {
        Value::Scalar(value) => scalar(value),
        Value::Wrapper { value, .. } => format!("{{{}}}", wrapper(value)),
        Value::String(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Value::Enum(value) => value.name.to_owned(),
        Value::Duration(value) => format!("{{{}}}", duration(value.unwrap_or_default())),
        Value::Message(Slot::Set(inner)) => format!("{{{}}}", message(inner)),
        Value::Message(Slot::Unset(_)) => "{}".to_owned(),
        // Neither stands inside another value, and JSON says more than Go's text.
        Value::List(_) | Value::Map(_) | Value::Struct(_) => of.to_json().to_string(),
    }
}

fn scalar(value: Scalar) -> String {
    match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::I32(value) => value.to_string(),
        Scalar::U32(value) => value.to_string(),
        Scalar::I64(value) => value.to_string(),
        Scalar::U64(value) => value.to_string(),
        Scalar::F64(value) => value.to_string(),
    }
}

//! JSON in the form in which Go's typed clients write it, for texts that other tools read back.
//! In: JSON. Out: its text with Go's escapes; a value in the form of its type of Kubernetes.
//! Never here: which texts there are.

use serde_json::{Map, Value as Json};

use crate::schema::{self, Kind, Type};

/// The text that Go's `json.Marshal` writes: one line, with `<`, `>`, `&` and two line ends of Unicode escaped.
pub(crate) fn text(value: &Json) -> String {
    let plain = value.to_string();
    if !plain.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return plain;
    }
    // Outside of strings JSON has none of these, so the text as a whole can be escaped.
    let mut escaped = String::with_capacity(plain.len() + 16);
    for c in plain.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A value as Go's client for that type of Kubernetes writes it: in the order of the type, without what Go leaves out,
/// with what it always writes, such as a container's `resources`.
///
/// Fields that the type does not have stay, at the end.
pub(crate) fn typed(value: &Json, type_name: &str) -> Json {
    schema::of(type_name).map_or_else(|| value.clone(), |ty| message(value, ty))
}

fn message(value: &Json, ty: &'static Type) -> Json {
    let Some(object) = value.as_object() else { return value.clone() };
    let mut typed = Map::new();
    for field in ty.fields() {
        let omit = field.omit_empty || field.omit_zero;
        let written = object.get(field.json).filter(|value| !value.is_null());
        let value = match written.map(|value| of_kind(value, &field.kind)) {
            None if field.pointer && omit || field.omit_zero => continue,
            None if field.pointer => Json::Null,
            None => zero(&field.kind),
            Some(value) => value,
        };
        let empty = !field.pointer && field.kind.message().is_none() && value == zero(&field.kind);
        if !(empty && omit) {
            typed.insert(field.json.to_owned(), value);
        }
    }
    let unknown = object.iter().filter(|(name, value)| !value.is_null() && ty.field_by_json(name).is_none());
    typed.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
    Json::Object(typed)
}

fn of_kind(value: &Json, kind: &Kind) -> Json {
    match (kind, value) {
        (Kind::Message(ty), _) => message(value, ty.get()),
        (Kind::List(_), Json::Array(list)) if list.is_empty() => Json::Null,
        (Kind::List(kind), Json::Array(list)) => list.iter().map(|item| of_kind(item, kind)).collect(),
        (Kind::Map(_), Json::Object(map)) if map.is_empty() => Json::Null,
        (Kind::Map(kind), Json::Object(map)) => {
            Json::Object(map.iter().map(|(key, value)| (key.clone(), of_kind(value, kind))).collect())
        }
        (Kind::Quantity, Json::Number(number)) => Json::from(number.to_string()),
        _ => value.clone(),
    }
}

/// What Go has where nothing is written.
fn zero(kind: &Kind) -> Json {
    match kind {
        Kind::String => Json::from(""),
        Kind::Bool => Json::from(false),
        Kind::Int(_) | Kind::IntOrString => Json::from(0),
        Kind::Quantity => Json::from("0"),
        Kind::Time | Kind::Raw | Kind::List(_) | Kind::Map(_) => Json::Null,
        Kind::Message(ty) => message(&Json::Object(Map::new()), ty.get()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_has_the_escapes_of_go() {
        let cases = [
            (json!({"path": "/a?b=1&c=<x>"}), r#"{"path":"/a?b=1\u0026c=\u003cx\u003e"}"#),
            (json!("line\u{2028}end"), r#""line\u2028end""#),
            (json!({"plain": [1, null, "é"]}), r#"{"plain":[1,null,"é"]}"#),
        ];
        for (value, want) in cases {
            assert_eq!(text(&value), want);
            assert_eq!(serde_json::from_str::<Json>(&text(&value)).unwrap(), value);
        }
    }

    #[test]
    fn a_container_has_the_fields_of_its_type_in_order() {
        let cases = [
            (json!({"image": "i", "name": "n"}), r#"{"name":"n","image":"i","resources":{}}"#),
            (json!({"name": "n", "image": "", "args": [], "stdin": false}), r#"{"name":"n","resources":{}}"#),
            (
                json!({"securityContext": {"runAsUser": 0, "capabilities": {}}, "tty": true, "name": "n", "later": 1}),
                r#"{"name":"n","resources":{},"securityContext":{"capabilities":{},"runAsUser":0},"tty":true,"later":1}"#,
            ),
            (
                json!({"resources": {"limits": {}, "requests": {"cpu": "1"}}, "env": [{"name": "E", "value": ""}], "name": "n"}),
                r#"{"name":"n","env":[{"name":"E"}],"resources":{"requests":{"cpu":"1"}}}"#,
            ),
        ];
        for (given, want) in cases {
            assert_eq!(text(&typed(&given, "Container")), want);
        }
    }
}

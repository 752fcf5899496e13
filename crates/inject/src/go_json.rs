//! JSON in the form in which Go's typed clients write it, for texts that other tools read back.
//! In: JSON. Out: its text with Go's escapes; a value in the form of its type of Kubernetes.
//! Never here: which texts there are.

use serde_json::{Map, Value as Json};

use crate::schema::{self, Field, Kind, Type};
use crate::view::{integer, text as text_of};

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
/// Fields that the type does not have stay, at the end, and so do values of another type.
pub(crate) fn typed(value: &Json, type_name: &str) -> Json {
    schema::of(type_name).map_or_else(|| value.clone(), |ty| Writer { keep: true }.message(value, ty))
}

/// What `json.Marshal` writes for a struct of that type that was decoded from the JSON; null is the zero value.
///
/// What Go's decoder does not know is gone.
pub(crate) fn decoded(value: &Json, ty: &'static Type) -> Json {
    Writer { keep: false }.message(value, ty)
}

struct Writer {
    /// Whether what Go would not have decoded stays.
    keep: bool,
}

impl Writer {
    fn message(&self, value: &Json, ty: &'static Type) -> Json {
        if self.keep && !value.is_object() && !value.is_null() {
            return value.clone();
        }
        let known = ty.fields().iter();
        let known = known.filter_map(|field| Some((field.json.to_owned(), self.field(value.get(field.json), field)?)));
        let mut written: Map<String, Json> = known.collect();
        if let (true, Some(all)) = (self.keep, value.as_object()) {
            let unknown = all.iter().filter(|(name, value)| !value.is_null() && ty.field_by_json(name).is_none());
            written.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
        }
        Json::Object(written)
    }

    /// A field's value, unless Go leaves it out.
    fn field(&self, json: Option<&Json>, field: &Field) -> Option<Json> {
        let json = json.filter(|json| !json.is_null());
        match (json, field.pointer) {
            (None, true) => (!field.omit_empty).then_some(Json::Null),
            (Some(json), true) => Some(self.value(Some(json), &field.kind)),
            (None, false) if field.omit_zero => None,
            (json, false) => {
                let value = self.value(json, &field.kind);
                let empty = match (&field.kind, &value) {
                    (Kind::String, Json::String(text)) => text.is_empty(),
                    (Kind::Bool, value) => *value == Json::Bool(false),
                    (Kind::Int(_), value) => value.as_i64() == Some(0),
                    (Kind::List(_), Json::Array(items)) => items.is_empty(),
                    (Kind::Map(_), Json::Object(entries)) => entries.is_empty(),
                    (Kind::List(_) | Kind::Map(_), Json::Null) => true,
                    // Structs are never empty for Go.
                    _ => false,
                };
                (!(empty && field.omit_empty)).then_some(value)
            }
        }
    }

    fn value(&self, json: Option<&Json>, kind: &Kind) -> Json {
        match (kind, json) {
            (Kind::Message(ty), json) => self.message(json.unwrap_or(&Json::Null), ty.get()),
            (Kind::Quantity, Some(Json::Number(number))) => Json::String(number.to_string()),
            (Kind::Quantity, Some(Json::String(text))) if !text.is_empty() => Json::String(text.clone()),
            (Kind::List(elem), Some(Json::Array(items))) => {
                items.iter().map(|item| self.value(Some(item), elem)).collect()
            }
            (Kind::Map(elem), Some(Json::Object(entries))) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let entries = entries.into_iter().map(|(key, entry)| (key.clone(), self.value(Some(entry), elem)));
                Json::Object(entries.collect())
            }
            (Kind::IntOrString | Kind::Time | Kind::Raw, Some(json)) => json.clone(),
            (_, Some(json)) if self.keep => json.clone(),
            (Kind::String, json) => Json::String(json.map(text_of).unwrap_or_default()),
            (Kind::Bool, json) => Json::Bool(json.and_then(Json::as_bool).unwrap_or_default()),
            (Kind::Int(_), json) => json.map(integer).unwrap_or_default().into(),
            (Kind::IntOrString, None) => 0.into(),
            (Kind::Quantity, _) => Json::String("0".to_owned()),
            (Kind::Time | Kind::Raw | Kind::List(_) | Kind::Map(_), _) => Json::Null,
        }
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

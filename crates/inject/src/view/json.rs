//! The JSON that Go's encoder writes for a pod's types.
//! In: JSON and its type. Out: JSON with Go's fields in Go's order, empty ones left out where Go leaves them out.
//! Never here: fields that the schema does not know.

use serde_json::{Map, Value as Json};

use crate::schema::{Field, Kind, Type};
use crate::view::{integer, text};

/// What `json.Marshal` writes for a struct of that type that was decoded from the JSON; null is the zero value.
pub(crate) fn go_json(json: &Json, ty: &'static Type) -> Json {
    let fields =
        ty.fields().iter().filter_map(|field| Some((field.json.to_owned(), member(json.get(field.json), field)?)));
    Json::Object(fields.collect())
}

/// A field's value, unless Go leaves it out.
fn member(json: Option<&Json>, field: &Field) -> Option<Json> {
    let json = json.filter(|json| !json.is_null());
    match (json, field.pointer) {
        (None, true) => (!field.omit_empty).then_some(Json::Null),
        (Some(json), true) => Some(value(Some(json), &field.kind)),
        (None, false) if field.omit_zero => None,
        (json, false) => {
            let value = value(json, &field.kind);
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

fn value(json: Option<&Json>, kind: &Kind) -> Json {
    match kind {
        Kind::String => Json::String(json.map(text).unwrap_or_default()),
        Kind::Bool => Json::Bool(json.and_then(Json::as_bool).unwrap_or_default()),
        Kind::Int(_) => json.map(integer).unwrap_or_default().into(),
        Kind::Quantity => match json {
            Some(Json::String(text)) if !text.is_empty() => Json::String(text.clone()),
            Some(Json::Number(number)) => Json::String(number.to_string()),
            _ => Json::String("0".to_owned()),
        },
        Kind::IntOrString => json.cloned().unwrap_or_else(|| 0.into()),
        Kind::Time | Kind::Raw => json.cloned().unwrap_or_default(),
        Kind::Message(ty) => go_json(json.unwrap_or(&Json::Null), ty.get()),
        Kind::List(elem) => match json {
            Some(Json::Array(items)) => items.iter().map(|item| value(Some(item), elem)).collect(),
            _ => Json::Null,
        },
        Kind::Map(elem) => match json {
            Some(Json::Object(entries)) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let entries = entries.into_iter().map(|(key, entry)| (key.clone(), value(Some(entry), elem)));
                Json::Object(entries.collect::<Map<_, _>>())
            }
            _ => Json::Null,
        },
    }
}

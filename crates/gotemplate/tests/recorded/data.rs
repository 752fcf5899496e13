//! Data of test cases: JSON in which an object with one key that begins with `$` names a Go type.
//! In: JSON. Out: template values.
//! Never here: cases.

use lateen_gotemplate::{
    CallError, Elem, FloatKind, Function, IntKind, JsonStyle, List, Map, Record, Signature, Type, UintKind, Value,
};
use serde_json::Value as Json;

pub fn decode(json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::list(items.iter().map(decode)),
        Json::Object(entries) => {
            let mut pairs = entries.iter();
            if let (Some((key, inner)), None) = (pairs.next(), pairs.next())
                && let Some(name) = key.strip_prefix('$')
            {
                return typed(name, inner);
            }
            Value::map(entries.iter().map(|(key, value)| (key, decode(value))))
        }
        other => Value::from_json(other, JsonStyle::Floats),
    }
}

fn texts(json: &Json) -> Vec<&str> {
    json.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn typed(name: &str, json: &Json) -> Value {
    let int = || json.as_i64().unwrap();
    match name {
        "int" => Value::Int(int(), IntKind::Int),
        "int64" => Value::Int(int(), IntKind::Int64),
        "int32" => Value::Int(int(), IntKind::Int32),
        "uint" => Value::Uint(json.as_u64().unwrap(), UintKind::Uint),
        "uint8" => Value::Uint(json.as_u64().unwrap(), UintKind::Uint8),
        "float32" => Value::Float(f64::from(json.as_f64().unwrap() as f32), FloatKind::Float32),
        "strmap" => Value::string_map(json.as_object().unwrap().iter().map(|(k, v)| (k, v.as_str().unwrap()))),
        "strings" => Value::strings(texts(json)),
        "ints" => {
            let items = json.as_array().unwrap().iter().map(|n| Value::from(n.as_i64().unwrap()));
            Value::List(List::new(Elem::Int, items.collect()))
        }
        "nilmap" => Value::Map(Map::nil(Elem::String)),
        "nillist" => Value::List(List::nil(Elem::String)),
        "mode" => {
            // A Go int with a String method.
            Value::object(Record::new("main.Mode").prints_as(&format!("MODE_{}", int())))
        }
        "func" => match json.as_str() {
            Some("upper") => Function::typed(Signature::fixed([Type::String]), |args| {
                let upper = |c: char| if c == 'ß' { 'ß'.into() } else { c.to_uppercase().to_string() };
                Ok(args[0].as_str().unwrap().chars().map(upper).collect::<String>().into())
            })
            .into(),
            _ => Function::new(|args| Ok(Value::from(args.len()))).into(),
        },
        "config" => Value::object(config(json.as_str())),
        "meta" => meta(json),
        other => panic!("unknown type ${other}"),
    }
}

/// `*Config { Image string; Nested *Config }` with getters.
fn config(image: Option<&str>) -> Record {
    let record = match image {
        Some(_) => Record::new("*main.Config"),
        None => Record::nil("*main.Config"),
    };
    let nested = Record::nil("*main.Config").field("Image", "Image", "").getters();
    record.field("Image", "Image", image.unwrap_or_default()).field("Nested", "Nested", Value::object(nested)).getters()
}

fn getter(value: Value) -> Function {
    Function::typed(Signature::fixed([]), move |_| Ok(value.clone()))
}

/// `Meta { Name string; Labels map[string]string; Ports []int; Extra interface{} }`
fn meta(json: &Json) -> Value {
    let name = json["Name"].as_str().unwrap().to_owned();
    let labels = json.get("Labels").map_or(Value::Map(Map::nil(Elem::String)), |labels| typed("strmap", labels));
    let ports = json.get("Ports").map_or(Value::List(List::nil(Elem::Int)), |ports| typed("ints", ports));
    let own_name = name.clone();
    Value::object(
        Record::new("main.Meta")
            .required_field("Name", "Name", name)
            .required_field("Labels", "Labels", labels)
            .required_field("Ports", "Ports", ports)
            .required_field("Extra", "Extra", decode(&json["Extra"]))
            .method(
                "Hello",
                Function::typed(Signature::fixed([Type::String]), move |args| {
                    Ok(format!("hello {} from {own_name}", args[0].as_str().unwrap()).into())
                }),
            )
            .method(
                "Sum",
                Function::typed(Signature::variadic([], Type::Int), |args| {
                    let numbers = args.iter().map(|arg| if let Value::Int(n, _) = arg { *n } else { 0 });
                    Ok(numbers.fold(0, i64::wrapping_add).into())
                }),
            )
            .method("Config", getter(Value::object(config(Some("registry/app:1")))))
            .method("None", getter(Value::object(config(None))))
            .method("Uni", getter("Grüße, 世界".into()))
            .method("Upper", getter(typed("func", &"upper".into())))
            .method("Count", getter(typed("func", &Json::Null)))
            .method("Fail", Function::typed(Signature::fixed([]), |_| Err(CallError::new("no luck")))),
    )
}

//! Values made of values: optional, boxed, repeated, mapped, and free-form.

use std::collections::BTreeMap;

use serde_json::{Map, Number};

use crate::decode::context::Step;
use crate::decode::{Context, Decode};
use crate::yaml::{Node, ScalarKind, Value};

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        T::decode(node, cx).map(Some)
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        T::decode(node, cx).map(Box::new)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        let Value::Sequence(items) = &node.value else {
            cx.wrong_type(node, "a list", Some("put `- ` in front of each item".to_owned()));
            return None;
        };
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            cx.within(&Step::Index(index), |cx| {
                if item.is_null() {
                    cx.error(item, "an item of a list may not be null".to_owned(), None);
                } else if let Some(value) = T::decode(item, cx) {
                    out.push(value);
                }
            });
        }
        Some(out)
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        let mut out = BTreeMap::new();
        for entry in cx.mapping(node)? {
            cx.within(&Step::Key(&entry.key), |cx| {
                if entry.value.is_null() {
                    let hint = Some("write \"\" for an empty string, {} for an empty map".to_owned());
                    cx.error(&entry.value, "a value of a map may not be null".to_owned(), hint);
                } else if let Some(value) = T::decode(&entry.value, cx) {
                    out.insert(entry.key.clone(), value);
                }
            });
        }
        Some(out)
    }
}

impl Decode for Map<String, serde_json::Value> {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        let mut out = Map::new();
        for entry in cx.mapping(node)? {
            if let Some(value) = cx.field(entry) {
                out.insert(entry.key.clone(), value);
            }
        }
        Some(out)
    }
}

impl Decode for serde_json::Value {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => Map::decode(node, cx).map(Self::Object),
            Value::Sequence(items) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| cx.within(&Step::Index(index), |cx| Self::decode(item, cx)));
                items.collect::<Option<Vec<_>>>().map(Self::Array)
            }
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => Some(Self::Null),
                ScalarKind::Bool(value) => Some(Self::Bool(value)),
                ScalarKind::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                    (Ok(value), _) => Some(value.into()),
                    (_, Ok(value)) => Some(value.into()),
                    _ => Number::from_f64(value as f64).map(Self::Number),
                },
                ScalarKind::Float(value) => {
                    let number = Number::from_f64(value).map(Self::Number);
                    if number.is_none() {
                        cx.error(node, "expected a finite number".to_owned(), None);
                    }
                    number
                }
                ScalarKind::String => Some(Self::String(scalar.text.clone())),
            },
        }
    }
}

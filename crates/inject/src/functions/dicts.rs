//! Functions over maps of texts, and over what may be absent.
//! In: maps, values. Out: new maps; what comes in is not changed.
//! Never here: sharing a map with the template's data where Go copies.

use std::sync::Arc;

use lateen_gotemplate::{CallError, Elem, List, Map, Value};

use super::{Answer, arg, text};

/// Containers inside one another that `omitNil` follows.
const DEEPEST: usize = 100;
/// Values that one `omitNil` looks at.
const MOST_VALUES: usize = 200_000;

/// Whether a map has a key. A nil map has none.
pub(super) fn isset(args: &[Value]) -> Answer {
    Ok(matches!(arg(args, 0), Value::Map(map) if map.contains_key(text(args, 1))).into())
}

/// The default for nil and for the empty text; zero, false and empty containers are values.
pub(super) fn value_or_default(args: &[Value]) -> Answer {
    Ok(match arg(args, 0) {
        Value::Nil => arg(args, 1).clone(),
        Value::String(text) if text.is_empty() => arg(args, 1).clone(),
        value => value.clone(),
    })
}

/// A map without some keys.
pub(super) fn omit(args: &[Value]) -> Answer {
    let omitted = |key: &str| args.iter().skip(1).any(|omitted| omitted.as_str() == Some(key));
    let kept = entries(arg(args, 0)).into_iter().filter(|(key, _)| !omitted(key));
    Ok(Map::new(Elem::String, kept).into())
}

/// A map from keys and values in turn; a last key without a value has an empty one.
pub(super) fn strdict(args: &[Value]) -> Answer {
    let pairs = args.chunks(2).map(|pair| (Arc::from(text(pair, 0)), Value::from(text(pair, 1))));
    Ok(Map::new(Elem::String, pairs).into())
}

/// All entries of all maps, later ones first. No maps at all are the nil map.
pub(super) fn merge_maps(args: &[Value]) -> Answer {
    Ok(merged(args).into())
}

/// As `mergeMaps`.
pub(super) fn merged(maps: &[Value]) -> Map {
    if maps.is_empty() {
        return Map::nil(Elem::String);
    }
    Map::new(Elem::String, maps.iter().flat_map(entries))
}

fn entries(value: &Value) -> Vec<(Arc<str>, Value)> {
    match value {
        Value::Map(map) => map.entries(),
        _ => Vec::new(),
    }
}

/// A value without nil entries and items, and without the containers that are empty once those are gone.
pub(super) fn omit_nil(args: &[Value]) -> Answer {
    let mut left = MOST_VALUES;
    Ok(without_nil(arg(args, 0), 0, &mut left)?.unwrap_or_else(|| arg(args, 0).clone()))
}

/// Nothing when there was nothing to leave out.
fn without_nil(value: &Value, depth: usize, left: &mut usize) -> Result<Option<Value>, CallError> {
    if depth > DEEPEST {
        return Err(CallError::new("value nests too deep"));
    }
    *left = left.checked_sub(1).ok_or_else(|| CallError::new("value has too many parts"))?;
    match value {
        Value::Nil => Ok(Some(Value::Nil)),
        Value::Map(map) if *map.elem() == Elem::Any => {
            let entries = map.entries();
            let mut cleaned = Vec::with_capacity(entries.len());
            for (_, item) in &entries {
                cleaned.push(without_nil(item, depth + 1, left)?);
            }
            if cleaned.iter().all(Option::is_none) {
                return Ok(None);
            }
            let kept: Vec<_> = entries
                .into_iter()
                .zip(cleaned)
                .map(|((key, item), cleaned)| (key, cleaned.unwrap_or(item)))
                .filter(|(_, item)| !matches!(item, Value::Nil))
                .collect();
            Ok(Some(if kept.is_empty() { Value::Nil } else { Map::new(Elem::Any, kept).into() }))
        }
        Value::List(list) if *list.elem() == Elem::Any => {
            let mut cleaned = Vec::with_capacity(list.len());
            for item in list.items() {
                cleaned.push(without_nil(item, depth + 1, left)?);
            }
            if cleaned.iter().all(Option::is_none) {
                return Ok(None);
            }
            let kept: Vec<_> = list
                .items()
                .iter()
                .zip(cleaned)
                .map(|(item, cleaned)| cleaned.unwrap_or_else(|| item.clone()))
                .filter(|item| !matches!(item, Value::Nil))
                .collect();
            Ok(Some(if kept.is_empty() { Value::Nil } else { List::new(Elem::Any, kept).into() }))
        }
        _ => Ok(None),
    }
}

//! Strategic merge patches, as Kubernetes' apimachinery applies them.
//! In: a target, a patch, the type of both. Out: the target with the patch in it, or what makes the patch no patch.
//! Never here: the rendering of patches, or their repair.
//!
//! What the schema does not know merges as JSON merge patches do: maps by key, all else replaced, null removed.

use serde_json::{Map, Value as Json};

use crate::schema::{Field, Kind, Path, Type};

mod list;
#[cfg(test)]
mod tests;

/// What a map of a patch says about itself, or an item of a list.
const DIRECTIVE: &str = "$patch";
/// The fields that stay; all others of the target go.
const RETAIN_KEYS: &str = "$retainKeys";
/// Items to take out of the list whose name follows.
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
/// The order of the list whose name follows.
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// Why a patch cannot be merged. Paths are those of the patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("{path} has no {key:?}, which tells the items of this list apart; give every item its {key}")]
    MissingKey { path: String, key: String },
    #[error("{path} has $patch: {directive}; {allowed}")]
    Directive { path: String, directive: String, allowed: &'static str },
    #[error("{path} is {found}, where {wanted} is wanted")]
    Shape { path: String, found: &'static str, wanted: &'static str },
    #[error("{path} mixes {first} and {other}; a list has items of one kind")]
    Mixed { path: String, first: &'static str, other: &'static str },
    #[error("{path} stands in the patch but not in $retainKeys beside it, so it would be set and removed at once")]
    NotRetained { path: String },
    #[error("{path} and its $setElementOrder disagree: {item} is missing there or stands in another order")]
    Order { path: String, item: String },
    #[error("{path} is a list that can be merged only by a key, and its items have none")]
    NoKey { path: String },
}

type Result<T, E = MergeError> = std::result::Result<T, E>;

/// Merges a patch into a value of that type, as `strategicpatch.StrategicMergeMapPatch` does.
pub(crate) fn merge(target: &mut Json, patch: Json, ty: &'static Type) -> Result<()> {
    let path = Path::ROOT;
    let Json::Object(patch) = patch else {
        return Err(MergeError::Shape { path: "the patch".to_owned(), found: shape(&patch), wanted: "a map" });
    };
    match target {
        Json::Object(target) => map(target, patch, Some(ty), &path),
        other => {
            let mut made = Map::new();
            map(&mut made, patch, Some(ty), &path)?;
            *other = Json::Object(made);
            Ok(())
        }
    }
}

/// Merges a map into a map. Without a type it is a map of anything.
fn map(
    target: &mut Map<String, Json>,
    mut patch: Map<String, Json>,
    ty: Option<&'static Type>,
    path: &Path<'_>,
) -> Result<()> {
    match patch.shift_remove(DIRECTIVE) {
        None => {}
        Some(Json::String(word)) if word == "replace" => {
            clean_map(&mut patch);
            *target = patch;
            return Ok(());
        }
        Some(Json::String(word)) if word == "delete" => {
            target.clear();
            return Ok(());
        }
        Some(other) => {
            let allowed = "a map takes replace and delete";
            return Err(MergeError::Directive { path: path.to_string(), directive: plain(&other), allowed });
        }
    }
    if let Some(kept) = patch.shift_remove(RETAIN_KEYS) {
        retain_keys(target, &patch, &kept, path)?;
    }
    let ordered: Vec<String> = patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for directive in ordered {
        let Some(order) = patch.shift_remove(&directive) else { continue };
        let name = &directive[ELEMENT_ORDER.len()..];
        let field = ty.and_then(|ty| ty.field_by_json(name));
        let path = path.field(name);
        list::merge_in_order(target, &mut patch, name, field, &order, &path)?;
    }
    for (key, value) in patch {
        match key.strip_prefix(DELETE_FROM_LIST) {
            Some(name) => delete_from_list(target, name, value, path)?,
            None => entry(target, key, value, ty, path)?,
        }
    }
    Ok(())
}

/// Merges one entry of a map.
fn entry(
    target: &mut Map<String, Json>,
    key: String,
    patch: Json,
    ty: Option<&'static Type>,
    path: &Path<'_>,
) -> Result<()> {
    let field = ty.and_then(|ty| ty.field_by_json(&key));
    let path = path.field(&key);
    match (target.get_mut(&key), patch) {
        (_, Json::Null) => {
            target.shift_remove(&key);
        }
        (Some(Json::Object(old)), Json::Object(new)) if !field.is_some_and(|field| field.strategy.replace) => {
            map(old, new, field.and_then(|field| field.kind.message()), &path)?;
        }
        (Some(Json::Array(old)), Json::Array(new)) if merges(field) && !is_absent(old, field) => {
            list::merge(old, new, field, &path)?;
        }
        (Some(old), new) => match clean(new) {
            Some(new) => *old = new,
            None => {
                target.shift_remove(&key);
            }
        },
        (None, new) => {
            if let Some(new) = clean(new) {
                target.insert(key, new);
            }
        }
    }
    Ok(())
}

/// Whether a list of this field keeps the items of both.
fn merges(field: Option<&Field>) -> bool {
    field.is_some_and(|field| field.strategy.merge && matches!(field.kind, Kind::List(_)))
}

/// Whether Go writes a list as if it were not there, so that what a patch has twice stays twice.
fn is_absent(list: &[Json], field: Option<&Field>) -> bool {
    list.is_empty() && field.is_some_and(|field| field.omit_empty)
}

fn retain_keys(target: &mut Map<String, Json>, patch: &Map<String, Json>, kept: &Json, path: &Path<'_>) -> Result<()> {
    let Json::Array(kept) = kept else {
        let path = path.field(RETAIN_KEYS).to_string();
        return Err(MergeError::Shape { path, found: shape(kept), wanted: "a list of names" });
    };
    let keeps = |key: &str| kept.iter().any(|name| name.as_str() == Some(key));
    for (key, value) in patch {
        let directive = key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER);
        if !value.is_null() && !directive && !keeps(key) {
            return Err(MergeError::NotRetained { path: path.field(key).to_string() });
        }
    }
    target.retain(|key, _| keeps(key));
    Ok(())
}

fn delete_from_list(target: &mut Map<String, Json>, name: &str, items: Json, path: &Path<'_>) -> Result<()> {
    match (target.get_mut(name), items) {
        (Some(Json::Array(list)), Json::Array(items)) => list.retain(|item| !items.contains(item)),
        (_, Json::Null) => {
            target.shift_remove(name);
        }
        (_, Json::Array(_)) => {}
        (_, other) => {
            let path = format!("{path}.{DELETE_FROM_LIST}{name}").trim_start_matches('.').to_owned();
            return Err(MergeError::Shape { path, found: shape(&other), wanted: "a list" });
        }
    }
    Ok(())
}

/// What a patch becomes where the target has nothing: no nulls, no directives. A map with `$patch` becomes nothing.
fn clean(mut patch: Json) -> Option<Json> {
    match &mut patch {
        Json::Object(map) if map.contains_key(DIRECTIVE) => return None,
        Json::Object(map) => clean_map(map),
        Json::Array(items) => *items = std::mem::take(items).into_iter().filter_map(clean).collect(),
        _ => {}
    }
    Some(patch)
}

fn clean_map(map: &mut Map<String, Json>) {
    let old = std::mem::take(map);
    let entries = old.into_iter().filter(|(key, value)| !value.is_null() && !is_directive(key));
    *map = entries.filter_map(|(key, value)| Some((key, clean(value)?))).collect();
}

/// What an item of a patch becomes that the target lacks. Unlike in [`clean`], a map that replaces stays,
/// because Go takes new items as they are and only its decoder drops the directives.
fn adopt(mut item: Json) -> Option<Json> {
    match &mut item {
        Json::Object(map) => {
            if map.get(DIRECTIVE).is_some_and(|word| word == "delete") {
                return None;
            }
            let old = std::mem::take(map);
            let entries =
                old.into_iter().filter(|(key, value)| !value.is_null() && key != DIRECTIVE && !is_directive(key));
            *map = entries.filter_map(|(key, value)| Some((key, adopt(value)?))).collect();
        }
        Json::Array(items) => {
            let replaces = |item: &Json| item.get(DIRECTIVE).is_some_and(|word| word == "replace");
            *items = std::mem::take(items).into_iter().filter(|item| !replaces(item)).filter_map(adopt).collect();
        }
        _ => {}
    }
    Some(item)
}

/// Whether a key is one of the directives that stand beside a map's fields.
fn is_directive(key: &str) -> bool {
    key == RETAIN_KEYS || key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER)
}

/// What a message calls a value.
fn shape(json: &Json) -> &'static str {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

/// A scalar as a user wrote it.
fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

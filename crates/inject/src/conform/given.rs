//! A user's pod, held against the fields of a pod: values that Kubernetes would not read.
//! In: a pod as it came. Out: nothing, or the first value of another type than its field has.
//! Never here: a change of the pod; fields that nobody knows, which stay as they are.

use lateen_gotemplate::IntKind;
use serde_json::{Map, Value as Json};

use super::scalar::{whole, whole_number};
use super::{Result, mismatch};
use crate::schema::{Kind, Path, Type, pod};

/// Refuses a pod whose values could be read by nobody: what a step does not understand it would pass over or replace.
pub(crate) fn check(given: &Map<String, Json>) -> Result<()> {
    fields(given, pod(), &Path::ROOT)
}

fn fields(map: &Map<String, Json>, ty: &'static Type, path: &Path<'_>) -> Result<()> {
    for (key, json) in map {
        if let Some(field) = ty.field_by_json(key)
            && !json.is_null()
        {
            value(json, &field.kind, &path.field(key))?;
        }
    }
    Ok(())
}

fn value(json: &Json, kind: &Kind, path: &Path<'_>) -> Result<()> {
    let wanted = match (kind, json) {
        (Kind::Message(ty), Json::Object(map)) => return fields(map, ty.get(), path),
        (Kind::List(elem), Json::Array(items)) => {
            // Without a map there is nothing that a merge could tell apart.
            let items = items.iter().enumerate().filter(|(_, item)| !item.is_null() || elem.message().is_some());
            return items.into_iter().try_for_each(|(place, item)| value(item, elem, &path.item(place, item)));
        }
        (Kind::Map(elem), Json::Object(entries)) => {
            let mut entries = entries.iter().filter(|(_, entry)| !entry.is_null());
            return entries.try_for_each(|(key, entry)| value(entry, elem, &path.field(key)));
        }
        (Kind::String | Kind::Time | Kind::IntOrString | Kind::Quantity, Json::String(_))
        | (Kind::Quantity, Json::Number(_))
        | (Kind::Bool, Json::Bool(_))
        | (Kind::Raw, _) => return Ok(()),
        (Kind::Int(width), _) if whole(json, *width).is_some() => return Ok(()),
        (Kind::IntOrString, _) if whole(json, IntKind::Int32).is_some() => return Ok(()),
        (Kind::List(_), _) => "a list",
        (Kind::Message(_) | Kind::Map(_), _) => "a map",
        (Kind::String | Kind::Time, _) => "text",
        (Kind::Quantity, _) => "a quantity such as 100m or 128Mi",
        (Kind::Bool, _) => "true or false",
        (Kind::Int(width), _) => whole_number(*width),
        (Kind::IntOrString, _) => "a whole number or a name",
    };
    Err(mismatch(path, json, wanted))
}

#[cfg(test)]
mod tests;

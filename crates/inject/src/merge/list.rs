//! Lists of a strategic merge patch: items told apart by a key, and the order in which Kubernetes leaves them.
//! In: the target's list and the patch's. Out: one list.
//! Never here: lists that a patch replaces as a whole.
//!
//! The order is that of Go: items of the patch stand as in the patch, an item that only the target has stands
//! before the items that it stood before, and new items of the patch go as far to the front as that allows.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

use super::{DIRECTIVE, MergeError, Result, adopt, clean, map, merges, plain, shape};
use crate::schema::{Field, Kind, Path, Type};

/// How the items of one list are told apart.
#[derive(Clone, Copy)]
struct Identity<'a> {
    key: Option<&'static str>,
    item: Option<&'static Type>,
    path: &'a Path<'a>,
}

/// The place of the first item of each identity.
type Places = HashMap<String, usize>;

/// Merges a list into a list.
pub(super) fn merge(target: &mut Vec<Json>, patch: Vec<Json>, field: Option<&Field>, path: &Path<'_>) -> Result<()> {
    if target.is_empty() && patch.is_empty() {
        return Ok(());
    }
    let maps = same_kind(target, &patch, path)?;
    let identity = Identity::of(field, path);
    if !maps {
        // Scalars: each stands once.
        let scalars = Identity { key: None, ..identity };
        let (patch_order, target_order) = (scalars.places(&patch)?, scalars.places(target)?);
        target.extend(patch);
        let mut seen = HashSet::new();
        target.retain(|item| seen.insert(item.to_string()));
        *target = scalars.order(std::mem::take(target), &patch_order, &target_order)?;
        return Ok(());
    }
    let Some(key) = identity.key else { return Err(MergeError::NoKey { path: path.to_string() }) };
    let (patch, replaced) = identity.directives(target, patch, key)?;
    if replaced {
        identity.places(&patch)?;
        *target = patch.into_iter().filter_map(adopt).collect();
        return Ok(());
    }
    let patch_order = identity.places(&patch)?;
    let target_order = identity.places(target)?;
    let mut places = target_order.clone();
    for (at, item) in patch.into_iter().enumerate() {
        let id = identity.id_of_patch(&item, at)?;
        match (places.get(&id).and_then(|place| target.get_mut(*place)), item) {
            (Some(Json::Object(old)), Json::Object(new)) => map(old, new, identity.item, &path.named(at, Some(&id)))?,
            (_, new) => {
                places.insert(id, target.len());
                target.extend(adopt(new));
            }
        }
    }
    *target = identity.order(std::mem::take(target), &patch_order, &target_order)?;
    Ok(())
}

/// Merges the list that a `$setElementOrder` names, and puts it into that order.
pub(super) fn merge_in_order(
    target: &mut Map<String, Json>,
    patch: &mut Map<String, Json>,
    name: &str,
    field: Option<&Field>,
    order: &Json,
    path: &Path<'_>,
) -> Result<()> {
    let Json::Array(order) = order else {
        let path = format!("{}{path}", super::ELEMENT_ORDER);
        return Err(MergeError::Shape { path, found: shape(order), wanted: "a list" });
    };
    if field.is_none() {
        // Nothing says how items of a field that Kubernetes lacks are told apart.
        return Ok(());
    }
    let identity = Identity::of(field, path);
    let old = list_of(target.get(name), path)?;
    let new = list_of(patch.get(name), path)?;
    if old.is_none() && new.is_none() {
        return Ok(());
    }
    let wanted = identity.places(order)?;
    identity.check_order(new.unwrap_or_default(), order)?;
    let target_order = identity.places(old.unwrap_or_default())?;
    let old = match target.get_mut(name) {
        Some(Json::Array(old)) => Some(std::mem::take(old)),
        _ => None,
    };
    let merge_items = merges(field) && old.is_some();
    let mut merged = old.unwrap_or_default();
    if let Some(Json::Array(new)) = patch.shift_remove(name) {
        if merge_items {
            merge(&mut merged, new, field, path)?;
        } else {
            merged = new.into_iter().filter_map(clean).collect();
        }
    }
    let merged = identity.order(merged, &wanted, &target_order)?;
    target.insert(name.to_owned(), Json::Array(merged));
    Ok(())
}

/// A list, if there is one; null is none.
fn list_of<'a>(json: Option<&'a Json>, path: &Path<'_>) -> Result<Option<&'a [Json]>> {
    match json {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(items)) => Ok(Some(items)),
        Some(other) => Err(MergeError::Shape { path: path.to_string(), found: shape(other), wanted: "a list" }),
    }
}

/// Whether all items are maps; an error when they are of several kinds, or lists.
fn same_kind(target: &[Json], patch: &[Json], path: &Path<'_>) -> Result<bool> {
    let mut items = patch.iter().chain(target);
    let Some(first) = items.next().map(shape) else { return Ok(false) };
    if matches!(first, "a list" | "nothing") {
        return Err(MergeError::Shape { path: path.named(0, None).to_string(), found: first, wanted: "an item" });
    }
    match items.map(shape).find(|other| *other != first) {
        Some(other) => Err(MergeError::Mixed { path: path.to_string(), first, other }),
        None => Ok(first == "a map"),
    }
}

impl<'a> Identity<'a> {
    fn of(field: Option<&Field>, path: &'a Path<'a>) -> Identity<'a> {
        let item = field.and_then(|field| match &field.kind {
            Kind::List(elem) => elem.message(),
            _ => None,
        });
        Identity { key: field.and_then(|field| field.strategy.key), item, path }
    }

    /// What tells an item of the target apart. Go fills a key that the item's type demands with its zero value.
    fn id(&self, item: &Json, place: usize) -> Result<String> {
        let Some(key) = self.key else { return Ok(item.to_string()) };
        match item.get(key) {
            Some(value) if !value.is_null() => Ok(value.to_string()),
            _ => match self.item.and_then(|ty| ty.field_by_json(key)) {
                Some(field) if !field.omit_empty && field.kind == Kind::String => Ok("\"\"".to_owned()),
                Some(field) if !field.omit_empty && matches!(field.kind, Kind::Int(_)) => Ok("0".to_owned()),
                _ => Err(self.missing(item, place, key)),
            },
        }
    }

    /// As [`id`](Self::id), but a patch has to name the key.
    fn id_of_patch(&self, item: &Json, place: usize) -> Result<String> {
        match self.key {
            Some(key) if item.get(key).is_none_or(Json::is_null) => Err(self.missing(item, place, key)),
            _ => self.id(item, place),
        }
    }

    fn missing(&self, item: &Json, place: usize, key: &str) -> MergeError {
        MergeError::MissingKey { path: self.path.item(place, item).to_string(), key: key.to_owned() }
    }

    fn places(&self, items: &[Json]) -> Result<Places> {
        let mut places = Places::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            places.entry(self.id(item, place)?).or_insert(place);
        }
        Ok(places)
    }

    /// Obeys the items that are directives; answers the others, and whether they replace the list.
    fn directives(&self, target: &mut Vec<Json>, patch: Vec<Json>, key: &str) -> Result<(Vec<Json>, bool)> {
        let mut replaced = false;
        let mut plain_items = Vec::with_capacity(patch.len());
        for (place, item) in patch.into_iter().enumerate() {
            match item.get(DIRECTIVE) {
                None => {
                    self.id_of_patch(&item, place)?;
                    plain_items.push(item);
                }
                Some(Json::String(word)) if word == "replace" => replaced = true,
                Some(Json::String(word)) if word == "delete" => {
                    let Some(value) = item.get(key) else { return Err(self.missing(&item, place, key)) };
                    target.retain(|old| old.get(key) != Some(value));
                }
                Some(other) => {
                    let (path, directive) = (self.path.item(place, &item).to_string(), plain(other));
                    let allowed = "an item of a list takes replace and delete";
                    return Err(MergeError::Directive { path, directive, allowed });
                }
            }
        }
        Ok((plain_items, replaced))
    }

    /// Items that the first order has stand in it; the others keep the second order and their place towards the first.
    fn order(&self, merged: Vec<Json>, wanted: &Places, before: &Places) -> Result<Vec<Json>> {
        let (mut patched, mut rest) = (Vec::new(), Vec::new());
        for (place, item) in merged.into_iter().enumerate() {
            let id = self.id(&item, place)?;
            let old = before.get(&id).copied();
            match wanted.get(&id) {
                Some(place) => patched.push((*place, old, item)),
                None => rest.push((old.unwrap_or(usize::MAX), old, item)),
            }
        }
        patched.sort_by_key(|(place, ..)| *place);
        rest.sort_by_key(|(place, ..)| *place);
        let mut ordered = Vec::with_capacity(patched.len() + rest.len());
        let mut rest = rest.into_iter().peekable();
        for (_, old, item) in patched {
            while let (Some(here), Some((_, Some(other), _))) = (old, rest.peek())
                && *other < here
            {
                ordered.extend(rest.next().map(|(.., item)| item));
            }
            ordered.push(item);
        }
        ordered.extend(rest.map(|(.., item)| item));
        Ok(ordered)
    }

    /// Whether the items of a patch stand in the order that is asked for.
    fn check_order(&self, patch: &[Json], order: &[Json]) -> Result<()> {
        let mut wanted = order.iter().enumerate();
        if order.is_empty() {
            return Ok(());
        }
        for (place, item) in patch.iter().enumerate().filter(|(_, item)| item.get(DIRECTIVE).is_none()) {
            let id = self.id_of_patch(item, place)?;
            let found = wanted.by_ref().any(|(place, other)| self.id(other, place).is_ok_and(|other| other == id));
            if !found {
                return Err(MergeError::Order { path: self.path.to_string(), item: id });
            }
        }
        Ok(())
    }
}

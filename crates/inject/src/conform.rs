//! What a template wrote, held against the fields of a pod.
//! In: an overlay as JSON. Out: the overlay as Kubernetes would read it, and a warning for all that was moved or dropped.
//! Never here: merging; rules about the values themselves.
//!
//! Go drops fields that it does not know without a word. Here a field that stands in the wrong place goes
//! to the one place where it can have been meant, and what is left over is dropped with a warning.

use serde_json::{Map, Value as Json};

use crate::config::Form;
use crate::schema::{Field, Kind, Path, Type, pod};

mod given;
mod misplaced;
mod scalar;
#[cfg(test)]
mod tests;

pub(crate) use given::check;
use misplaced::Misplaced;

/// A value that cannot be what its field holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is {found}, where {wanted} is wanted")]
pub struct ConformError {
    keys: Vec<String>,
    shown: String,
    found: String,
    wanted: &'static str,
}

impl ConformError {
    /// Keys, and places in lists, that lead to the value.
    pub(crate) fn path(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

type Result<T> = std::result::Result<T, ConformError>;

/// Makes an overlay conform to the fields of a pod; answers what was repaired or dropped.
///
/// Nulls and patch directives stay. Numbers where text is wanted become text; in today's form that is worth a warning,
/// because Istio refuses it, in 1.7's form it is not, because 1.7 took it.
pub(crate) fn conform(overlay: &mut Json, form: Form) -> Result<Vec<String>> {
    let mut walk = Walk { form, warnings: Vec::new(), misplaced: Vec::new() };
    walk.message(overlay, pod(), &Path::ROOT)?;
    for misplaced in std::mem::take(&mut walk.misplaced) {
        misplaced.settle(overlay, &mut walk)?;
    }
    Ok(walk.warnings)
}

struct Walk {
    form: Form,
    warnings: Vec<String>,
    /// Fields that belong to another part of the pod; they move when the whole has been read.
    misplaced: Vec<Misplaced>,
}

impl Walk {
    fn field(&mut self, json: &mut Json, field: &Field, path: &Path<'_>) -> Result<()> {
        self.value(json, &field.kind, path)
    }

    fn value(&mut self, json: &mut Json, kind: &Kind, path: &Path<'_>) -> Result<()> {
        if json.is_null() {
            return Ok(());
        }
        match kind {
            Kind::Message(ty) => self.message(json, ty.get(), path),
            Kind::List(elem) => {
                let Json::Array(items) = json else { return Err(mismatch(path, json, "a list")) };
                let named = elem.message().is_some_and(|ty| ty.field_by_json("name").is_some());
                for (place, item) in items.iter_mut().enumerate() {
                    let name = item.get("name").and_then(Json::as_str).filter(|_| named).map(str::to_owned);
                    let path = path.named(place, name.as_deref());
                    self.item(item, elem, &path)?;
                }
                Ok(())
            }
            Kind::Map(elem) => {
                let Json::Object(entries) = json else { return Err(mismatch(path, json, "a map")) };
                for (key, entry) in entries.iter_mut().filter(|(key, _)| !is_directive(key)) {
                    self.value(entry, elem, &path.field(key))?;
                }
                Ok(())
            }
            scalar => self.scalar(json, scalar, path),
        }
    }

    fn item(&mut self, item: &mut Json, kind: &Kind, path: &Path<'_>) -> Result<()> {
        match (&item, kind) {
            (Json::Null, Kind::String) => {
                self.warnings.push(format!("`{path}` is empty; it is taken as the empty text \"\""));
                *item = "".into();
                Ok(())
            }
            (Json::Null, Kind::Message(_)) => Err(mismatch(path, item, "a map")),
            (Json::Null, _) => Err(mismatch(path, item, "a value")),
            _ => self.value(item, kind, path),
        }
    }

    fn message(&mut self, json: &mut Json, ty: &'static Type, path: &Path<'_>) -> Result<()> {
        let Json::Object(map) = json else { return Err(mismatch(path, json, "a map")) };
        if map.keys().any(|key| is_unknown(key, ty)) {
            self.respell(map, ty, path);
            self.indent(map, ty, path);
            self.displace(map, ty, path);
            self.drop_unknown(map, ty, path);
        }
        for (key, value) in map.iter_mut() {
            if let Some(field) = ty.field_by_json(key) {
                self.field(value, field, &path.field(key))?;
            }
        }
        Ok(())
    }

    /// Go takes fields whatever the case of their letters.
    fn respell(&mut self, map: &mut Map<String, Json>, ty: &'static Type, path: &Path<'_>) {
        for key in unknown(map, ty) {
            let known = ty.fields().iter().find(|field| field.json.eq_ignore_ascii_case(&key));
            let Some(field) = known.filter(|field| !map.contains_key(field.json)) else { continue };
            let Some(value) = map.shift_remove(&key) else { continue };
            self.warnings.push(format!("`{}` is written `{}`", path.field(&key), field.json));
            map.insert(field.json.to_owned(), value);
        }
    }

    /// Fields that stand beside the one they belong under: `clusterTrustBundle:` and, in the same column, its `path:`.
    fn indent(&mut self, map: &mut Map<String, Json>, ty: &'static Type, path: &Path<'_>) {
        let keys = unknown(map, ty);
        if keys.is_empty() {
            return;
        }
        let takes_all = |field: &&Field| {
            let empty = match map.get(field.json) {
                Some(Json::Null) => true,
                Some(Json::Object(inner)) => inner.is_empty(),
                _ => false,
            };
            let inner = field.kind.message();
            empty && inner.is_some_and(|inner| keys.iter().all(|key| inner.field_by_json(key).is_some()))
        };
        let mut candidates = ty.fields().iter().filter(takes_all);
        let (Some(field), None) = (candidates.next(), candidates.next()) else { return };
        let named: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        let (subject, verb) = (named.join(" and "), if keys.len() == 1 { "stands" } else { "stand" });
        let to = path.field(field.json);
        self.warnings.push(format!(
            "{subject} {verb} beside the empty `{to}`, where {} of that name is known; taken as if indented under it",
            if keys.len() == 1 { "no field" } else { "none" },
        ));
        let mut inner = Map::new();
        for key in keys {
            if let Some(value) = map.shift_remove(&key) {
                inner.insert(key, value);
            }
        }
        map.insert(field.json.to_owned(), Json::Object(inner));
    }

    /// What is left over goes, as Go's decoder lets it go, but not in silence.
    fn drop_unknown(&mut self, map: &mut Map<String, Json>, ty: &'static Type, path: &Path<'_>) {
        for key in unknown(map, ty) {
            map.shift_remove(&key);
            let (at, ty) = (path.field(&key), ty.name());
            self.warnings.push(format!("`{at}` is dropped: Kubernetes knows no field `{key}` in {ty}"));
        }
    }
}

/// Whether a key is an instruction to the merge and no field.
fn is_directive(key: &str) -> bool {
    key.starts_with('$')
}

fn is_unknown(key: &str, ty: &Type) -> bool {
    !is_directive(key) && ty.field_by_json(key).is_none()
}

fn unknown(map: &Map<String, Json>, ty: &Type) -> Vec<String> {
    map.keys().filter(|key| is_unknown(key, ty)).cloned().collect()
}

fn mismatch(path: &Path<'_>, found: &Json, wanted: &'static str) -> ConformError {
    ConformError { keys: path.keys(), shown: path.to_string(), found: describe(found), wanted }
}

/// A value, as a message names it.
fn describe(json: &Json) -> String {
    match json {
        Json::Null => "empty".to_owned(),
        Json::Bool(value) => format!("the boolean {value}"),
        Json::Number(number) => format!("the number {number}"),
        Json::String(text) => format!("the text {text:?}"),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "a map".to_owned(),
    }
}

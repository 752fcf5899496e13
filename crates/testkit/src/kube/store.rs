//! The objects of a Kubernetes API in memory, and everything that happened to them.
//! In come writes; out come objects with versions, and events since a version. Never here: HTTP.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::query::Query;

/// What an object is found by: group, plural, namespace, name.
pub(super) type Key = (String, String, String, String);

/// A change.
pub(super) struct Event {
    pub(super) version: u64,
    pub(super) key: Key,
    pub(super) before: Option<Json>,
    pub(super) after: Option<Json>,
}

/// Why a request is refused: an HTTP status, Kubernetes' reason, a message.
pub(super) type Refusal = (u16, &'static str, String);

/// All objects, all events.
#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Json>,
    pub(super) events: Vec<Event>,
    pub(super) version: u64,
}

impl Store {
    /// The objects of a collection, in order of namespace and name.
    pub(super) fn of(&self, query: &Query) -> impl Iterator<Item = &Json> {
        let objects = self.objects.iter().filter(move |(key, _)| is_of(key, query));
        objects.map(|(_, object)| object)
    }

    pub(super) fn get(&self, query: &Query) -> Result<&Json, Refusal> {
        self.objects.get(&key(query, &query.name)).ok_or_else(|| not_found(&query.plural, &query.name))
    }

    pub(super) fn create(&mut self, query: &Query, mut object: Json) -> Result<&Json, Refusal> {
        if !query.namespace.is_empty() {
            let namespace = (String::new(), "namespaces".to_owned(), String::new(), query.namespace.clone());
            if !self.objects.contains_key(&namespace) {
                return Err(not_found("namespaces", &query.namespace));
            }
        }
        let meta = &mut object["metadata"];
        if meta["name"].is_null()
            && let Some(prefix) = meta["generateName"].as_str()
        {
            meta["name"] = json!(format!("{prefix}{:05}", self.version));
        }
        let Some(name) = meta["name"].as_str().map(ToOwned::to_owned) else {
            return Err((422, "Invalid", "name or generateName is required".into()));
        };
        let key = key(query, &name);
        if self.objects.contains_key(&key) {
            return Err((409, "AlreadyExists", format!("{} {name:?} already exists", query.plural)));
        }
        meta["uid"] = json!(format!("00000000-0000-0000-0000-{:012}", self.version + 1));
        meta["creationTimestamp"] = json!("2024-01-01T00:00:00Z");
        if !query.namespace.is_empty() {
            meta["namespace"] = json!(query.namespace);
        }
        if query.plural == "namespaces" {
            meta["labels"]["kubernetes.io/metadata.name"] = json!(name);
        }
        Ok(self.put(key, object))
    }

    /// Writes an object over another; `change` makes the new one of the old one.
    pub(super) fn change(
        &mut self,
        query: &Query,
        change: impl FnOnce(&Json) -> Result<Json, Refusal>,
    ) -> Result<&Json, Refusal> {
        let old = self.get(query)?;
        let mut new = change(old)?;
        let wanted = &new["metadata"]["resourceVersion"];
        if !wanted.is_null() && *wanted != old["metadata"]["resourceVersion"] {
            let message = format!("the object {} {:?} has been modified", query.plural, query.name);
            return Err((409, "Conflict", message));
        }
        for field in ["uid", "creationTimestamp", "namespace", "name"] {
            if let Some(value) = old["metadata"].get(field) {
                new["metadata"][field] = value.clone();
            }
        }
        Ok(self.put(key(query, &query.name), new))
    }

    pub(super) fn delete(&mut self, query: &Query) -> Result<Json, Refusal> {
        let key = key(query, &query.name);
        let Some(mut object) = self.objects.remove(&key) else {
            return Err(not_found(&query.plural, &query.name));
        };
        self.version += 1;
        // A watch goes on from the version of the last object that it told, and this one was told now.
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.events.push(Event { version: self.version, key, before: Some(object.clone()), after: None });
        Ok(object)
    }

    fn put(&mut self, key: Key, mut object: Json) -> &Json {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let before = self.objects.insert(key.clone(), object.clone());
        self.events.push(Event { version: self.version, key: key.clone(), before, after: Some(object.clone()) });
        self.objects.entry(key).or_insert(object)
    }
}

/// Whether an object belongs to the collection of a request.
pub(super) fn is_of(key: &Key, query: &Query) -> bool {
    let (group, plural, namespace, _) = key;
    *group == query.group && *plural == query.plural && (query.namespace.is_empty() || *namespace == query.namespace)
}

fn key(query: &Query, name: &str) -> Key {
    (query.group.clone(), query.plural.clone(), query.namespace.clone(), name.to_owned())
}

fn not_found(plural: &str, name: &str) -> Refusal {
    (404, "NotFound", format!("{plural} {name:?} not found"))
}

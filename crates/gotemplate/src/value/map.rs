//! A Go map with string keys: shared, changed in place, always read in the order of its keys.
//! In: entries. Out: entries, or the refusal of one that would make the map contain itself.
//! Never here: a lock held while another value is walked.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::list::take_apart;
use super::{Elem, Value};
use crate::error::CallError;
use crate::quote::quote;

/// A map from strings. A nil map is empty, prints `map[]`, and equals nil.
#[derive(Clone, Debug)]
pub struct Map {
    elem: Elem,
    /// Nothing in a nil map.
    entries: Option<Arc<Entries>>,
}

#[derive(Debug, Default)]
struct Entries(RwLock<BTreeMap<Arc<str>, Value>>);

impl Map {
    pub fn new(elem: Elem, entries: impl IntoIterator<Item = (Arc<str>, Value)>) -> Map {
        Map { elem, entries: Some(Arc::new(Entries(RwLock::new(entries.into_iter().collect())))) }
    }

    /// The nil map of a type.
    pub fn nil(elem: Elem) -> Map {
        Map { elem, entries: None }
    }

    pub fn elem(&self) -> &Elem {
        &self.elem
    }

    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    pub fn len(&self) -> usize {
        self.read().map_or(0, |entries| entries.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key; nothing when the map lacks it.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.read()?.get(key).cloned()
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.read().is_some_and(|entries| entries.contains_key(key))
    }

    /// All entries in the order of their keys.
    pub fn entries(&self) -> Vec<(Arc<str>, Value)> {
        self.read().map_or_else(Vec::new, |entries| entries.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// All keys in order.
    pub fn keys(&self) -> Vec<Arc<str>> {
        self.read().map_or_else(Vec::new, |entries| entries.keys().cloned().collect())
    }

    /// Puts an entry in place for everyone who holds this map.
    ///
    /// Fails on a nil map, as Go does, and on a value that contains this very map:
    /// such a value could never be printed, nor freed.
    pub fn insert(&self, key: &str, value: Value) -> Result<(), CallError> {
        if self.is_nil() {
            return Err(CallError::new("assignment to entry in nil map"));
        }
        if self.is_inside(&value) {
            return Err(CallError::new(format!("entry {} would make the map contain itself", quote(key))));
        }
        if let Some(mut entries) = self.write() {
            entries.insert(key.into(), value);
        }
        Ok(())
    }

    /// Takes an entry out for everyone who holds this map.
    pub fn remove(&self, key: &str) -> Option<Value> {
        self.write()?.remove(key)
    }

    /// Whether both are one and the same map.
    pub fn is_same(&self, other: &Map) -> bool {
        match (&self.entries, &other.entries) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    fn is_inside(&self, value: &Value) -> bool {
        let mut seen = HashSet::new();
        let mut stack = vec![value.clone()];
        while let Some(value) = stack.pop() {
            match value {
                Value::List(list) if seen.insert(list.items().as_ptr().cast::<()>()) => {
                    stack.extend(list.items().iter().filter(|v| is_container(v)).cloned());
                }
                Value::Map(map) => {
                    if map.is_same(self) {
                        return true;
                    }
                    if map.entries.as_ref().is_some_and(|entries| seen.insert(Arc::as_ptr(entries).cast::<()>())) {
                        let entries = map.entries().into_iter().map(|(_, v)| v);
                        stack.extend(entries.filter(is_container));
                    }
                }
                _ => {}
            }
        }
        false
    }

    fn read(&self) -> Option<RwLockReadGuard<'_, BTreeMap<Arc<str>, Value>>> {
        self.entries.as_ref().map(|entries| entries.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> Option<RwLockWriteGuard<'_, BTreeMap<Arc<str>, Value>>> {
        self.entries.as_ref().map(|entries| entries.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The values, when nobody else holds the map.
    pub(super) fn into_values(self) -> Vec<Value> {
        match self.entries.and_then(Arc::into_inner) {
            Some(mut entries) => entries.take(),
            None => Vec::new(),
        }
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

impl Entries {
    fn take(&mut self) -> Vec<Value> {
        let entries = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(entries).into_values().collect()
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        take_apart(self.take());
    }
}

//! The entries of one map: which stand twice, and which the merge key `<<` adds.

use std::collections::{HashMap, HashSet};

use crate::place::At;
use crate::yaml::tree::Problem;
use crate::yaml::{Entry, Node, Value};

/// The entries of the maps under a `<<` key at `at`.
pub(crate) fn merge(at: At, node: Node) -> Result<Vec<Entry>, Problem> {
    let maps = match node.value {
        Value::Sequence(items) => items,
        value => vec![Node { value, ..node }],
    };
    let mut merged = Vec::new();
    for map in maps {
        let Value::Mapping(entries) = map.value else {
            let message = "`<<` merges maps, and this is none".to_owned();
            return Err(Problem { at, message, hint: None });
        };
        merged.extend(entries);
    }
    Ok(merged)
}

/// Marks keys that stand twice.
pub(crate) fn mark_duplicates(entries: &mut [Entry]) {
    let mut first: HashMap<&str, At> = HashMap::with_capacity(entries.len());
    let mut duplicates = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match first.get(entry.key.as_str()) {
            Some(before) => duplicates.push((index, *before)),
            None => {
                first.insert(&entry.key, entry.at);
            }
        }
    }
    for (index, before) in duplicates {
        entries[index].duplicate_of = Some(before);
    }
}

/// Written keys win over merged ones, and earlier merged ones over later.
pub(crate) fn add_merged(entries: &mut Vec<Entry>, merged: Vec<Entry>) {
    if merged.is_empty() {
        return;
    }
    let mut taken: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    entries.extend(merged.into_iter().filter(|entry| taken.insert(entry.key.clone())));
}

//! Text to trees: splitting a file into documents, scanning them, and resolving scalars as
//! Kubernetes does. Out come nodes that know where they stand; never here: any field name.

mod indent;
mod merge;
pub(crate) mod scalar;
pub(crate) mod split;
pub(crate) mod tree;

pub(crate) use scalar::{Scalar, ScalarKind};

use crate::place::At;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// Where it starts.
    pub(crate) at: At,
    /// Characters to underline, at least 1.
    pub(crate) length: u32,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A leaf.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order of the document, duplicates included.
    Mapping(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The key as JSON would have it.
    pub(crate) key: String,
    /// Where the key starts.
    pub(crate) at: At,
    /// Characters of the key.
    pub(crate) length: u32,
    /// The value.
    pub(crate) value: Node,
    /// Where the same key stands before, if it does.
    pub(crate) duplicate_of: Option<At>,
}

impl Node {
    /// Whether this is `null`, which counts as absent.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind == ScalarKind::Null)
    }

    /// The value of a key, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The entry of a key, if this is a map that has it and its value is not null.
    pub(crate) fn entry(&self, is_key: impl Fn(&str) -> bool) -> Option<&Entry> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| is_key(&entry.key) && !entry.value.is_null()),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind == ScalarKind::String => Some(&scalar.text),
            _ => None,
        }
    }

    /// What this is, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a map".to_owned(),
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => "null".to_owned(),
                ScalarKind::Bool(_) => format!("boolean `{}`", scalar.shown()),
                ScalarKind::Int(_) | ScalarKind::Float(_) => {
                    format!("number `{}`", scalar.shown())
                }
                ScalarKind::String => format!("string `{}`", scalar.shown()),
            },
        }
    }
}

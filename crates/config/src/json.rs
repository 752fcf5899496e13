//! Documents as JSON: what Kubernetes would make of each document of a YAML or JSON text.
//!
//! In: a text, such as a rendered template. Out: values in the order of their keys, the text and
//! line of each document, what is wrong with it, and which keys stand twice. Never here: kinds.

use std::sync::Arc;

use serde_json::{Map, Number, Value as Json};

use crate::decode::{Context, Unknown};
use crate::document::syntax;
use crate::finding::Finding;
use crate::place::Origin;
use crate::yaml::split::{normalize, split};
use crate::yaml::tree::{Budget, scan};
use crate::yaml::{Node, ScalarKind, Value};

/// Duplicates of one document beyond this number are not told one by one: aliases can make many of few.
const MOST_DUPLICATES: usize = 200;

/// Above 2^53 not all whole numbers are floats.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// One document of a text.
#[derive(Debug, Clone)]
pub struct JsonDocument {
    /// The value; nothing where the document does not parse.
    pub value: Option<Json>,
    /// The text of the document, with `\n` as line ends, without the `---` line before it.
    pub text: String,
    /// The line of the whole text where `text` starts, from 1.
    pub line: usize,
    /// Why there is no value.
    pub error: Option<Finding>,
    /// Keys that stand twice in one map, in order of the document; the first 200 of them.
    pub duplicates: Vec<DuplicateKey>,
    node: Option<Node>,
}

/// A key that stands twice in one map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// Keys and indices that lead to the map.
    pub path: Vec<String>,
    /// The key.
    pub key: String,
    /// Line where it stands first, from 1.
    pub first: usize,
    /// Line where it stands again.
    pub second: usize,
}

impl JsonDocument {
    /// The line of the whole text, from 1, where a value is written: that of its key inside a map.
    ///
    /// The path is made of keys, and of indices in lists; an empty one is the document itself.
    pub fn line_of(&self, path: &[&str]) -> Option<usize> {
        let node = self.node.as_ref()?;
        line_in(node, node.at.line, path).and_then(|line| usize::try_from(line).ok())
    }

    /// Whether there is nothing in the document but white space, comments or null.
    pub fn is_empty(&self) -> bool {
        self.error.is_none() && self.value.as_ref().is_none_or(Json::is_null)
    }
}

/// The documents of a YAML or JSON text; `file` is its display name, for findings.
///
/// Scalars mean what they mean to Kubernetes (YAML 1.1: `yes` is true), merge keys are resolved, keys
/// keep their order. Of a key that stands twice the last value wins, unless both values are maps:
/// these are merged, as YAML libraries of Kubernetes' tools do not agree on refusing them and a
/// template that writes `annotations` twice means both. An empty document has value null.
///
/// ```
/// let documents = lateen_config::json_documents("pod.yaml", "a: {x: yes}\n---\n# two\nb: 0x10\na:\n  c: 1\nb: 2\n");
/// assert_eq!(documents[0].value, Some(serde_json::json!({"a": {"x": true}})));
/// assert_eq!(documents[1].value, Some(serde_json::json!({"b": 2, "a": {"c": 1}})));
/// assert_eq!((documents[1].line, documents[1].line_of(&["a", "c"])), (3, Some(6)));
/// assert_eq!((documents[1].duplicates[0].first, documents[1].duplicates[0].second), (4, 7));
/// ```
pub fn json_documents(file: &str, text: &str) -> Vec<JsonDocument> {
    let file = Arc::from(file);
    let text = normalize(text);
    let mut budget = Budget::default();
    let mut out = Vec::new();
    for chunk in split(&text) {
        let origin = Origin::Shifted { lines: chunk.lines_before, columns: 0 };
        let (nodes, problem) = scan(chunk.text, origin, &mut budget);
        let (skipped, body) = without_marker(chunk.text);
        let line = chunk.lines_before as usize + skipped + 1;
        let (nodes, error) = match problem {
            Some(problem) => (Vec::new(), Some(syntax(&file, problem))),
            None => (nodes, None),
        };
        // `...` lets several documents stand in one stretch of text; they share it.
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        if nodes.is_empty() {
            nodes.push(None);
        }
        for node in nodes {
            let mut reader =
                Reader { cx: Context::new(&file, Unknown::Error), path: Vec::new(), duplicates: Vec::new() };
            let value = match (&node, &error) {
                (Some(node), _) => reader.value(node),
                (None, None) => Some(Json::Null),
                (None, Some(_)) => None,
            };
            let error = error.clone().or_else(|| reader.cx.finish().into_iter().next());
            let value = value.filter(|_| error.is_none());
            let duplicates = reader.duplicates;
            out.push(JsonDocument { value, text: body.to_owned(), line, error, duplicates, node });
        }
    }
    out
}

/// The line of a path below a node that is written at `line`.
fn line_in(node: &Node, line: u32, path: &[&str]) -> Option<u32> {
    let Some((step, rest)) = path.split_first() else { return Some(line) };
    match &node.value {
        // Of keys that stand twice the last one wins, and maps among them are merged.
        Value::Mapping(entries) => {
            let mut entries = entries.iter().rev().filter(|entry| entry.key == *step);
            entries.find_map(|entry| line_in(&entry.value, entry.at.line, rest))
        }
        Value::Sequence(items) => {
            let item = items.get(step.parse::<usize>().ok()?)?;
            line_in(item, item.at.line, rest)
        }
        Value::Scalar(_) => None,
    }
}

/// The lines up to and with a `---` that has nothing behind it, and the text after them.
fn without_marker(text: &str) -> (usize, &str) {
    let mut rest = text;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        rest = &rest[line.len()..];
        let words = line.trim_end();
        if words == "---" {
            return (index + 1, rest);
        }
        if !words.is_empty() && !words.starts_with(['#', '%']) {
            break;
        }
    }
    (0, text)
}

struct Reader<'n> {
    cx: Context,
    path: Vec<Step<'n>>,
    duplicates: Vec<DuplicateKey>,
}

#[derive(Clone, Copy)]
enum Step<'n> {
    Key(&'n str),
    Index(usize),
}

impl<'n> Reader<'n> {
    /// The value of a node, or nothing after a finding.
    fn value(&mut self, node: &'n Node) -> Option<Json> {
        match &node.value {
            Value::Mapping(entries) => {
                let mut out = Map::with_capacity(entries.len());
                for entry in entries {
                    if let Some(before) = entry.duplicate_of
                        && self.duplicates.len() < MOST_DUPLICATES
                    {
                        self.duplicates.push(DuplicateKey {
                            path: self.path.iter().map(Step::text).collect(),
                            key: entry.key.clone(),
                            first: before.line as usize,
                            second: entry.at.line as usize,
                        });
                    }
                    let value = self.within(Step::Key(&entry.key), &entry.value)?;
                    match (out.get_mut(&entry.key), value) {
                        (Some(Json::Object(first)), Json::Object(second)) => merge(first, second),
                        (Some(first), second) => *first = second,
                        (None, value) => drop(out.insert(entry.key.clone(), value)),
                    }
                }
                Some(Json::Object(out))
            }
            Value::Sequence(items) => {
                let items = items.iter().enumerate().map(|(index, item)| self.within(Step::Index(index), item));
                items.collect::<Option<Vec<_>>>().map(Json::Array)
            }
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => Some(Json::Null),
                ScalarKind::Bool(value) => Some(Json::Bool(value)),
                ScalarKind::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                    (Ok(value), _) => Some(value.into()),
                    (_, Ok(value)) => Some(value.into()),
                    _ => Number::from_f64(value as f64).map(Json::Number),
                },
                // Go's JSON writes such a number without a point, so that it can stand where integers do.
                ScalarKind::Float(value) if value.fract() == 0.0 && value.abs() < LARGEST_WHOLE => {
                    Some((value as i64).into())
                }
                ScalarKind::Float(value) => {
                    let number = Number::from_f64(value).map(Json::Number);
                    if number.is_none() {
                        self.cx.error(node, "expected a finite number".to_owned(), None);
                    }
                    number
                }
                ScalarKind::String => Some(Json::String(scalar.text.clone())),
            },
        }
    }

    fn within(&mut self, step: Step<'n>, node: &'n Node) -> Option<Json> {
        self.path.push(step);
        let value = self.value(node);
        self.path.pop();
        value
    }
}

impl Step<'_> {
    fn text(&self) -> String {
        match self {
            Step::Key(key) => (*key).to_owned(),
            Step::Index(index) => index.to_string(),
        }
    }
}

/// The second map over the first.
fn merge(first: &mut Map<String, Json>, second: Map<String, Json>) {
    for (key, value) in second {
        match (first.get_mut(&key), value) {
            (Some(Json::Object(before)), Json::Object(after)) => merge(before, after),
            (Some(before), after) => *before = after,
            (None, value) => drop(first.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests;

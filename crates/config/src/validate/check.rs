//! Walks a typed value and the node that it was read from side by side, so that a judgement about
//! a value is reported where the value was written.

use crate::decode::context::{Context, Step};
use crate::decode::names;
use crate::finding::Severity;
use crate::place::At;
use crate::yaml::{Node, Value};

/// What a rule says about a value.
pub(crate) type Rule = Result<(), Wrong>;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// What is wrong.
    pub(crate) message: String,
    /// What to write; may be empty.
    pub(crate) hint: String,
}

/// A refusal.
pub(crate) fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Rule {
    Err(Wrong { message: message.into(), hint: hint.into() })
}

/// A position in a document, and where to put findings about it.
pub(crate) struct Check<'c, 'n> {
    cx: &'c mut Context,
    /// The node here; none where nothing is written.
    node: Option<&'n Node>,
    /// The nearest written place.
    near: (At, u32),
}

impl<'c, 'n> Check<'c, 'n> {
    /// At the top of a document.
    pub(crate) fn new(cx: &'c mut Context, node: &'n Node) -> Self {
        Self { cx, node: Some(node), near: (node.at, node.length) }
    }

    /// Runs at a field, named as Rust writes it.
    pub(crate) fn field<T>(&mut self, field: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        let entry = self.node.and_then(|node| node.entry(|key| names::matches(key, field, &[])));
        let written = match entry {
            Some(entry) => entry.key.clone(),
            None => names::written(field, &[]),
        };
        self.step(&Step::Key(&written), entry.map(|entry| &entry.value), run)
    }

    /// Runs at the value of a key of a map.
    pub(crate) fn entry<T>(&mut self, key: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        let entry = self.node.and_then(|node| node.entry(|other| other == key));
        self.step(&Step::Key(key), entry.map(|entry| &entry.value), run)
    }

    /// Runs at a key of a map.
    pub(crate) fn key(&mut self, key: &str, run: impl FnOnce(&mut Self)) {
        let entry = self.node.and_then(|node| node.entry(|other| other == key));
        let near = entry.map_or(self.near, |entry| (entry.at, entry.length));
        self.step(&Step::Key(key), None, |check| {
            check.near = near;
            run(check);
        });
    }

    /// Runs at an item of a list.
    pub(crate) fn item<T>(&mut self, index: usize, run: impl FnOnce(&mut Self) -> T) -> T {
        let item = self.node.and_then(|node| match &node.value {
            Value::Sequence(items) => items.get(index),
            _ => None,
        });
        self.step(&Step::Index(index), item, run)
    }

    /// Runs at each item of a list that is a field.
    pub(crate) fn each<'t, T>(&mut self, field: &str, items: &'t [T], mut run: impl FnMut(&mut Self, &'t T)) {
        if items.is_empty() {
            return;
        }
        self.field(field, |check| {
            for (index, item) in items.iter().enumerate() {
                check.item(index, |check| run(check, item));
            }
        });
    }

    /// Runs at a field that has a value.
    pub(crate) fn some<T>(&mut self, field: &str, value: Option<&T>, run: impl FnOnce(&mut Self, &T)) {
        if let Some(value) = value {
            self.field(field, |check| run(check, value));
        }
    }

    fn step<T>(&mut self, step: &Step<'_>, node: Option<&'n Node>, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.node, self.near);
        let length = self.cx.enter(step);
        self.node = node;
        if let Some(node) = node {
            self.near = (node.at, node.length);
        }
        let out = run(self);
        self.cx.leave(length);
        (self.node, self.near) = before;
        out
    }

    /// Whether a field is written here.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.node.is_some_and(|node| node.entry(|key| names::matches(key, field, &[])).is_some())
    }

    /// Reports what a rule says about the value here.
    pub(crate) fn rule(&mut self, rule: Rule) {
        if let Err(wrong) = rule {
            self.error(wrong.message, &wrong.hint);
        }
    }

    /// Reports what a rule says about a field.
    pub(crate) fn rule_of(&mut self, field: &str, rule: Rule) {
        if rule.is_err() {
            self.field(field, |check| check.rule(rule));
        }
    }

    /// Reports what a rule says about a field, as a warning.
    pub(crate) fn doubt_of(&mut self, field: &str, rule: Rule) {
        if let Err(wrong) = rule {
            self.field(field, |check| check.warning(wrong.message, &wrong.hint));
        }
    }

    /// The object is refused for what stands here.
    pub(crate) fn error(&mut self, message: impl Into<String>, hint: &str) {
        self.find(Severity::Error, message.into(), hint);
    }

    /// The object serves, perhaps not as its author thinks.
    pub(crate) fn warning(&mut self, message: impl Into<String>, hint: &str) {
        self.find(Severity::Warning, message.into(), hint);
    }

    fn find(&mut self, severity: Severity, message: String, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.cx.find(severity, self.near, message, hint);
    }
}

//! The context of a decode: where in the document it is, and the findings so far.

use std::sync::Arc;

use lateen_core::Place;

use crate::decode::names::{self, Field, Seen};
use crate::decode::{Decode, Oneof};
use crate::finding::{Finding, ObjectRef, Severity};
use crate::place::At;
use crate::yaml::{Entry, Node, ScalarKind, Value};

/// Findings of one document beyond this number are counted and not kept.
const MOST_FINDINGS: usize = 200;

/// What is done about unknown fields of closed messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// An error: the kind has a schema.
    Error,
    /// A warning: Istio reads such a document all the same.
    Warning,
}

/// Carried through a decode.
pub(crate) struct Context {
    file: Arc<str>,
    path: String,
    unknown: Unknown,
    findings: Vec<Finding>,
    dropped: usize,
    object: Option<ObjectRef>,
}

impl Context {
    /// A context at the top of a document.
    pub(crate) fn new(file: &Arc<str>, unknown: Unknown) -> Self {
        Self { file: Arc::clone(file), path: String::new(), unknown, findings: Vec::new(), dropped: 0, object: None }
    }

    /// Names the object in all findings, also those before.
    pub(crate) fn name_object(&mut self, object: ObjectRef) {
        for finding in &mut self.findings {
            finding.object.get_or_insert_with(|| object.clone());
        }
        self.object = Some(object);
    }

    /// The findings, in order of the document.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        if self.dropped > 0
            && let Some(last) = self.findings.last().cloned()
        {
            self.findings.push(Finding {
                severity: Severity::Info,
                message: format!("{} further findings are not shown", self.dropped),
                hint: None,
                ..last
            });
        }
        self.findings.sort_by_key(|finding| (finding.place.line, finding.place.column));
        self.findings
    }

    /// Whether an error was found.
    pub(crate) fn has_error(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Notes a finding.
    pub(crate) fn find(&mut self, severity: Severity, (at, length): (At, u32), message: String, hint: Option<String>) {
        // The first error decides over the object, so it is never among the uncounted.
        let decisive = severity == Severity::Error && !self.has_error();
        if self.findings.len() >= MOST_FINDINGS && !decisive {
            self.dropped += 1;
            return;
        }
        self.findings.push(Finding {
            severity,
            code: match severity {
                Severity::Error => Some("IST0106"),
                Severity::Warning => Some("IST0133"),
                Severity::Info => None,
            },
            message,
            hint,
            place: Place { file: Arc::clone(&self.file), line: at.line, column: at.column },
            length: length.max(1),
            path: self.path.clone(),
            object: self.object.clone(),
        });
    }

    /// Notes an error about a value.
    pub(crate) fn error(&mut self, node: &Node, message: String, hint: Option<String>) {
        self.find(Severity::Error, (node.at, node.length), message, hint);
    }

    /// Notes that a value has the wrong type.
    pub(crate) fn wrong_type(&mut self, node: &Node, expected: &str, hint: Option<String>) {
        self.error(node, format!("expected {expected}, found {}", node.describe()), hint);
    }

    /// Runs with one more step on the path.
    pub(crate) fn within<T>(&mut self, step: &Step<'_>, run: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.enter(step);
        let out = run(self);
        self.leave(length);
        out
    }

    /// Puts a step on the path; the answer goes to `leave`.
    pub(crate) fn enter(&mut self, step: &Step<'_>) -> usize {
        let length = self.path.len();
        step.append(&mut self.path);
        length
    }

    /// Takes the steps off the path that were put there after `enter`.
    pub(crate) fn leave(&mut self, length: usize) {
        self.path.truncate(length);
    }

    /// The entries of a map.
    pub(crate) fn mapping<'n>(&mut self, node: &'n Node) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Mapping(entries) => Some(entries),
            _ => {
                self.wrong_type(node, "a map", None);
                None
            }
        }
    }

    /// The value of a field.
    pub(crate) fn field<T: Decode>(&mut self, entry: &Entry) -> Option<T> {
        self.within(&Step::Key(&entry.key), |cx| T::decode(&entry.value, cx))
    }

    /// The value of a member of a oneof.
    pub(crate) fn member<T: Oneof>(&mut self, entry: &Entry, index: usize) -> Option<T> {
        self.within(&Step::Key(&entry.key), |cx| T::decode_member(index, &entry.value, cx))
    }

    /// Takes a slot of a message, once; `member` is the index within its oneof.
    ///
    /// What Istio reads with its lenient reader (unknown fields are passed over) may name more: it goes through the
    /// fields in the order of the proto file, so the last member of a oneof counts, and lowerCamelCase before the
    /// name in the file.
    pub(crate) fn claim<'e>(
        &mut self,
        seen: &mut Seen<'e>,
        slot: &'static str,
        member: usize,
        entry: &'e Entry,
    ) -> bool {
        let rank = 2 * member + usize::from(!entry.key.contains('_'));
        let Some(taken) = seen.0.iter_mut().find(|(taken, ..)| *taken == slot) else {
            seen.0.push((slot, &entry.key, rank));
            return true;
        };
        let before = taken.1;
        // The same key twice is reported once for the whole tree.
        if before == entry.key {
            return false;
        }
        let lenient = matches!(self.unknown, Unknown::Warning);
        let wins = lenient && rank > taken.2;
        if wins {
            (taken.1, taken.2) = (&entry.key, rank);
        }
        let (severity, message) = if lenient {
            let counts = if wins { &entry.key } else { before };
            let message = format!("`{before}` and `{}` exclude each other; `{counts}` counts, as in Istio", entry.key);
            (Severity::Warning, message)
        } else {
            (Severity::Error, format!("`{before}` and `{}` exclude each other", entry.key))
        };
        let hint = Some("keep one of the two".to_owned());
        self.within(&Step::Key(&entry.key), |cx| cx.find(severity, (entry.at, entry.length), message, hint));
        wins
    }

    /// Notes a field that a message does not have.
    pub(crate) fn unknown_field(&mut self, entry: &Entry, fields: &[Field<'_>], members: &[&[&'static str]]) {
        let known: Vec<String> = fields
            .iter()
            .map(|(field, spellings)| names::written(field, spellings))
            .chain(members.iter().flat_map(|m| m.iter()).map(|member| names::written(member, &[])))
            .collect();
        let hint = match names::nearest(&entry.key, known.iter().map(String::as_str)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => Some("this message has no fields".to_owned()),
            None => Some(format!("known fields: {}", known.join(", "))),
        };
        let severity = match self.unknown {
            Unknown::Error => Severity::Error,
            Unknown::Warning => Severity::Warning,
        };
        self.within(&Step::Key(&entry.key), |cx| {
            let message = format!("unknown field `{}`", shorten(&entry.key));
            cx.find(severity, (entry.at, entry.length), message, hint);
        });
    }

    /// One value of an enum, by name or by number.
    pub(crate) fn choice<T: Copy>(&mut self, node: &Node, all: &[(T, i64, &'static str)]) -> Option<T> {
        let allowed = || {
            let names: Vec<&str> = all.iter().map(|(_, _, name)| *name).collect();
            names.join(", ")
        };
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_type(node, &format!("one of {}", allowed()), None);
            return None;
        };
        let found = match scalar.kind {
            ScalarKind::Int(number) => all.iter().find(|(_, n, _)| i128::from(*n) == number),
            ScalarKind::String => all.iter().find(|(_, _, name)| *name == scalar.text),
            // `OFF` is a name, and a boolean to YAML 1.1.
            ScalarKind::Bool(_) => all.iter().find(|(_, _, name)| *name == scalar.text),
            _ => None,
        };
        if let Some((value, _, _)) = found {
            return Some(*value);
        }
        let near = names::nearest(&scalar.text, all.iter().map(|(_, _, name)| *name));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`? allowed: {}", allowed()),
            None => format!("allowed: {}", allowed()),
        };
        self.error(node, format!("unknown value `{}`", scalar.shown()), Some(hint));
        None
    }
}

/// One step of a field path.
pub(crate) enum Step<'a> {
    /// Into a key of a map.
    Key(&'a str),
    /// Into an item of a list.
    Index(usize),
}

impl Step<'_> {
    fn append(&self, path: &mut String) {
        match self {
            Step::Index(index) => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
            Step::Key(key) if is_word(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Step::Key(key) => {
                path.push_str("[\"");
                path.push_str(&shorten(key));
                path.push_str("\"]");
            }
        }
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.len() <= 80 && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
}

/// A key or value as messages show it: one line, not endless.
pub(crate) fn shorten(text: &str) -> String {
    let mut out: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}

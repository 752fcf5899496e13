//! Decoded files to a generation.
//! In come decoded files and the generation before; out comes the next one: duplicates named, and
//! broken objects kept in their last good form. Pure: no file, no clock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lateen_config::{Decoded, Finding, Object, ObjectRef, Severity, Skipped};
use lateen_core::Place;

use crate::generation::{FileState, Generation};

/// Kind, namespace as written, and name.
type Key = (String, String, String);

/// One file, decoded.
#[derive(Debug)]
pub(crate) struct Document {
    pub shown: Arc<str>,
    /// Number of the given path that it belongs to.
    pub root: usize,
    /// Of its text; 0 for one that could not be read.
    pub digest: u64,
    pub error: Option<String>,
    pub objects: Vec<Arc<Object>>,
    pub findings: Vec<Finding>,
    pub skipped: Vec<Skipped>,
}

impl Document {
    pub(crate) fn new(shown: Arc<str>, root: usize, digest: u64, decoded: Decoded) -> Self {
        let Decoded { objects, findings, skipped } = decoded;
        let objects = objects.into_iter().map(Arc::new).collect();
        Self { shown, root, digest, error: None, objects, findings, skipped }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(shown: Arc<str>, root: usize, why: String) -> Self {
        let finding = finding(
            Severity::Error,
            Place::new(shown.clone(), 0, 0),
            format!("cannot be read: {why}"),
            "what was read from it before, if anything, keeps serving",
        );
        Self { shown, root, digest: 0, error: Some(why), objects: vec![], findings: vec![finding], skipped: vec![] }
    }

    /// Whether the file holds documents that cannot even be named.
    fn is_unnamed(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error && finding.object.is_none())
    }

    /// Whether this looks like the beginning of a longer file: it has errors, or lacks objects of `before`.
    pub(crate) fn looks_cut(&self, before: Option<&Document>) -> bool {
        let names: HashSet<_> = self.objects.iter().map(|object| key(object)).collect();
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
            || before.is_some_and(|before| before.objects.iter().any(|object| !names.contains(&key(object))))
    }
}

/// All files that were taken.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    files: BTreeMap<PathBuf, Document>,
}

impl Documents {
    pub(crate) fn get(&self, path: &Path) -> Option<&Document> {
        self.files.get(path)
    }

    /// Replaces a file, or removes it. False when nothing in it changed.
    pub(crate) fn apply(&mut self, path: &Path, document: Option<Document>) -> bool {
        let Some(document) = document else { return self.files.remove(path).is_some() };
        let same = self.files.get(path).is_some_and(|before| {
            (before.digest, &before.error, &before.shown, before.root)
                == (document.digest, &document.error, &document.shown, document.root)
        });
        if !same {
            self.files.insert(path.to_owned(), document);
        }
        !same
    }

    /// The next generation.
    pub(crate) fn generation(&self, before: &Generation) -> Generation {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|(path, document)| (document.root, *path));
        let files: Vec<&Document> = files.into_iter().map(|(_, document)| document).collect();
        let position: HashMap<&str, usize> =
            files.iter().enumerate().map(|(at, document)| (&*document.shown, at)).collect();

        let mut next = Generation { number: before.number + 1, ..Generation::default() };
        let mut places: HashMap<Key, Place> = HashMap::new();
        for document in &files {
            next.files.push(FileState {
                name: document.shown.clone(),
                objects: document.objects.len(),
                error: document.error.clone(),
                skipped: document.skipped.clone(),
            });
            next.findings.extend(document.findings.iter().cloned());
            for object in &document.objects {
                match places.get(&key(object)) {
                    Some(first) => next.findings.push(duplicate(object, first)),
                    None => {
                        places.insert(key(object), object.place.clone());
                        next.objects.push(object.clone());
                    }
                }
            }
        }
        for object in kept(&files, before, &places) {
            next.findings.push(keeps_serving(&object));
            next.objects.push(object);
        }
        let place = |place: &Place| (position.get(&*place.file).copied(), place.line);
        next.objects.sort_by_key(|object| place(&object.place));
        next.findings.sort_by_key(|finding| place(&finding.place));
        next
    }
}

/// Objects of the generation before that are invalid now, and still named by a document.
///
/// A document that does not parse names nothing, so then everything counts that came from its file.
fn kept(files: &[&Document], before: &Generation, valid: &HashMap<Key, Place>) -> Vec<Arc<Object>> {
    let unnamed: HashSet<&str> =
        files.iter().filter(|document| document.is_unnamed()).map(|document| &*document.shown).collect();
    let findings = files.iter().flat_map(|document| &document.findings);
    let refused: HashSet<Key> = findings
        .filter(|finding| finding.severity == Severity::Error)
        .filter_map(|finding| finding.object.as_ref())
        .map(|object| (object.kind.clone(), object.namespace.clone(), object.name.clone()))
        .collect();
    let is_kept = |object: &&Arc<Object>| {
        let key = key(object);
        !valid.contains_key(&key) && (refused.contains(&key) || unnamed.contains(&*object.place.file))
    };
    before.objects.iter().filter(is_kept).cloned().collect()
}

fn key(object: &Object) -> Key {
    (object.kind.to_owned(), object.meta.namespace.clone(), object.meta.name.clone())
}

fn name(object: &Object) -> ObjectRef {
    let (kind, namespace, name) = key(object);
    ObjectRef { kind, namespace, name }
}

fn duplicate(object: &Object, first: &Place) -> Finding {
    let message = format!("{} is defined a second time; the first one counts, at {first}", name(object));
    let mut finding = finding(Severity::Warning, object.place.clone(), message, "remove one of the two");
    finding.object = Some(name(object));
    finding
}

fn keeps_serving(object: &Object) -> Finding {
    let message = format!("{} keeps serving in its last good form", name(object));
    let hint = "mend the error in its file, or remove the document";
    let mut finding = finding(Severity::Info, object.place.clone(), message, hint);
    finding.object = Some(name(object));
    finding
}

fn finding(severity: Severity, place: Place, message: String, hint: &str) -> Finding {
    Finding {
        severity,
        code: None,
        message,
        hint: Some(hint.into()),
        place,
        length: 1,
        path: String::new(),
        object: None,
    }
}

#[cfg(test)]
mod tests;

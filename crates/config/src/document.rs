//! A file to objects: its documents, lists among them, each with header, metadata and kind.
//!
//! A document with an error gives findings and no object; the documents around it are not
//! touched. Never here: the fields of a kind.

use std::sync::Arc;

use lateen_core::Place;

use crate::decode::context::{Step, shorten};
use crate::decode::{Context, Decode, Unknown};
use crate::finding::{Finding, ObjectRef, Severity};
use crate::kinds::mesh_config::MeshConfig;
use crate::object::registry::{self, Found, Kind};
use crate::object::{Object, ObjectMeta};
use crate::place::{At, Origin, Text};
use crate::validate;
use crate::yaml::split::{normalize, split};
use crate::yaml::tree::{Budget, Problem, scan};
use crate::yaml::{Entry, Node, Value};

/// Lists within lists.
const DEEPEST_LIST: usize = 4;

/// What a file holds.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// Objects without error findings, in order of the file.
    pub objects: Vec<Object>,
    /// Findings, in order of the file.
    pub findings: Vec<Finding>,
    /// Documents of kinds that are not read here.
    pub skipped: Vec<Skipped>,
}

/// A document of a foreign kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Group and version as written.
    pub api_version: String,
    /// Kind as written.
    pub kind: String,
    /// Namespace as written; may be empty.
    pub namespace: String,
    /// Name; may be empty.
    pub name: String,
    /// Where the document starts.
    pub place: Place,
}

/// One document of a file, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Group and version as written; may be empty.
    pub api_version: String,
    /// Kind as written; may be empty.
    pub kind: String,
    /// Namespace as written; may be empty.
    pub namespace: String,
    /// Name; may be empty.
    pub name: String,
    /// Where the document starts.
    pub place: Place,
    /// Whether its kind is not read here.
    pub foreign: bool,
    /// What there is to say about it, in order of the file.
    pub findings: Vec<Finding>,
    /// The object as it is written, unless the kind is foreign or the document has another shape.
    ///
    /// It may be refused for what it means: only that of a valid document may serve.
    pub object: Option<Object>,
}

impl Document {
    fn new(file: &Arc<str>, findings: Vec<Finding>) -> Self {
        let [api_version, kind, namespace, name] = [(); 4].map(|()| String::new());
        let place = At::default().place(file);
        Self { api_version, kind, namespace, name, place, foreign: false, findings, object: None }
    }

    /// Whether no finding is an error.
    pub fn is_valid(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}

/// Decodes all documents of a file; `file` is its display name.
///
/// ```
/// let text = "
/// apiVersion: networking.istio.io/v1
/// kind: VirtualService
/// metadata: {name: reviews}
/// spec:
///   hosts: [reviews]
///   htp: []
/// ";
/// let decoded = lateen_config::decode("reviews.yaml", text);
/// assert!(decoded.objects.is_empty());
/// assert_eq!(decoded.findings[0].place.to_string(), "reviews.yaml:7:3");
/// assert_eq!(decoded.findings[0].hint.as_deref(), Some("did you mean `http`?"));
/// ```
pub fn decode(file: &str, text: &str) -> Decoded {
    let mut out = Decoded::default();
    for document in decode_documents(file, text) {
        let valid = document.is_valid();
        out.objects.extend(document.object.filter(|_| valid));
        out.findings.extend(document.findings);
        if document.foreign {
            let Document { api_version, kind, namespace, name, place, .. } = document;
            out.skipped.push(Skipped { api_version, kind, namespace, name, place });
        }
    }
    out
}

/// Decodes all documents of a file and says of each what became of it.
///
/// Items of a list are documents of their own; empty documents are left out.
///
/// ```
/// let text = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n---\nkind: Namespace\n";
/// let documents = lateen_config::decode_documents("two.yaml", text);
/// assert_eq!(documents.iter().map(|document| document.is_valid()).collect::<Vec<_>>(), [true, false]);
/// assert_eq!(documents[1].findings[0].message, "`apiVersion` is missing");
/// ```
pub fn decode_documents(file: &str, text: &str) -> Vec<Document> {
    let file = Arc::from(file);
    let text = normalize(text);
    let mut budget = Budget::default();
    let mut out = Vec::new();
    for chunk in split(&text) {
        let origin = Origin::Shifted { lines: chunk.lines_before, columns: 0 };
        let (documents, problem) = scan(chunk.text, origin, &mut budget);
        for node in &documents {
            Reader { file: &file, node, inherited: None, depth: 0 }.decode(&mut out);
        }
        if let Some(problem) = problem {
            let finding = syntax(&file, problem);
            out.push(Document { place: finding.place.clone(), ..Document::new(&file, vec![finding]) });
        }
    }
    out
}

/// Decodes a MeshConfig: the file of `--meshConfigFile`, or the value of a ConfigMap.
///
/// Unknown fields are warnings, since Istio reads such a file all the same. Fields with an error
/// keep their defaults; the caller decides whether to use the rest.
pub fn decode_mesh_config(file: &str, text: &str) -> (MeshConfig, Vec<Finding>) {
    mesh_config(file, text, Origin::File)
}

/// Decodes a MeshConfig that stands inside another file, such as key `mesh` of ConfigMap `istio`.
///
/// Findings point at lines of `file`, when the text is a literal block there.
pub fn decode_mesh_config_text(file: &str, text: &Text) -> (MeshConfig, Vec<Finding>) {
    mesh_config(file, &text.value, text.origin)
}

fn mesh_config(file: &str, text: &str, origin: Origin) -> (MeshConfig, Vec<Finding>) {
    let file = Arc::from(file);
    let text = normalize(text);
    let (documents, problem) = scan(&text, origin, &mut Budget::default());
    let mut cx = Context::new(&file, Unknown::Warning);
    let mut documents = documents.iter().filter(|node| !node.is_null());
    let config = documents.next().and_then(|node| {
        duplicates(node, &mut cx);
        let config = MeshConfig::decode(node, &mut cx)?;
        validate::mesh(&config, node, &mut cx);
        Some(config)
    });
    if let Some(second) = documents.next() {
        let message = "only the first document is read".to_owned();
        cx.find(Severity::Warning, (second.at, second.length), message, None);
    }
    let mut findings = cx.finish();
    findings.extend(problem.map(|problem| syntax(&file, problem)));
    (config.unwrap_or_default(), findings)
}

struct Reader<'a> {
    file: &'a Arc<str>,
    node: &'a Node,
    /// API version and kind that a typed list gives to its items.
    inherited: Option<(&'a str, &'a str)>,
    depth: usize,
}

impl Reader<'_> {
    fn decode(&self, out: &mut Vec<Document>) {
        if self.node.is_null() {
            return;
        }
        let mut cx = Context::new(self.file, Unknown::Error);
        let (namespace, name) = self.names();
        let mut document =
            Document { namespace, name, place: self.node.at.place(self.file), ..Document::new(self.file, Vec::new()) };
        if let Some((api_version, kind)) = self.header(&mut cx) {
            if let Some(items) = self.items(kind) {
                self.list(api_version, kind, items, out);
                return;
            }
            (document.api_version, document.kind) = (api_version.to_owned(), kind.to_owned());
            match registry::find(api_version, kind) {
                Found::Kind(found) => document.object = self.object(api_version, found, &mut cx),
                Found::Foreign => document.foreign = true,
                Found::Mistaken { message, hint } => {
                    let node = self.node.get("kind").unwrap_or(self.node);
                    let (namespace, name) = self.names();
                    cx.name_object(ObjectRef { kind: kind.to_owned(), namespace, name });
                    cx.within(&Step::Key("kind"), |cx| cx.error(node, message, Some(hint)));
                }
            }
        } else if let Some(kind) = self.node.get("kind").and_then(Node::as_str) {
            document.kind = kind.to_owned();
        }
        document.findings = cx.finish();
        out.push(document);
    }

    fn header(&self, cx: &mut Context) -> Option<(&str, &str)> {
        if !matches!(self.node.value, Value::Mapping(_)) {
            cx.wrong_type(self.node, "a map with `apiVersion` and `kind`", None);
            return None;
        }
        let (version, kind) = (self.word("apiVersion", cx), self.word("kind", cx));
        match (version, kind, self.inherited) {
            (Word::Text(version), Word::Text(kind), _) => Some((version, kind)),
            (Word::Text(version), Word::Missing, Some((_, kind))) => Some((version, kind)),
            (Word::Missing, Word::Text(kind), Some((version, _))) => Some((version, kind)),
            (Word::Missing, Word::Missing, inherited @ Some(_)) => inherited,
            (version, kind, None) => {
                for (word, key) in [(version, "apiVersion"), (kind, "kind")] {
                    if matches!(word, Word::Missing) {
                        let message = format!("`{key}` is missing");
                        cx.within(&Step::Key(key), |cx| cx.error(self.node, message, None));
                    }
                }
                None
            }
            _ => None,
        }
    }

    fn word(&self, key: &str, cx: &mut Context) -> Word<'_> {
        match self.node.get(key) {
            None => Word::Missing,
            Some(node) if node.is_null() => Word::Missing,
            Some(node) => match node.as_str() {
                Some("") => Word::Missing,
                Some(text) => Word::Text(text),
                None => {
                    cx.within(&Step::Key(key), |cx| cx.wrong_type(node, "a string", None));
                    Word::Bad
                }
            },
        }
    }

    fn items(&self, kind: &str) -> Option<&[Node]> {
        if !kind.ends_with("List") {
            return None;
        }
        match &self.node.get("items")?.value {
            Value::Sequence(items) => Some(items),
            Value::Scalar(_) if self.node.get("items")?.is_null() => Some(&[]),
            _ => None,
        }
    }

    fn list(&self, api_version: &str, kind: &str, items: &[Node], out: &mut Vec<Document>) {
        let kind = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
        let inherited = kind.map(|kind| (api_version, kind));
        for node in items {
            if self.depth >= DEEPEST_LIST {
                let mut cx = Context::new(self.file, Unknown::Error);
                cx.error(node, format!("more than {DEEPEST_LIST} lists within lists"), None);
                out.push(Document { place: node.at.place(self.file), ..Document::new(self.file, cx.finish()) });
                return;
            }
            Reader { node, inherited, depth: self.depth + 1, ..*self }.decode(out);
        }
    }

    fn object(&self, api_version: &str, kind: &Kind, cx: &mut Context) -> Option<Object> {
        let meta = self.meta(kind, cx);
        if let Value::Mapping(entries) = &self.node.value {
            // What the status says is the business of those who write it.
            for entry in entries.iter().filter(|entry| entry.key != "status") {
                duplicates_in(entry, cx);
            }
        }
        let spec = (kind.decode)(self.node, cx);
        if cx.has_error() {
            return None;
        }
        let (meta, spec) = (meta?, spec?);
        validate::object(&meta, &spec, self.node, cx);
        Some(Object {
            api_version: api_version.to_owned(),
            kind: kind.name,
            meta,
            spec,
            place: self.node.at.place(self.file),
        })
    }

    fn meta(&self, kind: &Kind, cx: &mut Context) -> Option<ObjectMeta> {
        let (namespace, name) = self.names();
        if !name.is_empty() {
            cx.name_object(ObjectRef { kind: kind.name.to_owned(), namespace, name });
        }
        cx.within(&Step::Key("metadata"), |cx| {
            let Some(node) = self.node.get("metadata").filter(|node| !node.is_null()) else {
                cx.error(self.node, "`metadata` is missing".to_owned(), None);
                return None;
            };
            let meta = ObjectMeta::decode(node, cx)?;
            let named = node.get("name").is_some_and(|name| !name.is_null());
            if meta.name.is_empty() && (!named || node.get("name")?.as_str().is_some()) {
                let hint = (!meta.generate_name.is_empty())
                    .then(|| "`generateName` needs an API server; write `name`".to_owned());
                cx.within(&Step::Key("name"), |cx| {
                    cx.error(node, "`metadata.name` is missing".to_owned(), hint);
                });
            }
            Some(meta)
        })
    }

    fn names(&self) -> (String, String) {
        let metadata = self.node.get("metadata");
        let text = |key| {
            let node = metadata.and_then(|metadata| metadata.get(key));
            node.and_then(Node::as_str).unwrap_or_default().to_owned()
        };
        (text("namespace"), text("name"))
    }
}

#[derive(Clone, Copy)]
enum Word<'a> {
    Text(&'a str),
    Missing,
    Bad,
}

/// Reports keys that stand twice, anywhere in a document.
fn duplicates(node: &Node, cx: &mut Context) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                cx.within(&Step::Index(index), |cx| duplicates(item, cx));
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                duplicates_in(entry, cx);
            }
        }
    }
}

fn duplicates_in(entry: &Entry, cx: &mut Context) {
    cx.within(&Step::Key(&entry.key), |cx| {
        if let Some(before) = entry.duplicate_of {
            let message = format!("`{}` stands twice in this map", shorten(&entry.key));
            let hint = Some(format!("the first one is in line {}", before.line));
            cx.find(Severity::Error, (entry.at, entry.length), message, hint);
        }
        duplicates(&entry.value, cx);
    });
}

/// What a problem of the text is to its reader.
pub(crate) fn syntax(file: &Arc<str>, problem: Problem) -> Finding {
    Finding {
        severity: Severity::Error,
        code: Some("IST0106"),
        message: problem.message,
        hint: problem.hint,
        place: problem.at.place(file),
        length: 1,
        path: String::new(),
        object: None,
    }
}

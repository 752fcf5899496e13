//! Documents of a file, with the pods of their workloads injected.
//! In: YAML or JSON text. Out: the same documents, workloads injected, all else as it was written.
//! Never here: files, a cluster.

use std::collections::BTreeMap;

use lateen_config::{Finding, JsonDocument, json_documents};
use serde_json::{Map, Value as Json};

use crate::facts::{Facts, Surroundings};
use crate::inject::{InjectError, Injector, Request};
use crate::owner::{Owner, owner_of_pod};
use crate::pod::Pod;
use crate::policy::Reason;

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// All documents, each followed by `---`.
    pub text: String,
    /// Workloads that were passed over with the reason, and what their injection repaired; in sentences.
    pub warnings: Vec<String>,
    /// How many workloads were injected.
    pub injected: usize,
}

/// Why a text is not written out.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A document is no YAML.
    #[error("{}: {}", .0.place, .0.message)]
    Syntax(Box<Finding>),
    /// A workload cannot be injected.
    #[error("{file}:{line}: {what}: {error}")]
    Inject {
        /// The file.
        file: String,
        /// The line on which the object begins.
        line: usize,
        /// Kind and name.
        what: String,
        /// Why.
        error: Box<InjectError>,
    },
    /// A workload has no pod.
    #[error("{file}:{line}: {what}: {field} is missing, so there is no pod to inject")]
    NoPod {
        /// The file.
        file: String,
        /// The line on which the object begins.
        line: usize,
        /// Kind and name.
        what: String,
        /// The field's path.
        field: String,
    },
}

impl Injector {
    /// Injects every workload of a text: Pod, Deployment, ReplicaSet, DaemonSet, StatefulSet, ReplicationController,
    /// Job, CronJob, DeploymentConfig, and those in a List.
    ///
    /// # Errors
    /// [`DocumentError`] for the first document that does not parse or cannot be injected.
    pub fn inject_documents(
        &self,
        file: &str,
        text: &str,
        surroundings: &Surroundings,
    ) -> Result<Documents, DocumentError> {
        let mut out = Documents::default();
        // Pods of workloads are on no node yet.
        let native_sidecar = surroundings.native_sidecar("", &mut out.warnings);
        let documents = json_documents(file, text);
        if let Some(comments) = comments_before(text) {
            out.text.push_str(&comments);
            out.text.push_str("---\n");
        }
        for (place, document) in documents.iter().enumerate() {
            // Between `---` and `---` documents may stand apart by `...`; their text cannot be written once for each.
            let beside = [place.checked_sub(1), place.checked_add(1)].into_iter().flatten();
            let shared = beside
                .filter_map(|beside| documents.get(beside))
                .any(|other| (other.line, &other.text) == (document.line, &document.text));
            let JsonDocument { value, text, error, .. } = document;
            if let Some(finding) = error {
                return Err(DocumentError::Syntax(Box::new(finding.clone())));
            }
            let mut json = value.clone().unwrap_or_default();
            let facts = &surroundings.facts;
            let mut work = Work { injector: self, facts, native_sidecar, file, document, out: &mut out };
            if work.object(&mut json, &[])? || shared {
                out.text.push_str(&crate::yaml_text::to_yaml_in_order(&json));
            } else if !text.trim().is_empty() {
                out.text.push_str(text.trim_start_matches('\n'));
                if !out.text.ends_with('\n') {
                    out.text.push('\n');
                }
            } else {
                continue;
            }
            out.text.push_str("---\n");
        }
        Ok(out)
    }
}

/// The comments before the `---` of the first document, which are part of none; a directive is no comment.
fn comments_before(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut comments = String::new();
    for line in text.lines() {
        match line.trim_end() {
            words if words.starts_with('#') || words.is_empty() && !comments.is_empty() => {
                comments.push_str(line);
                comments.push('\n');
            }
            "" => {}
            words if words.starts_with('%') => {}
            "---" => return Some(comments).filter(|comments| !comments.is_empty()),
            _ => return None,
        }
    }
    None
}

/// Where a workload keeps its pod: metadata and spec, as paths.
struct Place {
    metadata: &'static [&'static str],
    spec: &'static [&'static str],
}

const TEMPLATE: Place = Place { metadata: &["spec", "template", "metadata"], spec: &["spec", "template", "spec"] };
const POD: Place = Place { metadata: &["metadata"], spec: &["spec"] };
const CRON_POD: Place = Place {
    metadata: &["spec", "jobTemplate", "spec", "template", "metadata"],
    spec: &["spec", "jobTemplate", "spec", "template", "spec"],
};
/// As Istio has it: labels and annotations of a CronJob's pods go to the template of the Job.
const CRON_JOB: Place = Place {
    metadata: &["spec", "jobTemplate", "metadata"],
    spec: &["spec", "jobTemplate", "spec", "template", "spec"],
};

/// The place of the pod, by group and kind; nothing for what is no workload.
fn place(json: &Json) -> Option<&'static Place> {
    let text = |field: &str| json.get(field).and_then(Json::as_str).unwrap_or_default();
    let group = text("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    match (group, text("kind")) {
        ("", "Pod") => Some(&POD),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
        | ("batch", "Job")
        | ("apps.openshift.io", "DeploymentConfig") => Some(&TEMPLATE),
        ("batch", "CronJob") if has_content(at(json, CRON_POD.metadata)) => Some(&CRON_POD),
        ("batch", "CronJob") => Some(&CRON_JOB),
        _ => None,
    }
}

fn at<'a>(json: &'a Json, path: &[&str]) -> Option<&'a Json> {
    path.iter().try_fold(json, |at, key| at.get(key))
}

fn has_content(metadata: Option<&Json>) -> bool {
    let filled =
        |field: &str| metadata.and_then(|m| m.get(field)).and_then(Json::as_object).is_some_and(|m| !m.is_empty());
    filled("labels") || filled("annotations")
}

/// The value at a path, with objects made on the way.
fn at_mut<'a>(json: &'a mut Json, path: &[&str]) -> &'a mut Json {
    path.iter().fold(json, |at, key| {
        if !at.is_object() {
            *at = Json::Object(Map::new());
        }
        &mut at[*key]
    })
}

struct Work<'a> {
    injector: &'a Injector,
    facts: &'a Facts,
    native_sidecar: bool,
    file: &'a str,
    document: &'a JsonDocument,
    out: &'a mut Documents,
}

impl Work<'_> {
    /// Injects an object, or the items of a list; whether anything was changed. `path` leads to it in the document.
    fn object(&mut self, json: &mut Json, path: &[&str]) -> Result<bool, DocumentError> {
        let text = |field: &str| json.get(field).and_then(Json::as_str).unwrap_or_default().to_owned();
        if text("apiVersion") == "v1" && text("kind") == "List" {
            let mut changed = false;
            let items = json.get_mut("items").and_then(Json::as_array_mut);
            for (index, item) in items.into_iter().flatten().enumerate() {
                changed |= self.object(item, &[path, &["items", &index.to_string()]].concat())?;
            }
            return Ok(changed);
        }
        let Some(place) = place(json) else { return Ok(false) };
        let (file, line) = (self.file.to_owned(), self.document.line_of(path).unwrap_or(self.document.line));
        let (kind, api_version) = (text("kind"), text("apiVersion"));
        let meta = |field: &str| at(json, &["metadata", field]).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (name, namespace) = (meta("name"), meta("namespace"));
        let what = shown(&kind, &namespace, &name);
        let Some(spec) = at(json, place.spec).filter(|spec| spec.is_object()) else {
            let field = place.spec.join(".");
            return Err(DocumentError::NoPod { file, line, what, field });
        };
        let metadata = at(json, place.metadata).cloned().unwrap_or_else(|| Json::Object(Map::new()));
        let pod = Pod::from_parts(metadata, spec.clone());
        let pod_namespace = match pod.meta_text("namespace") {
            "" => namespace.clone(),
            own => own.to_owned(),
        };
        let decision = self.injector.decide(&pod, &pod_namespace);
        self.out.warnings.extend(decision.warnings.iter().map(|warning| format!("{what}: {warning}")));
        if !decision.inject {
            self.out.warnings.push(format!("Skipping injection because {what} {}", skipped(&decision.reason)));
            return Ok(false);
        }
        let owner = match kind.as_str() {
            "Pod" => owner_of_pod(&pod, &namespace),
            _ => Owner { api_version, kind, name, namespace: namespace.clone() },
        };
        let request = Request {
            pod: &pod,
            namespace: &pod_namespace,
            owner,
            namespace_annotations: self.facts.namespaces.get(&pod_namespace),
            proxy_configs: Some(&self.facts.proxy_configs),
            native_sidecar: self.native_sidecar,
            proxy_env: BTreeMap::new(),
        };
        let injected = self.injector.inject(&request).map_err(|error| DocumentError::Inject {
            file,
            line,
            what: what.clone(),
            error: Box::new(error),
        })?;
        self.out.warnings.extend(injected.warnings.iter().map(|warning| format!("{what}: {warning}")));
        self.out.injected += 1;
        let mut result = injected.pod.into_json();
        *at_mut(json, place.metadata) = result["metadata"].take();
        *at_mut(json, place.spec) = result["spec"].take();
        Ok(true)
    }
}

/// Why a workload is passed over, in istioctl's words where it has any.
fn skipped(reason: &Reason) -> String {
    match reason {
        Reason::HostNetwork => "has host networking enabled".to_owned(),
        other => format!("has sidecar injection disabled: {other}"),
    }
}

/// What messages call an object, as istioctl does: `Deployment "ns/name"`.
fn shown(kind: &str, namespace: &str, name: &str) -> String {
    match namespace {
        "" => format!("{kind} \"{name}\""),
        namespace => format!("{kind} \"{namespace}/{name}\""),
    }
}

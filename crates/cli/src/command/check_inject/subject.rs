//! What `check-inject` asks about: pods with their names, and where things are written.

use lateen_config::JsonDocument;
use lateen_inject::{Field, Pod, pod_path};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Kinds that a person may ask about, with their short forms, as kubectl knows them.
const KINDS: &[(&str, &[&str])] = &[
    ("Pod", &["pod", "pods", "po"]),
    ("Deployment", &["deployment", "deployments", "deploy"]),
    ("ReplicaSet", &["replicaset", "replicasets", "rs"]),
    ("StatefulSet", &["statefulset", "statefulsets", "sts"]),
    ("DaemonSet", &["daemonset", "daemonsets", "ds"]),
    ("Job", &["job", "jobs"]),
    ("CronJob", &["cronjob", "cronjobs", "cj"]),
    ("ReplicationController", &["replicationcontroller", "replicationcontrollers", "rc"]),
    ("DeploymentConfig", &["deploymentconfig", "deploymentconfigs", "dc"]),
    ("Service", &["service", "services", "svc"]),
];

/// The name of what is asked about: `[<type>/]<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub kind: Option<&'static str>,
    pub name: String,
}

impl Wanted {
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let Some((word, name)) = text.split_once('/') else {
            return Ok(Self { kind: None, name: text.to_owned() });
        };
        // A group may stand behind the type, as in `deployment.apps/web`.
        let word = word.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let found = KINDS.iter().find(|(_, words)| words.contains(&word.as_str()));
        let Some((kind, _)) = found else {
            let words: Vec<_> = KINDS.iter().map(|(_, words)| words[0]).collect();
            anyhow::bail!("{word:?} is no type that makes pods; there is {}", words.join(", "));
        };
        Ok(Self { kind: Some(kind), name: name.to_owned() })
    }

    /// The name and the namespace that may stand behind its last dot.
    pub fn split(&self) -> Option<(Self, &str)> {
        let (name, namespace) = self.name.rsplit_once('.')?;
        Some((Self { kind: self.kind, name: name.to_owned() }, namespace))
    }
}

/// A pod, or what makes pods.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Kind of the object; empty for labels alone.
    pub kind: String,
    pub namespace: String,
    /// Name of the object, or the labels.
    pub name: String,
    pub pod: Pod,
    /// Whether the pod runs already, so that it has its proxy or will never get one.
    pub runs: bool,
    pub written: Option<Written>,
}

impl Subject {
    /// What messages call it.
    pub fn shown(&self) -> String {
        match self.kind.as_str() {
            "" => format!("a pod with labels {} in namespace {}", self.name, self.namespace),
            kind => format!("{kind} {}/{}", self.namespace, self.name),
        }
    }
}

/// A namespace and its labels.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub labels: BTreeMap<String, String>,
    pub written: Option<Written>,
}

impl Namespace {
    /// The labels of an object, with the one that Kubernetes gives to every namespace.
    pub fn of(name: &str, object: &Json, written: Option<Written>) -> Self {
        let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        let mut labels: BTreeMap<_, _> = labels.collect();
        labels.entry("kubernetes.io/metadata.name".to_owned()).or_insert_with(|| name.to_owned());
        Self { labels, written }
    }
}

/// Where an object stands in a file.
#[derive(Clone, Debug)]
pub struct Written {
    pub file: Rc<str>,
    pub document: Rc<JsonDocument>,
    /// The way to the object inside its document, when it is an item of a list.
    pub within: Vec<String>,
}

impl Written {
    /// File and line of the object.
    pub fn place(&self) -> String {
        self.place_of(&[]).unwrap_or_else(|| self.file.to_string())
    }

    /// File and line of a field.
    pub fn place_of(&self, path: &[&str]) -> Option<String> {
        let path: Vec<&str> = self.within.iter().map(String::as_str).chain(path.iter().copied()).collect();
        Some(format!("{}:{}", self.file, self.document.line_of(&path)?))
    }
}

/// File and line of a field that decided.
pub fn place_of(field: &Field, subject: &Subject, namespace: &Namespace) -> Option<String> {
    let of_pod = |path: &[&str]| {
        let path: Vec<&str> = pod_path(&subject.kind)?.iter().chain(path).copied().collect();
        subject.written.as_ref()?.place_of(&path)
    };
    match field {
        Field::NamespaceLabel(key) => namespace.written.as_ref()?.place_of(&["metadata", "labels", key]),
        Field::PodLabel(key) => of_pod(&["metadata", "labels", key]),
        Field::PodAnnotation(key) => of_pod(&["metadata", "annotations", key]),
        Field::PodSpec(key) => of_pod(&["spec", key]),
    }
}

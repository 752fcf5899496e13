//! The annotation `sidecar.istio.io/status`: what an injection has added to a pod.
//! In: a pod, or the pod that the templates gave. Out: names of containers; the text of the annotation.
//! Never here: taking anything away.

use serde_json::{Map, Value as Json};

use crate::go_json;
use crate::pod::{Pod, Role};

/// The name of the annotation.
pub(crate) const ANNOTATION: &str = "sidecar.istio.io/status";

/// The name of the revision that has none.
pub(crate) const DEFAULT_REVISION: &str = "default";

/// The field with the fingerprint; 1.7 had the hash of its template there, today's Istio has nothing.
const VERSION: &str = "version";

/// The containers that an earlier injection has added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    containers: Vec<String>,
    init_containers: Vec<String>,
}

impl Status {
    /// What the pod's annotation says; nothing without the annotation, or when it is not a JSON object.
    pub(crate) fn of(pod: &Pod) -> Option<Status> {
        let status: Map<String, Json> = serde_json::from_str(pod.annotation(ANNOTATION)?).ok()?;
        let names = |role: Role| {
            let names = status.get(role.field()).and_then(Json::as_array);
            names.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
        };
        Some(Status { containers: names(Role::App), init_containers: names(Role::Init) })
    }

    /// The names in one of the pod's lists of containers.
    pub(crate) fn names(&self, role: Role) -> &[String] {
        match role {
            Role::App => &self.containers,
            Role::Init => &self.init_containers,
        }
    }

    /// Whether that container was added.
    pub(crate) fn has(&self, role: Role, name: &str) -> bool {
        self.names(role).iter().any(|known| known == name)
    }
}

/// The fingerprint that the injector left in the annotation.
pub(crate) fn version(pod: &Pod) -> Option<String> {
    let status: Map<String, Json> = serde_json::from_str(pod.annotation(ANNOTATION)?).ok()?;
    status.get(VERSION)?.as_str().map(str::to_owned)
}

/// Adds the fingerprint to the annotation.
pub(crate) fn set_version(pod: &mut Pod, version: String) {
    let Some(status) = pod.annotation(ANNOTATION) else { return };
    let Ok(mut status) = serde_json::from_str::<Map<String, Json>>(status) else { return };
    status.insert(VERSION.to_owned(), Json::from(version));
    let text = go_json::text(&Json::Object(status));
    pod.annotations_mut().insert(ANNOTATION.to_owned(), Json::from(text));
}

/// Whether a pod has been injected before: it has the annotation, whatever is in it.
pub(crate) fn injected(pod: &Pod) -> bool {
    pod.annotation(ANNOTATION).is_some()
}

/// The text of the annotation: what the templates' pod adds, `null` for what it has none of, and the revision.
pub(crate) fn text(template: &Pod, revision: &str) -> String {
    let mut status = Map::new();
    for field in ["initContainers", "containers", "volumes", "imagePullSecrets"] {
        status.insert(field.to_owned(), names(template, field));
    }
    status.insert("revision".to_owned(), Json::from(revision_name(revision)));
    go_json::text(&Json::Object(status))
}

/// What labels and annotations call a revision, whose own name is empty for the default one.
pub(crate) fn revision_name(revision: &str) -> &str {
    if revision.is_empty() { DEFAULT_REVISION } else { revision }
}

fn names(template: &Pod, field: &str) -> Json {
    match template.spec().and_then(|spec| spec.get(field)).and_then(Json::as_array) {
        Some(list) if !list.is_empty() => {
            let name = |item: &Json| Json::from(item.get("name").and_then(Json::as_str).unwrap_or_default());
            list.iter().map(name).collect()
        }
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_annotation_lists_what_the_template_adds() {
        let cases = [
            (
                json!({}),
                "",
                r#"{"initContainers":null,"containers":null,"volumes":null,"imagePullSecrets":null,"revision":"default"}"#,
            ),
            (
                json!({
                    "containers": [{"name": "istio-proxy"}],
                    "initContainers": [],
                    "volumes": [{"name": "b"}, {"name": "a"}],
                }),
                "canary",
                r#"{"initContainers":null,"containers":["istio-proxy"],"volumes":["b","a"],"imagePullSecrets":null,"revision":"canary"}"#,
            ),
        ];
        for (spec, revision, want) in cases {
            assert_eq!(text(&Pod::from_parts(json!({}), spec), revision), want);
        }
    }

    #[test]
    fn the_annotation_is_read_back() {
        let pod = |text: &str| Pod::from_json(json!({"metadata": {"annotations": {ANNOTATION: text}}}));
        let status = Status::of(&pod(r#"{"containers":["p"],"initContainers":null,"version":"old"}"#)).unwrap();
        assert!(status.has(Role::App, "p") && !status.has(Role::Init, "p"));
        for text in ["", "[]", "{\"containers\":", "injected"] {
            assert_eq!(Status::of(&pod(text)), None, "{text}");
            assert!(injected(&pod(text)));
        }
        assert!(!injected(&Pod::default()));
    }
}

//! The form of Istio 1.7's template: a `SidecarInjectionSpec` in place of a pod.
//! In: what such a template wrote. Out: a pod overlay that says the same, and what 1.7's code did beside the template.
//! Never here: today's form.

use serde_json::{Map, Value as Json, json};

use crate::config::Form;
use crate::merge::{self, MergeError};
use crate::pod::{PROXY, Pod, container_name, find, list, object};
use crate::{post, schema, status};

/// Fields of a `SidecarInjectionSpec` that are fields of a pod's spec.
const OF_SPEC: &[&str] =
    &["initContainers", "containers", "volumes", "dnsConfig", "imagePullSecrets", "securityContext"];

/// Annotations that 1.7 takes over from `podRedirectAnnot`: those whose values it checks.
const REDIRECT: &[&str] = &[
    "sidecar.istio.io/interceptionMode",
    "traffic.sidecar.istio.io/includeOutboundIPRanges",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "traffic.sidecar.istio.io/includeInboundPorts",
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
    "traffic.sidecar.istio.io/kubevirtInterfaces",
    "k8s.v1.cni.cncf.io/networks",
];

/// Lists that 1.7 appended to.
const APPENDED: &[&str] = &["initContainers", "containers", "volumes", "imagePullSecrets"];

/// Labels that 1.7's templates read in variables of the proxy.
const CANONICAL_NAME: &str = "service.istio.io/canonical-name";
const CANONICAL_REVISION: &str = "service.istio.io/canonical-revision";

/// The group that may read the token of the service account; 1.7 sets it on every pod.
const TOKEN_GROUP: u32 = 1337;

/// Turns an injection spec into a pod overlay; answers what was dropped.
pub(crate) fn to_pod(overlay: &mut Json) -> Vec<String> {
    let mut warnings = Vec::new();
    let Json::Object(fields) = std::mem::take(overlay) else { return warnings };
    let (mut spec, mut annotations) = (Map::new(), Map::new());
    for (name, mut value) in fields {
        match name.as_str() {
            // The decision whether probes are rewritten is in the values too.
            "rewriteAppHTTPProbe" => {}
            "podRedirectAnnot" => annotations.extend(redirect(value)),
            "initContainers" => {
                run_once(&mut value, &mut warnings);
                spec.insert(name, value);
            }
            known if OF_SPEC.contains(&known) => {
                spec.insert(name, value);
            }
            _ => warnings.push(format!("`{name}` is no field of a SidecarInjectionSpec and is dropped")),
        }
    }
    // A field without items is written as `null`; merged, it would take the user's away.
    spec.retain(|_, value| !value.is_null());
    *overlay = json!({ "metadata": { "annotations": annotations }, "spec": spec });
    warnings
}

fn redirect(value: Json) -> Map<String, Json> {
    let Json::Object(mut annotations) = value else { return Map::new() };
    annotations
        .retain(|name, value| REDIRECT.contains(&name.as_str()) && value.as_str().is_some_and(|text| !text.is_empty()));
    annotations
}

/// Init containers ran once when these templates were written; with `restartPolicy: Always` they would run on and on.
fn run_once(containers: &mut Json, warnings: &mut Vec<String>) {
    for container in containers.as_array_mut().into_iter().flatten() {
        let Some(container) = container.as_object_mut() else { continue };
        if let Some(policy) = container.shift_remove("restartPolicy") {
            let name = container.get("name").and_then(Json::as_str).unwrap_or_default();
            warnings.push(format!(
                "`restartPolicy: {}` of init container `{name}` is dropped: since Kubernetes 1.28 it makes a sidecar \
                 that the pod would restart for ever",
                policy.as_str().unwrap_or_default(),
            ));
        }
    }
}

/// What 1.7's code added to every injected pod without the template's help: labels, and the group of the token.
///
/// `workload` is the name that the canonical name falls back to, `revision` that of the control plane.
pub(crate) fn complete(overlay: &mut Json, pod: &Pod, workload: &str, revision: &str) {
    let Json::Object(overlay) = overlay else { return };
    let first = |names: &[&str], default: &str| {
        let found = names.iter().find_map(|name| pod.label(name).filter(|value| !value.is_empty()));
        found.unwrap_or(default).to_owned()
    };
    let wanted = [
        ("security.istio.io/tlsMode", "istio".to_owned()),
        ("istio.io/rev", status::revision_name(revision).to_owned()),
        (CANONICAL_NAME, first(&[CANONICAL_NAME, "app.kubernetes.io/name", "app"], workload)),
        (CANONICAL_REVISION, first(&[CANONICAL_REVISION, "app.kubernetes.io/version", "version"], "latest")),
    ];
    let labels = object(object(overlay, "metadata"), "labels");
    for (name, value) in wanted {
        if pod.label(name).is_none_or(str::is_empty) && !value.is_empty() {
            labels.insert(name.to_owned(), value.into());
        }
    }
    let security = object(object(overlay, "spec"), "securityContext");
    security.insert("fsGroup".to_owned(), TOKEN_GROUP.into());
}

/// Lays an overlay over a pod as 1.7 did: its containers, volumes and secrets after the user's, the rest merged.
pub(crate) fn merge(pod: &mut Json, mut overlay: Json) -> Result<(), MergeError> {
    if let (Some(pod), Some(overlay)) = (pod.as_object_mut(), overlay.get_mut("spec").and_then(Json::as_object_mut)) {
        let spec = object(pod, "spec");
        for field in APPENDED {
            let Some(Json::Array(mut items)) = overlay.shift_remove(*field) else { continue };
            let target = list(spec, field);
            keep_told(target, &mut items);
            // What an earlier injection put there makes room for what is put there now.
            target.retain(|old| items.iter().all(|new| container_name(new) != container_name(old)));
            target.extend(items);
        }
    }
    merge::merge(pod, overlay, schema::pod())
}

/// What an earlier injection told the proxy about the application goes on to the container that takes its place:
/// the pod's probes and annotations name the proxy by now, and nothing else knows what they were.
fn keep_told(old: &[Json], new: &mut [Json]) {
    let Some(env) = find(old, PROXY).and_then(|proxy| proxy.get("env")).and_then(Json::as_array) else { return };
    let told = |variable: &&Json| post::TOLD.contains(&container_name(variable));
    let told: Vec<Json> = env.iter().filter(told).cloned().collect();
    let proxy = new.iter_mut().find(|container| container_name(container) == PROXY).and_then(Json::as_object_mut);
    if let (Some(proxy), false) = (proxy, told.is_empty()) {
        list(proxy, "env").extend(told);
    }
}

/// Where a field of the overlay stands in the text that the template wrote.
pub(crate) fn path_in_text<'a>(form: Form, path: &'a [&'a str]) -> &'a [&'a str] {
    match (form, path) {
        (Form::InjectionSpec, ["spec", rest @ ..]) => rest,
        _ => path,
    }
}

//! One AdmissionReview from its bytes to the bytes of its answer.
//! In: a body, the path's variables, the injector, facts about the cluster. Out: an answer, and what to log.
//! Never here: sockets, the clock. A pod is injected as a whole or not at all.

use std::collections::BTreeMap;

use lateen_inject::{ClusterState, InjectError, Injector, NativeSidecars, Pod, Request, Surroundings, owner_of_pod};
use serde_json::Value as Json;
use tokio::sync::watch;

use super::metrics::End;
use super::path::PathVariables;
use super::review::{Answer, Review, ReviewError, Verdict};

/// The name of the cluster where `CLUSTER_ID` gives none (Istio's `DefaultClusterName`).
pub(crate) const DEFAULT_CLUSTER: &str = "Kubernetes";
/// Variable with the cluster of a proxy.
const CLUSTER: &str = "ISTIO_META_CLUSTER_ID";

/// What the webhook knows beside the question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    /// The cluster that is followed, and that is meant when the URL names none; of another nothing is known.
    pub cluster: String,
    /// Whether proxies are native sidecars.
    pub native_sidecars: NativeSidecars,
    /// Whether namespaces give pods their users, by annotations (Istio's `PLATFORM=openshift`).
    pub openshift: bool,
    /// What is known of the cluster; none when none is followed.
    pub state: Option<watch::Receiver<ClusterState>>,
}

impl Around {
    /// For pods of a cluster, from memory.
    fn of(&self, cluster: &str) -> Surroundings {
        let state = self.state.as_ref().filter(|_| cluster == self.cluster);
        let facts = state.map(|state| state.borrow().facts.clone()).unwrap_or_default();
        Surroundings { native_sidecars: self.native_sidecars, facts }
    }
}

/// What was decided about one pod.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Body of the response.
    pub body: Vec<u8>,
    /// How it ended.
    pub end: End,
    /// Why, in words.
    pub reason: String,
    /// The pod's name as messages show it.
    pub pod: String,
    /// Its namespace.
    pub namespace: String,
    /// `request.uid`.
    pub uid: String,
    /// Whether the API server keeps nothing of it.
    pub dry_run: bool,
    /// What is told beside.
    pub warnings: Vec<String>,
}

/// Decides about the pod in an AdmissionReview.
///
/// # Errors
/// [`ReviewError`] when the body is no AdmissionReview; everything that is wrong with the pod is in the answer.
pub(crate) fn admit(
    body: &[u8],
    path: PathVariables,
    injector: &Injector,
    around: &Around,
) -> Result<Admitted, ReviewError> {
    let mut review = Review::decode(body)?;
    let object = std::mem::take(&mut review.object);
    let mut warnings = path.warnings;
    let (pod, decided) = match pod_of(&review, object) {
        Ok(object) => {
            let pod = Pod::from_json(object.clone());
            let namespace = match text(&object, "/metadata/namespace") {
                "" => review.namespace.clone(),
                namespace => namespace.to_owned(),
            };
            let asked = Asked { pod: &pod, object: &object, namespace: &namespace, proxy_env: path.variables };
            let decided = decide(asked, injector, around, &mut warnings);
            review.namespace = namespace;
            (pod.shown_name(), decided)
        }
        Err(decided) => (review.name, decided),
    };
    let Decided { verdict, end, reason } = decided;
    let answer = Answer { version: review.version, uid: review.uid.clone(), verdict, warnings: warnings.clone() };
    Ok(Admitted {
        body: answer.encode(),
        end,
        reason,
        pod,
        namespace: review.namespace,
        uid: review.uid,
        dry_run: review.dry_run,
        warnings,
    })
}

struct Decided {
    verdict: Verdict,
    end: End,
    reason: String,
}

impl Decided {
    fn skip(reason: impl Into<String>) -> Decided {
        Decided { verdict: Verdict::Allow, end: End::Skipped, reason: reason.into() }
    }

    fn refuse(code: u16, reason: String) -> Decided {
        Decided { verdict: Verdict::Deny { code, message: reason.clone() }, end: End::Failed, reason }
    }
}

/// The pod of a question as the injector and the patch begin with it, or why there is nothing to inject.
fn pod_of(review: &Review, object: Json) -> Result<Json, Decided> {
    match review.operation.as_str() {
        "DELETE" | "CONNECT" => {
            return Err(Decided::skip(format!("nothing is injected by operation {}", review.operation)));
        }
        // A patch with containers would make the API server refuse every change of the pod.
        "UPDATE" => return Err(Decided::skip("the containers of a pod cannot change any more by operation UPDATE")),
        _ => {}
    }
    if !matches!(review.kind.as_str(), "" | "Pod") {
        return Err(Decided::skip(format!("only a Pod is injected, and this is of kind {}", review.kind)));
    }
    if !review.subresource.is_empty() {
        return Err(Decided::skip(format!("only a whole pod is injected, and this is its {}", review.subresource)));
    }
    let Json::Object(mut object) = object else {
        return Err(Decided::refuse(400, "request.object is no pod: it wants an object with metadata and spec".into()));
    };
    for (field, may_be_absent) in [("metadata", true), ("spec", false)] {
        match object.get(field) {
            Some(Json::Object(_)) => {}
            None | Some(Json::Null) if may_be_absent => {}
            _ => return Err(Decided::refuse(400, format!("request.object.{field} is missing or no object"))),
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) {
        // It can be long, and nobody who injects looks at it.
        metadata.shift_remove("managedFields");
        // A pod of a Deployment comes without it, and templates show it.
        let namespace = metadata.entry("namespace").or_insert(Json::Null);
        if namespace.as_str().is_none_or(str::is_empty) {
            *namespace = review.namespace.clone().into();
        }
    }
    Ok(Json::Object(object))
}

/// A pod and what the question says about it.
struct Asked<'a> {
    pod: &'a Pod,
    object: &'a Json,
    namespace: &'a str,
    proxy_env: BTreeMap<String, String>,
}

fn decide(asked: Asked<'_>, injector: &Injector, around: &Around, warnings: &mut Vec<String>) -> Decided {
    let Asked { pod, object, namespace, proxy_env } = asked;
    let decision = injector.decide(pod, namespace);
    warnings.extend(decision.warnings);
    let reason = decision.reason.to_string();
    if !decision.inject {
        return Decided::skip(reason);
    }
    let cluster = proxy_env.get(CLUSTER).filter(|cluster| !cluster.is_empty());
    let cluster = cluster.unwrap_or(&around.cluster).clone();
    let surroundings = around.of(&cluster);
    let mut odd = Vec::new();
    let native_sidecar = surroundings.native_sidecar(text(object, "/spec/nodeName"), &mut odd);
    // What is odd about nodes is for whoever runs the webhook, not for whoever makes the pod.
    for warning in odd {
        tracing::warn!(cluster, warning, "native sidecars");
    }
    let request = Request {
        pod,
        namespace,
        owner: owner_of_pod(pod, namespace),
        namespace_annotations: surroundings.facts.namespaces.get(namespace).filter(|_| around.openshift),
        proxy_configs: Some(&surroundings.facts.proxy_configs),
        native_sidecar,
        proxy_env,
    };
    let injected = match injector.inject(&request) {
        Ok(injected) => injected,
        Err(error) => return Decided::refuse(code(&error), format!("the pod is not injected: {error}")),
    };
    warnings.extend(injected.warnings);
    let patch = json_patch::diff(object, &injected.pod.into_json());
    match serde_json::to_vec(&patch) {
        Ok(patch) => Decided { verdict: Verdict::Patch(patch), end: End::Injected, reason },
        Err(error) => Decided::refuse(500, format!("the patch of the pod cannot be written: {error}")),
    }
}

/// 400 when whoever made the pod can mend it, 500 when the injector's configuration is to blame.
fn code(error: &InjectError) -> u16 {
    match error {
        InjectError::Render(_) | InjectError::Post(_) => 500,
        _ => 400,
    }
}

fn text<'a>(object: &'a Json, place: &str) -> &'a str {
    object.pointer(place).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;

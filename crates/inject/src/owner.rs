//! Which workload a pod belongs to, as far as the pod itself tells.
//! In: a pod. Out: kind and name of its Deployment, Job or other owner.
//! Never here: a lookup in the cluster.

use serde_json::Value as Json;

use crate::pod::Pod;

/// The workload that made a pod: what templates see as `.TypeMeta` and `.DeploymentMeta`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Name of the workload.
    pub name: String,
    /// Namespace of the workload; empty when nobody said.
    pub namespace: String,
}

/// The workload of a pod, by its name, its controlling owner and the habits of Deployments, Argo Rollouts,
/// DeploymentConfigs and CronJobs of naming what they make (Istio's `GetDeployMetaFromPod`).
pub fn owner_of_pod(pod: &Pod, namespace: &str) -> Owner {
    let mut owner = Owner {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: pod.meta_text("name").to_owned(),
        namespace: namespace.to_owned(),
    };
    // Only a pod with a generated name was made by something else.
    if pod.meta_text("generateName").is_empty() {
        return owner;
    }
    let Some(controller) = controller(pod) else { return owner };
    let text = |field: &str| controller.get(field).and_then(Json::as_str).unwrap_or_default();
    let name = text("name");
    owner.api_version = text("apiVersion").to_owned();
    owner.kind = text("kind").to_owned();
    owner.name = name.to_owned();
    let without_hash = |label: &str| {
        let hash = pod.label(label).filter(|hash| !hash.is_empty())?;
        name.strip_suffix(hash)?.strip_suffix('-')
    };
    match owner.kind.as_str() {
        "ReplicaSet" => {
            if let Some(deployment) = without_hash("pod-template-hash") {
                deployment.clone_into(&mut owner.name);
                "Deployment".clone_into(&mut owner.kind);
            } else if let Some(rollout) = without_hash("rollouts-pod-template-hash") {
                rollout.clone_into(&mut owner.name);
                "Rollout".clone_into(&mut owner.kind);
                "v1alpha1".clone_into(&mut owner.api_version);
            }
        }
        "ReplicationController" => {
            if let Some(config) = pod.label("deploymentconfig").filter(|config| !config.is_empty()) {
                config.clone_into(&mut owner.name);
                "DeploymentConfig".clone_into(&mut owner.kind);
            }
        }
        "Job" => {
            if let Some(cron) = cron_job(name) {
                cron.clone_into(&mut owner.name);
                "CronJob".clone_into(&mut owner.kind);
                "batch/v1".clone_into(&mut owner.api_version);
            }
        }
        _ => {}
    }
    owner
}

fn controller(pod: &Pod) -> Option<&Json> {
    let references = pod.metadata()?.get("ownerReferences")?.as_array()?;
    references.iter().find(|reference| reference.get("controller").and_then(Json::as_bool) == Some(true))
}

/// The CronJob of a Job that is named after it and the minutes or seconds since 1970 at which it was due.
fn cron_job(job: &str) -> Option<&str> {
    let (cron, time) = job.rsplit_once('-')?;
    let is_time = (8..=10).contains(&time.len()) && time.bytes().all(|digit| digit.is_ascii_digit());
    (is_time && !cron.is_empty()).then_some(cron)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_owner_follows_from_names_and_labels() {
        let cases = [
            // kind of the controller, its name, labels → kind, name
            ("ReplicaSet", "web-5d4f", json!({"pod-template-hash": "5d4f"}), "Deployment", "web"),
            ("ReplicaSet", "web-5d4f", json!({"rollouts-pod-template-hash": "5d4f"}), "Rollout", "web"),
            ("ReplicaSet", "web-5d4f", json!({}), "ReplicaSet", "web-5d4f"),
            ("ReplicaSet", "5d4f", json!({"pod-template-hash": "5d4f"}), "ReplicaSet", "5d4f"),
            ("ReplicationController", "dc-1", json!({"deploymentconfig": "dc"}), "DeploymentConfig", "dc"),
            ("Job", "nightly-28300000", json!({}), "CronJob", "nightly"),
            ("Job", "nightly-2830000", json!({}), "Job", "nightly-2830000"),
            ("StatefulSet", "db", json!({}), "StatefulSet", "db"),
        ];
        for (kind, name, labels, want_kind, want_name) in cases {
            let pod = Pod::from_json(json!({"metadata": {
                "generateName": "x-",
                "labels": labels,
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true}],
            }}));
            let owner = owner_of_pod(&pod, "ns");
            assert_eq!((owner.kind.as_str(), owner.name.as_str()), (want_kind, want_name), "{kind} {name}");
        }
        let named = Pod::from_json(json!({"metadata": {"name": "alone"}}));
        assert_eq!(owner_of_pod(&named, "ns").name, "alone");
    }
}

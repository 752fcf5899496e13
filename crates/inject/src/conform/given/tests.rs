//! Values that Kubernetes reads, and values that it does not.

use super::check;
use serde_json::{Value as Json, json};

fn checked(pod: Json) -> Result<(), String> {
    let Json::Object(pod) = pod else { panic!("{pod}") };
    check(&pod).map_err(|error| error.to_string())
}

fn with(container: Json) -> Json {
    json!({"spec": {"containers": [container]}})
}

#[test]
fn what_kubernetes_reads_passes() {
    // As the API server writes it, with fields of a version to come.
    let from_server = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "creationTimestamp": null, "annotations": {"a": null}, "labels": null, "toCome": [1],
            "generation": 9_223_372_036_854_775_807_i64, "deletionTimestamp": "2027-01-01T00:00:00.123456789Z",
            "managedFields": [{"time": "2027-01-01T00:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {".": {}}}}}]},
        "spec": {"containers": [], "imagePullSecrets": [{}], "toCome": {"a": true}, "nodeSelector": null},
        "status": {"phase": "Pending"},
    });
    // As people write it.
    let by_hand = with(json!({
        "name": "app", "toCome": 1, "command": ["a", null], "env": [{"name": "A", "value": null}],
        "ports": [{"containerPort": 80.0}], "securityContext": {"runAsUser": 1e3},
        "resources": {"limits": {"cpu": 1, "memory": 1e9, "x": null}, "requests": {"cpu": 0.5, "memory": "1Gi"}},
        "livenessProbe": {"httpGet": {"port": 8080}}, "readinessProbe": {"httpGet": {"port": "web"}},
        "startupProbe": {"httpGet": {"port": 8080.0}},
    }));
    for pod in [json!({}), json!({"spec": null}), from_server, by_hand] {
        assert_eq!(checked(pod.clone()), Ok(()), "{pod}");
    }
}

#[test]
fn what_it_does_not_read_is_named() {
    for (pod, message) in [
        (
            with(json!({"name": "app", "livenessProbe": {"periodSeconds": 3_000_000_000_i64}})),
            "`spec.containers[app].livenessProbe.periodSeconds` is the number 3000000000, where a whole number of 32 \
             bits is wanted",
        ),
        (
            json!({"spec": {"terminationGracePeriodSeconds": 1.5}}),
            "`spec.terminationGracePeriodSeconds` is the number 1.5, where a whole number is wanted",
        ),
        (
            json!({"spec": {"hostNetwork": "true"}}),
            "`spec.hostNetwork` is the text \"true\", where true or false is wanted",
        ),
        (json!({"metadata": {"labels": {"a": true}}}), "`metadata.labels.a` is the boolean true, where text is wanted"),
        (with(Json::Null), "`spec.containers[0]` is empty, where a map is wanted"),
    ] {
        assert_eq!(checked(pod), Err(message.to_owned()));
    }
}

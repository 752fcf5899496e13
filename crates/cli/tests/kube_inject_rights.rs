//! `lateen kube-inject` by a user who may read the ConfigMaps of Istio and nothing else.
#![allow(clippy::unwrap_used)] // a test fails by it

use lateen_testkit::KubeApi;
use serde_json::json;
use std::fs;
use std::process::Command;

#[test]
fn config_maps_are_enough() {
    let api = KubeApi::in_memory().unwrap();
    let create = |object| api.create(&object).unwrap();
    create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}));
    let data = json!({"config": "templates: {sidecar: 'spec: {containers: [{name: istio-proxy}]}'}", "values": "{}"});
    for (name, data) in [("istio-sidecar-injector", data), ("istio", json!({"mesh": ""}))] {
        let metadata = json!({"name": name, "namespace": "istio-system"});
        create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}));
    }
    let folder = tempfile::tempdir().unwrap();
    let pod = folder.path().join("pod.yaml");
    fs::write(&pod, "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web}]}\n").unwrap();
    for plural in ["nodes", "namespaces"] {
        api.forbid(plural).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
    command.arg("kube-inject").arg("--filename").arg(&pod).arg("--kubeconfig").arg(api.kubeconfig());
    let output = command.env("ENABLE_NATIVE_SIDECARS", "auto").output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success() && out.contains("name: istio-proxy"), "{err}");
    for part in ["the nodes", "ordinary containers", "the namespaces", "annotations of namespaces do not count"] {
        assert!(err.contains(part), "no {part:?} in {err}");
    }
}

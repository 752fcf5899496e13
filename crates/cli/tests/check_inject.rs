//! `lateen x check-inject` as a person uses it: against files, and against a cluster.
#![allow(clippy::unwrap_used)] // a test fails by it

use lateen_testkit::KubeApi;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// One folder: a namespace with injection, one without an object of its own, and workloads in a list.
const FOLDER: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio-injection: enabled
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec:
    template:
      metadata:
        labels: {app: web}
      spec: {containers: [{name: app, image: example.com/app}]}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: nightly, namespace: shop}
  spec:
    jobTemplate:
      spec:
        template:
          metadata:
            labels:
              sidecar.istio.io/inject: \"false\"
          spec: {containers: [{name: app, image: example.com/app}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: node-agent
  namespace: shop
spec:
  hostNetwork: true
  containers: [{name: app, image: example.com/app}]
---
apiVersion: v1
kind: Pod
metadata: {name: alone, labels: {app: alone}}
spec: {containers: [{name: app, image: example.com/app}]}
";

struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {}{}", self.out, self.err))
    }
}

fn check_inject(folder: &Path, words: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
    command.args(["x", "check-inject"]).args(words).current_dir(folder);
    command.env("KUBECONFIG", folder.join("none")).env("HOME", folder).env_remove("KUBERNETES_SERVICE_HOST");
    // Nobody listens there; loopback is asked without it all the same.
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("HTTPS_PROXY", "http://127.0.0.1:1");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
}

#[test]
fn files_are_answered_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.yaml"), FOLDER).unwrap();
    let said = check_inject(folder.path(), &["-f", "all.yaml"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines = [
        "WEBHOOK                 REVISION  INJECTED  REASON",
        "Deployment shop/web (all.yaml:11) is injected by istio-sidecar-injector: \
         namespace label istio-injection=enabled asks for it (all.yaml:6)",
        "CronJob shop/nightly (all.yaml:19) is not injected: pod label sidecar.istio.io/inject=false (all.yaml:28)",
        "Pod shop/node-agent (all.yaml:31) is not injected: istio-sidecar-injector gets the pod and the injector \
         passes it over: the pod uses the network of its node",
        "(all.yaml:37)",
        "Pod default/alone (all.yaml:40) is not injected: nothing asks for it",
    ];
    for line in lines {
        assert!(said.out.contains(line), "no {line:?} in\n{}", said.out);
    }
    assert_eq!(said.out.matches('✔').count(), 2, "{}", said.out);
    for note in ["that of Istio's default installation is assumed", "no Namespace default: it is assumed"] {
        assert!(said.err.contains(note), "no {note:?} in\n{}", said.err);
    }
}

#[test]
fn one_workload_or_labels_alone_can_be_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.yaml"), FOLDER).unwrap();
    // words behind `-f all.yaml -o json`, and what the only entry is
    let cases: [(&[&str], Value, bool); 6] = [
        (&["web"], json!(["Deployment", "shop", "web"]), true),
        (&["deploy/web"], json!(["Deployment", "shop", "web"]), true),
        (&["deployment.apps/web.shop"], json!(["Deployment", "shop", "web"]), true),
        (&["pod/alone"], json!(["Pod", "default", "alone"]), false),
        (&["-n", "shop", "-l", "app=new"], json!(["", "shop", "app=new"]), true),
        (
            &["-l", "app=new,sidecar.istio.io/inject=true"],
            json!(["", "default", "app=new,sidecar.istio.io/inject=true"]),
            true,
        ),
    ];
    for (words, expected, injected) in cases {
        let said = check_inject(folder.path(), &[&["-f", "all.yaml", "-o", "json"], words].concat());
        let answer = said.json();
        let [entry] = answer.as_array().unwrap().as_slice() else { panic!("{words:?}: {answer:#}") };
        assert_eq!(json!([entry["kind"], entry["namespace"], entry["name"]]), expected, "{words:?}");
        assert_eq!(entry["injected"], injected, "{words:?}: {entry:#}");
        assert_eq!(entry["webhooks"][0]["injected"], injected, "{words:?}");
    }
}

#[test]
fn webhooks_and_the_injectors_configuration_of_the_files_count() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.yaml"), FOLDER).unwrap();
    let webhook = "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\n\
        metadata: {name: istio-revision-tag-prod, labels: {istio.io/rev: 1-2}}\nwebhooks:\n\
        - {name: all.sidecar-injector.istio.io, namespaceSelector: {matchLabels: {istio-injection: enabled}}}\n";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-sidecar-injector-1-2, namespace: istio-system}\n\
        data:\n  config: |\n    policy: disabled\n    templates: {sidecar: ''}\n";
    fs::write(folder.path().join("istio.yaml"), format!("{webhook}---\n{config}")).unwrap();
    let said = check_inject(folder.path(), &["-f", ".", "-o", "json", "deployment/web"]);
    let answer = said.json();
    let webhooks = answer[0]["webhooks"].as_array().unwrap();
    assert_eq!(webhooks.len(), 1, "{answer:#}");
    assert_eq!((&webhooks[0]["revision"], &webhooks[0]["injected"]), (&json!("1-2"), &json!(true)));
    let reason = answer[0]["reason"].as_str().unwrap();
    assert!(answer[0]["injected"] == false && reason.contains("policy is disabled"), "{answer:#}");
    assert_eq!(answer[0]["notes"], json!([]));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.yaml"), FOLDER).unwrap();
    fs::write(folder.path().join("empty.yaml"), "").unwrap();
    let cases: [(&[&str], &str); 8] = [
        (&[], "say what to ask about"),
        (&["-f", "all.yaml", "gone"], "there is Deployment shop/web, CronJob shop/nightly, Pod shop/node-agent"),
        (&["-f", "empty.yaml"], "no Pod and nothing that makes pods"),
        (&["-f", "all.yaml", "secret/x"], "\"secret\" is no type that makes pods; there is pod, deployment"),
        (&["-f", "all.yaml", "-l", "app"], "write labels as KEY=VALUE"),
        (&["-f", "missing.yaml"], "missing.yaml: no such file"),
        (&["web"], "give files with -f to ask without one"),
        (&["web", "-c", "no-such-file"], "cannot use kubeconfig no-such-file: No such file"),
    ];
    for (words, part) in cases {
        let said = check_inject(folder.path(), words);
        assert!(said.code == Some(1) && said.err.contains(part), "{words:?}: {:?} {}", said.code, said.err);
    }
}

/// The API of Kubernetes with Istio's webhook, a namespace that is injected, and a workload there.
fn cluster() -> KubeApi {
    let api = KubeApi::start().unwrap();
    let object = |api_version: &str, kind: &str, metadata: Value, rest: Value| {
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
        for (key, value) in rest.as_object().unwrap() {
            object[key] = value.clone();
        }
        api.create(&object).unwrap();
    };
    object("v1", "Namespace", json!({ "name": "istio-system" }), json!({}));
    object("v1", "Namespace", json!({ "name": "shop", "labels": { "istio-injection": "enabled" } }), json!({}));
    let hook = json!({
        "name": "namespace.sidecar-injector.istio.io",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
        "clientConfig": { "url": "https://127.0.0.1:1/inject" },
        "rules": [{ "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"] }],
        "namespaceSelector": { "matchExpressions": [{ "key": "istio-injection", "operator": "In", "values": ["enabled"] }] },
        "objectSelector": { "matchExpressions": [{ "key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"] }] },
    });
    let metadata = json!({ "name": "istio-sidecar-injector", "labels": { "istio.io/rev": "default" } });
    object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", metadata, json!({ "webhooks": [hook] }));
    let config = "policy: enabled\nneverInjectSelector: [{matchLabels: {job: once}}]\ntemplates: {sidecar: ''}\n";
    let metadata = json!({ "name": "istio-sidecar-injector", "namespace": "istio-system" });
    object("v1", "ConfigMap", metadata, json!({ "data": { "config": config, "values": "{}" } }));
    let spec = json!({ "containers": [{ "name": "app", "image": "example.com/app" }] });
    for (name, labels, annotations) in [
        ("web-1", json!({ "app": "web" }), json!({})),
        ("web-2", json!({ "app": "api" }), json!({ "sidecar.istio.io/status": "{}" })),
        ("once", json!({ "job": "once" }), json!({})),
    ] {
        let metadata = json!({ "name": name, "namespace": "shop", "labels": labels, "annotations": annotations });
        object("v1", "Pod", metadata, json!({ "spec": spec }));
    }
    let template =
        json!({ "metadata": { "labels": { "app": "web", "sidecar.istio.io/inject": "false" } }, "spec": spec });
    let deployment = json!({ "selector": { "matchLabels": { "app": "web" } }, "template": template });
    object("apps/v1", "Deployment", json!({ "name": "web", "namespace": "shop" }), json!({ "spec": deployment }));
    let service = json!({ "selector": { "app": "api" }, "ports": [{ "port": 80 }] });
    object("v1", "Service", json!({ "name": "api", "namespace": "shop" }), json!({ "spec": service }));
    api
}

#[test]
fn a_cluster_is_answered_for_pods_workloads_services_and_labels() {
    let api = cluster();
    let folder = tempfile::tempdir().unwrap();
    let config = api.kubeconfig().to_str().unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["deployment/web.shop", "-n", "shop"], "Deployment shop/web is not injected: pod label"),
        (
            &["web-1.shop"],
            "Pod shop/web-1 is injected by istio-sidecar-injector: namespace label istio-injection=enabled asks for it\nIt has no proxy yet",
        ),
        (
            &["-n", "shop", "once"],
            "Pod shop/once is not injected: istio-sidecar-injector gets the pod and the injector passes it over: the pod's labels match neverInjectSelector[0]",
        ),
        (
            &["deployment/web", "-n", "shop"],
            "Deployment shop/web is not injected: pod label sidecar.istio.io/inject=false",
        ),
        (
            &["svc/api", "-n", "shop"],
            "Pod shop/web-2 is injected by istio-sidecar-injector: namespace label istio-injection=enabled asks for it\nIt has its proxy.",
        ),
        (&["-n", "shop", "-l", "app=new"], "a pod with labels app=new in namespace shop is injected by"),
        (
            &["-l", "app=new"],
            "in namespace default is not injected: nothing asks for it: the namespace has no label istio-injection=enabled",
        ),
    ];
    for (words, expected) in cases {
        let said = check_inject(folder.path(), &[words, &["--kubeconfig", config]].concat());
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{words:?}: {}", said.out);
        assert!(said.out.contains(expected), "{words:?}: no {expected:?} in\n{}", said.out);
        assert!(said.out.starts_with("WEBHOOK"), "{}", said.out);
    }
}

#[test]
fn what_a_cluster_does_not_have_or_does_not_tell_is_said() {
    let api = cluster();
    let folder = tempfile::tempdir().unwrap();
    let config = api.kubeconfig().to_str().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["web", "-n", "shop"], "Pod shop/web is not in cluster"),
        (&["web", "-n", "shop"], "name the type of what is no Pod, as in deployment/web"),
        (&["-l", "a=b", "-n", "gone"], "Namespace gone is not in cluster"),
        (&["web", "--context", "other"], "it has no context \"other\"; it has test"),
    ];
    for (words, part) in cases {
        let said = check_inject(folder.path(), &[words, &["-c", config]].concat());
        assert!(said.code == Some(1) && said.err.contains(part), "{words:?}: {:?} {}", said.code, said.err);
    }
    if api.is_real() {
        return;
    }
    api.forbid("configmaps").unwrap();
    let said = check_inject(folder.path(), &["web-1.shop", "-c", config]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for part in ["refuses (403)", "the injector is assumed to inject what it gets"] {
        assert!(said.err.contains(part), "no {part:?} in {}", said.err);
    }
    assert!(said.out.contains("Pod shop/web-1 is injected"), "{}", said.out);
}

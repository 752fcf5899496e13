//! A cluster over its API, and what the reader is told when it does not answer.
#![allow(clippy::unwrap_used)] // a test fails by it

use std::fs;
use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;

use lateen_sources::cluster::{InjectorConfigMaps, Resource};
use lateen_sources::{Cluster, ClusterError};
use lateen_testkit::{KubeApi, Origin};
use serde_json::{Value, json};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// An object of a group and kind with a name in a namespace.
fn object(api_version: &str, kind: &str, namespace: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } });
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    for (key, value) in rest.as_object().unwrap() {
        match key.as_str() {
            "labels" => object["metadata"]["labels"] = value.clone(),
            key => object[key] = value.clone(),
        }
    }
    object
}

fn pod(name: &str, labels: Value) -> Value {
    let spec = json!({ "containers": [{ "name": "app", "image": "example.com/app" }] });
    object("v1", "Pod", "shop", name, json!({ "labels": labels, "spec": spec }))
}

#[test]
fn objects_come_as_they_are() {
    let api = KubeApi::start().unwrap();
    api.create(&object("v1", "Namespace", "", "shop", json!({ "labels": { "istio-injection": "enabled" } }))).unwrap();
    for (name, labels) in [("a", json!({ "app": "web" })), ("b", json!({ "app": "web", "v": "2" }))] {
        api.create(&pod(name, labels)).unwrap();
    }
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": pod("", json!({}))["spec"] });
    let spec = json!({ "replicas": 1, "selector": { "matchLabels": { "app": "web" } }, "template": template });
    api.create(&object("apps/v1", "Deployment", "shop", "web", json!({ "spec": spec }))).unwrap();
    let hook = json!({
        "name": "a.istio.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": { "url": "https://127.0.0.1:1/" },
    });
    let kind = "MutatingWebhookConfiguration";
    api.create(&object("admissionregistration.k8s.io/v1", kind, "", "hook", json!({ "webhooks": [hook] }))).unwrap();

    run(async {
        let cluster = Cluster::connect(Some(api.kubeconfig()), None).await.unwrap();
        assert!(cluster.name().ends_with("(context \"test\")"), "{}", cluster.name());
        assert_eq!(cluster.default_namespace(), "default");
        let namespace = cluster.namespace("shop").await.unwrap();
        assert_eq!(namespace["metadata"]["labels"]["istio-injection"], "enabled");
        assert_eq!(cluster.pod("shop", "a").await.unwrap()["spec"]["containers"][0]["name"], "app");
        let deployment = cluster.deployment("shop", "web").await.unwrap();
        assert_eq!(deployment["spec"]["template"]["metadata"]["labels"]["app"], "web");
        let pods = cluster.pods_of("shop", "app=web,v notin (2)").await.unwrap();
        let pods: Vec<_> = pods.iter().map(|pod| (&pod["kind"], &pod["metadata"]["name"])).collect();
        assert_eq!(pods, [(&json!("Pod"), &json!("a"))]);
        let hooks = cluster.mutating_webhooks().await.unwrap();
        assert_eq!((hooks.len(), &hooks[0]["webhooks"][0]["name"]), (1, &json!("a.istio.io")));
        assert!(cluster.pods_of("default", "").await.unwrap().is_empty());
    });
}

#[test]
fn a_long_list_is_read_to_its_end() {
    let api = KubeApi::in_memory().unwrap();
    for number in 0..1201 {
        let name = format!("m{number:04}");
        api.create(&object("v1", "ConfigMap", "default", &name, json!({}))).unwrap();
    }
    let maps = run(async {
        let cluster = Cluster::connect(Some(api.kubeconfig()), None).await.unwrap();
        cluster.list(Resource::CONFIG_MAPS, None, "").await.unwrap()
    });
    assert_eq!((maps.len(), &maps[1200]["metadata"]["name"]), (1201, &json!("m1200")));
    assert_eq!(api.seen().unwrap().len(), 3);
}

#[test]
fn the_configuration_of_an_injector_is_two_config_maps() {
    let api = KubeApi::start().unwrap();
    api.create(&object("v1", "Namespace", "", "istio-system", json!({}))).unwrap();
    let map = |name: &str, data: Value| object("v1", "ConfigMap", "istio-system", name, json!({ "data": data }));
    api.create(&map("istio", json!({ "mesh": "rootNamespace: istio-system" }))).unwrap();
    api.create(&map("istio-sidecar-injector", json!({ "config": "policy: enabled", "values": "{}" }))).unwrap();
    api.create(&map("istio-canary", json!({ "mesh": "" }))).unwrap();
    api.create(&map("istio-sidecar-injector-canary", json!({ "config": "a", "value": "b" }))).unwrap();
    let read = |namespace: &str, revision: &str| {
        let maps = InjectorConfigMaps::of_revision(namespace, revision);
        run(async { Cluster::connect(Some(api.kubeconfig()), None).await.unwrap().injector_config(&maps).await })
    };
    for revision in ["", "default"] {
        let config = read("istio-system", revision).unwrap();
        assert_eq!(config.mesh, "rootNamespace: istio-system");
        assert_eq!((config.config.as_str(), config.values.as_str()), ("policy: enabled", "{}"));
    }
    let cases = [
        ("canary", vec!["istio-system/istio-sidecar-injector-canary", "no key `values`", "`config`, `value`"]),
        ("1-2", vec!["ConfigMap istio-system/istio-1-2 is not in cluster", "--revision", "--meshConfigFile"]),
    ];
    for (revision, parts) in cases {
        let error = read("istio-system", revision).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "no {part:?} in {error}");
        }
    }
}

/// A kubeconfig for a server.
fn kubeconfig(folder: &tempfile::TempDir, server: &str) -> PathBuf {
    let path = folder.path().join("kubeconfig");
    let config = json!({
        "current-context": "here",
        "clusters": [{ "name": "one", "cluster": { "server": server } }],
        "contexts": [{ "name": "here", "context": { "cluster": "one" } }],
    });
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// The URL of an API server.
fn server_of(api: &KubeApi) -> String {
    let config: Value = serde_json::from_slice(&fs::read(api.kubeconfig()).unwrap()).unwrap();
    config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned()
}

#[test]
fn what_goes_wrong_is_said_with_the_server_and_the_context() {
    let folder = tempfile::tempdir().unwrap();
    let api = KubeApi::in_memory().unwrap();
    api.forbid("configmaps").unwrap();
    let web_page = Origin::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_vec()).unwrap();
    let broken = Origin::answering(|_| b"HTTP/1.1 500 no\r\ncontent-length: 2\r\n\r\nno".to_vec()).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (format!("http://{closed}"), vec!["no connection to cluster", "refused"]),
        (format!("https://{}", web_page.addr), vec!["no connection to cluster"]),
        (format!("http://{}", web_page.addr), vec!["answered: something that is not JSON"]),
        (format!("http://{}", broken.addr), vec!["answered: 500"]),
        (server_of(&api), vec!["refuses (403)", "configmaps is forbidden"]),
    ];
    for (server, parts) in cases {
        let path = kubeconfig(&folder, &server);
        let error = run(async {
            let cluster = Cluster::connect(Some(&path), None).await.unwrap();
            cluster.config_map("istio-system", "istio").await.unwrap_err().to_string()
        });
        for part in parts.into_iter().chain(["ConfigMap istio-system/istio", &server, "context \"here\""]) {
            assert!(error.contains(part), "no {part:?} in {error}");
        }
    }
}

#[test]
fn the_proxy_of_a_kubeconfig_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Origin::answering(|_| b"HTTP/1.1 403 no\r\ncontent-length: 0\r\n\r\n".to_vec()).unwrap();
    let path = kubeconfig(&folder, "https://192.0.2.1:6443");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["clusters"][0]["cluster"]["proxy-url"] = json!(format!("http://{}", proxy.addr));
    fs::write(&path, config.to_string()).unwrap();
    let error = run(async {
        let cluster = Cluster::connect(Some(&path), None).await.unwrap();
        cluster.namespace("shop").await.unwrap_err()
    });
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
    let seen = proxy.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("CONNECT", "192.0.2.1:6443"));
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_longer_than_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = kubeconfig(&folder, &format!("http://{}", silent.local_addr().unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let error = runtime.block_on(async {
        let cluster = Cluster::connect(Some(&path), None).await.unwrap();
        cluster.namespace("shop").await.unwrap_err()
    });
    assert!(matches!(error, ClusterError::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("Namespace shop") && error.to_string().contains("15 s"), "{error}");
}

#[test]
fn a_name_never_leads_to_another_path() {
    let api = KubeApi::in_memory().unwrap();
    run(async {
        let cluster = Cluster::connect(Some(api.kubeconfig()), None).await.unwrap();
        for (namespace, name) in [("a/b", "c"), ("a", "../c"), ("a", ""), ("..", "c"), ("a", "c?x=y")] {
            let error = cluster.config_map(namespace, name).await.unwrap_err();
            assert!(matches!(error, ClusterError::Name { .. }), "{namespace} {name}: {error}");
        }
    });
    assert!(api.seen().unwrap().is_empty());
}

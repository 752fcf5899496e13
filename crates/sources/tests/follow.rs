//! A cluster that changes while it is followed, and one that goes away.
#![allow(clippy::unwrap_used)] // a test fails by it

use std::time::Duration;

use lateen_inject::ClusterState;
use lateen_sources::Cluster;
use lateen_sources::cluster::{Following, InjectorConfigMaps};
use lateen_testkit::KubeApi;
use serde_json::{Value, json};
use tokio::sync::watch;

/// How long something may take to be seen.
const LIMIT: Duration = Duration::from_secs(60);

fn object(kind: &str, namespace: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    for (key, value) in rest.as_object().unwrap() {
        match key.as_str() {
            "annotations" => object["metadata"]["annotations"] = value.clone(),
            key => object[key] = value.clone(),
        }
    }
    object
}

fn node(name: &str, version: &str) -> Value {
    object("Node", "", name, json!({ "status": { "nodeInfo": { "kubeletVersion": version } } }))
}

fn map(name: &str, data: Value) -> Value {
    object("ConfigMap", "istio-system", name, json!({ "data": data }))
}

async fn follow(api: &KubeApi) -> (Following, watch::Receiver<ClusterState>) {
    let cluster = Cluster::connect(Some(api.kubeconfig()), None).await.unwrap();
    let following = cluster.follow_injection(&InjectorConfigMaps::of_revision("istio-system", ""));
    let mut state = following.state();
    until(&mut state, "read once", |state| state.awaited.is_empty()).await;
    (following, state)
}

/// Waits until what is known is so.
async fn until(state: &mut watch::Receiver<ClusterState>, what: &str, holds: impl Fn(&ClusterState) -> bool) {
    let seen = tokio::time::timeout(LIMIT, state.wait_for(holds)).await.map(|state| state.is_ok());
    assert_eq!(seen, Ok(true), "{what}: {:#?}", *state.borrow());
}

fn versions(state: &ClusterState) -> Option<Vec<(&str, &str)>> {
    Some(state.facts.nodes.as_ref()?.iter().map(|node| (node.name.as_str(), node.kubelet.as_str())).collect())
}

#[tokio::test]
async fn every_change_is_seen_and_a_cluster_that_is_gone_leaves_what_was() {
    let api = KubeApi::in_memory().unwrap();
    api.create(&object("Namespace", "", "istio-system", json!({}))).unwrap();
    api.create(&node("one", "v1.33.0")).unwrap();
    api.create(&map("istio", json!({ "mesh": "a" }))).unwrap();
    let (following, mut state) = follow(&api).await;
    let first = state.borrow().clone();
    assert_eq!(versions(&first), Some(vec![("one", "v1.33.0")]));
    assert_eq!((first.mesh.unwrap().data["mesh"].as_str(), first.injector), ("a", None));

    api.create(&object("Namespace", "", "shop", json!({ "annotations": { "a": "1" } }))).unwrap();
    until(&mut state, "a new namespace", |state| state.facts.namespaces.get("shop").is_some_and(|a| a["a"] == "1"))
        .await;
    api.replace(&object("Namespace", "", "shop", json!({ "annotations": { "b": "2" } }))).unwrap();
    let changed = |state: &ClusterState| state.facts.namespaces["shop"].get("b").is_some_and(|b| b == "2");
    until(&mut state, "its new annotation", |state| state.facts.namespaces.contains_key("shop") && changed(state))
        .await;
    assert_eq!(state.borrow().facts.namespaces["shop"].get("a"), None);

    api.create(&node("two", "v1.32.0")).unwrap();
    until(&mut state, "a new node", |state| versions(state).is_some_and(|nodes| nodes.len() == 2)).await;
    api.replace(&node("two", "v1.34.1")).unwrap();
    until(&mut state, "its version", |state| versions(state).unwrap().contains(&("two", "v1.34.1"))).await;
    api.delete(&node("one", "")).unwrap();
    until(&mut state, "a node that is gone", |state| versions(state).unwrap() == [("two", "v1.34.1")]).await;

    let injector = map("istio-sidecar-injector", json!({ "config": "c", "values": "v" }));
    api.create(&injector).unwrap();
    until(&mut state, "a ConfigMap", |state| state.injector.as_ref().is_some_and(|map| map.data["config"] == "c"))
        .await;
    assert_eq!(state.borrow().injector.as_ref().unwrap().name, "istio-system/istio-sidecar-injector");
    // What is written afterwards is seen afterwards, so the first change was seen too.
    api.delete(&injector).unwrap();
    api.create(&map("istio-sidecar-injector", json!({ "config": "d" }))).unwrap();
    until(&mut state, "the ConfigMap made anew", |state| state.injector.as_ref().unwrap().data["config"] == "d").await;

    let resource = json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "ProxyConfig",
        "metadata": { "name": "p", "namespace": "shop" }, "spec": { "concurrency": 3 },
    });
    let before = state.borrow().facts.proxy_configs.clone();
    api.create(&resource).unwrap();
    until(&mut state, "a ProxyConfig", |state| state.facts.proxy_configs != before).await;

    let last = state.borrow_and_update().clone();
    drop(api);
    // Nothing that is still to come may change it, and the watches go on.
    let later = tokio::time::timeout(Duration::from_secs(1), state.changed()).await;
    assert!(later.is_err(), "{:#?}\nwas {last:#?}", *state.borrow());
    drop(following);
    assert!(state.changed().await.is_err(), "nobody follows any more");
}

#[tokio::test]
async fn who_may_not_read_is_not_waited_for() {
    let api = KubeApi::in_memory().unwrap();
    for plural in ["nodes", "proxyconfigs", "configmaps"] {
        api.forbid(plural).unwrap();
    }
    api.create(&object("Namespace", "", "shop", json!({ "annotations": { "a": "1" } }))).unwrap();
    let (_following, state) = follow(&api).await;
    let state = state.borrow();
    assert_eq!((versions(&state), state.facts.namespaces["shop"]["a"].as_str()), (None, Some("1")));
}

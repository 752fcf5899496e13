//! Which ProxyConfig gives which setting.
#![allow(clippy::unwrap_used)] // a test fails by it

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{NamedProxyConfig, ProxyConfigs};
use crate::{Injector, Owner, Pod, Request, Settings};

/// A ProxyConfig whose settings name it.
fn resource(namespace: &str, name: &str, created: u32, selector: Json, settings: &[&str]) -> NamedProxyConfig {
    let mut spec = json!({ "environmentVariables": { name.to_uppercase(): "set" } });
    for setting in settings {
        spec["environmentVariables"][*setting] = name.into();
    }
    if !selector.is_null() {
        spec["selector"] = selector;
    }
    let created = format!("2026-01-{created:02}T00:00:00Z");
    NamedProxyConfig::read(&json!({
        "metadata": { "name": name, "namespace": namespace, "creationTimestamp": created },
        "spec": spec,
    }))
}

/// The variables of the proxy that a pod is injected with, and the warnings.
fn injected(resources: &ProxyConfigs, labels: &Json, annotation: Option<&str>) -> (Json, Vec<String>) {
    let template = "spec:\n  containers:\n  - name: istio-proxy\n    env:\n    \
                    - name: CONFIG\n      value: |\n        {{ protoToJSON .ProxyConfig }}\n";
    let settings = Settings {
        config: Some(("config".to_owned(), json!({ "templates": { "sidecar": template } }).to_string())),
        values: Some(("values".to_owned(), String::new())),
        mesh: Some(("mesh".to_owned(), "defaultConfig: {proxyMetadata: {WHO: mesh, MESH: set}}".to_owned())),
        ..Settings::default()
    };
    let (injector, _) = Injector::new(settings).unwrap();
    let mut pod = json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "app" }] } });
    if let Some(annotation) = annotation {
        pod["metadata"]["annotations"] = json!({ "proxy.istio.io/config": annotation });
    }
    let request = Request {
        pod: &Pod::from_json(pod),
        namespace: "shop",
        owner: Owner::default(),
        namespace_annotations: None,
        proxy_configs: Some(resources),
        native_sidecar: false,
        proxy_env: BTreeMap::new(),
    };
    let injected = injector.inject(&request).unwrap();
    let again = injector.inject(&Request { pod: &injected.pod, ..request.clone() }).unwrap();
    assert_eq!(again.pod, injected.pod, "a second time changes nothing");
    let pod = injected.pod.into_json();
    let containers = pod["spec"]["containers"].as_array().unwrap().clone();
    let proxy = containers.iter().find(|container| container["name"] == "istio-proxy").unwrap();
    let config = proxy["env"].as_array().unwrap().iter().find(|variable| variable["name"] == "CONFIG").unwrap();
    let config: Json = serde_json::from_str(config["value"].as_str().unwrap()).unwrap();
    (config["proxyMetadata"].clone(), injected.warnings)
}

#[test]
fn the_more_particular_one_wins_and_of_equals_the_oldest() {
    let root = resource("istio-system", "root", 9, Json::Null, &["WHO"]);
    let late = resource("shop", "late", 2, Json::Null, &["WHO"]);
    let early = resource("shop", "early", 1, Json::Null, &["WHO"]);
    let web = resource("shop", "web", 3, json!({ "matchLabels": { "app": "web" } }), &["WHO"]);
    let nobody = resource("shop", "nobody", 1, json!({}), &["WHO"]);
    let other = resource("other", "other", 1, Json::Null, &["WHO"]);
    let (web_pod, db_pod) = (json!({ "app": "web", "v": "1" }), json!({ "app": "db" }));
    let annotation = Some("proxyMetadata: {WHO: annotation}");
    for (resources, labels, annotation, who, all) in [
        (vec![], &web_pod, None, "mesh", vec!["MESH"]),
        (vec![&other, &nobody], &web_pod, None, "mesh", vec!["MESH"]),
        (vec![&root], &web_pod, None, "root", vec!["MESH", "ROOT"]),
        (vec![&late, &root, &early], &web_pod, None, "early", vec!["EARLY", "MESH", "ROOT"]),
        (vec![&early, &web, &root], &web_pod, None, "web", vec!["EARLY", "MESH", "ROOT", "WEB"]),
        (vec![&early, &web], &db_pod, None, "early", vec!["EARLY", "MESH"]),
        (vec![&early], &web_pod, annotation, "annotation", vec!["EARLY", "MESH"]),
        (vec![&early, &web], &web_pod, annotation, "web", vec!["EARLY", "MESH", "WEB"]),
    ] {
        let resources = ProxyConfigs::new(resources.into_iter().cloned());
        let (mut variables, warnings) = injected(&resources, labels, annotation);
        assert_eq!(variables.as_object_mut().unwrap().remove("WHO"), Some(who.into()), "{resources:?}");
        let mut names: Vec<_> = variables.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!((names, warnings), (all, vec![]), "{resources:?}");
    }
}

#[test]
fn a_setting_of_no_use_is_told_and_passed_over() {
    let mut wrong = json!({ "metadata": { "name": "odd", "namespace": "shop" } });
    wrong["spec"] = json!({ "concurrency": "many", "environmentVariables": { "WHO": "odd" } });
    let resources = ProxyConfigs::new([NamedProxyConfig::read(&wrong)]);
    let (variables, warnings) = injected(&resources, &json!({}), None);
    assert_eq!(variables["WHO"], "odd");
    assert!(warnings.iter().any(|w| w.contains("ProxyConfig shop/odd: concurrency")), "{warnings:?}");
}

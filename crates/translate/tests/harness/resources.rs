//! The resources of a case as JSON.
//! In: YAML and the proxy. Out: values found by path.

use lateen_config::{Finding, Severity, decode};
use lateen_core::{Labels, ProxyType};
use lateen_envoy_api::json::encode;
use lateen_model::{Input, PortMapping, Proxy, Scope, Snapshot};
use lateen_translate::{Options, resources};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub struct Resources {
    pub all: Value,
    pub findings: Vec<String>,
}

impl Resources {
    pub fn of(config: &str, want: &Value) -> Self {
        let decoded = decode("config.yaml", config);
        let errors = decoded.findings.iter().filter(|finding| finding.severity == Severity::Error);
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<&Finding>::new());
        let objects = decoded.objects.into_iter().map(Arc::new).collect();
        let (snapshot, mut findings) = Snapshot::build(&Input { objects, ..Input::default() });
        let proxy = proxy(want.get("proxy").unwrap_or(&Value::Null));
        let scope = Scope::new(&snapshot, &proxy);
        let names = want.get("extensions").and_then(Value::as_array);
        let extensions = names.map(|names| names.iter().map(|name| name.as_str().unwrap().to_owned()).collect());
        let provenance = want.get("provenance").is_some();
        let made = resources(&scope, &Options { provenance, extensions, ..Options::default() });
        findings.extend(made.findings);
        let all = json!({
            "listeners": made.listeners.iter().map(encode).collect::<Vec<_>>(),
            "clusters": made.clusters.iter().map(encode).collect::<Vec<_>>(),
            "routes": made.routes.iter().map(encode).collect::<Vec<_>>(),
            "endpoints": made.endpoints.iter().map(encode).collect::<Vec<_>>(),
            "secrets": made.secret_names,
        });
        let findings = findings
            .iter()
            .map(|f| format!("{} {} {}: {}", f.place, f.object.as_ref().unwrap(), f.path, f.message))
            .collect();
        Self { all, findings }
    }

    /// The value at a path; null when there is none.
    pub fn at(&self, path: &str) -> Value {
        let mut value = &self.all;
        for step in path.split(" > ") {
            let next = match value {
                Value::Array(list) => {
                    let named = list.iter().find(|item| name(item) == step);
                    named.or_else(|| list.get(step.parse::<usize>().ok()?))
                }
                other => other.get(step),
            };
            match next {
                Some(next) => value = next,
                None => return Value::Null,
            }
        }
        value.clone()
    }

    /// The names in the list at a path.
    pub fn names(&self, path: &str) -> Value {
        self.at(path)
            .as_array()
            .map(|list| list.iter().map(|item| Value::from(name(item))).collect())
            .unwrap_or_default()
    }
}

fn name(item: &Value) -> &str {
    let named = item.get("name").or_else(|| item.get("cluster_name")).or(Some(item));
    named.and_then(Value::as_str).unwrap_or_default()
}

fn proxy(written: &Value) -> Proxy {
    let text = |key: &str| written.get(key).and_then(Value::as_str);
    let empty = Map::new();
    let labels = written.get("labels").and_then(Value::as_object).unwrap_or(&empty);
    let labels: Labels = labels.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
    let kind = if text("type") == Some("sidecar") { ProxyType::Sidecar } else { ProxyType::Router };
    let mut proxy = Proxy::new(kind, text("namespace").unwrap_or("istio-system"), labels);
    proxy.ips = vec![text("ip").unwrap_or("10.9.9.9").parse().unwrap()];
    if text("ports") == Some("gateway-service") {
        proxy.ports = PortMapping::GatewayService;
    }
    for (key, value) in written.get("metadata").and_then(Value::as_object).unwrap_or(&empty) {
        proxy.metadata.insert(key.clone(), value.as_str().unwrap().to_owned());
    }
    if let Some(locality) = text("locality") {
        proxy.locality = lateen_model::Locality::parse(locality);
    }
    proxy
}

//! Who the proxy says it is (`envoy.config.core.v3.Node`).
//! In: command line, bootstrap, and in Istio mode the environment of a pod. Out: the node.
//! The extensions in it are what this proxy can decode; a control plane sends nothing else.

use lateen_envoy_api::google::protobuf::{Struct, Value, value::Kind};
use lateen_envoy_api::v3::core::node::UserAgentVersionType;
use lateen_envoy_api::v3::core::{BuildVersion, Extension, Node};
use lateen_envoy_api::v3::types::SemanticVersion;
use std::collections::HashMap;

/// Category and name of what the proxy can decode.
const EXTENSIONS: &[(&str, &str)] = &[
    ("envoy.access_loggers", "envoy.access_loggers.file"),
    ("envoy.access_loggers", "envoy.access_loggers.stderr"),
    ("envoy.access_loggers", "envoy.access_loggers.stdout"),
    ("envoy.clusters", "envoy.cluster.eds"),
    ("envoy.clusters", "envoy.cluster.logical_dns"),
    ("envoy.clusters", "envoy.cluster.original_dst"),
    ("envoy.clusters", "envoy.cluster.static"),
    ("envoy.clusters", "envoy.cluster.strict_dns"),
    ("envoy.filters.http", "envoy.filters.http.cors"),
    ("envoy.filters.http", "envoy.filters.http.fault"),
    ("envoy.filters.http", "envoy.filters.http.grpc_stats"),
    ("envoy.filters.http", "envoy.filters.http.grpc_web"),
    ("envoy.filters.http", "envoy.filters.http.rbac"),
    ("envoy.filters.http", "envoy.filters.http.router"),
    ("envoy.filters.http", "istio.alpn"),
    ("envoy.filters.http", "istio.stats"),
    ("envoy.filters.listener", "envoy.filters.listener.http_inspector"),
    ("envoy.filters.listener", "envoy.filters.listener.original_dst"),
    ("envoy.filters.listener", "envoy.filters.listener.proxy_protocol"),
    ("envoy.filters.listener", "envoy.filters.listener.tls_inspector"),
    ("envoy.filters.network", "envoy.filters.network.http_connection_manager"),
    ("envoy.filters.network", "envoy.filters.network.rbac"),
    ("envoy.filters.network", "envoy.filters.network.tcp_proxy"),
    ("envoy.load_balancing_policies", "envoy.load_balancing_policies.least_request"),
    ("envoy.load_balancing_policies", "envoy.load_balancing_policies.maglev"),
    ("envoy.load_balancing_policies", "envoy.load_balancing_policies.random"),
    ("envoy.load_balancing_policies", "envoy.load_balancing_policies.ring_hash"),
    ("envoy.load_balancing_policies", "envoy.load_balancing_policies.round_robin"),
    ("envoy.request_id", "envoy.request_id.uuid"),
    ("envoy.retry_host_predicates", "envoy.retry_host_predicates.previous_hosts"),
    ("envoy.transport_sockets.downstream", "envoy.transport_sockets.raw_buffer"),
    ("envoy.transport_sockets.upstream", "envoy.transport_sockets.raw_buffer"),
    ("envoy.upstream_options", "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
];

/// The bootstrap's node, with the fields that the command line gave in its place, and what only this program knows.
pub(crate) fn complete(bootstrap: Node, given: &Node) -> Node {
    let mut node = bootstrap;
    if !given.id.is_empty() {
        node.id.clone_from(&given.id);
    }
    if !given.cluster.is_empty() {
        node.cluster.clone_from(&given.cluster);
    }
    if given.locality.is_some() {
        node.locality.clone_from(&given.locality);
    }
    if let Some(more) = &given.metadata {
        let fields = node.metadata.get_or_insert_default();
        fields.fields.extend(more.fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    node.user_agent_name = "lateen".to_owned();
    node.user_agent_version_type =
        Some(UserAgentVersionType::UserAgentBuildVersion(BuildVersion { version: Some(version()), metadata: None }));
    node.extensions = EXTENSIONS
        .iter()
        .map(|(category, name)| Extension {
            name: (*name).to_owned(),
            category: (*category).to_owned(),
            ..Extension::default()
        })
        .collect();
    node
}

/// Says that an agent of Istio's kind is there: the proxy itself answers for `default`, `ROOTCA` and files (see
/// `identity`), as it does for a control plane alone. Istio's control planes go by the same key.
pub(crate) fn as_agent(node: &mut Node) {
    let fields = &mut node.metadata.get_or_insert_default().fields;
    fields.entry("ISTIO_VERSION".to_owned()).or_insert_with(|| text(lateen_core::ISTIO_VERSION));
}

fn version() -> SemanticVersion {
    let number = |text: &str| text.parse().unwrap_or(0);
    SemanticVersion {
        major_number: number(env!("CARGO_PKG_VERSION_MAJOR")),
        minor_number: number(env!("CARGO_PKG_VERSION_MINOR")),
        patch: number(env!("CARGO_PKG_VERSION_PATCH")),
    }
}

/// The node of a pod, from its environment as Istio's templates set it:
/// `POD_NAME`, `POD_NAMESPACE`, `INSTANCE_IP`, `ISTIO_META_*` and `ISTIO_METAJSON_*`.
/// Fields that the environment does not give stay empty.
pub(crate) fn of_environment(variables: impl Iterator<Item = (String, String)>) -> Node {
    let variables: HashMap<String, String> = variables.collect();
    let get = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let mut fields: HashMap<String, Value> = HashMap::new();
    for (name, value) in &variables {
        if let Some(name) = name.strip_prefix("ISTIO_META_") {
            fields.insert(name.to_owned(), text(value));
        } else if name.starts_with("ISTIO_METAJSON_") {
            match serde_json::from_str::<serde_json::Value>(value) {
                Ok(serde_json::Value::Object(object)) => {
                    let object = object.into_iter().map(|(name, value)| (name, of_json(value)));
                    let labels = name.ends_with("_LABELS");
                    if labels {
                        fields.insert("LABELS".to_owned(), structure(object.collect()));
                    } else {
                        fields.extend(object);
                    }
                }
                _ => tracing::warn!(variable = name, "is no JSON object and is left out"),
            }
        }
    }
    let (pod, namespace) = (get("POD_NAME"), get("POD_NAMESPACE"));
    for (name, value) in [("NAME", &pod), ("NAMESPACE", &namespace), ("INSTANCE_IPS", &get("INSTANCE_IP"))] {
        if !value.is_empty() {
            fields.entry(name.to_owned()).or_insert_with(|| text(value));
        }
    }
    let kind =
        if get("ISTIO_META_PROXY_TYPE").is_empty() { "sidecar".to_owned() } else { get("ISTIO_META_PROXY_TYPE") };
    let id = if pod.is_empty() {
        String::new()
    } else {
        let domain = match get("TRUST_DOMAIN_SUFFIX") {
            domain if domain.is_empty() => "cluster.local".to_owned(),
            domain => domain,
        };
        let ip = get("INSTANCE_IP");
        let ip = if ip.is_empty() { "127.0.0.1" } else { &ip };
        format!("{kind}~{ip}~{pod}.{namespace}~{namespace}.svc.{domain}")
    };
    let metadata = (!fields.is_empty()).then_some(Struct { fields });
    Node { id, metadata, ..Node::default() }
}

fn text(value: &str) -> Value {
    Value { kind: Some(Kind::StringValue(value.to_owned())) }
}

fn structure(fields: HashMap<String, Value>) -> Value {
    Value { kind: Some(Kind::StructValue(Struct { fields })) }
}

fn of_json(value: serde_json::Value) -> Value {
    let kind = match value {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(value) => Kind::BoolValue(value),
        serde_json::Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        serde_json::Value::String(value) => Kind::StringValue(value),
        serde_json::Value::Array(values) => {
            let values = values.into_iter().map(of_json).collect();
            Kind::ListValue(lateen_envoy_api::google::protobuf::ListValue { values })
        }
        serde_json::Value::Object(fields) => {
            return structure(fields.into_iter().map(|(name, value)| (name, of_json(value))).collect());
        }
    };
    Value { kind: Some(kind) }
}

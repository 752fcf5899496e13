//! Who is connected: an Envoy Node becomes a proxy of the model.
//! In comes what a client says about itself (untrusted), out comes a [`Proxy`] or the reason why not.

use lateen_core::{Labels, NodeId};
use lateen_envoy_api::google::protobuf::value::Kind;
use lateen_envoy_api::google::protobuf::{Struct, Value};
use lateen_envoy_api::{json, v3};
use lateen_model::{Locality, PortMapping, Proxy};
use std::net::IpAddr;

/// Metadata key by which lateen's standalone gateways ask for the ports of Istio's own gateway Service.
const PORT_MAPPING: &str = "LATEEN_PORT_MAPPING";

/// Metadata key of the ProxyConfig that holds for this proxy alone, as Istio's agent sends it.
const PROXY_CONFIG: &str = "PROXY_CONFIG";

/// The same as text, from lateen's standalone gateways.
const STANDALONE_CONFIG: &str = "LATEEN_PROXY_CONFIG";

/// Why a client gets nothing.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The first request has no node.
    #[error("the first request of a stream must carry a node (id `router~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN`)")]
    Missing,
    /// Its id cannot be read.
    #[error(transparent)]
    Id(#[from] lateen_core::node_id::NodeIdError),
}

/// The proxy that `node` describes.
pub fn proxy_of(node: Option<&v3::core::Node>) -> Result<Proxy, NodeError> {
    let node = node.ok_or(NodeError::Missing)?;
    let id: NodeId = node.id.parse()?;
    let metadata = node.metadata.as_ref();
    let labels: Labels = metadata
        .and_then(|metadata| structure(metadata, "LABELS"))
        .map(|labels| labels.fields.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect())
        .unwrap_or_default();
    let mut proxy = Proxy::from_node(&id, labels);
    if let Some(metadata) = metadata {
        proxy.metadata = metadata.fields.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect();
    }
    if let Some(namespace) = proxy.metadata.get("NAMESPACE").filter(|namespace| !namespace.is_empty()) {
        proxy.namespace.clone_from(namespace);
    }
    if let Some(addresses) = proxy.metadata.get("INSTANCE_IPS") {
        let more: Vec<IpAddr> = addresses.split(',').filter_map(|text| text.trim().parse().ok()).collect();
        proxy.ips.extend(more.into_iter().filter(|ip| *ip != id.ip));
    }
    if let Some(cluster) = proxy.metadata.get("CLUSTER_ID").filter(|cluster| !cluster.is_empty()) {
        proxy.cluster.clone_from(cluster);
    }
    proxy.unprivileged = proxy.metadata.get("UNPRIVILEGED_POD").is_some_and(|value| value == "true");
    if proxy.metadata.get(PORT_MAPPING).is_some_and(|value| value == "gateway-service") {
        proxy.ports = PortMapping::GatewayService;
    }
    let own = metadata.and_then(|metadata| structure(metadata, PROXY_CONFIG));
    proxy.config = match (own, proxy.metadata.get(STANDALONE_CONFIG)) {
        (Some(own), _) => json::encode(own).to_string(),
        (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    if let Some(locality) = &node.locality {
        proxy.locality = Locality {
            region: locality.region.as_str().into(),
            zone: locality.zone.as_str().into(),
            subzone: locality.sub_zone.as_str().into(),
        };
    }
    Ok(proxy)
}

/// The node with which `proxy` introduces itself; [`proxy_of`] reads it back.
pub fn node_of(proxy: &Proxy) -> v3::core::Node {
    let string = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let labels = proxy.labels.0.iter().map(|(key, value)| (key.clone(), string(value))).collect();
    let mut fields = std::collections::HashMap::from([
        ("NAMESPACE".to_owned(), string(&proxy.namespace)),
        ("LABELS".to_owned(), Value { kind: Some(Kind::StructValue(Struct { fields: labels })) }),
    ]);
    if proxy.ports == PortMapping::GatewayService {
        fields.insert(PORT_MAPPING.to_owned(), string("gateway-service"));
    }
    if !proxy.config.is_empty() {
        fields.insert(STANDALONE_CONFIG.to_owned(), string(&proxy.config));
    }
    let ip = proxy.ips.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
    let id = NodeId {
        kind: proxy.kind,
        ip,
        name: proxy.name.clone(),
        namespace: proxy.namespace.clone(),
        domain: proxy.domain.clone(),
    };
    v3::core::Node {
        id: id.to_string(),
        cluster: format!("{}.{}", proxy.name, proxy.namespace),
        metadata: Some(Struct { fields }),
        ..Default::default()
    }
}

fn structure<'a>(metadata: &'a Struct, key: &str) -> Option<&'a Struct> {
    match metadata.fields.get(key)?.kind.as_ref()? {
        Kind::StructValue(value) => Some(value),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value.kind.as_ref()? {
        Kind::StringValue(text) => Some(text.clone()),
        Kind::BoolValue(flag) => Some(flag.to_string()),
        Kind::NumberValue(number) => Some(number.to_string()),
        _ => None,
    }
}

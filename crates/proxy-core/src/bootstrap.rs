//! The file that a proxy is started from (`envoy.config.bootstrap.v3.Bootstrap`).
//! In: the message. Out: static resources as tables, where discovery is, the admin address, the node, errors.

#![allow(deprecated)]

#[cfg(test)]
mod tests;

use crate::decode::at::At;
use crate::decode::value::{address, discovery, object};
use crate::decode::{DecodeError, Rejected, Resource, Update, apply_without, version_of};
use crate::ir::{Features, Tables};
use lateen_envoy_api::{Any, Bootstrap, type_url, v3};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a bootstrap says.
#[derive(Debug, Default)]
pub struct Static {
    /// The node to name in discovery requests, as it stands in the resource.
    pub node: v3::core::Node,
    /// Where the admin interface listens.
    pub admin: Option<SocketAddr>,
    /// Static resources; discovery goes on from here.
    pub tables: Tables,
    /// Resources that were not accepted.
    pub rejected: Vec<Rejected>,
    /// Fields that cannot be done. Envoy would not start with some of them; the shell decides.
    pub errors: Vec<DecodeError>,
    /// Fields that were left out because they change no traffic, for a line in the log.
    pub ignored: Vec<String>,
    /// Discovery over one stream.
    pub ads: Option<AdsConfig>,
    /// Static runtime values by key, as text.
    pub runtime: BTreeMap<String, String>,
}

/// Where discovery is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdsConfig {
    /// Cluster of the gRPC service (among the static ones).
    pub cluster: String,
    /// Whether the delta protocol is spoken.
    pub delta: bool,
    /// Whether listeners come over it (`lds_config`).
    pub listeners: bool,
    /// Whether clusters come over it (`cds_config`).
    pub clusters: bool,
    /// Headers of the stream (`initial_metadata`).
    pub metadata: Vec<(String, String)>,
    /// `:authority` of the stream; empty for that of the cluster.
    pub authority: String,
    /// `set_node_on_first_message_only`.
    pub node_on_first_message_only: bool,
}

/// Decodes a bootstrap. Never fails as a whole: what was not accepted is listed.
#[must_use]
pub fn decode(bootstrap: &Bootstrap) -> Static {
    let mut message = bootstrap.message.clone();
    let name = message.node.as_ref().map(|node| node.id.clone()).unwrap_or_default();
    let at = At::root("Bootstrap", &name);
    let mut decoded = Static { node: message.node.take().unwrap_or_default(), ..Static::default() };
    if let Some(runtime) = message.layered_runtime.take() {
        layers(runtime, &mut decoded, at.field("layered_runtime"));
    }
    // Static resources see the static runtime.
    decoded.tables.features = Features::of(&decoded.runtime);
    let mut sockets = Vec::new();
    add(type_url::CLUSTER, &bootstrap.clusters, &mut decoded, &mut |cluster| {
        let socket = is_socket(cluster);
        if socket {
            sockets.push(cluster.name.clone());
        }
        socket
    });
    add(type_url::LISTENER, &bootstrap.listeners, &mut decoded, &mut |_| false);
    add(type_url::SECRET, &bootstrap.secrets, &mut decoded, &mut |_| false);
    if let Some(admin) = message.admin.take() {
        let at = at.field("admin");
        match admin.address {
            Some(given) => match address(Some(given), at.field("address")) {
                Ok(address) => decoded.admin = Some(address),
                Err(error) => decoded.errors.push(error),
            },
            None => decoded.ignored.push("admin without an address".to_owned()),
        }
    }
    if let Some(dynamic) = message.dynamic_resources.take() {
        match ads(dynamic, at.field("dynamic_resources")) {
            Ok(ads) => decoded.ads = ads,
            Err(error) => decoded.errors.push(error),
        }
    }
    sockets.retain(|name| decoded.ads.as_ref().is_none_or(|ads| ads.cluster != *name));
    let for_traffic = |name: &String| format!("static_resources.clusters[{name}] as a destination of traffic");
    decoded.ignored.extend(sockets.iter().map(for_traffic));
    if let Some(manager) = message.cluster_manager.take()
        && !manager.local_cluster_name.is_empty()
    {
        let at = at.field("cluster_manager");
        let hint = "zone aware routing is not there; use locality weights";
        decoded.errors.push(at.field("local_cluster_name").unsupported(manager.local_cluster_name, hint));
    }
    leave_out_harmless(&mut message, &mut decoded.ignored);
    decoded.errors.extend(at.nothing_left(&message).err());
    decoded
}

/// Whether a cluster is behind Unix domain sockets: discovery and secrets come over it, no traffic goes there.
fn is_socket(cluster: &v3::cluster::Cluster) -> bool {
    use v3::core::address::Address;
    use v3::endpoint::lb_endpoint::HostIdentifier;
    let localities = cluster.load_assignment.iter().flat_map(|assignment| &assignment.endpoints);
    let mut hosts = localities.flat_map(|locality| &locality.lb_endpoints).peekable();
    hosts.peek().is_some()
        && hosts.all(|host| match &host.host_identifier {
            Some(HostIdentifier::Endpoint(endpoint)) => {
                let address = endpoint.address.as_ref().and_then(|address| address.address.as_ref());
                matches!(address, Some(Address::Pipe(_)))
            }
            _ => false,
        })
}

/// Adds static resources but the clusters that are left out.
fn add(
    type_url: &str,
    resources: &[(String, Any)],
    decoded: &mut Static,
    leave_out: &mut dyn FnMut(&v3::cluster::Cluster) -> bool,
) {
    // The name in the message counts.
    let bodies = resources.iter().map(|(_, body)| body);
    let added: Vec<Resource<'_>> = bodies.map(|body| Resource { name: "", version: version_of(body), body }).collect();
    let applied = apply_without(&decoded.tables, Update { type_url, added: &added, removed: &[] }, leave_out);
    decoded.tables = applied.tables;
    decoded.rejected.extend(applied.rejected);
}

fn ads(mut dynamic: v3::bootstrap::bootstrap::DynamicResources, at: At<'_>) -> Result<Option<AdsConfig>, DecodeError> {
    let listeners =
        dynamic.lds_config.take().map(|source| discovery(Some(source), at.field("lds_config"))).transpose()?;
    let clusters =
        dynamic.cds_config.take().map(|source| discovery(Some(source), at.field("cds_config"))).transpose()?;
    let given = dynamic.ads_config.take();
    at.nothing_left(&dynamic)?;
    let at = at.field("ads_config");
    let Some(mut given) = given else {
        if listeners.is_some() || clusters.is_some() {
            return Err(at.missing("lds_config or cds_config refers to it"));
        }
        return Ok(None);
    };
    let delta = match given.api_type {
        2 | 5 => false,
        3 | 6 => true,
        other => return Err(at.field("api_type").unsupported(other, "use GRPC or DELTA_GRPC")),
    };
    let at = at.index("grpc_services", 0);
    let Some(service) = std::mem::take(&mut given.grpc_services).into_iter().next() else { return Err(at.missing("")) };
    let grpc = match service.target_specifier {
        Some(v3::core::grpc_service::TargetSpecifier::EnvoyGrpc(grpc)) => grpc,
        Some(v3::core::grpc_service::TargetSpecifier::GoogleGrpc(_)) => {
            return Err(at.field("google_grpc").unsupported("", "use envoy_grpc"));
        }
        None => return Err(at.field("envoy_grpc").missing("")),
    };
    Ok(Some(AdsConfig {
        cluster: grpc.cluster_name,
        delta,
        listeners: listeners.is_some(),
        clusters: clusters.is_some(),
        metadata: service.initial_metadata.into_iter().map(|header| (header.key, header.value)).collect(),
        authority: grpc.authority,
        node_on_first_message_only: given.set_node_on_first_message_only,
    }))
}

fn layers(runtime: v3::bootstrap::LayeredRuntime, decoded: &mut Static, at: At<'_>) {
    use v3::bootstrap::runtime_layer::LayerSpecifier;
    for (index, layer) in runtime.layers.into_iter().enumerate() {
        let at = at.index("layers", index);
        match layer.layer_specifier {
            // Later layers win.
            Some(LayerSpecifier::StaticLayer(fields)) => flatten("", &object(fields), &mut decoded.runtime),
            Some(LayerSpecifier::AdminLayer(_)) => decoded.ignored.push("layered_runtime: admin_layer".to_owned()),
            Some(LayerSpecifier::DiskLayer(_)) => {
                decoded.errors.push(at.field("disk_layer").unsupported(layer.name, "use static_layer"));
            }
            Some(LayerSpecifier::RtdsLayer(_)) => {
                decoded.errors.push(at.field("rtds_layer").unsupported(layer.name, "use static_layer"));
            }
            None => decoded.errors.push(at.missing("static_layer")),
        }
    }
}

/// `{"a": {"b": 1}}` becomes `a.b = 1`.
fn flatten(prefix: &str, value: &serde_json::Value, runtime: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, runtime);
            }
        }
        serde_json::Value::String(text) => {
            runtime.insert(prefix.to_owned(), text.clone());
        }
        other => {
            runtime.insert(prefix.to_owned(), other.to_string());
        }
    }
}

fn is_set<T: Default + PartialEq>(value: &T) -> bool {
    *value != T::default()
}

/// Statistics, watchdogs and the like: Envoy's own operation, which no client can see.
fn leave_out_harmless(message: &mut v3::bootstrap::Bootstrap, ignored: &mut Vec<String>) {
    macro_rules! leave_out {
        ($($field:ident),* $(,)?) => {$(
            let value = std::mem::take(&mut message.$field);
            if is_set(&value) {
                ignored.push(stringify!($field).to_owned());
            }
        )*};
    }
    leave_out!(
        node_context_params,
        flags_path,
        stats_sinks,
        deferred_stat_options,
        stats_config,
        stats_flush_interval,
        stats_flush,
        stats_eviction,
        stats_server_version_override,
        watchdog,
        watchdogs,
        overload_manager,
        enable_dispatcher_stats,
        use_tcp_for_dns_lookups,
        dns_resolution_config,
        typed_dns_resolver_config,
        bootstrap_extensions,
        fatal_actions,
        default_socket_interface,
        inline_headers,
        perf_tracing_file_path,
        default_regex_engine,
        application_log_config,
        grpc_async_client_manager_config,
        memory_allocator_manager,
        enable_worker_cpu_affinity,
    );
}

//! Clusters: for each port of each service that the proxy may call, one, and one more for each subset.
//! In: a scope. Out: clusters sorted by name, with the policies of their DestinationRules.

mod build;
mod load_balancer;
mod outlier;
mod pool;
mod protocol;
mod tls;

use crate::destination::{BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER};
use crate::sds::Secrets;
use crate::values::duration;
use crate::{Options, eds};
use lateen_config::Finding;
use lateen_core::{ClusterName, Host, Protocol};
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::cluster::cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy};
use lateen_model::{Resolution, Scope, Service};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Clusters and what was met on the way.
#[derive(Debug, Default)]
pub struct Built {
    /// Sorted by name.
    pub clusters: Vec<Cluster>,
    /// Secrets that they ask for.
    pub secrets: Secrets,
    /// What could not be translated.
    pub findings: Vec<Finding>,
    /// Those whose endpoints come by EDS, in no order.
    pub eds: Vec<eds::Wanted>,
}

/// All clusters, sorted by name.
pub fn clusters(scope: &Scope, options: &Options) -> Vec<Cluster> {
    build(scope, options).clusters
}

/// All clusters with findings and secrets.
pub fn build(scope: &Scope, options: &Options) -> Built {
    let mut out = Built::default();
    let mut known: HashSet<String> = HashSet::new();
    for service in called(scope) {
        add(scope, options, &service, false, &mut known, &mut out);
    }
    for service in by_sni(scope) {
        add(scope, options, &service, true, &mut known, &mut out);
    }
    if !scope.proxy.is_gateway() {
        out.clusters.push(black_hole(scope));
        out.clusters.push(passthrough(scope));
    }
    out.clusters.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

/// The clusters of a service: of each port, and of each port with each subset.
fn add(
    scope: &Scope,
    options: &Options,
    service: &Arc<Service>,
    by_sni: bool,
    known: &mut HashSet<String>,
    out: &mut Built,
) {
    let rule = scope.destination_rule(&service.host, Some(service));
    let rule = rule.as_ref();
    for port in service.ports.iter().filter(|port| port.protocol != Protocol::Udp) {
        let subsets = rule.map_or(&[][..], |rule| rule.rule.subsets.as_slice());
        let names = std::iter::once("").chain(subsets.iter().map(|subset| subset.name.as_str()));
        for subset in names {
            let name = ClusterName::outbound(port.number, subset, service.host.clone());
            let rule_ref = rule.map(|r| &**r);
            let input = build::Input { scope, options, service, port, rule: rule_ref, subset, name: &name, by_sni };
            let Some(made) = build::cluster(input, &mut out.secrets, &mut out.findings) else { continue };
            if known.insert(made.name.clone()) {
                if made.eds_cluster_config.is_some() {
                    out.eds.push(eds::Wanted { name, service: service.clone(), rule: rule.cloned(), by_sni });
                }
                out.clusters.push(made);
            }
        }
    }
}

/// The services whose clusters connections may name by SNI, at a gateway with AUTO_PASSTHROUGH.
fn by_sni(scope: &Scope) -> Vec<Arc<Service>> {
    use lateen_config::kinds::gateway::ServerTlsMode::AutoPassthrough;
    let servers = scope.gateway.ports.iter().flat_map(|port| &port.servers).map(|merged| &merged.server);
    let auto = |server: &&Arc<lateen_model::Server>| server.tls.as_ref().is_some_and(|t| t.mode == AutoPassthrough);
    let hosts: Vec<Host> = servers.filter(auto).flat_map(|server| server.sni_hosts()).collect();
    if hosts.is_empty() {
        return Vec::new();
    }
    let named = |service: &Arc<Service>| !service.external && hosts.iter().any(|host| host.covers(&service.host));
    scope.services().into_iter().filter(named).collect()
}

/// The services that the proxy may call: for a sidecar all that it sees, for a gateway those that its routes lead to
/// (Istio `PILOT_FILTER_GATEWAY_CLUSTER_CONFIG`).
fn called(scope: &Scope) -> Vec<Arc<Service>> {
    if !scope.proxy.is_gateway() {
        return scope.services().into_iter().filter(|service| service.resolution != Resolution::Alias).collect();
    }
    let gateways: BTreeSet<&str> =
        scope.gateway.ports.iter().flat_map(|port| port.servers.iter().map(|merged| &*merged.server.gateway)).collect();
    let mut seen: HashSet<(Host, Arc<str>)> = HashSet::new();
    let mut out: Vec<Arc<Service>> = Vec::new();
    for gateway in gateways {
        for rule in scope.virtual_services(gateway) {
            for host in rule.destinations() {
                let found = scope.service_for(&host, rule.source.namespace());
                let found = match found.filter(|service| service.resolution == Resolution::Alias) {
                    Some(alias) => alias.external_name.as_ref().and_then(|host| scope.service(host)),
                    None => found,
                };
                if let Some(service) = found
                    && seen.insert((service.host.clone(), service.source.name.namespace.clone()))
                {
                    out.push(service.clone());
                }
            }
        }
    }
    out
}

/// Where calls go that may not pass: nowhere.
fn black_hole(scope: &Scope) -> Cluster {
    Cluster {
        name: BLACK_HOLE_CLUSTER.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        connect_timeout: duration(scope.snapshot.mesh.connect_timeout()),
        lb_policy: LbPolicy::RoundRobin.into(),
        ..Default::default()
    }
}

/// Where calls go that the mesh does not know: to the address that was dialled.
fn passthrough(scope: &Scope) -> Cluster {
    let mut cluster = Cluster {
        name: PASSTHROUGH_CLUSTER.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::OriginalDst.into())),
        connect_timeout: duration(scope.snapshot.mesh.connect_timeout()),
        lb_policy: LbPolicy::ClusterProvided.into(),
        circuit_breakers: Some(pool::unlimited()),
        ..Default::default()
    };
    protocol::put(protocol::as_downstream(), &mut cluster);
    cluster
}

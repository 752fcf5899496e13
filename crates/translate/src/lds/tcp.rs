//! The TCP proxy: bytes to one cluster, or to several by weight.
//! In: destinations of a route. Out: the network filter; nothing without a destination.

use super::{access_log, network_filter};
use crate::destination::cluster_of;
use crate::values::duration;
use lateen_config::kinds::destination_rule::{HashKey, LbPolicy, TunnelSettings};
use lateen_config::kinds::virtual_service::{Destination, RouteDestination};
use lateen_core::Host;
use lateen_envoy_api::v3::listener::Filter;
use lateen_envoy_api::v3::tcp_proxy::TcpProxy;
use lateen_envoy_api::v3::tcp_proxy::tcp_proxy::{
    ClusterSpecifier, TunnelingConfig, WeightedCluster, weighted_cluster,
};
use lateen_envoy_api::v3::types::{HashPolicy, hash_policy};
use lateen_model::{DestinationRule, Mesh, Policy, Scope, Service};
use std::sync::Arc;

/// The filter for the destinations of a route, on a listener for `port`.
pub fn weighted(scope: &Scope, namespace: &str, route: &[RouteDestination], port: u16) -> Option<Filter> {
    let cluster = |weighted: &RouteDestination| {
        let destination = weighted.destination.as_ref()?;
        let host = Host::new(&destination.host);
        let service = scope.service_for(&host, namespace).map(|service| &**service);
        Some(cluster_of(destination, service, port))
    };
    let mesh = &scope.snapshot.mesh;
    // As in Istio the first destination says how long connections may last, by what they are shared out, and through
    // what tunnel they go.
    let terms = route.first().and_then(|first| terms(scope, namespace, first.destination.as_ref()?, port));
    let terms = terms.unwrap_or_default();
    if let [only] = route {
        let name = cluster(only)?;
        let subset = only.destination.as_ref().map_or("", |destination| &destination.subset);
        return Some(filter(&terms.put(proxy(mesh, &name, ClusterSpecifier::Cluster(name.clone())), subset)));
    }
    let mut clusters = Vec::new();
    for destination in route {
        if let (Some(name), Ok(weight @ 1..)) = (cluster(destination), u32::try_from(destination.weight)) {
            clusters.push(weighted_cluster::ClusterWeight { name, weight, ..Default::default() });
        }
    }
    let prefix = clusters.first()?.name.clone();
    let specifier = ClusterSpecifier::WeightedClusters(WeightedCluster { clusters });
    // A tunnel is for all of them, so that of a subset is none.
    Some(filter(&terms.put(proxy(mesh, &prefix, specifier), "")))
}

/// What a DestinationRule says of connections to a destination.
#[derive(Default)]
struct Terms {
    rule: Option<Arc<DestinationRule>>,
    policy: Policy,
}

fn terms(scope: &Scope, namespace: &str, destination: &Destination, port: u16) -> Option<Terms> {
    let host = Host::new(&destination.host);
    let service = scope.service_for(&host, namespace).map(|service| &**service);
    let only = service.and_then(|service| if let [only] = service.ports.as_slice() { Some(only.number) } else { None });
    let number = destination.port.as_ref().and_then(|port| u16::try_from(port.number).ok());
    let rule = scope.destination_rule(&host, service)?;
    let policy = rule.policy(&destination.subset, number.or(only).unwrap_or(port));
    Some(Terms { rule: Some(rule), policy })
}

impl Terms {
    /// Puts them into a filter, with the tunnel of a subset.
    fn put(&self, mut proxy: TcpProxy, subset: &str) -> TcpProxy {
        let tcp = self.policy.connection_pool.as_ref().and_then(|pool| pool.tcp.as_ref());
        proxy.idle_timeout = tcp.and_then(|tcp| tcp.idle_timeout).and_then(duration);
        proxy.max_downstream_connection_duration = tcp.and_then(|tcp| tcp.max_connection_duration).and_then(duration);
        let balancer = self.policy.load_balancer.as_ref().and_then(|balancer| balancer.lb_policy.as_ref());
        let by_source = balancer.is_some_and(
            |chosen| matches!(chosen, LbPolicy::ConsistentHash(hash) if hash.hash_key == Some(HashKey::UseSourceIp(true))),
        );
        if by_source {
            let specifier = Some(hash_policy::PolicySpecifier::SourceIp(hash_policy::SourceIp {}));
            proxy.hash_policy = vec![HashPolicy { policy_specifier: specifier }];
        }
        proxy.tunneling_config = self.rule.as_ref().and_then(|rule| rule.tunnel(subset)).map(tunnel);
        proxy
    }
}

fn tunnel(settings: &TunnelSettings) -> TunnelingConfig {
    let host = &settings.target_host;
    let hostname = match host.contains(':') {
        true => format!("[{host}]:{}", settings.target_port),
        false => format!("{host}:{}", settings.target_port),
    };
    TunnelingConfig { hostname, use_post: settings.protocol == "POST", ..Default::default() }
}

/// The filter for the cluster of a port of a service that no route is for, as its rule wants it.
pub fn own(scope: &Scope, service: &Service, port: u16, cluster: &str) -> Filter {
    let rule = scope.destination_rule(&service.host, Some(service));
    let policy = rule.as_ref().map(|rule| rule.policy("", port)).unwrap_or_default();
    let proxy = proxy(&scope.snapshot.mesh, cluster, ClusterSpecifier::Cluster(cluster.to_owned()));
    filter(&Terms { rule, policy }.put(proxy, ""))
}

/// The filter for one cluster.
pub fn single(mesh: &Mesh, cluster: &str) -> Filter {
    filter(&proxy(mesh, cluster, ClusterSpecifier::Cluster(cluster.to_owned())))
}

fn proxy(mesh: &Mesh, stat_prefix: &str, specifier: ClusterSpecifier) -> TcpProxy {
    TcpProxy {
        stat_prefix: stat_prefix.to_owned(),
        cluster_specifier: Some(specifier),
        access_log: access_log::of_requests(mesh),
        ..Default::default()
    }
}

fn filter(proxy: &TcpProxy) -> Filter {
    network_filter("envoy.filters.network.tcp_proxy", proxy)
}

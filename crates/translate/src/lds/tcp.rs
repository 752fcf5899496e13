//! The TCP proxy: bytes to one cluster, or to several by weight.
//! In: destinations of a route. Out: the network filter; nothing without a destination.

use super::{access_log, network_filter};
use crate::destination::cluster_of;
use crate::values::duration;
use lateen_config::kinds::virtual_service::RouteDestination;
use lateen_core::Host;
use lateen_envoy_api::v3::listener::Filter;
use lateen_envoy_api::v3::tcp_proxy::TcpProxy;
use lateen_envoy_api::v3::tcp_proxy::tcp_proxy::{ClusterSpecifier, WeightedCluster, weighted_cluster};
use lateen_model::{Mesh, Scope};

/// The filter for the destinations of a route, on a listener for `port`.
pub fn weighted(scope: &Scope, namespace: &str, route: &[RouteDestination], port: u16) -> Option<Filter> {
    let cluster = |weighted: &RouteDestination| {
        let destination = weighted.destination.as_ref()?;
        let host = Host::new(&destination.host);
        let service = scope.service_for(&host, namespace).map(|service| &**service);
        Some(cluster_of(destination, service, port))
    };
    let mesh = &scope.snapshot.mesh;
    if let [only] = route {
        let destination = only.destination.as_ref()?;
        let host = Host::new(&destination.host);
        let service = scope.service_for(&host, namespace).map(|service| &**service);
        let rule = scope.destination_rule(&host, service);
        let number = destination.port.as_ref().and_then(|port| u16::try_from(port.number).ok()).unwrap_or(port);
        let pool = rule.and_then(|rule| rule.policy(&destination.subset, number).connection_pool);
        let idle = pool.and_then(|pool| pool.tcp).and_then(|tcp| tcp.idle_timeout);
        let name = cluster(only)?;
        let mut proxy = proxy(mesh, &name, ClusterSpecifier::Cluster(name.clone()));
        proxy.idle_timeout = idle.and_then(duration);
        return Some(filter(&proxy));
    }
    let mut clusters = Vec::new();
    for destination in route {
        if let (Some(name), Ok(weight @ 1..)) = (cluster(destination), u32::try_from(destination.weight)) {
            clusters.push(weighted_cluster::ClusterWeight { name, weight, ..Default::default() });
        }
    }
    let prefix = clusters.first()?.name.clone();
    let specifier = ClusterSpecifier::WeightedClusters(WeightedCluster { clusters });
    Some(filter(&proxy(mesh, &prefix, specifier)))
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

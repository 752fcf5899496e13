//! From the destination of a rule to the name of a cluster.
//! In: host, subset, port as written, and the service if it is known. Out: `outbound|port|subset|host`.

use lateen_config::kinds::virtual_service::Destination;
use lateen_core::{ClusterName, Host};
use lateen_model::{Resolution, Service};

/// Cluster of a sidecar for what the mesh does not know, when it may pass.
pub const PASSTHROUGH_CLUSTER: &str = "PassthroughCluster";
/// Cluster of a sidecar for what may not pass; it has no endpoints.
pub const BLACK_HOLE_CLUSTER: &str = "BlackHoleCluster";

/// The cluster that a destination names. Without a port it is that of the service if it has just one, or else the
/// port that the route is for (Istio `GetDestinationCluster`).
pub fn cluster_of(destination: &Destination, service: Option<&Service>, listener_port: u16) -> String {
    if destination.host.is_empty() {
        return "UnknownService".to_owned();
    }
    let alias = service.filter(|service| service.resolution == Resolution::Alias);
    let host = match alias.and_then(|service| service.external_name.clone()) {
        Some(host) => host,
        None => Host::new(&destination.host),
    };
    let port = match (&destination.port, service.map(|service| service.ports.as_slice())) {
        (Some(port), _) => u16::try_from(port.number).unwrap_or(0),
        (None, Some([only])) => only.number,
        (None, _) => listener_port,
    };
    ClusterName::outbound(port, &destination.subset, host).to_string()
}

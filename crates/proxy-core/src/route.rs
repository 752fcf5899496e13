//! From a request to what is done with it: virtual host, route, cluster, rewrites, timeouts.
//! In: a route configuration, a request, a random number. Out: decisions; the head changed for the upstream.
//! Never here: whether a cluster exists, endpoints, time.

mod action;
mod explain;
mod finish;
mod select;
mod timeout;

#[cfg(test)]
mod tests;

pub use action::{ClusterChoice, HashKey, cluster, direct, hash, mirrors, redirect};
pub use explain::{NearMiss, near_misses};
pub use finish::{filter_override, prepare_downstream, prepare_upstream, rewrite_host_auto, runs};
pub use select::{NoRoute, Selected, select, select_virtual_host};
pub use select::{before_colon, without_port};
pub use timeout::{Timeouts, timeouts, timeouts_with};

use std::net::IpAddr;

/// What of the connection matters to routes.
#[derive(Debug, Clone, Copy)]
pub struct RouteContext {
    /// Whether the request came as https (`Admitted::https`).
    pub https: bool,
    /// Whether the client is internal (`Admitted::internal`).
    pub internal: bool,
    /// The client as trusted.
    pub client: IpAddr,
    /// Uniform; the same for every question about one request, as Envoy's stream id hash.
    pub random: u64,
}

//! Route configurations.
//! In: a scope. Out: one route configuration for each name that its listeners ask for.

mod action;
mod gateway;
mod headers;
mod matches;
mod retry;
mod route;
mod sidecar;

use crate::Options;
use crate::values::{boolean, number};
use lateen_envoy_api::v3::route::{RouteConfiguration, VirtualHost};
use lateen_model::Scope;

pub use matches::string as string_matcher;

/// Bodies of direct responses may be as large as Istio's API allows; Envoy's default is 4 KiB.
const MAX_DIRECT_RESPONSE: u32 = 1024 * 1024;

/// All route configurations, sorted by name.
pub fn routes(scope: &Scope, options: &Options) -> Vec<RouteConfiguration> {
    if scope.proxy.is_gateway() { gateway::routes(scope, options) } else { sidecar::routes(scope, options) }
}

/// A route configuration as Istio sets it up: ports in the Host header do not count, clusters need not exist.
pub fn configuration(name: &str, virtual_hosts: Vec<VirtualHost>) -> RouteConfiguration {
    RouteConfiguration {
        name: name.to_owned(),
        virtual_hosts,
        validate_clusters: boolean(false),
        ignore_port_in_host_matching: true,
        max_direct_response_body_size_bytes: number(MAX_DIRECT_RESPONSE),
        ..Default::default()
    }
}

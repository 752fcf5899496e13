//! The router, which is always there and always last.

use super::{Input, named};
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::hcm::HttpFilter;
use lateen_envoy_api::v3::router::Router;

/// The filter.
pub fn filter(_: Input<'_>) -> Option<HttpFilter> {
    Some(named("envoy.filters.http.router", pack(&Router::default())))
}

//! Counters of gRPC; it changes no request, so it is left out where the client lacks it.

use super::{Input, named};
use crate::values::boolean;
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::hcm::HttpFilter;
use lateen_envoy_api::v3::http_filter::grpc_stats::FilterConfig;
use lateen_envoy_api::v3::http_filter::grpc_stats::filter_config::PerMethodStatSpecifier;

const NAME: &str = "envoy.filters.http.grpc_stats";

/// The filter.
pub fn filter(input: Input<'_>) -> Option<HttpFilter> {
    if !input.options.client_has(NAME) {
        return None;
    }
    let config = FilterConfig {
        emit_filter_state: true,
        per_method_stat_specifier: boolean(false).map(PerMethodStatSpecifier::StatsForAllMethods),
        ..Default::default()
    };
    Some(named(NAME, pack(&config)))
}

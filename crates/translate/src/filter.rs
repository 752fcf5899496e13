//! HTTP filters: their order, and what rules say about them.
//! In: a listener or a rule. Out: the list of filters, and per-route settings.
//! A new filter is a file beside this one and a line in `ORDER`.

mod cors;
mod fault;
mod grpc_stats;
mod grpc_web;
mod router;

use crate::Options;
use lateen_config::kinds::virtual_service::HttpRoute;
use lateen_core::Protocol;
use lateen_envoy_api::Any;
use lateen_envoy_api::v3::hcm::HttpFilter;
use lateen_envoy_api::v3::hcm::http_filter::ConfigType;
use std::collections::HashMap;

/// What a filter may look at to decide whether it is part of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// How resources are made.
    pub options: &'a Options,
    /// What the port declares to speak.
    pub protocol: Protocol,
}

/// Makes a filter, or nothing.
type Make = fn(Input<'_>) -> Option<HttpFilter>;

/// The one list of filters, in the order in which requests pass them.
const ORDER: &[Make] = &[grpc_web::filter, grpc_stats::filter, fault::filter, cors::filter, router::filter];

/// The filters of a listener.
pub fn chain(input: Input<'_>) -> Vec<HttpFilter> {
    ORDER.iter().filter_map(|make| make(input)).collect()
}

/// What a rule says about filters.
pub fn per_route(rule: &HttpRoute, out: &mut HashMap<String, Any>) {
    out.extend(rule.fault.as_ref().and_then(fault::per_route));
    out.extend(rule.cors_policy.as_ref().map(cors::per_route));
}

fn named(name: &str, config: Any) -> HttpFilter {
    HttpFilter { name: name.to_owned(), config_type: Some(ConfigType::TypedConfig(config)), ..Default::default() }
}

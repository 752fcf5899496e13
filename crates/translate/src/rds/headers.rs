//! Header operations.
//! In: `set`, `add` and `remove` of a rule or a destination. Out: Envoy's lists, and the new host if one is set.

use lateen_config::kinds::virtual_service::{HeaderOperations, Headers};
use lateen_envoy_api::v3::core::header_value_option::HeaderAppendAction;
use lateen_envoy_api::v3::core::{HeaderValue, HeaderValueOption};
use lateen_envoy_api::v3::route::Route;
use lateen_envoy_api::v3::route::weighted_cluster::ClusterWeight;
use std::collections::BTreeMap;

/// Header operations of one level.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    request_add: Vec<HeaderValueOption>,
    request_remove: Vec<String>,
    response_add: Vec<HeaderValueOption>,
    response_remove: Vec<String>,
    /// New host, when `host` or `:authority` is set; Envoy has its own field for it.
    pub authority: Option<String>,
}

/// Translates the operations of a rule or a destination.
pub fn translate(headers: Option<&Headers>) -> Operations {
    let Some(headers) = headers else { return Operations::default() };
    let mut out = Operations::default();
    if let Some(request) = &headers.request {
        (out.request_add, out.request_remove) = lists(request);
        out.authority = authority(&request.set).or_else(|| authority(&request.add));
    }
    if let Some(response) = &headers.response {
        (out.response_add, out.response_remove) = lists(response);
    }
    out
}

impl Operations {
    /// Appends the operations to those of a route.
    pub fn put_on_route(self, route: &mut Route) {
        route.request_headers_to_add.extend(self.request_add);
        route.request_headers_to_remove.extend(self.request_remove);
        route.response_headers_to_add.extend(self.response_add);
        route.response_headers_to_remove.extend(self.response_remove);
    }

    /// Sets the operations of a weighted cluster.
    pub fn put_on_cluster(self, cluster: &mut ClusterWeight) {
        cluster.request_headers_to_add = self.request_add;
        cluster.request_headers_to_remove = self.request_remove;
        cluster.response_headers_to_add = self.response_add;
        cluster.response_headers_to_remove = self.response_remove;
    }
}

fn lists(operations: &HeaderOperations) -> (Vec<HeaderValueOption>, Vec<String>) {
    let mut add = options(&operations.set, HeaderAppendAction::OverwriteIfExistsOrAdd);
    add.extend(options(&operations.add, HeaderAppendAction::AppendIfExistsOrAdd));
    let remove = operations.remove.iter().filter(|name| !is_internal(name)).cloned().collect();
    (add, remove)
}

fn options(values: &BTreeMap<String, String>, action: HeaderAppendAction) -> Vec<HeaderValueOption> {
    let option = |(key, value): (&String, &String)| HeaderValueOption {
        header: Some(HeaderValue { key: key.clone(), value: value.clone(), ..Default::default() }),
        append_action: action.into(),
        ..Default::default()
    };
    values.iter().filter(|(key, _)| !is_internal(key)).map(option).collect()
}

fn authority(values: &BTreeMap<String, String>) -> Option<String> {
    let host = |name: &str| name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case(":authority");
    values.iter().filter(|(name, value)| host(name) && !value.is_empty()).map(|(_, value)| value.clone()).next_back()
}

/// Envoy refuses operations on these.
fn is_internal(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}

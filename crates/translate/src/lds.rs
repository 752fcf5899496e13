//! Listeners.
//! In: a scope. Out: the listeners of a gateway, or the outbound listeners of a sidecar.

mod access_log;
mod gateway;
mod hcm;
mod sidecar;
mod tcp;
pub mod tls;

use crate::Options;
use crate::sds::Secrets;
use crate::values::{duration, number};
use ipnet::IpNet;
use lateen_config::Finding;
use lateen_envoy_api::v3::core::CidrRange;
use lateen_envoy_api::v3::listener::listener_filter::ConfigType;
use lateen_envoy_api::v3::listener::{FilterChain, FilterChainMatch, Listener, ListenerFilter};
use lateen_envoy_api::{pack, prost::Name, v3};
use lateen_model::Scope;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

pub use sidecar::lets_unknown_pass;

/// A TLS handshake must be over by then; a slow client could hold memory otherwise.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);

/// Listeners and what was met on the way.
#[derive(Debug, Default)]
pub struct Built {
    /// Sorted by name.
    pub listeners: Vec<Listener>,
    /// Secrets that they ask for.
    pub secrets: Secrets,
    /// What could not be translated.
    pub findings: Vec<Finding>,
}

/// All listeners, sorted by name.
pub fn listeners(scope: &Scope, options: &Options) -> Vec<Listener> {
    build(scope, options).listeners
}

/// All listeners with findings and secrets.
pub fn build(scope: &Scope, options: &Options) -> Built {
    let mut out = Built::default();
    if scope.proxy.is_gateway() {
        gateway::build(scope, options, &mut out);
    } else {
        sidecar::build(scope, options, &mut out);
    }
    out.listeners.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

/// A filter chain with its limit for handshakes; what it matches and does is filled in by the caller.
fn filter_chain(filters: Vec<v3::listener::Filter>) -> FilterChain {
    FilterChain { filters, transport_socket_connect_timeout: duration(HANDSHAKE_LIMIT), ..Default::default() }
}

/// A match by server name; `*` among them matches every name.
fn server_names(hosts: impl IntoIterator<Item = String>) -> Option<FilterChainMatch> {
    let names: BTreeSet<String> = hosts.into_iter().collect();
    if names.is_empty() || names.contains("*") {
        return None;
    }
    Some(FilterChainMatch { server_names: names.into_iter().collect(), ..Default::default() })
}

/// A match by destination address; bits behind the prefix do not count.
fn ranges(cidrs: &[String]) -> FilterChainMatch {
    let range = |text: &String| {
        let net = match text.parse::<IpNet>() {
            Ok(net) => net.trunc(),
            Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
        };
        Some(CidrRange { address_prefix: net.addr().to_string(), prefix_len: number(net.prefix_len().into()) })
    };
    FilterChainMatch { prefix_ranges: cidrs.iter().filter_map(range).collect(), ..Default::default() }
}

fn network_filter<M: Name>(name: &str, config: &M) -> v3::listener::Filter {
    v3::listener::Filter {
        name: name.to_owned(),
        config_type: Some(v3::listener::filter::ConfigType::TypedConfig(pack(config))),
    }
}

fn listener_filter<M: Name>(name: &str, config: &M) -> ListenerFilter {
    ListenerFilter {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(pack(config))),
        ..Default::default()
    }
}

fn tls_inspector() -> ListenerFilter {
    let config = v3::listener_filter::tls_inspector::TlsInspector::default();
    listener_filter("envoy.filters.listener.tls_inspector", &config)
}

fn proxy_protocol() -> ListenerFilter {
    let config = v3::listener_filter::proxy_protocol::ProxyProtocol::default();
    listener_filter("envoy.filters.listener.proxy_protocol", &config)
}

fn http_inspector() -> ListenerFilter {
    let config = v3::listener_filter::http_inspector::HttpInspector::default();
    listener_filter("envoy.filters.listener.http_inspector", &config)
}

//! Listeners and filter chains.
//! In: the message. Out: a listener whose chains can be told apart, or why Envoy would not take it.

#![allow(deprecated)]

use super::at::{At, extension_type};
use super::value::{address, flag, limit, metadata, networks, number, port};
use super::{DecodeError, access_log, hcm, rbac, tcp_proxy, tls, version_of};
use crate::ir::{
    FilterChain, FilterChainMatch, Listener, ListenerFilter, NetworkFilter, SourceType, TerminalFilter,
    TrafficDirection,
};
use lateen_envoy_api::v3::{listener as api, listener_filter};
use lateen_envoy_api::{Any, pack};
use std::collections::{HashMap, HashSet};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

const HCM: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const RBAC: &str = "envoy.extensions.filters.network.rbac.v3.RBAC";

pub(crate) fn decode(mut message: api::Listener, version: u64, at: At<'_>) -> Result<Listener, DecodeError> {
    if message.listener_specifier.is_some() {
        return Err(at.field("internal_listener").unsupported("", "give the listener an address"));
    }
    let chains = take(&mut message.filter_chains);
    let default_chain = message.default_filter_chain.take();
    let metadata = metadata(message.metadata.take());
    let frame = version_of(&pack(&message));
    let mut addresses = vec![address(message.address.take(), at.field("address"))?];
    for (index, extra) in take(&mut message.additional_addresses).into_iter().enumerate() {
        let at = at.index("additional_addresses", index);
        if extra.socket_options.is_some() {
            return Err(at.field("socket_options").unsupported("", ""));
        }
        addresses.push(address(extra.address, at.field("address"))?);
    }
    let mut filter_chains = Vec::with_capacity(chains.len());
    for (index, given) in chains.into_iter().enumerate() {
        filter_chains.push(Arc::new(chain(given, at.index("filter_chains", index))?));
    }
    let default_filter_chain =
        default_chain.map(|given| chain(given, at.field("default_filter_chain")).map(Arc::new)).transpose()?;
    if filter_chains.is_empty() && default_filter_chain.is_none() {
        return Err(at.field("filter_chains").missing("no filter chains specified"));
    }
    no_two_alike(&filter_chains, at)?;
    let mut listener_filters = Vec::new();
    for (index, filter) in take(&mut message.listener_filters).into_iter().enumerate() {
        listener_filters.extend(listener_filter(filter, at.index("listener_filters", index))?);
    }
    let direction = match take(&mut message.traffic_direction) {
        0 => TrafficDirection::Unspecified,
        1 => TrafficDirection::Inbound,
        2 => TrafficDirection::Outbound,
        other => return Err(at.field("traffic_direction").invalid(other, "unknown direction")),
    };
    let deprecated_bind = message.deprecated_v1.take().and_then(|old| old.bind_to_port);
    let decoded = Listener {
        name: take(&mut message.name).into(),
        addresses,
        bind_to_port: flag(message.bind_to_port.take().or(deprecated_bind), true),
        names: names(&filter_chains),
        filter_chains,
        default_filter_chain,
        listener_filters,
        listener_filters_timeout: limit(
            message.listener_filters_timeout.take(),
            Some(Duration::from_secs(15)),
            at.field("listener_filters_timeout"),
        )?,
        continue_on_listener_filters_timeout: take(&mut message.continue_on_listener_filters_timeout),
        per_connection_buffer_limit: number(message.per_connection_buffer_limit_bytes.take()).unwrap_or(1 << 20),
        use_original_dst: flag(message.use_original_dst.take(), false),
        direction,
        backlog: number(message.tcp_backlog_size.take()).unwrap_or(4096),
        access_log: access_log::decode_all(take(&mut message.access_log), "access_log", at)?,
        metadata,
        version,
        frame,
    };
    // How workers share connections, and names of statistics.
    message.stat_prefix.clear();
    message.stats_matcher = None;
    message.connection_balance_config = None;
    message.reuse_port = false;
    message.enable_reuse_port = None;
    message.drain_type = 0;
    message.max_connections_to_accept_per_socket_event = None;
    message.ignore_global_conn_limit = false;
    message.bypass_overload_manager = false;
    message.tcp_keepalive = None;
    for off in [&mut message.transparent, &mut message.freebind] {
        if off.as_ref().is_some_and(|value| !value.value) {
            *off = None;
        }
    }
    at.nothing_left(&message)?;
    Ok(decoded)
}

fn listener_filter(filter: api::ListenerFilter, at: At<'_>) -> Result<Option<ListenerFilter>, DecodeError> {
    if filter.filter_disabled.is_some() {
        return Err(at.field("filter_disabled").unsupported("", "list the filter or leave it out"));
    }
    let any = match filter.config_type {
        Some(api::listener_filter::ConfigType::TypedConfig(any)) => any,
        Some(api::listener_filter::ConfigType::ConfigDiscovery(_)) => {
            return Err(at.field("config_discovery").unsupported(filter.name, "put the filter in place"));
        }
        // Well-known names may stand without a message.
        None => {
            return match filter.name.as_str() {
                "envoy.filters.listener.tls_inspector" => Ok(Some(ListenerFilter::TlsInspector)),
                "envoy.filters.listener.http_inspector" => Ok(Some(ListenerFilter::HttpInspector)),
                "envoy.filters.listener.original_dst" => Ok(Some(ListenerFilter::OriginalDst)),
                "envoy.filters.listener.proxy_protocol" => {
                    Ok(Some(ListenerFilter::ProxyProtocol { allow_without: false }))
                }
                _ => Err(at.field("typed_config").missing("")),
            };
        }
    };
    let at = at.field("typed_config");
    Ok(Some(match extension_type(&any).as_str() {
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector" => ListenerFilter::TlsInspector,
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector" => ListenerFilter::HttpInspector,
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst" => ListenerFilter::OriginalDst,
        "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol" => {
            let mut given: listener_filter::proxy_protocol::ProxyProtocol = at.unpack(&any)?;
            let allow_without = take(&mut given.allow_requests_without_proxy_protocol);
            // Where TLVs are kept that nothing here reads.
            given.rules.clear();
            given.pass_through_tlvs = None;
            given.stat_prefix.clear();
            given.tlv_location = 0;
            at.nothing_left(&given)?;
            ListenerFilter::ProxyProtocol { allow_without }
        }
        _ => return Err(at.unknown_extension(&any, "tls_inspector, http_inspector, original_dst, proxy_protocol")),
    }))
}

fn chain(mut given: api::FilterChain, at: At<'_>) -> Result<FilterChain, DecodeError> {
    let metadata = metadata(given.metadata.take());
    let version = version_of(&pack(&given));
    let matches = matches(given.filter_chain_match.take().unwrap_or_default(), at.field("filter_chain_match"))?;
    let tls = tls::downstream(given.transport_socket.take(), at.field("transport_socket"))?;
    let (filters, terminal) = network_filters(take(&mut given.filters), at)?;
    let decoded = FilterChain {
        name: take(&mut given.name).into(),
        matches,
        tls,
        transport_connect_timeout: limit(
            given.transport_socket_connect_timeout.take(),
            None,
            at.field("transport_socket_connect_timeout"),
        )?,
        filters,
        terminal,
        metadata,
        version,
    };
    if given.use_proxy_proto.as_ref().is_some_and(|value| !value.value) {
        given.use_proxy_proto = None;
    }
    at.nothing_left(&given)?;
    Ok(decoded)
}

fn matches(mut given: api::FilterChainMatch, at: At<'_>) -> Result<FilterChainMatch, DecodeError> {
    let destination_port = number(given.destination_port.take());
    let mut server_names = Vec::with_capacity(given.server_names.len());
    for (index, name) in take(&mut given.server_names).into_iter().enumerate() {
        let partial = name.strip_prefix("*.").unwrap_or(&name).contains('*');
        if partial {
            return Err(at
                .index("server_names", index)
                .invalid(name, "partial wildcards are not supported in server_names"));
        }
        server_names.push(name.to_ascii_lowercase());
    }
    let mut source_ports = Vec::with_capacity(given.source_ports.len());
    for (index, value) in take(&mut given.source_ports).into_iter().enumerate() {
        source_ports.push(port(value, at.index("source_ports", index))?);
    }
    let decoded = FilterChainMatch {
        destination_port: destination_port.map(|value| port(value, at.field("destination_port"))).transpose()?,
        prefix_ranges: networks(take(&mut given.prefix_ranges), "prefix_ranges", at)?,
        server_names,
        transport_protocol: take(&mut given.transport_protocol),
        application_protocols: take(&mut given.application_protocols),
        direct_source_prefix_ranges: networks(
            take(&mut given.direct_source_prefix_ranges),
            "direct_source_prefix_ranges",
            at,
        )?,
        source_type: match take(&mut given.source_type) {
            0 => SourceType::Any,
            1 => SourceType::SameIpOrLoopback,
            2 => SourceType::External,
            other => return Err(at.field("source_type").invalid(other, "unknown source type")),
        },
        source_prefix_ranges: networks(take(&mut given.source_prefix_ranges), "source_prefix_ranges", at)?,
        source_ports,
    };
    at.nothing_left(&given)?;
    Ok(decoded)
}

/// A port with a thousand hosts finds their chain without looking at all of them.
fn names(chains: &[Arc<FilterChain>]) -> Option<HashMap<String, Vec<usize>>> {
    if chains.iter().any(|chain| chain.matches.destination_port.is_some() || !chain.matches.prefix_ranges.is_empty()) {
        return None;
    }
    let mut names: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, chain) in chains.iter().enumerate() {
        let unnamed = chain.matches.server_names.is_empty().then(String::new);
        for name in chain.matches.server_names.iter().cloned().chain(unnamed) {
            names.entry(name).or_default().push(index);
        }
    }
    Some(names)
}

/// Two chains for the same connections are an error, as in Envoy.
fn no_two_alike(chains: &[Arc<FilterChain>], at: At<'_>) -> Result<(), DecodeError> {
    let mut seen = HashSet::new();
    for (index, chain) in chains.iter().enumerate() {
        for key in corners(&chain.matches) {
            if !seen.insert(key) {
                let reason = "multiple filter chains with the same matching rules are defined";
                return Err(at.index("filter_chains", index).field("filter_chain_match").invalid(&chain.name, reason));
            }
        }
    }
    Ok(())
}

/// Every combination of single conditions as text; one text for all when there are too many.
fn corners(matches: &FilterChainMatch) -> Vec<String> {
    fn texts<T: ToString>(items: &[T]) -> Vec<String> {
        if items.is_empty() { vec![String::new()] } else { items.iter().map(ToString::to_string).collect() }
    }
    let lists = [
        texts(&matches.prefix_ranges),
        texts(&matches.server_names),
        texts(&matches.application_protocols),
        texts(&matches.direct_source_prefix_ranges),
        texts(&matches.source_prefix_ranges),
        texts(&matches.source_ports),
    ];
    const MOST: usize = 4096;
    if lists.iter().try_fold(1_usize, |total, list| total.checked_mul(list.len())).is_none_or(|total| total > MOST) {
        return vec![format!("{matches:?}")];
    }
    let single = format!("{:?}|{}|{:?}", matches.destination_port, matches.transport_protocol, matches.source_type);
    let mut keys = vec![single];
    for list in &lists {
        keys = keys.iter().flat_map(|key| list.iter().map(move |item| format!("{key}|{item}"))).collect();
    }
    keys
}

fn network_filters(filters: Vec<api::Filter>, at: At<'_>) -> Result<(Vec<NetworkFilter>, TerminalFilter), DecodeError> {
    let count = filters.len();
    let mut before = Vec::new();
    for (index, filter) in filters.into_iter().enumerate() {
        let at = at.index("filters", index);
        let last = index + 1 == count;
        let any = match filter.config_type {
            Some(api::filter::ConfigType::TypedConfig(any)) => any,
            Some(api::filter::ConfigType::ConfigDiscovery(_)) => {
                return Err(at.field("config_discovery").unsupported(filter.name, "put the filter in place"));
            }
            None => return Err(at.field("typed_config").missing("")),
        };
        let place = at.field("typed_config");
        match network_filter(&any, place)? {
            Found::Terminal(terminal) if last => return Ok((before, terminal)),
            Found::Terminal(_) => {
                return Err(at.invalid(filter.name, "terminal filter must be the last in a network filter chain"));
            }
            Found::Before(_) | Found::Nothing if last => {
                return Err(at.invalid(filter.name, "non-terminal filter is the last filter in a network filter chain"));
            }
            Found::Before(filter) => before.push(filter),
            Found::Nothing => {}
        }
    }
    Ok((before, TerminalFilter::Close))
}

enum Found {
    Terminal(TerminalFilter),
    Before(NetworkFilter),
    Nothing,
}

fn network_filter(any: &Any, at: At<'_>) -> Result<Found, DecodeError> {
    Ok(match extension_type(any).as_str() {
        HCM => Found::Terminal(TerminalFilter::Http(Arc::new(hcm::decode(at.unpack(any)?, at)?))),
        TCP_PROXY => Found::Terminal(TerminalFilter::Tcp(Arc::new(tcp_proxy::decode(at.unpack(any)?, at)?))),
        RBAC => Found::Before(NetworkFilter::Rbac(Arc::new(rbac::on_connection(at.unpack(any)?, at)?))),
        // Istio's telemetry, which no peer can see.
        "stats.PluginConfig"
        | "envoy.tcp.metadataexchange.config.MetadataExchange"
        | "io.istio.network.peer_metadata.Config" => Found::Nothing,
        _ => return Err(at.unknown_extension(any, "http_connection_manager, tcp_proxy, rbac")),
    })
}

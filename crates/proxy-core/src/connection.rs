//! Which filter chain takes a connection.
//! In: a listener and what listener filters have found. Out: the chain, as Envoy's matching tree finds it.

mod misdirected;
#[cfg(test)]
mod tests;

pub use misdirected::misdirected;

use crate::ir::{FilterChain, FilterChainMatch, Listener, SourceType};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Facts of a connection after the listener filters.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionFacts<'a> {
    /// The address that the peer connected to, restored when it was redirected.
    pub destination: SocketAddr,
    /// The directly connected peer.
    pub direct_peer: SocketAddr,
    /// The client, which PROXY protocol may have changed.
    pub client: SocketAddr,
    /// SNI; empty for none.
    pub server_name: &'a str,
    /// ALPN offered, or what the HTTP inspector saw.
    pub application_protocols: &'a [String],
    /// `tls` or `raw_buffer`.
    pub transport_protocol: &'a str,
}

/// The filter chain for a connection: at each step only the most specific chains go on,
/// and there is no way back; then the default chain.
#[must_use]
pub fn select_filter_chain<'l>(listener: &'l Listener, facts: &ConnectionFacts<'_>) -> Option<&'l Arc<FilterChain>> {
    let mut left = candidates(listener, facts.server_name);
    let destination = facts.destination.ip().to_canonical();
    let direct = facts.direct_peer.ip().to_canonical();
    let client = facts.client.ip().to_canonical();
    let local = client.is_loopback() || client == destination;
    narrow(&mut left, |chain| match chain.destination_port {
        None => Some(0),
        Some(port) => (port == facts.destination.port()).then_some(1),
    });
    narrow(&mut left, |chain| prefix(&chain.prefix_ranges, destination));
    narrow(&mut left, |chain| server_name(&chain.server_names, facts.server_name));
    narrow(&mut left, |chain| {
        if chain.transport_protocol.is_empty() {
            return Some(0);
        }
        (chain.transport_protocol == facts.transport_protocol).then_some(1)
    });
    narrow_by_application(&mut left, facts.application_protocols);
    narrow(&mut left, |chain| prefix(&chain.direct_source_prefix_ranges, direct));
    narrow(&mut left, |chain| match chain.source_type {
        SourceType::Any => Some(0),
        SourceType::SameIpOrLoopback => local.then_some(1),
        SourceType::External => (!local).then_some(1),
    });
    narrow(&mut left, |chain| prefix(&chain.source_prefix_ranges, client));
    narrow(&mut left, |chain| {
        if chain.source_ports.is_empty() {
            return Some(0);
        }
        chain.source_ports.contains(&facts.client.port()).then_some(1)
    });
    left.first().copied().or(listener.default_filter_chain.as_ref())
}

/// The chains that the server name leaves over, or all when it is not the first condition.
fn candidates<'l>(listener: &'l Listener, server_name: &str) -> Vec<&'l Arc<FilterChain>> {
    let Some(names) = &listener.names else { return listener.filter_chains.iter().collect() };
    let name = server_name.to_ascii_lowercase();
    let mut found = (!name.is_empty()).then(|| names.get(&name)).flatten();
    let mut rest = name.as_str();
    // The longest wildcard first; its star stands for at least one character.
    while found.is_none()
        && let Some(at) = rest.get(1..).and_then(|tail| tail.find('.'))
    {
        rest = &rest[at + 1..];
        found = names.get(&format!("*{rest}"));
    }
    let places = found.or_else(|| names.get("")).map_or(&[][..], Vec::as_slice);
    places.iter().filter_map(|place| listener.filter_chains.get(*place)).collect()
}

/// Keeps the chains with the highest rank; those without one go.
fn narrow(chains: &mut Vec<&Arc<FilterChain>>, rank: impl Fn(&FilterChainMatch) -> Option<usize>) {
    let best = chains.iter().filter_map(|chain| rank(&chain.matches)).max();
    chains.retain(|chain| best.is_some() && rank(&chain.matches) == best);
}

/// The first protocol of the client that some chain names decides; then the chains that name none.
fn narrow_by_application(chains: &mut Vec<&Arc<FilterChain>>, offered: &[String]) {
    for protocol in offered {
        if chains.iter().any(|chain| chain.matches.application_protocols.contains(protocol)) {
            chains.retain(|chain| chain.matches.application_protocols.contains(protocol));
            return;
        }
    }
    chains.retain(|chain| chain.matches.application_protocols.is_empty());
}

/// Length of the longest network that holds the address, plus one; 0 for no condition.
fn prefix(networks: &[IpNet], address: IpAddr) -> Option<usize> {
    if networks.is_empty() {
        return Some(0);
    }
    networks
        .iter()
        .filter(|network| network.contains(&address))
        .map(|network| usize::from(network.prefix_len()) + 1)
        .max()
}

/// An exact name goes before wildcards, a longer wildcard before a shorter one.
fn server_name(names: &[String], asked: &str) -> Option<usize> {
    if names.is_empty() {
        return Some(0);
    }
    let rank = |name: &String| {
        if name.eq_ignore_ascii_case(asked) {
            return Some(usize::MAX);
        }
        let suffix = name.strip_prefix('*').filter(|suffix| suffix.starts_with('.'))?;
        let start = asked.len().checked_sub(suffix.len()).filter(|start| *start > 0)?;
        let end = asked.as_bytes().get(start..)?;
        end.eq_ignore_ascii_case(suffix.as_bytes()).then_some(suffix.len())
    };
    names.iter().filter_map(rank).max()
}

//! Outbound listeners of sidecars: one for each port that speaks HTTP, one for each address and port of other services,
//! and the one that captured traffic arrives at.
//! In: egress listeners. Out: `0.0.0.0_80`, `10.0.0.1_9000`, `virtualOutbound`.

mod chains;

use super::{Built, access_log, filter_chain, http_inspector, tcp, tls_inspector};
use crate::destination::{BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER};
use crate::values::{boolean, duration, number, socket_address};
use crate::{Options, provenance};
use chains::Chain;
use lateen_config::kinds::mesh_config::OutboundTrafficPolicyMode;
use lateen_config::kinds::sidecar::OutboundTrafficPolicyMode as SidecarMode;
use lateen_core::Protocol;
use lateen_envoy_api::v3::core::TrafficDirection;
use lateen_envoy_api::v3::listener::{FilterChain, FilterChainMatch, Listener};
use lateen_model::{Address, EgressListener, Port, Registry, Resolution, Scope, Service};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Every IPv4 address.
const WILDCARD: &str = "0.0.0.0";

/// What the first bytes of a connection may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// HTTP for certain.
    Http,
    /// Anything but HTTP.
    Tcp,
    /// Found out from the bytes.
    Auto,
}

/// A listener in the making.
struct Entry {
    kind: Kind,
    /// Named by a Sidecar's listener with a port: nothing joins it.
    locked: bool,
    bind_to_port: bool,
    chains: Vec<Chain>,
    metadata: Option<lateen_envoy_api::v3::core::Metadata>,
}

struct Building<'a> {
    scope: &'a Scope,
    options: &'a Options,
    entries: BTreeMap<(String, u16), Entry>,
}

/// Whether calls to hosts that the mesh does not know go through.
pub fn lets_unknown_pass(scope: &Scope) -> bool {
    let own = scope.sidecar.as_ref().and_then(|rule| rule.spec.outbound_traffic_policy.as_ref());
    match own {
        Some(policy) => policy.mode == SidecarMode::AllowAny,
        None => scope.snapshot.mesh.outbound_policy() != OutboundTrafficPolicyMode::RegistryOnly,
    }
}

/// All outbound listeners.
pub fn build(scope: &Scope, options: &Options, out: &mut Built) {
    let mut building = Building { scope, options, entries: BTreeMap::new() };
    for egress in &scope.egress {
        if egress.port.is_none() {
            building.entries.values_mut().for_each(|entry| entry.locked = true);
        }
        for service in egress.services.iter().filter(|service| service.resolution != Resolution::Alias) {
            match &egress.port {
                Some(written) => {
                    let port = Port {
                        number: written.number,
                        name: String::new(),
                        protocol: written.protocol,
                        target: lateen_model::service::TargetPort::Number(written.number),
                        at: Default::default(),
                    };
                    building.add(egress, service, &port);
                }
                None => service.ports.iter().for_each(|port| building.add(egress, service, port)),
            }
        }
    }
    let entries = std::mem::take(&mut building.entries);
    out.listeners.extend(entries.into_iter().map(|((bind, port), entry)| finish(scope, &bind, port, entry)));
    out.listeners.push(captured(scope));
}

impl Building<'_> {
    fn add(&mut self, egress: &EgressListener, service: &Arc<Service>, port: &Port) {
        let kind = match port.protocol {
            Protocol::Udp | Protocol::Hbone => return,
            Protocol::Unsupported => Kind::Auto,
            protocol if protocol.is_http() => Kind::Http,
            _ => Kind::Tcp,
        };
        if !egress.bind.is_empty() {
            self.place(egress, service, port, kind, &egress.bind, &[]);
            return;
        }
        if kind == Kind::Http {
            self.place(egress, service, port, kind, WILDCARD, &[]);
            return;
        }
        // Callers of a headless service dial its instances.
        let headless = service.resolution == Resolution::Passthrough && service.address().is_none();
        if headless && service.registry == Registry::Kubernetes {
            for endpoint in service.endpoints_of(port.number) {
                if let Address::Ip(ip) = &endpoint.address
                    && self.scope.proxy.ips.first() != Some(ip)
                {
                    self.place(egress, service, port, kind, &ip.to_string(), &[]);
                }
            }
            return;
        }
        match service.address() {
            None => self.place(egress, service, port, kind, WILDCARD, &[]),
            Some(address) if address.contains('/') => {
                self.place(egress, service, port, kind, WILDCARD, &service.addresses);
            }
            Some(address) => self.place(egress, service, port, kind, address, &[]),
        }
    }

    fn place(
        &mut self,
        egress: &EgressListener,
        service: &Arc<Service>,
        port: &Port,
        kind: Kind,
        bind: &str,
        cidrs: &[String],
    ) {
        let key = (bind.to_owned(), port.number);
        let existing = self.entries.get(&key).map(|entry| (entry.locked, entry.kind));
        let input = chains::Input { scope: self.scope, options: self.options, egress, service, port, bind, cidrs };
        let wildcard = bind == WILDCARD;
        let (made, joined): (Vec<Chain>, Kind) = match (existing, kind) {
            (Some((true, _)), _) | (Some((_, Kind::Http | Kind::Auto)), Kind::Http) => return,
            // On the wildcard address other traffic may come to the same port, so HTTP is told by its first bytes.
            (None, Kind::Http) if !wildcard => (vec![chains::http(input, false)], Kind::Http),
            (None | Some((_, Kind::Tcp)), Kind::Http) => (vec![chains::http(input, true)], Kind::Auto),
            (None | Some((_, Kind::Tcp)), Kind::Tcp) => (chains::l4(input), Kind::Tcp),
            (Some((_, Kind::Http | Kind::Auto)), Kind::Tcp) | (Some((_, Kind::Auto)), Kind::Auto) => {
                (chains::l4(input), Kind::Auto)
            }
            (None | Some((_, Kind::Http | Kind::Tcp)), Kind::Auto) => {
                let mut made = chains::l4(input);
                made.push(chains::http(input, true));
                (made, Kind::Auto)
            }
        };
        let replace = existing.is_some_and(|(_, known)| known == Kind::Http) && kind == Kind::Auto;
        let metadata = provenance::of(self.options, &service.source, port.at, "spec.ports");
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            kind: joined,
            locked: false,
            bind_to_port: egress.capture_none,
            chains: Vec::new(),
            metadata,
        });
        entry.kind = joined;
        if replace {
            entry.chains.clear();
        }
        for chain in made {
            // The oldest service keeps what it matches.
            if !entry.chains.iter().any(|known| known.matched == chain.matched) {
                entry.chains.push(chain);
            }
        }
    }
}

fn finish(scope: &Scope, bind: &str, port: u16, entry: Entry) -> Listener {
    let mut filter_chains = Vec::new();
    let mut default = None;
    let by_name = entry.chains.iter().any(|chain| !chain.matched.server_names.is_empty());
    let by_protocol = entry.chains.iter().any(|chain| !chain.matched.application_protocols.is_empty());
    for chain in entry.chains {
        if chain.matched == FilterChainMatch::default() {
            default.get_or_insert(chain.chain);
        } else {
            filter_chains.push(FilterChain { filter_chain_match: Some(chain.matched), ..chain.chain });
        }
    }
    let default_filter_chain = match default {
        Some(only) if filter_chains.is_empty() => {
            filter_chains.push(only);
            None
        }
        Some(default) => Some(default),
        None => Some(FilterChain { name: "PassthroughFilterChain".to_owned(), ..unknown(scope) }),
    };
    let mut listener_filters = Vec::new();
    if by_name {
        listener_filters.push(tls_inspector());
    }
    if by_protocol {
        listener_filters.push(http_inspector());
    }
    let detection = scope.snapshot.mesh.config.protocol_detection_timeout.filter(|_| by_protocol);
    Listener {
        name: format!("{bind}_{port}"),
        address: Some(socket_address(bind, port)),
        traffic_direction: TrafficDirection::Outbound.into(),
        bind_to_port: if entry.bind_to_port { None } else { boolean(false) },
        continue_on_listener_filters_timeout: true,
        listener_filters_timeout: duration(detection.unwrap_or(Duration::ZERO)),
        listener_filters,
        filter_chains,
        default_filter_chain,
        metadata: entry.metadata,
        ..Default::default()
    }
}

/// The listener that iptables redirects to; a connection goes on to the listener of the address that was dialled.
fn captured(scope: &Scope) -> Listener {
    let mesh = &scope.snapshot.mesh;
    let port = mesh.outbound_port();
    // Calls to the port itself would come back for ever.
    let mut loops = FilterChain {
        name: "virtualOutbound-blackhole".to_owned(),
        filters: vec![tcp::single(mesh, BLACK_HOLE_CLUSTER)],
        ..Default::default()
    };
    loops.filter_chain_match = Some(FilterChainMatch { destination_port: number(port.into()), ..Default::default() });
    let rest = FilterChain { name: "virtualOutbound-catchall-tcp".to_owned(), ..unknown(scope) };
    Listener {
        name: "virtualOutbound".to_owned(),
        address: Some(socket_address(WILDCARD, port)),
        traffic_direction: TrafficDirection::Outbound.into(),
        use_original_dst: boolean(true),
        filter_chains: vec![loops, rest],
        access_log: access_log::of_listener(mesh),
        ..Default::default()
    }
}

/// The chain for connections to what the mesh does not know.
fn unknown(scope: &Scope) -> FilterChain {
    let cluster = if lets_unknown_pass(scope) { PASSTHROUGH_CLUSTER } else { BLACK_HOLE_CLUSTER };
    FilterChain { filters: vec![tcp::single(&scope.snapshot.mesh, cluster)], ..Default::default() }
}

/// A chain of a sidecar has the same limit for handshakes as one of a gateway.
fn chain(filters: Vec<lateen_envoy_api::v3::listener::Filter>) -> FilterChain {
    filter_chain(filters)
}

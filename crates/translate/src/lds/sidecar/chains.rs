//! Filter chains of one service port in a sidecar.
//! In: the service, the port, the address. Out: chains with what they match.

use super::{WILDCARD, chain};
use crate::lds::{hcm, ranges, server_names, tcp};
use crate::values::domain_name;
use crate::{Options, provenance};
use lateen_core::{ClusterName, Protocol};
use lateen_envoy_api::v3::listener::{Filter, FilterChain, FilterChainMatch};
use lateen_model::virtual_service::MESH;
use lateen_model::{EgressListener, Port, Scope, Service, VirtualService};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the HTTP inspector reports for HTTP in clear.
const PLAINTEXT_HTTP: [&str; 3] = ["http/1.0", "http/1.1", "h2c"];

/// A chain, and what it matches.
pub struct Chain {
    /// What it matches; nothing set stands for everything.
    pub matched: FilterChainMatch,
    /// The chain without its match.
    pub chain: FilterChain,
}

/// What chains are made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The view of the proxy.
    pub scope: &'a Scope,
    /// How resources are made.
    pub options: &'a Options,
    /// The egress listener that sees the service.
    pub egress: &'a EgressListener,
    /// The service.
    pub service: &'a Arc<Service>,
    /// Its port.
    pub port: &'a Port,
    /// Address of the listener.
    pub bind: &'a str,
    /// Ranges of addresses that the service stands for; empty for the address of the listener.
    pub cidrs: &'a [String],
}

/// The chain for HTTP; `by_bytes` when it is told from other traffic by the first bytes.
pub fn http(input: Input<'_>, by_bytes: bool) -> Chain {
    let own = input.port.protocol == Protocol::Unsupported && input.bind != WILDCARD;
    let number = input.port.number;
    let route_name = if own { domain_name(input.service.host.as_str(), number) } else { number.to_string() };
    let manager = hcm::filter(hcm::Input {
        mesh: &input.scope.snapshot.mesh,
        topology: None,
        options: input.options,
        route_name: &route_name,
        stat_prefix: &format!("outbound_{}_{number}", input.bind),
        protocol: input.port.protocol,
        edge: false,
    });
    let mut matched = FilterChainMatch::default();
    if by_bytes {
        matched.transport_protocol = "raw_buffer".to_owned();
        matched.application_protocols = PLAINTEXT_HTTP.iter().map(|name| (*name).to_owned()).collect();
    }
    Chain { matched, chain: with_place(input, chain(vec![manager])) }
}

/// The chains for everything else: as VirtualServices route it, or to the service's own cluster.
pub fn l4(input: Input<'_>) -> Vec<Chain> {
    let rules: Vec<&VirtualService> = input
        .egress
        .virtual_services
        .iter()
        .filter(|rule| rule.hosts.iter().any(|host| host.overlaps(&input.service.host)))
        .map(|rule| &**rule)
        .collect();
    if input.port.protocol.is_tls() { tls(input, &rules) } else { plain(input, &rules) }
}

fn tls(input: Input<'_>, rules: &[&VirtualService]) -> Vec<Chain> {
    let mut out: Vec<Chain> = Vec::new();
    for rule in rules {
        for (index, route) in rule.tls.iter().enumerate() {
            for (nth, condition) in route.r#match.iter().enumerate() {
                let fits = Condition {
                    port: condition.port,
                    gateways: &condition.gateways,
                    labels: &condition.source_labels,
                    namespace: &condition.source_namespace,
                };
                if !fits.holds(input) {
                    continue;
                }
                let subnets = &condition.destination_subnets;
                let cidrs = if subnets.is_empty() { input.cidrs } else { subnets.as_slice() };
                let names = server_names(condition.sni_hosts.iter().map(|host| host.to_ascii_lowercase()));
                let matched = FilterChainMatch {
                    server_names: names.map(|matched| matched.server_names).unwrap_or_default(),
                    ..ranges(cidrs)
                };
                let filter = tcp::weighted(input.scope, rule.source.namespace(), &route.route, input.port.number);
                if let Some(filter) = filter
                    && !out.iter().any(|known| known.matched == matched)
                {
                    let mut made = chain(vec![filter]);
                    let path = format!("spec.tls[{index}].match[{nth}]");
                    made.metadata = provenance::of(input.options, &rule.source, condition.at, &path);
                    out.push(Chain { matched, chain: made });
                }
            }
        }
    }
    if out.is_empty() {
        let mut matched = ranges(input.cidrs);
        // Without an address of its own the name is all that tells the service from others.
        if !input.cidrs.is_empty() || (input.service.address().is_none() && input.bind == WILDCARD) {
            matched.server_names = vec![input.service.host.to_string()];
        }
        out.push(own_cluster(input, matched));
    }
    out
}

fn plain(input: Input<'_>, rules: &[&VirtualService]) -> Vec<Chain> {
    let mut out = Vec::new();
    for rule in rules {
        for (index, route) in rule.tcp.iter().enumerate() {
            let mut subnets: Vec<String> = Vec::new();
            let mut always = route.r#match.is_empty();
            for condition in &route.r#match {
                let fits = Condition {
                    port: condition.port,
                    gateways: &condition.gateways,
                    labels: &condition.source_labels,
                    namespace: &condition.source_namespace,
                };
                if fits.holds(input) {
                    always |= condition.destination_subnets.is_empty();
                    subnets.extend(condition.destination_subnets.iter().cloned());
                }
            }
            if !always && subnets.is_empty() {
                continue;
            }
            let Some(filter) = tcp::weighted(input.scope, rule.source.namespace(), &route.route, input.port.number)
            else {
                continue;
            };
            let mut made = chain(vec![filter]);
            made.metadata = provenance::of(input.options, &rule.source, route.at, &format!("spec.tcp[{index}]"));
            let matched = ranges(if always { input.cidrs } else { &subnets });
            out.push(Chain { matched, chain: made });
            if always {
                return out;
            }
        }
    }
    out.push(own_cluster(input, ranges(input.cidrs)));
    out
}

fn own_cluster(input: Input<'_>, matched: FilterChainMatch) -> Chain {
    let number = match input.service.ports.as_slice() {
        [only] => only.number,
        _ => input.port.number,
    };
    let cluster = ClusterName::outbound(number, "", input.service.host.clone()).to_string();
    let filter: Filter = tcp::own(input.scope, input.service, number, &cluster);
    Chain { matched, chain: with_place(input, chain(vec![filter])) }
}

fn with_place(input: Input<'_>, chain: FilterChain) -> FilterChain {
    let metadata = provenance::of(input.options, &input.service.source, input.port.at, "spec.ports");
    FilterChain { metadata, ..chain }
}

/// The part of a condition that is decided here and not by Envoy.
struct Condition<'a> {
    port: u32,
    gateways: &'a [String],
    labels: &'a BTreeMap<String, String>,
    namespace: &'a str,
}

impl Condition<'_> {
    fn holds(&self, input: Input<'_>) -> bool {
        let proxy = &input.scope.proxy;
        (self.port == 0 || self.port == u32::from(input.port.number))
            && (self.gateways.is_empty() || self.gateways.iter().any(|name| name == MESH))
            && self.labels.iter().all(|(key, value)| proxy.labels.get(key) == Some(value))
            && (self.namespace.is_empty() || self.namespace == proxy.namespace)
    }
}

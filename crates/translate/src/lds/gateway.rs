//! Listeners of gateways: one for each address and port, with a filter chain for each server that needs its own.
//! In: the merged gateway. Out: `0.0.0.0_8080` and its like; ports without any chain are left out.

mod overlap;

use super::{Built, access_log, filter_chain, hcm, ranges, server_names, tcp, tls, tls_inspector};
use crate::values::socket_address;
use crate::{Options, provenance};
use lateen_config::kinds::gateway::ServerTlsMode;
use lateen_config::kinds::virtual_service::{L4MatchAttributes, TlsMatchAttributes};
use lateen_core::{ClusterName, Protocol};
use lateen_envoy_api::v3::core::TrafficDirection;
use lateen_envoy_api::v3::listener::{FilterChain, FilterChainMatch, Listener};
use lateen_model::{MergedPort, MergedServer, Scope, Server};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The protocols of mutual TLS between sidecars, which AUTO_PASSTHROUGH insists on.
const MESH_ALPN: [&str; 6] =
    ["istio-peer-exchange", "istio", "istio-http/1.0", "istio-http/1.1", "istio-h2", "istio-h3"];

/// A filter chain and the server that it is for.
type Chain = (FilterChain, Arc<Server>);

struct Building<'a> {
    scope: &'a Scope,
    options: &'a Options,
    out: &'a mut Built,
    /// SNI hosts of passthrough routes by port: host to bind.
    sni: HashMap<u16, BTreeMap<String, String>>,
}

/// All listeners of a gateway.
pub fn build(scope: &Scope, options: &Options, out: &mut Built) {
    let mut building = Building { scope, options, out, sni: HashMap::new() };
    let mut listeners: Vec<(String, &MergedPort, Vec<Chain>)> = Vec::new();
    for port in &scope.gateway.ports {
        if scope.proxy.unprivileged && port.number < 1024 {
            building.privileged(port);
            continue;
        }
        let name = listener_name(scope, port);
        let chains = building.chains(port, &name);
        match listeners.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, known)) => known.extend(chains),
            None => listeners.push((name, port, chains)),
        }
    }
    for (name, port, chains) in listeners {
        let mut chains = building.distinct(chains);
        if let Err(destinations) = overlap::widen(&mut chains) {
            building.too_many(port, destinations);
        }
        // Nothing but closed servers: the port is not opened.
        if chains.iter().any(|chain| !chain.filters.is_empty()) {
            let made = listener(scope, options, name, port, chains);
            building.out.listeners.push(made);
        }
    }
}

fn bind<'a>(scope: &Scope, port: &'a MergedPort) -> &'a str {
    let ipv6 = !scope.proxy.ips.is_empty() && scope.proxy.ips.iter().all(|ip| ip.is_ipv6());
    match port.bind.as_str() {
        "" if ipv6 => "::",
        "" => "0.0.0.0",
        bind => bind,
    }
}

fn listener_name(scope: &Scope, port: &MergedPort) -> String {
    format!("{}_{}", bind(scope, port), port.number)
}

fn listener(
    scope: &Scope,
    options: &Options,
    name: String,
    port: &MergedPort,
    filter_chains: Vec<FilterChain>,
) -> Listener {
    let inspect = filter_chains.iter().any(|chain| {
        chain.transport_socket.is_some()
            || chain.filter_chain_match.as_ref().is_some_and(|m| !m.server_names.is_empty())
    });
    let inspect = inspect || port.servers.iter().any(|merged| merged.server.is_tls());
    // The header of the balancer comes before everything else.
    let proxy_protocol = scope.topology.as_ref().is_some_and(|topology| topology.proxy_protocol.is_some());
    let first = port.servers.first().map(|merged| &merged.server);
    Listener {
        name,
        address: Some(socket_address(bind(scope, port), port.number)),
        traffic_direction: TrafficDirection::Outbound.into(),
        listener_filters: proxy_protocol
            .then(super::proxy_protocol)
            .into_iter()
            .chain(inspect.then(tls_inspector))
            .collect(),
        filter_chains,
        access_log: access_log::of_listener(&scope.snapshot.mesh),
        metadata: first.and_then(|server| provenance::of(options, &server.source, server.at, &server.path())),
        ..Default::default()
    }
}

impl Building<'_> {
    fn chains(&mut self, port: &MergedPort, listener: &str) -> Vec<Chain> {
        if port.protocol.is_http() {
            // All plain servers of the port share one chain and one set of routes.
            let first = port.servers.first();
            return first.map(|first| (self.http(first, port, listener), first.server.clone())).into_iter().collect();
        }
        let mut chains = Vec::new();
        for merged in &port.servers {
            let server = &*merged.server;
            let made = if server.is_https_terminated() {
                vec![self.http(merged, port, listener)]
            } else if server.is_passthrough() {
                self.passthrough(server, port)
            } else {
                self.tcp(server).into_iter().collect()
            };
            chains.extend(made.into_iter().map(|chain| (chain, merged.server.clone())));
        }
        chains
    }

    fn http(&mut self, merged: &MergedServer, port: &MergedPort, listener: &str) -> FilterChain {
        let server = &merged.server;
        let plain = port.protocol.is_http();
        let stat_prefix = match server.name.as_str() {
            "" => format!("outbound_{listener}"),
            _ if plain => format!("outbound_{listener}"),
            name => name.to_owned(),
        };
        let manager = hcm::filter(hcm::Input {
            mesh: &self.scope.snapshot.mesh,
            topology: self.scope.topology.as_ref(),
            options: self.options,
            route_name: if plain { &port.route_name } else { &merged.route_name },
            stat_prefix: &stat_prefix,
            protocol: server.protocol,
            edge: true,
        });
        let mut chain = filter_chain(vec![manager]);
        chain.metadata = provenance::of(self.options, &server.source, server.at, &server.path());
        if !plain {
            self.end_tls(server, &mut chain);
        }
        chain
    }

    /// Ends TLS before the filters. A server without its certificates keeps its place among the chains, but without
    /// filters, and Envoy closes such connections: another server with a wider match must not get them.
    fn end_tls(&mut self, server: &Server, chain: &mut FilterChain) {
        if let Some(settings) = &server.tls {
            let opaque = !server.protocol.is_http() && server.protocol != Protocol::Https;
            let input = tls::Input { scope: self.scope, options: self.options, settings, opaque };
            chain.transport_socket = tls::downstream(input, &mut self.out.secrets);
            if chain.transport_socket.is_none() {
                chain.filters.clear();
                self.without_identity(server, settings.mode);
            }
        }
        chain.filter_chain_match = server_names(server.sni_hosts().iter().map(ToString::to_string));
    }

    /// TCP, with or without TLS that ends here: the first rule that fits takes every connection.
    fn tcp(&mut self, server: &Server) -> Option<FilterChain> {
        for rule in self.scope.virtual_services(&server.gateway) {
            if server.intersection(&rule.hosts, rule.source.namespace()).is_empty() {
                continue;
            }
            for (index, tcp) in rule.tcp.iter().enumerate() {
                let fits = tcp.r#match.is_empty() || tcp.r#match.iter().any(|m| l4_fits(m, server));
                if !fits || tcp.route.is_empty() {
                    continue;
                }
                let filter = tcp::weighted(self.scope, rule.source.namespace(), &tcp.route, server.port)?;
                let mut chain = filter_chain(vec![filter]);
                chain.metadata = provenance::of(self.options, &rule.source, tcp.at, &format!("spec.tcp[{index}]"));
                self.end_tls(server, &mut chain);
                return Some(chain);
            }
        }
        self.unrouted(server);
        None
    }

    fn passthrough(&mut self, server: &Server, port: &MergedPort) -> Vec<FilterChain> {
        let auto = server.tls.as_ref().is_some_and(|tls| tls.mode == ServerTlsMode::AutoPassthrough);
        if auto {
            return self.auto_passthrough(server);
        }
        let chains = self.by_sni(server, port);
        if chains.is_empty() {
            self.unrouted(server);
        }
        chains
    }

    /// A chain for each rule by SNI.
    fn by_sni(&mut self, server: &Server, port: &MergedPort) -> Vec<FilterChain> {
        let mut chains = Vec::new();
        for rule in self.scope.virtual_services(&server.gateway) {
            if server.intersection(&rule.hosts, rule.source.namespace()).is_empty() {
                continue;
            }
            for (index, tls) in rule.tls.iter().enumerate() {
                for (nth, condition) in tls.r#match.iter().enumerate() {
                    if !tls_fits(condition, server) {
                        continue;
                    }
                    let path = format!("spec.tls[{index}].match[{nth}]");
                    let known = self.sni.entry(port.number).or_default();
                    let subnets = &condition.destination_subnets;
                    // One name may go several ways, each for destinations of its own.
                    let key =
                        |host: &String| if subnets.is_empty() { host.clone() } else { format!("{host} {subnets:?}") };
                    let taken = condition.sni_hosts.iter().find(|host| known.get(&key(host)) == Some(&server.bind));
                    if let Some(host) = taken {
                        let message = format!(
                            "SNI host {host} is already routed on port {}; this match is left out, with all of its hosts",
                            port.number
                        );
                        self.out.findings.push(rule.source.warn(condition.at, format!("{path}.sniHosts"), message));
                        continue;
                    }
                    known.extend(condition.sni_hosts.iter().map(|host| (key(host), server.bind.clone())));
                    let namespace = rule.source.namespace();
                    let Some(filter) = tcp::weighted(self.scope, namespace, &tls.route, server.port) else { continue };
                    let mut chain = filter_chain(vec![filter]);
                    chain.metadata = provenance::of(self.options, &rule.source, condition.at, &path);
                    let names = server_names(condition.sni_hosts.iter().map(|host| host.to_ascii_lowercase()));
                    let mut matched = ranges(subnets);
                    matched.server_names = names.map(|matched| matched.server_names).unwrap_or_default();
                    chain.filter_chain_match = (matched != FilterChainMatch::default()).then_some(matched);
                    chains.push(chain);
                }
            }
        }
        chains
    }

    /// A chain for each cluster of each service that the server's hosts cover, matched by Istio's SNI of clusters.
    fn auto_passthrough(&mut self, server: &Server) -> Vec<FilterChain> {
        let hosts = server.sni_hosts();
        let mut chains = Vec::new();
        for service in self.scope.services() {
            if service.external || !hosts.iter().any(|host| host.covers(&service.host)) {
                continue;
            }
            let rule = self.scope.destination_rule(&service.host, Some(&service));
            let subsets = rule.iter().flat_map(|rule| rule.rule.subsets.iter().map(|subset| subset.name.clone()));
            let subsets: Vec<String> = std::iter::once(String::new()).chain(subsets).collect();
            for port in service.ports.iter().filter(|port| port.protocol != Protocol::Udp) {
                for subset in &subsets {
                    let cluster = ClusterName::outbound(port.number, subset, service.host.clone()).sni();
                    let mut chain = filter_chain(vec![tcp::single(&self.scope.snapshot.mesh, &cluster)]);
                    chain.filter_chain_match = Some(FilterChainMatch {
                        server_names: vec![cluster],
                        application_protocols: MESH_ALPN.iter().map(|name| (*name).to_owned()).collect(),
                        ..Default::default()
                    });
                    chain.metadata = provenance::of(self.options, &server.source, server.at, &server.path());
                    chains.push(chain);
                }
            }
        }
        chains
    }

    /// What two servers would both match goes to the first; the other one is told.
    fn distinct(&mut self, chains: Vec<Chain>) -> Vec<FilterChain> {
        let (kept, lost) = overlap::distinct(chains);
        for overlap::Lost { by, name, to } in lost {
            let name = if name.is_empty() { "*" } else { &name };
            let message = format!(
                "connections for {name} on port {} already go to {} of {}, not to this server",
                by.port,
                to.path(),
                to.source
            );
            self.out.findings.push(by.source.warn(by.at, format!("{}.hosts", by.path()), message));
        }
        kept
    }

    /// Too many destinations beside too many names: what Envoy does with them is not what was written.
    fn too_many(&mut self, port: &MergedPort, destinations: usize) {
        let Some(first) = port.servers.first().map(|merged| &merged.server) else { return };
        let message = format!(
            "rules with destinationSubnets name {destinations} networks on port {}, too many to repeat the other rules of \
             the port for them; connections to these networks meet only the rules that name them, as in Istio",
            port.number
        );
        let mut finding = first.source.warn(first.at, first.path(), message);
        finding.hint = Some("name fewer and wider networks, or give their rules a port of their own".to_owned());
        self.out.findings.push(finding);
    }

    /// A port without a route is not opened; whoever wrote the server wants to know.
    fn unrouted(&mut self, server: &Server) {
        let kind = if server.is_passthrough() { "tls" } else { "tcp" };
        let port = server.port;
        let mut finding = server.source.warn(
            server.at,
            server.path(),
            format!("no VirtualService with a {kind} rule is bound to port {port} of this Gateway; it is not served"),
        );
        finding.hint = Some(match server.protocol {
            Protocol::Https | Protocol::Tls if server.tls.is_none() => {
                "the server has no `tls` settings, so its bytes are forwarded as they are".to_owned()
            }
            _ => format!("bind a VirtualService with `{kind}` routes to Gateway {}", server.gateway),
        });
        self.out.findings.push(finding);
    }

    /// A server with the workload's own certificate, on a proxy that has none. Secrets that are missing are told of
    /// where the Gateway is checked.
    fn without_identity(&mut self, server: &Server, mode: ServerTlsMode) {
        if mode != ServerTlsMode::IstioMutual {
            return;
        }
        let proxy = &self.scope.proxy;
        let message = format!(
            "proxy {}/{} has no certificate of the mesh for tls mode ISTIO_MUTUAL; its connections are closed",
            proxy.namespace, proxy.name
        );
        let mut finding = server.source.warn(server.at, format!("{}.tls.mode", server.path()), message);
        finding.hint = Some(format!(
            "the metadata of its node has neither ISTIO_VERSION, as if an agent with a certificate were there, nor files \
             ({})",
            crate::sds::SERVER_CHAIN
        ));
        self.out.findings.push(finding);
    }

    fn privileged(&mut self, port: &MergedPort) {
        for merged in &port.servers {
            let server = &merged.server;
            let message =
                format!("port {} cannot be bound by this proxy, which runs without the privilege", port.number);
            self.out.findings.push(server.source.warn(server.at, format!("{}.port.number", server.path()), message));
        }
    }
}

fn l4_fits(condition: &L4MatchAttributes, server: &Server) -> bool {
    (condition.port == 0 || condition.port == u32::from(server.port)) && gateway_fits(&condition.gateways, server)
}

fn tls_fits(condition: &TlsMatchAttributes, server: &Server) -> bool {
    (condition.port == 0 || condition.port == u32::from(server.port)) && gateway_fits(&condition.gateways, server)
}

fn gateway_fits(gateways: &[String], server: &Server) -> bool {
    gateways.is_empty() || gateways.iter().any(|name| **name == *server.gateway)
}

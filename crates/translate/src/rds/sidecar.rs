//! Routes of sidecars: for each port, the virtual hosts of the services and VirtualServices that are seen there.
//! In: egress listeners. Out: `80`, `8080`, and `host:port` for ports whose protocol is found out from the bytes.

use super::{action, configuration, retry, route};
use crate::destination::PASSTHROUGH_CLUSTER;
use crate::values::{domain_name, duration};
use crate::{Options, provenance};
use lateen_config::kinds::destination_rule::LbPolicy;
use lateen_core::{ClusterName, Host, Protocol};
use lateen_envoy_api::v3::route::route::Action;
use lateen_envoy_api::v3::route::route_action::ClusterSpecifier;
use lateen_envoy_api::v3::route::route_match::PathSpecifier;
use lateen_envoy_api::v3::route::{
    Decorator, DirectResponseAction, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost,
};
use lateen_model::virtual_service::MESH;
use lateen_model::{EgressListener, Port, Registry, Resolution, Scope, Service, VirtualService};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A service on the port that routes are made for.
type OnPort<'a> = (&'a Arc<Service>, &'a Port);

/// Virtual hosts that share their routes.
struct Group<'a> {
    services: Vec<OnPort<'a>>,
    hosts: Vec<Host>,
    routes: Vec<Route>,
    rule: Option<&'a VirtualService>,
}

/// All route configurations of a sidecar, sorted by name.
pub fn routes(scope: &Scope, options: &Options) -> Vec<RouteConfiguration> {
    let mut out: BTreeMap<String, RouteConfiguration> = BTreeMap::new();
    for listener in &scope.egress {
        let ports: BTreeSet<u16> = match &listener.port {
            Some(port) => [port.number].into(),
            None => listener.services.iter().flat_map(|s| s.ports.iter()).filter(routed).map(|p| p.number).collect(),
        };
        for port in ports {
            let name = port.to_string();
            if out.contains_key(&name) {
                continue;
            }
            let mut hosts = virtual_hosts(scope, options, listener, port);
            hosts.sort_by(|a, b| a.name.cmp(&b.name));
            for service in &listener.services {
                let sniffed = service.port(port).is_some_and(|port| port.protocol == Protocol::Unsupported);
                if sniffed && has_own_listener(listener, service) {
                    let name = domain_name(service.host.as_str(), port);
                    out.insert(name.clone(), configuration(&name, of_service(&hosts, service)));
                }
            }
            hosts.push(catch_all(scope));
            out.insert(name.clone(), configuration(&name, hosts));
        }
    }
    out.into_values().collect()
}

/// Whether requests of a port may be routed: it speaks HTTP, or may turn out to.
fn routed(port: &&Port) -> bool {
    port.protocol.is_http() || port.protocol == Protocol::Unsupported
}

/// Whether the service is reached at addresses of its own, or of its pods, and so by a listener that no other
/// service shares.
fn has_own_listener(listener: &EgressListener, service: &Service) -> bool {
    !listener.bind.is_empty()
        || match service.address() {
            Some(address) => !address.contains('/'),
            None => service.resolution == Resolution::Passthrough && service.registry == Registry::Kubernetes,
        }
}

/// The virtual host of one service, for every Host header.
fn of_service(hosts: &[VirtualHost], service: &Service) -> Vec<VirtualHost> {
    let own = hosts.iter().find(|host| host.domains.iter().any(|domain| domain == service.host.as_str()));
    own.map(|host| VirtualHost { domains: vec!["*".to_owned()], ..host.clone() }).into_iter().collect()
}

fn virtual_hosts(scope: &Scope, options: &Options, listener: &EgressListener, port: u16) -> Vec<VirtualHost> {
    let mut registry: BTreeMap<&Host, OnPort<'_>> = BTreeMap::new();
    for service in &listener.services {
        if let Some(on_port) = service.port(port) {
            registry.insert(&service.host, (service, on_port));
        }
    }
    let groups = groups(scope, options, listener, port, &registry);
    let full: HashSet<&str> =
        groups.iter().flat_map(|group| group.services.iter().map(|(service, _)| service.host.as_str())).collect();
    let mut names: HashSet<String> = HashSet::new();
    let mut domains: HashSet<String> = HashSet::new();
    let mut out = Vec::new();
    for group in &groups {
        let plain = group.hosts.iter().map(|host| (host, None));
        let services = group.services.iter().map(|(service, _)| (&service.host, Some(*service)));
        for (host, service) in plain.chain(services) {
            let name = domain_name(host.as_str(), port);
            if !names.insert(name.clone()) {
                continue;
            }
            let wanted = match service {
                None => vec![(host.to_string(), false)],
                Some(service) => service_domains(scope, service),
            };
            // A short form never takes the place of a full name, and no domain stands twice.
            let free = wanted.into_iter().filter(|(domain, short)| !(*short && full.contains(domain.as_str())));
            let free: Vec<String> =
                free.map(|(domain, _)| domain).filter(|domain| domains.insert(domain.clone())).collect();
            if free.is_empty() {
                continue;
            }
            let source = group.rule.map(|rule| &rule.source).or(service.map(|service| &service.source));
            out.push(VirtualHost {
                name,
                domains: free,
                routes: group.routes.clone(),
                include_request_attempt_count: true,
                metadata: source.and_then(|source| provenance::of(options, source, Default::default(), "spec.hosts")),
                ..Default::default()
            });
        }
    }
    out
}

fn groups<'a>(
    scope: &Scope,
    options: &Options,
    listener: &'a EgressListener,
    port: u16,
    registry: &BTreeMap<&'a Host, OnPort<'a>>,
) -> Vec<Group<'a>> {
    let mut out: Vec<Group<'a>> = Vec::new();
    for rule in &listener.virtual_services {
        // Istio: port 80 takes hosts that are no services too, other ports only rules that meet a service there.
        if port != 80 && !meets_service(rule, registry) {
            continue;
        }
        let place = route::Listener { port, tls: false, gateway: MESH };
        let routes = route::of_virtual_service(scope, options, rule, place);
        if routes.is_empty() {
            continue;
        }
        let (hosts, services) = split(rule, listener, registry);
        let services: Vec<OnPort<'a>> = services.into_iter().filter(|(_, port)| routed(port)).collect();
        if services.is_empty() && port != 80 {
            continue;
        }
        out.push(Group { services, hosts, routes, rule: Some(rule) });
    }
    let taken: HashSet<&Host> =
        out.iter().flat_map(|group| group.services.iter().map(|(service, _)| &service.host)).collect();
    let rest: Vec<OnPort<'a>> = registry
        .values()
        .filter(|(service, port)| {
            service.resolution != Resolution::Alias && !taken.contains(&service.host) && routed(port)
        })
        .copied()
        .collect();
    for (service, on_port) in rest {
        let routes = vec![default_route(scope, options, service, on_port)];
        out.push(Group { services: vec![(service, on_port)], hosts: Vec::new(), routes, rule: None });
    }
    out
}

fn meets_service(rule: &VirtualService, registry: &BTreeMap<&Host, OnPort<'_>>) -> bool {
    rule.hosts.iter().any(|host| {
        registry.contains_key(host)
            || registry.keys().any(|service| (host.is_wildcard() || service.is_wildcard()) && host.overlaps(service))
    })
}

/// Hosts of a rule that are no services, and the services that it is the closest rule for.
fn split<'a>(
    rule: &VirtualService,
    listener: &'a EgressListener,
    registry: &BTreeMap<&'a Host, OnPort<'a>>,
) -> (Vec<Host>, Vec<OnPort<'a>>) {
    let mut hosts = Vec::new();
    let mut services = Vec::new();
    for host in rule.hosts.iter().filter(|host| !host.is_wildcard()) {
        match registry.get(host) {
            Some(on_port) => services.push(*on_port),
            None => hosts.push(host.clone()),
        }
    }
    for host in rule.hosts.iter().filter(|host| host.is_wildcard()) {
        let mut met = false;
        for (name, on_port) in registry.iter().filter(|(name, _)| host.overlaps(name)) {
            met = true;
            if listener.closest.get(*name) == Some(&rule.source.name) {
                services.push(*on_port);
            }
        }
        if !met {
            hosts.push(host.clone());
        }
    }
    (hosts, services)
}

/// Names under which a service is called, and whether they are short forms.
fn service_domains(scope: &Scope, service: &Service) -> Vec<(String, bool)> {
    let mut out = Vec::new();
    for host in std::iter::once(&service.host).chain(&service.aliases) {
        out.push((host.to_string(), false));
        out.extend(short_names(host, &scope.proxy.domain).into_iter().map(|name| (name, true)));
    }
    if service.resolution == Resolution::Passthrough && service.registry == Registry::Kubernetes {
        let pods: Vec<_> = out.iter().map(|(name, short)| (format!("*.{name}"), *short)).collect();
        out.extend(pods);
    }
    out.extend(service.addresses.iter().filter(|address| !address.contains('/')).map(|address| {
        let bracketed = if address.contains(':') { format!("[{address}]") } else { address.clone() };
        (bracketed, false)
    }));
    out
}

/// The short forms that DNS search domains allow in a pod of the proxy's domain.
fn short_names(host: &Host, proxy_domain: &str) -> Vec<String> {
    let mut out = vec![format!("{host}.")];
    let Some((namespace, suffix)) = proxy_domain.split_once(".svc.") else { return out };
    let Some(name) = host.as_str().strip_suffix(suffix).and_then(|name| name.strip_suffix(".svc.")) else {
        return out;
    };
    let Some((service, service_namespace)) = name.rsplit_once('.') else { return out };
    if service_namespace == namespace {
        out.push(service.to_owned());
    }
    out.push(name.to_owned());
    out.push(format!("{name}.svc"));
    out
}

fn default_route(scope: &Scope, options: &Options, service: &Service, port: &Port) -> Route {
    let cluster = ClusterName::outbound(port.number, "", service.host.clone());
    let mesh = &scope.snapshot.mesh.config;
    let policy = scope.destination_rule(&service.host, Some(service)).map(|rule| rule.policy("", port.number));
    let hash = match policy.and_then(|policy| policy.load_balancer).and_then(|lb| lb.lb_policy) {
        Some(LbPolicy::ConsistentHash(hash)) => action::consistent_hash(&hash),
        _ => None,
    };
    let mut forward = unlimited(cluster.to_string());
    forward.retry_policy = retry::translate(mesh.default_http_retry_policy.as_ref(), false);
    forward.hash_policy = hash.into_iter().collect();
    let operation = format!("{}:{}/*", service.host, port.number);
    Route {
        name: "default".to_owned(),
        r#match: Some(everything()),
        action: Some(Action::Route(forward)),
        decorator: Some(Decorator { operation, propagate: None }),
        metadata: provenance::of(options, &service.source, port.at, "spec.ports"),
        ..Default::default()
    }
}

#[allow(deprecated)] // As on all of Istio's routes: the client's grpc-timeout counts.
fn unlimited(cluster: String) -> RouteAction {
    RouteAction {
        cluster_specifier: Some(ClusterSpecifier::Cluster(cluster)),
        timeout: duration(Duration::ZERO),
        max_grpc_timeout: duration(Duration::ZERO),
        ..Default::default()
    }
}

fn everything() -> RouteMatch {
    RouteMatch { path_specifier: Some(PathSpecifier::Prefix("/".to_owned())), ..Default::default() }
}

/// The virtual host of every other host: through to where the caller dialled, or 502.
fn catch_all(scope: &Scope) -> VirtualHost {
    let (name, action) = if crate::lds::lets_unknown_pass(scope) {
        ("allow_any", Action::Route(unlimited(PASSTHROUGH_CLUSTER.to_owned())))
    } else {
        ("block_all", Action::DirectResponse(DirectResponseAction { status: 502, ..Default::default() }))
    };
    let route =
        Route { name: name.to_owned(), r#match: Some(everything()), action: Some(action), ..Default::default() };
    VirtualHost {
        name: name.to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![route],
        include_request_attempt_count: true,
        ..Default::default()
    }
}

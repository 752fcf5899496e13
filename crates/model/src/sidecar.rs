//! Sidecar resources: which services and routes a sidecar proxy sees, by listener.
//! In: the resources, and the world. Out: egress listeners with their services and VirtualServices.

use crate::host_index::HostIndex;
use crate::proxy::Proxy;
use crate::service::{Registry, Service};
use crate::snapshot::{Objects, World};
use crate::source::Source;
use crate::virtual_service::{MESH, VirtualService};
use lateen_config::Sidecar;
use lateen_config::kinds::sidecar::{CaptureMode, IstioEgressListener};
use lateen_core::{Host, Labels, NamespacedName, Protocol};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A Sidecar resource.
#[derive(Clone, Debug)]
pub struct SidecarRule {
    /// The object.
    pub source: Arc<Source>,
    /// Workloads that it is for; empty means all of the namespace.
    pub selector: Labels,
    /// As written.
    pub spec: Arc<Sidecar>,
}

/// An outbound listener of a sidecar, or all of its ports.
#[derive(Clone, Debug)]
pub struct EgressListener {
    /// The one port; `None` stands for all ports that no other listener names.
    pub port: Option<EgressPort>,
    /// Address to bind; empty for the addresses of the services.
    pub bind: String,
    /// Whether the application calls the listener itself.
    pub capture_none: bool,
    /// What it sees, one service for each host, oldest first.
    pub services: Vec<Arc<Service>>,
    /// Mesh routes that it sees.
    pub virtual_services: Vec<Arc<VirtualService>>,
    /// For each service with a VirtualService, the one whose host is closest.
    pub closest: HashMap<Host, NamespacedName>,
}

/// The port of an egress listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressPort {
    /// Number.
    pub number: u16,
    /// What it speaks.
    pub protocol: Protocol,
}

/// Hosts that a listener imports from one namespace.
#[derive(Default)]
struct Imports {
    exact: HashSet<Host>,
    wildcard: Vec<Host>,
    excluded: Vec<Host>,
}

/// Reads the Sidecar resources, oldest first.
pub fn build(objects: &Objects<'_>) -> Vec<Arc<SidecarRule>> {
    let mut out: Vec<_> = objects
        .sidecars
        .iter()
        .map(|(source, _, spec)| {
            let selector = spec.workload_selector.as_ref().map(|s| Labels(s.labels.clone())).unwrap_or_default();
            Arc::new(SidecarRule { source: source.clone(), selector, spec: spec.clone() })
        })
        .collect();
    out.sort_by(|a, b| a.source.order().cmp(&b.source.order()));
    out
}

/// The resource for `proxy`: one that selects it, or that of its namespace, or that of the root namespace.
pub fn select<'a>(rules: &'a [Arc<SidecarRule>], proxy: &Proxy, root_namespace: &str) -> Option<&'a Arc<SidecarRule>> {
    let local = || rules.iter().filter(|rule| rule.source.namespace() == proxy.namespace);
    let chosen = local().find(|rule| !rule.selector.is_empty() && rule.selector.select(&proxy.labels));
    let of_namespace =
        |namespace: &str| rules.iter().find(|rule| rule.source.namespace() == namespace && rule.selector.is_empty());
    chosen.or_else(|| of_namespace(&proxy.namespace)).or_else(|| of_namespace(root_namespace))
}

/// The listeners of `proxy` under `rule`; without one, everything that is exported to its namespace.
pub fn egress(world: &World, proxy: &Proxy, rule: Option<&SidecarRule>) -> Vec<EgressListener> {
    let listeners = rule.map_or(&[][..], |rule| rule.spec.egress.as_slice());
    if listeners.is_empty() {
        let everything = IstioEgressListener { hosts: vec!["*/*".to_owned()], ..Default::default() };
        return vec![listener(world, proxy, &everything)];
    }
    listeners.iter().map(|written| listener(world, proxy, written)).collect()
}

fn listener(world: &World, proxy: &Proxy, written: &IstioEgressListener) -> EgressListener {
    let imports = imports(written, &proxy.namespace);
    let port = written.port.as_ref().and_then(|port| {
        let number = crate::registry::workload::port(port.number)?;
        Some(EgressPort { number, protocol: Protocol::parse(&port.protocol) })
    });
    let services = services(world, proxy, &imports, port.as_ref().map(|port| port.number));
    let virtual_services = virtual_services(world, proxy, &imports);
    let closest = closest(&virtual_services, &services);
    EgressListener {
        port,
        bind: written.bind.clone(),
        capture_none: written.capture_mode == CaptureMode::None,
        services,
        virtual_services,
        closest,
    }
}

fn imports(written: &IstioEgressListener, namespace: &str) -> HashMap<String, Imports> {
    let mut out: HashMap<String, Imports> = HashMap::new();
    for text in &written.hosts {
        let Some((from, host)) = text.split_once('/') else { continue };
        let (from, excluded) = match from.strip_prefix('~') {
            Some("") => ("*", true),
            Some(rest) => (rest, true),
            None => (from, false),
        };
        let from = if from == "." { namespace } else { from };
        let host = Host::new(host);
        let imports = out.entry(from.to_owned()).or_default();
        if excluded {
            imports.excluded.push(host);
        } else if host.is_wildcard() {
            imports.wildcard.push(host);
        } else {
            imports.exact.insert(host);
        }
    }
    out
}

impl Imports {
    fn imports_service(&self, host: &Host) -> bool {
        self.exact.contains(host) || self.wildcard.iter().any(|import| import.covers(host))
    }

    /// A route is imported when any host that it may match is (both ways, as Istio keeps it for old users).
    fn imports_route(&self, host: &Host) -> bool {
        self.exact.contains(host)
            || self.wildcard.iter().any(|import| import.overlaps(host))
            || (host.is_wildcard() && self.exact.iter().any(|import| host.covers(import)))
    }

    fn excludes(&self, host: &Host) -> bool {
        self.excluded.iter().any(|excluded| excluded.covers(host))
    }
}

fn for_namespace<'a>(imports: &'a HashMap<String, Imports>, namespace: &str) -> [Option<&'a Imports>; 2] {
    [imports.get(namespace), imports.get("*")]
}

fn services(world: &World, proxy: &Proxy, imports: &HashMap<String, Imports>, port: Option<u16>) -> Vec<Arc<Service>> {
    let mut chosen: Vec<Arc<Service>> = Vec::new();
    let mut known: HashMap<Host, usize> = HashMap::new();
    for service in world.services_for(&proxy.namespace) {
        let from = for_namespace(imports, service.namespace());
        let excluded = from.iter().flatten().any(|imports| imports.excludes(&service.host));
        if excluded || !from.iter().flatten().any(|imports| imports.imports_service(&service.host)) {
            continue;
        }
        // A listener with a port takes the services of that port, or those with one port only.
        if port.is_some_and(|port| service.port(port).is_none() && service.ports.len() != 1) {
            continue;
        }
        match known.get(&service.host).and_then(|index| chosen.get_mut(*index)) {
            None => {
                known.insert(service.host.clone(), chosen.len());
                chosen.push(service.clone());
            }
            Some(existing) => {
                if preferred(service, existing, &proxy.namespace) {
                    *existing = service.clone();
                }
            }
        }
    }
    chosen
}

/// Whether `new` takes the place of `existing` under the same host: the client's own namespace wins, then a
/// Kubernetes Service, then age.
pub(crate) fn preferred(new: &Service, existing: &Service, namespace: &str) -> bool {
    if existing.namespace() == namespace {
        return false;
    }
    new.namespace() == namespace || (existing.registry == Registry::External && new.registry == Registry::Kubernetes)
}

fn virtual_services(world: &World, proxy: &Proxy, imports: &HashMap<String, Imports>) -> Vec<Arc<VirtualService>> {
    let imported = |vs: &Arc<VirtualService>| {
        let from = for_namespace(imports, vs.source.namespace());
        from.iter().flatten().any(|import| {
            let seen = |host: &Host| import.imports_route(host) && !from.iter().flatten().any(|i| i.excludes(host));
            vs.hosts.iter().any(seen)
        })
    };
    world.virtual_services_for(&proxy.namespace, MESH).into_iter().filter(imported).collect()
}

fn closest(routes: &[Arc<VirtualService>], services: &[Arc<Service>]) -> HashMap<Host, NamespacedName> {
    let mut index: HostIndex<NamespacedName> = HostIndex::default();
    for route in routes {
        for host in &route.hosts {
            if index.get_mut(host).is_none() {
                index.insert(host.clone(), route.source.name.clone());
            }
        }
    }
    let found = services.iter().filter_map(|s| index.find(&s.host).map(|(_, name)| (s.host.clone(), name.clone())));
    found.collect()
}

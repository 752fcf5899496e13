//! What one proxy may see of a snapshot.
//! In: the snapshot and the proxy. Out: its merged gateway, or its egress listeners, and lookups in its view.

use crate::destination_rule::DestinationRule;
use crate::endpoint::Endpoint;
use crate::gateway::{self, MergedGateway, Selection, ServiceTarget, TargetPorts};
use crate::proxy::Proxy;
use crate::service::Service;
use crate::sidecar::{self, SidecarRule};
pub use crate::sidecar::{EgressListener, EgressPort};
use crate::snapshot::Snapshot;
use crate::virtual_service::VirtualService;
use lateen_config::Finding;
use lateen_config::kinds::proxy_config::Topology;
use lateen_core::{Host, Labels};
use std::sync::Arc;

/// The view of one proxy.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The world.
    pub snapshot: Snapshot,
    /// The proxy.
    pub proxy: Proxy,
    /// Ports of services that the proxy is an instance of.
    pub targets: Vec<ServiceTarget>,
    /// Gateways that select the proxy, merged; empty for sidecars.
    pub gateway: MergedGateway,
    /// Outbound listeners; empty for gateways.
    pub egress: Vec<EgressListener>,
    /// The Sidecar resource that applies.
    pub sidecar: Option<Arc<SidecarRule>>,
    /// What stands in front of the proxy: as its own configuration says, or else the mesh's default.
    pub topology: Option<Topology>,
    /// Servers that lost against others on the same port.
    pub findings: Vec<Finding>,
}

impl Scope {
    /// What `proxy` sees of `snapshot`.
    pub fn new(snapshot: &Snapshot, proxy: &Proxy) -> Self {
        let mut findings = Vec::new();
        let targets = gateway::targets(snapshot, proxy);
        let mut scope = Self {
            snapshot: snapshot.clone(),
            proxy: proxy.clone(),
            targets,
            gateway: MergedGateway::default(),
            egress: Vec::new(),
            sidecar: None,
            topology: proxy.topology(),
            findings: Vec::new(),
        };
        if scope.topology.is_none() {
            let default = snapshot.mesh.config.default_config.as_deref();
            scope.topology = default.and_then(|config| config.gateway_topology.clone());
        }
        if proxy.is_gateway() {
            scope.gateway = scope.merge_gateways(&mut findings);
        } else {
            scope.sidecar = sidecar::select(&snapshot.sidecars, proxy, &snapshot.mesh.root_namespace).cloned();
            scope.egress = sidecar::egress(snapshot, proxy, scope.sidecar.as_deref());
        }
        scope.findings = findings;
        scope
    }

    /// Gateways that the proxy serves, oldest first, each with the services in front of it.
    fn merge_gateways(&self, findings: &mut Vec<Finding>) -> MergedGateway {
        let own = &*self.proxy.namespace;
        let scoped = self.snapshot.options.scope_gateway_to_namespace;
        let mut selected: Vec<(&Arc<gateway::Gateway>, Option<Vec<ServiceTarget>>)> = Vec::new();
        for gateway in &self.snapshot.gateways {
            if scoped && gateway.source.namespace() != own {
                continue;
            }
            match &gateway.selection {
                Selection::Labels(selector) if selector.select(&self.proxy.labels) => selected.push((gateway, None)),
                Selection::Labels(_) => {}
                Selection::Services(hosts) => {
                    let serves = |target: &&ServiceTarget| {
                        hosts.contains(&target.service.host) && target.service.namespace() == gateway.source.namespace()
                    };
                    let targets: Vec<_> = self.targets.iter().filter(serves).cloned().collect();
                    if !targets.is_empty() {
                        selected.push((gateway, Some(targets)));
                    }
                }
            }
        }
        let servers = selected.iter().flat_map(|(gateway, targets)| {
            let ports = TargetPorts {
                targets: targets.as_deref().unwrap_or(&self.targets),
                by_service: targets.is_some(),
                proxy: &self.proxy,
            };
            gateway.servers.iter().map(move |server| (server, ports))
        });
        gateway::merge(servers, findings)
    }

    /// VirtualServices bound to a Gateway (`namespace/name`), in the order in which they count.
    pub fn virtual_services(&self, gateway: &str) -> Vec<Arc<VirtualService>> {
        self.snapshot.virtual_services_for(&self.proxy.namespace, gateway)
    }

    /// The service of a host.
    pub fn service(&self, host: &Host) -> Option<&Arc<Service>> {
        self.snapshot.service(host, &self.proxy.namespace)
    }

    /// The service of a host as a VirtualService of `namespace` means it: its own namespace's first.
    pub fn service_for(&self, host: &Host, namespace: &str) -> Option<&Arc<Service>> {
        self.snapshot.service_in(host, namespace, &self.proxy.namespace).or_else(|| self.service(host))
    }

    /// Services that the proxy sees, one for each host, oldest first.
    pub fn services(&self) -> Vec<Arc<Service>> {
        let mut seen = std::collections::HashSet::new();
        let mut out = Vec::new();
        let listed = self.egress.iter().flat_map(|listener| listener.services.iter());
        for service in listed {
            if seen.insert(service.host.clone()) {
                out.push(service.clone());
            }
        }
        let wanted: Vec<Host> = if self.proxy.is_gateway() {
            self.snapshot.services_for(&self.proxy.namespace).map(|service| service.host.clone()).collect()
        } else {
            // Destinations of the routes that it sees, also when no egress listener imports them.
            let routes = self.egress.iter().flat_map(|listener| listener.virtual_services.iter());
            routes.flat_map(|route| route.destinations()).collect()
        };
        for host in wanted {
            if seen.insert(host.clone())
                && let Some(service) = self.service(&host)
            {
                out.push(service.clone());
            }
        }
        out
    }

    /// The DestinationRule for a host: one with a workload selector that picks this proxy, or else one without.
    pub fn destination_rule(&self, host: &Host, service: Option<&Service>) -> Option<Arc<DestinationRule>> {
        let world = &self.snapshot;
        let namespace = service.map(Service::namespace);
        let rules = world.destination_rules.find(&world.mesh, &self.proxy.namespace, namespace, host);
        let selects = |rule: &&Arc<DestinationRule>| {
            rule.selector.as_ref().is_some_and(|selector| selector.select(&self.proxy.labels))
        };
        rules.iter().find(selects).or_else(|| rules.iter().find(|rule| rule.selector.is_none())).cloned()
    }

    /// The endpoints of a port that carry all of `labels`.
    pub fn endpoints<'a>(
        &'a self,
        service: &'a Service,
        port: u16,
        labels: &'a Labels,
    ) -> impl Iterator<Item = &'a Arc<Endpoint>> {
        service.endpoints_of(port).iter().filter(move |endpoint| endpoint.ready && labels.select(&endpoint.labels))
    }
}

impl VirtualService {
    /// Hosts that its rules lead to, in order, with repetition.
    pub fn destinations(&self) -> impl Iterator<Item = Host> + '_ {
        let http = self.http.iter().flat_map(|rule| {
            let routed = rule.route.route.iter().filter_map(|weighted| weighted.destination.as_ref());
            let mirrors = rule.route.mirrors.iter().filter_map(|mirror| mirror.destination.as_ref());
            routed.chain(rule.route.mirror.as_ref()).chain(mirrors)
        });
        let tls = self.tls.iter().flat_map(|route| &route.route).filter_map(|weighted| weighted.destination.as_ref());
        let tcp = self.tcp.iter().flat_map(|route| &route.route).filter_map(|weighted| weighted.destination.as_ref());
        http.chain(tls).chain(tcp).map(|destination| Host::new(&destination.host))
    }
}

//! The ports of a Gateway are those of the Service in front of it; this finds where the proxy itself must listen.
//! In: the services that a proxy is an instance of. Out: target ports.

use crate::proxy::{PortMapping, Proxy};
use crate::service::{Registry, Service, TargetPort};
use crate::snapshot::World;
use lateen_core::Protocol;
use std::sync::Arc;

/// Label of a Service whose ports are not translated.
const NO_TRANSLATION: &str = "experimental.istio.io/disable-gateway-port-translation";

/// A port of a service that a proxy is an instance of.
#[derive(Clone, Debug)]
pub struct ServiceTarget {
    /// The service.
    pub service: Arc<Service>,
    /// Port of the service.
    pub port: u16,
    /// What it declares to speak.
    pub protocol: Protocol,
    /// Where the proxy listens for it.
    pub target: u16,
}

/// The ports that a Gateway port stands for.
#[derive(Clone, Copy, Debug)]
pub struct TargetPorts<'a> {
    /// Ports of the services in front of the proxy.
    pub targets: &'a [ServiceTarget],
    /// Whether the Gateway names its services, and did not select the proxy by labels.
    pub by_service: bool,
    /// Says what is done without a service, and which ports are taken by somebody else.
    pub proxy: &'a Proxy,
}

impl TargetPorts<'_> {
    /// Where to listen for `port` (Istio `resolvePorts`): with a selector, the first service that has it, or else the
    /// number itself; with named services, all of theirs, or nowhere.
    pub fn resolve(self, port: u16) -> Vec<u16> {
        let translated = self.targets.iter().filter(|target| {
            target.port == port && (self.by_service || target.service.labels.get(NO_TRANSLATION).is_none())
        });
        let mut ports: Vec<u16> = translated.map(|target| target.target).collect();
        if self.by_service {
            ports.sort_unstable();
            ports.dedup();
        } else {
            ports.truncate(1);
            if ports.is_empty() {
                ports.push(match self.proxy.ports {
                    PortMapping::GatewayService if self.targets.is_empty() => {
                        lateen_core::ports::gateway_target_port(port)
                    }
                    _ => port,
                });
            }
        }
        ports.into_iter().map(|port| self.proxy.listener_port(port)).collect()
    }
}

/// The services that `proxy` is an instance of: those with an endpoint at one of its addresses, and Kubernetes
/// Services of its namespace that select its labels.
pub(crate) fn targets(world: &World, proxy: &Proxy) -> Vec<ServiceTarget> {
    let mut out = Vec::new();
    for service in world.services_near(&proxy.namespace, &proxy.ips) {
        let selected = service.registry == Registry::Kubernetes
            && service.namespace() == proxy.namespace
            && !service.selector.is_empty()
            && service.selector.select(&proxy.labels);
        for port in &service.ports {
            let endpoint = service
                .endpoints_of(port.number)
                .iter()
                .find(|endpoint| matches!(&endpoint.address, crate::Address::Ip(ip) if proxy.ips.contains(ip)));
            let target = match (endpoint, &port.target) {
                (Some(endpoint), _) => endpoint.port,
                (None, _) if !selected => continue,
                (None, TargetPort::Number(number)) => *number,
                (None, TargetPort::Name(name)) => {
                    let mut pods = world.workloads.select(service.namespace(), &service.selector);
                    match pods.find_map(|workload| workload.named_ports.get(name).copied()) {
                        Some(number) => number,
                        None => match service.endpoints_of(port.number).first() {
                            Some(endpoint) => endpoint.port,
                            None => continue,
                        },
                    }
                }
            };
            out.push(ServiceTarget { service: service.clone(), port: port.number, protocol: port.protocol, target });
        }
    }
    out
}

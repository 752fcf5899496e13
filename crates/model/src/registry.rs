//! All services, from Kubernetes Services and from ServiceEntries, with their endpoints.
//! In: objects by kind. Out: services sorted by age, and the workloads that gateways are told apart by.

mod kubernetes;
mod service_entry;
pub mod workload;

use crate::service::{Registry, Resolution, Service};
use crate::snapshot::Objects;
use crate::source::Source;
use lateen_config::{At, Finding};
use lateen_core::{Host, Labels, NamespacedName};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
pub use workload::{Workload, Workloads};

/// Reads all services.
pub fn build(objects: &Objects<'_>, findings: &mut Vec<Finding>) -> (Vec<Arc<Service>>, Workloads) {
    let workloads = Workloads::build(objects);
    let mut services = kubernetes::services(objects, &workloads, findings);
    services.extend(service_entry::services(objects, &workloads));
    services.sort_by(|a, b| a.source.order().cmp(&b.source.order()).then_with(|| a.host.cmp(&b.host)));
    let mut services = merge(services, findings);
    resolve_aliases(&mut services);
    (services.into_iter().map(Arc::new).collect(), workloads)
}

/// One service for each host and namespace: ServiceEntries for the same host add their ports to the oldest one, a
/// Kubernetes Service takes the place of a ServiceEntry (Istio `appendSidecarServices`).
fn merge(services: Vec<Service>, findings: &mut Vec<Finding>) -> Vec<Service> {
    let mut merged: Vec<Service> = Vec::with_capacity(services.len());
    let mut known: HashMap<(Host, Arc<str>), usize> = HashMap::with_capacity(services.len());
    for service in services {
        let key = (service.host.clone(), service.source.name.namespace.clone());
        let Some(existing) = known.get(&key).and_then(|index| merged.get_mut(*index)) else {
            known.insert(key, merged.len());
            merged.push(service);
            continue;
        };
        match (existing.registry, service.registry) {
            (Registry::External, Registry::Kubernetes) => {
                findings.push(shadowed(&existing.source, &service.source, &service.host));
                *existing = service;
            }
            (Registry::External, Registry::External)
                if existing.resolution == service.resolution && existing.external == service.external =>
            {
                for port in service.ports {
                    if existing.port(port.number).is_none() {
                        if let Some(endpoints) = service.endpoints.get(&port.number) {
                            existing.endpoints.insert(port.number, endpoints.clone());
                        }
                        existing.ports.push(port);
                    }
                }
                for address in service.addresses {
                    if !existing.addresses.contains(&address) {
                        existing.addresses.push(address);
                    }
                }
            }
            _ => findings.push(shadowed(&service.source, &existing.source, &service.host)),
        }
    }
    merged
}

fn shadowed(loser: &Source, winner: &Source, host: &Host) -> Finding {
    let mut finding = loser.warn(At::default(), "", format!("host {host} is already declared by {winner}"));
    finding.hint = Some("remove one of the two, or give them different hosts".to_owned());
    finding
}

/// `ExternalName` of a known service is another name for it; of an unknown host it is that host, found by DNS.
fn resolve_aliases(services: &mut [Service]) {
    let concrete: BTreeMap<Host, usize> = services
        .iter()
        .enumerate()
        .filter(|(_, service)| service.resolution != Resolution::Alias)
        .map(|(index, service)| (service.host.clone(), index))
        .collect();
    for index in 0..services.len() {
        let Some(service) = services.get(index) else { continue };
        if service.resolution != Resolution::Alias {
            continue;
        }
        let alias = service.host.clone();
        let target = service.external_name.as_ref().and_then(|host| concrete.get(host)).copied();
        match target.and_then(|target| services.get_mut(target)) {
            Some(target) => target.aliases.push(alias),
            None => {
                if let Some(service) = services.get_mut(index) {
                    kubernetes::by_dns(service);
                }
            }
        }
    }
}

/// Deployments by namespace, for named target ports when there is no pod.
pub(crate) fn templates<'a>(
    objects: &'a Objects<'_>,
    namespace: &'a str,
    selector: &'a Labels,
) -> impl Iterator<Item = &'a lateen_config::kinds::pod::PodSpec> {
    objects.deployments.iter().filter_map(move |(source, deployment)| {
        let template = &deployment.spec.template;
        let labels = &template.metadata.labels;
        let selected = source.namespace() == namespace
            && !selector.is_empty()
            && selector.0.iter().all(|(key, value)| labels.get(key) == Some(value));
        selected.then_some(&template.spec)
    })
}

/// The name of a Service object as a key.
pub(crate) fn key(namespace: &str, name: &str) -> NamespacedName {
    NamespacedName::new(namespace, name)
}

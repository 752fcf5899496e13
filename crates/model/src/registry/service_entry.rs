//! ServiceEntries: one service for each host.
//! In: the objects and the workloads that they select. Out: services.

use super::workload::{Workloads, port};
use crate::endpoint::{Address, Endpoint, Locality};
use crate::service::{Port, Registry, Resolution, Service, TargetPort};
use crate::snapshot::Objects;
use crate::source::Source;
use crate::visibility::Visibility;
use lateen_config::ServiceEntry;
use lateen_config::kinds::service_entry::{Location, Resolution as Written};
use lateen_core::{Host, Labels, Protocol};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads the ServiceEntries.
pub fn services(objects: &Objects<'_>, workloads: &Workloads) -> Vec<Service> {
    let mut out = Vec::new();
    for (source, labels, entry) in &objects.service_entries {
        let ports = ports(entry);
        let selector = entry.workload_selector.as_ref().map(|s| Labels(s.labels.clone())).unwrap_or_default();
        let default = &objects.mesh.config.default_service_export_to;
        for host in &entry.hosts {
            let host = Host::new(host);
            let mut endpoints: BTreeMap<u16, Vec<Arc<Endpoint>>> = BTreeMap::new();
            for port in &ports {
                let mut found = endpoints_of(source, entry, &host, port, &selector, workloads);
                found.sort_by(|a, b| (&a.address, a.port).cmp(&(&b.address, b.port)));
                if !found.is_empty() {
                    endpoints.insert(port.number, found.into_iter().map(Arc::new).collect());
                }
            }
            out.push(Service {
                host,
                registry: Registry::External,
                source: source.clone(),
                labels: labels.clone(),
                ports: ports.clone(),
                addresses: entry.addresses.clone(),
                resolution: resolution(entry.resolution),
                visibility: Visibility::of(&entry.export_to, default, source.namespace()),
                selector: selector.clone(),
                external: entry.location == Location::MeshExternal,
                subject_alt_names: entry.subject_alt_names.clone(),
                external_name: None,
                aliases: Vec::new(),
                endpoints,
            });
        }
    }
    out
}

fn resolution(written: Written) -> Resolution {
    match written {
        Written::None => Resolution::Passthrough,
        Written::Static => Resolution::Endpoints,
        Written::Dns => Resolution::Dns,
        Written::DnsRoundRobin => Resolution::DnsRoundRobin,
        Written::DynamicDns => Resolution::DynamicDns,
    }
}

fn ports(entry: &ServiceEntry) -> Vec<Port> {
    let read = |written: &lateen_config::kinds::service_entry::ServicePort| {
        let number = port(written.number)?;
        Some(Port {
            number,
            name: written.name.clone(),
            protocol: Protocol::parse(&written.protocol),
            target: TargetPort::Number(port(written.target_port).unwrap_or(number)),
            at: written.at,
        })
    };
    entry.ports.iter().filter_map(read).collect()
}

fn endpoints_of(
    source: &Arc<Source>,
    entry: &ServiceEntry,
    host: &Host,
    service_port: &Port,
    selector: &Labels,
    workloads: &Workloads,
) -> Vec<Endpoint> {
    let target = match service_port.target {
        TargetPort::Number(number) => number,
        TargetPort::Name(_) => service_port.number,
    };
    if !selector.is_empty() {
        let selected = workloads.select(source.namespace(), selector).filter(|workload| workload.ready);
        return selected
            .filter_map(|workload| {
                workload.endpoint(workload.named_ports.get(&service_port.name).copied().unwrap_or(target))
            })
            .collect();
    }
    let own = |address: Address, number: u16| Endpoint {
        address,
        port: number,
        labels: Arc::default(),
        locality: Locality::default(),
        weight: 0,
        ready: true,
        network: String::new(),
        service_account: String::new(),
        source: source.clone(),
    };
    if entry.endpoints.is_empty() {
        // The host itself is what DNS is asked for.
        let by_dns = matches!(entry.resolution, Written::Dns | Written::DnsRoundRobin) && !host.is_wildcard();
        return if by_dns { vec![own(Address::parse(host.as_str()), target)] } else { Vec::new() };
    }
    let made = entry.endpoints.iter().map(|written| {
        let number = written.ports.get(&service_port.name).and_then(|number| port(*number)).unwrap_or(target);
        Endpoint {
            labels: Arc::new(Labels(written.labels.clone())),
            locality: Locality::parse(&written.locality),
            weight: written.weight,
            network: written.network.clone(),
            service_account: written.service_account.clone(),
            ..own(Address::parse(&written.address), number)
        }
    });
    made.collect()
}

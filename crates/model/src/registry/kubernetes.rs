//! Kubernetes Services and where their endpoints come from: slices first, then Endpoints, then the pods and
//! WorkloadEntries that the Service selects.
//! In: those objects. Out: services.

use super::workload::{Workloads, named_ports, port};
use super::{key, templates};
use crate::endpoint::{Address, Endpoint};
use crate::service::{Port, Registry, Resolution, Service, TargetPort};
use crate::snapshot::Objects;
use crate::source::Source;
use crate::visibility::Visibility;
use lateen_config::kinds::endpoints::EndpointPort;
use lateen_config::kinds::pod::{IntOrString, ObjectReference};
use lateen_config::kinds::service::{ServicePort, ServiceSpec};
use lateen_config::{EndpointSlice, Endpoints, Finding};
use lateen_core::{Host, Labels, NamespacedName, Protocol};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Annotation that says who sees a Service.
const EXPORT_TO: &str = "networking.istio.io/exportTo";

struct Listed<'a> {
    slices: HashMap<NamespacedName, Vec<(&'a Arc<Source>, &'a EndpointSlice)>>,
    endpoints: HashMap<NamespacedName, (&'a Arc<Source>, &'a Endpoints)>,
}

/// Reads the Services.
pub fn services(objects: &Objects<'_>, workloads: &Workloads, findings: &mut Vec<Finding>) -> Vec<Service> {
    let mut listed = Listed { slices: HashMap::new(), endpoints: HashMap::new() };
    for (source, labels, slice) in &objects.endpoint_slices {
        if let Some(name) = labels.get("kubernetes.io/service-name") {
            listed.slices.entry(key(source.namespace(), name)).or_default().push((source, slice));
        }
    }
    for (source, endpoints) in &objects.endpoints {
        listed.endpoints.insert(source.name.clone(), (source, endpoints));
    }
    let mut out = Vec::with_capacity(objects.services.len());
    for (source, meta, service) in &objects.services {
        let spec = &service.spec;
        let export: Vec<&str> = meta
            .annotations
            .get(EXPORT_TO)
            .map(|text| text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect())
            .unwrap_or_default();
        let namespace = source.namespace();
        let suffix = &objects.mesh.domain_suffix;
        let selector = Labels(spec.selector.clone());
        let mut service = Service {
            host: Host::new(&format!("{}.{namespace}.svc.{suffix}", source.name.name)),
            registry: Registry::Kubernetes,
            source: source.clone(),
            labels: Labels(meta.labels.clone()),
            ports: spec.ports.iter().filter_map(read_port).collect(),
            addresses: addresses(spec),
            resolution: resolution(spec),
            visibility: Visibility::of(&export, &objects.mesh.config.default_service_export_to, namespace),
            selector,
            external: false,
            subject_alt_names: Vec::new(),
            external_name: (spec.r#type == "ExternalName").then(|| Host::new(&spec.external_name)),
            aliases: Vec::new(),
            endpoints: BTreeMap::new(),
        };
        let mut endpoints = BTreeMap::new();
        for port in &service.ports {
            let mut found = endpoints_of(&service, port, &listed, workloads, objects);
            found.sort_by(|a, b| (&a.address, a.port).cmp(&(&b.address, b.port)));
            found.dedup_by(|a, b| a.address == b.address && a.port == b.port);
            if !found.is_empty() {
                endpoints.insert(port.number, found.into_iter().map(Arc::new).collect());
            }
        }
        service.endpoints = endpoints;
        if service.resolution == Resolution::Alias && spec.external_name.is_empty() {
            findings.push(source.warn(spec.at, "spec.externalName", "a Service of type ExternalName names no host"));
        }
        out.push(service);
    }
    out
}

/// Turns an alias of an unknown host into a service that finds that host by DNS.
pub fn by_dns(service: &mut Service) {
    let Some(target) = service.external_name.clone() else { return };
    service.resolution = Resolution::Dns;
    service.external = true;
    for port in &service.ports {
        let number = match port.target {
            TargetPort::Number(number) => number,
            TargetPort::Name(_) => port.number,
        };
        let endpoint = Endpoint {
            address: Address::parse(target.as_str()),
            port: number,
            labels: Arc::default(),
            locality: Default::default(),
            weight: 0,
            ready: true,
            network: String::new(),
            service_account: String::new(),
            source: service.source.clone(),
        };
        service.endpoints.insert(port.number, vec![Arc::new(endpoint)]);
    }
}

fn addresses(spec: &ServiceSpec) -> Vec<String> {
    let mut all: Vec<String> = spec.cluster_ips.clone();
    if all.is_empty() && !spec.cluster_ip.is_empty() {
        all.push(spec.cluster_ip.clone());
    }
    all.retain(|address| !address.is_empty() && address != "None");
    all
}

fn resolution(spec: &ServiceSpec) -> Resolution {
    if spec.r#type == "ExternalName" {
        Resolution::Alias
    } else if spec.cluster_ip == "None" {
        Resolution::Passthrough
    } else {
        Resolution::Endpoints
    }
}

fn read_port(written: &ServicePort) -> Option<Port> {
    let number = port(written.port)?;
    let target = match &written.target_port {
        None => TargetPort::Number(number),
        Some(IntOrString::Int(0)) => TargetPort::Number(number),
        Some(IntOrString::Int(target)) => TargetPort::Number(u16::try_from(*target).ok()?),
        Some(IntOrString::String(name)) => match name.parse::<u16>() {
            Ok(target) => TargetPort::Number(target),
            Err(_) => TargetPort::Name(name.clone()),
        },
    };
    Some(Port {
        number,
        name: written.name.clone(),
        protocol: Protocol::of_service_port(&written.name, written.app_protocol.as_deref(), &written.protocol),
        target,
        at: written.at,
    })
}

fn endpoints_of(
    service: &Service,
    port: &Port,
    listed: &Listed<'_>,
    workloads: &Workloads,
    objects: &Objects<'_>,
) -> Vec<Endpoint> {
    let mut out = Vec::new();
    if let Some(slices) = listed.slices.get(&service.source.name) {
        for (source, slice) in slices {
            from_slice(source, slice, port, workloads, &mut out);
        }
        return out;
    }
    if let Some((source, endpoints)) = listed.endpoints.get(&service.source.name) {
        from_endpoints(source, endpoints, port, workloads, &mut out);
        return out;
    }
    for workload in workloads.select(service.namespace(), &service.selector) {
        let number = match &port.target {
            TargetPort::Number(number) => Some(*number),
            TargetPort::Name(name) => workload
                .named_ports
                .get(name)
                .copied()
                .or_else(|| named_in_template(objects, service.namespace(), &service.selector, name)),
        };
        if workload.ready
            && let Some(number) = number
        {
            out.extend(workload.endpoint(number));
        }
    }
    out
}

/// The number of a named target port as the Deployments behind the selector declare it.
pub fn named_in_template(objects: &Objects<'_>, namespace: &str, selector: &Labels, name: &str) -> Option<u16> {
    templates(objects, namespace, selector).find_map(|spec| named_ports(spec).get(name).copied())
}

fn number_of(listed: &[EndpointPort], port: &Port) -> Option<u16> {
    let named = listed.iter().find(|candidate| candidate.name == port.name);
    let only = || listed.first().filter(|_| listed.len() == 1 && listed.iter().all(|p| p.name.is_empty()));
    let number = named.or_else(only)?.port?;
    u16::try_from(number).ok()
}

fn from_slice(source: &Arc<Source>, slice: &EndpointSlice, port: &Port, pods: &Workloads, out: &mut Vec<Endpoint>) {
    let Some(number) = number_of(&slice.ports, port) else { return };
    for endpoint in &slice.endpoints {
        if endpoint.conditions.ready == Some(false) {
            continue;
        }
        for address in endpoint.addresses.iter().take(1) {
            let mut made = listed_endpoint(source, address, number, endpoint.target_ref.as_ref(), pods);
            if made.locality.is_empty() {
                made.locality.zone = endpoint.zone.clone().unwrap_or_default();
            }
            out.push(made);
        }
    }
}

fn from_endpoints(source: &Arc<Source>, listed: &Endpoints, port: &Port, pods: &Workloads, out: &mut Vec<Endpoint>) {
    for subset in &listed.subsets {
        let Some(number) = number_of(&subset.ports, port) else { continue };
        for address in &subset.addresses {
            out.push(listed_endpoint(source, &address.ip, number, address.target_ref.as_ref(), pods));
        }
    }
}

fn listed_endpoint(
    source: &Arc<Source>,
    address: &str,
    number: u16,
    target: Option<&ObjectReference>,
    pods: &Workloads,
) -> Endpoint {
    let pod = target.filter(|target| target.kind == "Pod").and_then(|target| {
        let namespace = if target.namespace.is_empty() { source.namespace() } else { &target.namespace };
        pods.pod(&NamespacedName::new(namespace, &target.name))
    });
    let mut endpoint = Endpoint {
        address: Address::parse(address),
        port: number,
        labels: Arc::default(),
        locality: Default::default(),
        weight: 0,
        ready: true,
        network: String::new(),
        service_account: String::new(),
        source: source.clone(),
    };
    if let Some(pod) = pod {
        endpoint.labels = pod.labels.clone();
        endpoint.locality = pod.locality.clone();
        endpoint.network.clone_from(&pod.network);
        endpoint.service_account.clone_from(&pod.service_account);
    }
    endpoint
}

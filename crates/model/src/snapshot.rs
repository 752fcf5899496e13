//! The snapshot: all objects of one generation, resolved and indexed, never changed afterwards.
//! In: [`Input`]. Out: the snapshot, and what is wrong between objects.

mod check;
mod references;

use crate::credential::Credentials;
use crate::destination_rule::DestinationRules;
use crate::endpoint::Address;
use crate::gateway::{self, Gateway};
use crate::ingress;
use crate::input::{Input, Options};
use crate::mesh::Mesh;
use crate::registry::{self, Workloads};
use crate::service::Service;
use crate::sidecar::{self, SidecarRule};
use crate::source::Source;
use crate::virtual_service::{self, VirtualService};
use crate::visibility::Visibility;
use lateen_config::{
    Deployment, EndpointSlice, Endpoints, Finding, MeshConfig, Object, ObjectMeta, Pod, Secret, ServiceEntry, Sidecar,
    Spec, WorkloadEntry,
};
use lateen_core::{Host, Labels};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

/// The world at one moment. A clone shares everything.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<World>);

/// What is inside a [`Snapshot`].
#[derive(Debug)]
pub struct World {
    /// The mesh configuration.
    pub mesh: Mesh,
    /// Settings of the control plane.
    pub options: Options,
    /// All services, oldest first.
    pub services: Vec<Arc<Service>>,
    /// All Gateways, oldest first.
    pub gateways: Vec<Arc<Gateway>>,
    /// All VirtualServices, delegates merged in, oldest first.
    pub virtual_services: Vec<Arc<VirtualService>>,
    /// All DestinationRules.
    pub destination_rules: DestinationRules,
    /// All Sidecars, oldest first.
    pub sidecars: Vec<Arc<SidecarRule>>,
    /// Pods and WorkloadEntries.
    pub workloads: Workloads,
    /// Certificates, keys and roots of Secrets.
    pub credentials: Credentials,
    by_host: HashMap<Host, Vec<Arc<Service>>>,
    by_gateway: HashMap<Arc<str>, Vec<Arc<VirtualService>>>,
    /// Indexes of services by the address of an endpoint, and of those with a selector by namespace.
    by_endpoint: HashMap<IpAddr, Vec<usize>>,
    by_selector: HashMap<Arc<str>, Vec<usize>>,
}

/// Objects by kind, each with its source.
pub struct Objects<'a> {
    /// The mesh configuration.
    pub mesh: &'a Mesh,
    pub(crate) gateways: Vec<(Arc<Source>, &'a ObjectMeta, &'a Arc<lateen_config::Gateway>)>,
    pub(crate) virtual_services: Vec<(Arc<Source>, &'a ObjectMeta, &'a Arc<lateen_config::VirtualService>)>,
    pub(crate) destination_rules: Vec<(Arc<Source>, &'a ObjectMeta, Arc<lateen_config::DestinationRule>)>,
    pub(crate) service_entries: Vec<(Arc<Source>, Labels, &'a Arc<ServiceEntry>)>,
    pub(crate) workload_entries: Vec<(Arc<Source>, Labels, &'a Arc<WorkloadEntry>)>,
    pub(crate) sidecars: Vec<(Arc<Source>, &'a ObjectMeta, Arc<Sidecar>)>,
    pub(crate) services: Vec<(Arc<Source>, &'a ObjectMeta, &'a Arc<lateen_config::Service>)>,
    pub(crate) endpoints: Vec<(Arc<Source>, &'a Arc<Endpoints>)>,
    pub(crate) endpoint_slices: Vec<(Arc<Source>, Labels, &'a Arc<EndpointSlice>)>,
    pub(crate) pods: Vec<(Arc<Source>, Labels, &'a Arc<Pod>)>,
    pub(crate) deployments: Vec<(Arc<Source>, &'a Arc<Deployment>)>,
    pub(crate) secrets: Vec<(Arc<Source>, &'a Arc<Secret>)>,
}

impl Snapshot {
    /// Builds the world. Findings are about what no single object shows: references that dangle, names used twice.
    pub fn build(input: &Input) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let mesh = mesh(input, &mut findings);
        let ingress = ingress::convert(input, &mesh, &mut findings);
        let objects = Objects::sort(input, &ingress, &mesh);
        let (services, workloads) = registry::build(&objects, &mut findings);
        let gateways = gateway::build(&objects);
        let virtual_services = virtual_service::build(&objects, &mut findings);
        let destination_rules = DestinationRules::build(&objects, &mut findings);
        let sidecars = sidecar::build(&objects);
        let mut by_host: HashMap<Host, Vec<Arc<Service>>> = HashMap::with_capacity(services.len());
        for service in &services {
            by_host.entry(service.host.clone()).or_default().push(service.clone());
        }
        let mut by_endpoint: HashMap<IpAddr, Vec<usize>> = HashMap::new();
        let mut by_selector: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            for endpoint in service.endpoints.values().flatten() {
                if let Address::Ip(ip) = &endpoint.address {
                    by_endpoint.entry(*ip).or_default().push(index);
                }
            }
            if !service.selector.is_empty() {
                by_selector.entry(service.source.name.namespace.clone()).or_default().push(index);
            }
        }
        let mut by_gateway: HashMap<Arc<str>, Vec<Arc<VirtualService>>> = HashMap::new();
        for route in &virtual_services {
            for gateway in &route.gateways {
                by_gateway.entry(gateway.clone()).or_default().push(route.clone());
            }
        }
        check::references(input, &objects, &gateways, &virtual_services, &by_host, &mut findings);
        let credentials = Credentials::build(
            &objects.secrets,
            &references::credentials(&gateways, &objects),
            input.previous.as_ref().map(|world| &world.credentials),
            input.now,
            &mut findings,
        );
        references::missing_credentials(input, &gateways, &credentials, &mut findings);
        references::missing_of_rules(input, &objects, &credentials, &mut findings);
        let world = World {
            options: input.options.clone(),
            credentials,
            services,
            gateways,
            virtual_services,
            destination_rules,
            sidecars,
            workloads,
            by_host,
            by_gateway,
            by_endpoint,
            by_selector,
            mesh,
        };
        (Self(Arc::new(world)), findings)
    }
}

impl Deref for Snapshot {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl World {
    /// Services that `namespace` sees, oldest first.
    pub fn services_for<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Service>> {
        self.services.iter().filter(move |service| service.visibility.allows(namespace))
    }

    /// The service of this host as a client in `namespace` sees it.
    pub fn service(&self, host: &Host, namespace: &str) -> Option<&Arc<Service>> {
        let candidates = self.by_host.get(host)?;
        let mut visible = candidates.iter().filter(|service| service.visibility.allows(namespace));
        let first = visible.next()?;
        Some(visible.fold(first, |best, next| if sidecar::preferred(next, best, namespace) { next } else { best }))
    }

    /// The service of this host that `owner`, a namespace, declares itself and that `namespace` sees.
    pub fn service_in(&self, host: &Host, owner: &str, namespace: &str) -> Option<&Arc<Service>> {
        self.by_host.get(host)?.iter().find(|s| s.namespace() == owner && s.visibility.allows(namespace))
    }

    /// VirtualServices bound to `gateway` (`namespace/name` or `mesh`) that `namespace` sees: its private ones first,
    /// then those exported to it, then public ones (Istio `VirtualServicesForGateway`).
    pub fn virtual_services_for(&self, namespace: &str, gateway: &str) -> Vec<Arc<VirtualService>> {
        let bound = self.by_gateway.get(gateway).map_or(&[][..], Vec::as_slice);
        let rank = |route: &VirtualService| match &route.visibility {
            Visibility::Public => Some(2),
            Visibility::Namespaces(set) if set.contains(namespace) => {
                Some(if route.source.namespace() == namespace { 0 } else { 1 })
            }
            _ => None,
        };
        let mut ranked: Vec<(u8, &Arc<VirtualService>)> =
            bound.iter().filter_map(|route| Some((rank(route)?, route))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, route)| route.clone()).collect()
    }

    /// Services that a workload of `namespace` with these addresses may be an instance of, oldest first: those with an
    /// endpoint there, and those of the namespace with a selector.
    pub(crate) fn services_near(&self, namespace: &str, ips: &[IpAddr]) -> impl Iterator<Item = &Arc<Service>> {
        let by_ip = ips.iter().filter_map(|ip| self.by_endpoint.get(ip)).flatten();
        let local = self.by_selector.get(namespace).into_iter().flatten();
        let indexes: BTreeSet<usize> = by_ip.chain(local).copied().collect();
        indexes.into_iter().filter_map(|index| self.services.get(index))
    }

    /// Whether any namespace has a service of this host.
    pub fn knows(&self, host: &Host) -> bool {
        self.by_host.contains_key(host)
    }
}

fn mesh(input: &Input, findings: &mut Vec<Finding>) -> Mesh {
    let options = &input.options;
    let config = match &input.mesh {
        Some(mesh) => mesh.clone(),
        None => from_config_map(input, findings).unwrap_or_default(),
    };
    let root: Arc<str> = match config.root_namespace.as_str() {
        "" => options.root_namespace.clone(),
        name => name.into(),
    };
    Mesh { config: Arc::new(config), root_namespace: root, domain_suffix: options.domain_suffix.clone() }
}

fn from_config_map(input: &Input, findings: &mut Vec<Finding>) -> Option<MeshConfig> {
    input.objects.iter().find_map(|object| {
        let Spec::ConfigMap(map) = &object.spec else { return None };
        if object.meta.name != "istio" || object.meta.namespace != *input.options.root_namespace {
            return None;
        }
        let (mesh, found) = lateen_config::decode_mesh_config_text(&object.place.file, map.data.get("mesh")?);
        findings.extend(found);
        Some(mesh)
    })
}

impl<'a> Objects<'a> {
    fn sort(input: &'a Input, more: &'a [Object], mesh: &'a Mesh) -> Self {
        let mut out = Self {
            mesh,
            gateways: Vec::new(),
            virtual_services: Vec::new(),
            destination_rules: Vec::new(),
            service_entries: Vec::new(),
            workload_entries: Vec::new(),
            sidecars: Vec::new(),
            services: Vec::new(),
            endpoints: Vec::new(),
            endpoint_slices: Vec::new(),
            pods: Vec::new(),
            deployments: Vec::new(),
            secrets: Vec::new(),
        };
        for object in input.objects.iter().map(|object| &**object).chain(more) {
            out.add(object, &input.options.default_namespace);
        }
        out
    }

    fn add(&mut self, object: &'a Object, default_namespace: &str) {
        let source = Source::of(object, default_namespace);
        let meta = &object.meta;
        let labels = || Labels(meta.labels.clone());
        match &object.spec {
            Spec::Gateway(spec) => self.gateways.push((source, meta, spec)),
            Spec::VirtualService(spec) => self.virtual_services.push((source, meta, spec)),
            Spec::DestinationRule(spec) => self.destination_rules.push((source, meta, spec.clone())),
            Spec::ServiceEntry(spec) => self.service_entries.push((source, labels(), spec)),
            Spec::WorkloadEntry(spec) => self.workload_entries.push((source, labels(), spec)),
            Spec::Sidecar(spec) => self.sidecars.push((source, meta, spec.clone())),
            Spec::Service(spec) => self.services.push((source, meta, spec)),
            Spec::Endpoints(spec) => self.endpoints.push((source, spec)),
            Spec::EndpointSlice(spec) => self.endpoint_slices.push((source, labels(), spec)),
            Spec::Pod(spec) => self.pods.push((source, labels(), spec)),
            Spec::Deployment(spec) => self.deployments.push((source, spec)),
            Spec::Secret(spec) => self.secrets.push((source, spec)),
            Spec::Ingress(_) | Spec::Namespace(_) | Spec::ConfigMap(_) => {}
        }
    }
}

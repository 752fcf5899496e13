//! Workloads: pods and WorkloadEntries, found by labels.
//! In: those objects. Out: an index from (namespace, label) to workloads.

use crate::endpoint::{Address, Endpoint, Locality};
use crate::snapshot::Objects;
use crate::source::Source;
use lateen_config::kinds::pod::PodSpec;
use lateen_core::{Labels, NamespacedName};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Something that runs and has an address.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Pod or WorkloadEntry.
    pub source: Arc<Source>,
    /// Labels.
    pub labels: Arc<Labels>,
    /// Addresses, the primary one first; a pod that is not scheduled has none.
    pub addresses: Vec<Address>,
    /// Ports by name.
    pub named_ports: BTreeMap<String, u16>,
    /// Where it runs.
    pub locality: Locality,
    /// Share of the load; 0 stands for 1.
    pub weight: u32,
    /// Network.
    pub network: String,
    /// Service account.
    pub service_account: String,
    /// Whether it takes requests.
    pub ready: bool,
}

/// Places of the workloads that carry a label, by key and value.
type ByLabel = HashMap<(String, String), Vec<usize>>;

/// All workloads, indexed.
#[derive(Clone, Debug, Default)]
pub struct Workloads {
    all: Vec<Workload>,
    by_label: HashMap<Arc<str>, ByLabel>,
    pods: HashMap<NamespacedName, usize>,
}

impl Workloads {
    /// Reads pods and WorkloadEntries.
    pub fn build(objects: &Objects<'_>) -> Self {
        let mut out = Self::default();
        for (source, labels, pod) in &objects.pods {
            if matches!(pod.status.phase.as_str(), "Failed" | "Succeeded") {
                continue;
            }
            let mut addresses: Vec<Address> = pod.status.pod_ips.iter().map(|ip| Address::parse(&ip.ip)).collect();
            if addresses.is_empty() && !pod.status.pod_ip.is_empty() {
                addresses.push(Address::parse(&pod.status.pod_ip));
            }
            let ready = pod.status.conditions.iter().find(|c| c.r#type == "Ready").is_none_or(|c| c.status == "True");
            let locality = labels.get("istio-locality").map(|text| Locality::parse(&text.replace('.', "/")));
            out.pods.insert(source.name.clone(), out.all.len());
            out.push(Workload {
                source: source.clone(),
                labels: Arc::new(labels.clone()),
                addresses,
                named_ports: named_ports(&pod.spec),
                locality: locality.unwrap_or_default(),
                weight: 0,
                network: labels.get("topology.istio.io/network").unwrap_or_default().to_owned(),
                // What Kubernetes fills in.
                service_account: match pod.spec.service_account_name.as_str() {
                    "" => "default".to_owned(),
                    account => account.to_owned(),
                },
                ready,
            });
        }
        for (source, labels, entry) in &objects.workload_entries {
            let mut labels = labels.clone();
            labels.0.extend(entry.labels.clone());
            out.push(Workload {
                source: source.clone(),
                labels: Arc::new(labels),
                addresses: vec![Address::parse(&entry.address)],
                named_ports: entry.ports.iter().filter_map(|(k, v)| Some((k.clone(), port(*v)?))).collect(),
                locality: Locality::parse(&entry.locality),
                weight: entry.weight,
                network: entry.network.clone(),
                service_account: entry.service_account.clone(),
                ready: true,
            });
        }
        out
    }

    fn push(&mut self, workload: Workload) {
        let index = self.all.len();
        let namespace = self.by_label.entry(workload.source.name.namespace.clone()).or_default();
        for (key, value) in &workload.labels.0 {
            namespace.entry((key.clone(), value.clone())).or_default().push(index);
        }
        self.all.push(workload);
    }

    /// The workloads of `namespace` that carry every label of `selector`, in the order of the input; an empty
    /// selector selects none.
    pub fn select<'a>(&'a self, namespace: &str, selector: &'a Labels) -> impl Iterator<Item = &'a Workload> {
        let index = self.by_label.get(namespace);
        let mut shortest: Option<&[usize]> = None;
        for (key, value) in &selector.0 {
            let found = index.and_then(|index| index.get(&(key.clone(), value.clone()))).map_or(&[][..], Vec::as_slice);
            if shortest.is_none_or(|best| found.len() < best.len()) {
                shortest = Some(found);
            }
        }
        shortest
            .unwrap_or_default()
            .iter()
            .filter_map(|index| self.all.get(*index))
            .filter(|workload| selector.select(&workload.labels))
    }

    /// The pod of this name.
    pub fn pod(&self, name: &NamespacedName) -> Option<&Workload> {
        self.pods.get(name).and_then(|index| self.all.get(*index))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Workload> {
        self.all.iter()
    }
}

impl Workload {
    /// This workload as an endpoint on `port`; `None` when it has no address.
    pub fn endpoint(&self, port: u16) -> Option<Endpoint> {
        Some(Endpoint {
            address: self.addresses.first()?.clone(),
            port,
            labels: self.labels.clone(),
            locality: self.locality.clone(),
            weight: self.weight,
            ready: self.ready,
            network: self.network.clone(),
            service_account: self.service_account.clone(),
            source: self.source.clone(),
        })
    }
}

/// Container ports by name, sidecars included.
pub fn named_ports(pod: &PodSpec) -> BTreeMap<String, u16> {
    let containers = pod.init_containers.iter().chain(&pod.containers);
    let ports = containers.flat_map(|container| &container.ports).filter(|port| !port.name.is_empty());
    ports.filter_map(|p| Some((p.name.clone(), port(p.container_port)?))).collect()
}

/// A port number of the API, if it is one.
pub fn port(number: u32) -> Option<u16> {
    u16::try_from(number).ok().filter(|number| *number != 0)
}

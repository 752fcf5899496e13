//! The proxy that configuration is made for.
//! In: what a node says about itself, or what standalone mode and `explain` assume. Out: plain data.

use crate::endpoint::Locality;
use lateen_config::kinds::proxy_config::Topology;
use lateen_core::{Labels, NodeId, ProxyType};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Gateway or sidecar.
    pub kind: ProxyType,
    /// Name of the pod.
    pub name: String,
    /// Namespace of the pod; the namespace whose configuration it sees.
    pub namespace: String,
    /// Labels of the workload.
    pub labels: Labels,
    /// Addresses of the workload, the primary one first.
    pub ips: Vec<IpAddr>,
    /// DNS domain, such as `default.svc.cluster.local`; short names are completed by it.
    pub domain: String,
    /// Where the workload runs.
    pub locality: Locality,
    /// Cluster that it runs in.
    pub cluster: String,
    /// Metadata of the node, such as `ROUTER_MODE`.
    pub metadata: BTreeMap<String, String>,
    /// ProxyConfig of this proxy alone, YAML or JSON (annotation `proxy.istio.io/config`); empty without one.
    pub config: String,
    /// Whether ports under 1024 cannot be bound (`UNPRIVILEGED_POD`).
    pub unprivileged: bool,
    /// How the ports of Gateways become ports of listeners.
    pub ports: PortMapping,
    /// Ports of listeners that somebody else has on this machine: wanted port to the port that is taken instead.
    pub moved_ports: BTreeMap<u16, u16>,
}

/// How the port of a Gateway server becomes the port of a listener when no Service maps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PortMapping {
    /// As Istio: the number itself.
    #[default]
    Number,
    /// As Istio's own gateway Service would map it (80 is 8080, 443 is 8443, others under 1024 move up by 8000).
    GatewayService,
}

impl Proxy {
    /// A proxy of `kind` in `namespace` that carries `labels`.
    pub fn new(kind: ProxyType, namespace: &str, labels: Labels) -> Self {
        Self {
            kind,
            name: String::new(),
            namespace: namespace.to_owned(),
            labels,
            ips: Vec::new(),
            domain: format!("{namespace}.svc.cluster.local"),
            locality: Locality::default(),
            cluster: "Kubernetes".to_owned(),
            metadata: BTreeMap::new(),
            config: String::new(),
            unprivileged: false,
            ports: PortMapping::default(),
            moved_ports: BTreeMap::new(),
        }
    }

    /// A proxy that introduced itself with `id`.
    pub fn from_node(id: &NodeId, labels: Labels) -> Self {
        let mut proxy = Self::new(id.kind, &id.namespace, labels);
        proxy.name.clone_from(&id.name);
        proxy.ips.push(id.ip);
        proxy.domain.clone_from(&id.domain);
        proxy
    }

    /// The port that a listener for `port` really takes.
    pub fn listener_port(&self, port: u16) -> u16 {
        self.moved_ports.get(&port).copied().unwrap_or(port)
    }

    /// What stands in front of it, as its own ProxyConfig says; none when that says nothing.
    pub fn topology(&self) -> Option<Topology> {
        if self.config.is_empty() {
            return None;
        }
        // The decoder reads mesh configurations, and this is the `defaultConfig` of one.
        let text: String = self.config.lines().map(|line| format!("  {line}\n")).collect();
        let (mesh, _) = lateen_config::decode_mesh_config("proxy.istio.io/config", &format!("defaultConfig:\n{text}"));
        mesh.default_config?.gateway_topology
    }

    /// Whether an agent of Istio's kind runs beside it, which answers for the certificates of the mesh and for files.
    pub fn has_agent(&self) -> bool {
        self.metadata.contains_key("ISTIO_VERSION")
    }

    /// Whether it is a gateway.
    pub fn is_gateway(&self) -> bool {
        self.kind == ProxyType::Router
    }
}

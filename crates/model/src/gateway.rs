//! Gateways: which of them a workload serves, and their servers merged by port.
//! In: the objects and a proxy. Out: listeners-to-be, each with its servers and the name of its routes.

mod merge;
mod ports;

use crate::registry::Workloads;
use crate::snapshot::Objects;
use crate::source::Source;
use lateen_config::At;
use lateen_config::kinds::gateway::{ServerTlsMode, ServerTlsSettings};
use lateen_core::{Host, Labels, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use merge::merge;
pub(crate) use ports::targets;
pub use ports::{ServiceTarget, TargetPorts};

/// Annotation: the services whose instances serve a Gateway, in place of its selector.
const GATEWAY_SERVICE: &str = "internal.istio.io/gateway-service";

/// A Gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The object.
    pub source: Arc<Source>,
    /// Who serves it.
    pub selection: Selection,
    /// Servers in order, without those that have no port.
    pub servers: Vec<Arc<Server>>,
}

/// Which workloads serve a Gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those that carry all of these labels; none means every gateway.
    Labels(Labels),
    /// The instances of these services.
    Services(BTreeSet<Host>),
}

/// A server of a Gateway.
#[derive(Clone, Debug)]
pub struct Server {
    /// The Gateway.
    pub source: Arc<Source>,
    /// `namespace/name` of the Gateway, as VirtualServices name it.
    pub gateway: Arc<str>,
    /// Index in the Gateway.
    pub index: usize,
    /// Where it is written.
    pub at: At,
    /// Name; may be empty.
    pub name: String,
    /// Port of the Gateway, which is that of its Service.
    pub port: u16,
    /// Name of the port.
    pub port_name: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// The protocol as written; servers merge on a port by it.
    pub protocol_text: String,
    /// Address to bind; empty for all.
    pub bind: String,
    /// Hosts, with the namespace that their VirtualServices must be in.
    pub hosts: Vec<ServerHost>,
    /// TLS.
    pub tls: Option<ServerTlsSettings>,
}

/// A host of a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerHost {
    /// Only VirtualServices of this namespace; `None` for all.
    pub namespace: Option<Arc<str>>,
    /// The host.
    pub host: Host,
}

/// What one workload serves: all Gateways that select it, merged.
#[derive(Clone, Debug, Default)]
pub struct MergedGateway {
    /// One for each address, port and protocol, in the order in which Gateways open them.
    pub ports: Vec<MergedPort>,
    /// Servers by the name of their route configuration, such as `http.8080`.
    pub routes: BTreeMap<String, Vec<Arc<Server>>>,
}

/// Servers that share a port.
#[derive(Clone, Debug)]
pub struct MergedPort {
    /// Port that is listened on.
    pub number: u16,
    /// Address that is listened on; empty for all.
    pub bind: String,
    /// What they speak.
    pub protocol: Protocol,
    /// The protocol as written.
    pub protocol_text: String,
    /// Route configuration of plain HTTP servers; empty for others.
    pub route_name: String,
    /// The servers.
    pub servers: Vec<MergedServer>,
}

/// A server where it is listened for.
#[derive(Clone, Debug)]
pub struct MergedServer {
    /// The server.
    pub server: Arc<Server>,
    /// Its route configuration; empty when it routes no HTTP.
    pub route_name: String,
}

impl Server {
    /// Whether it forwards TLS without ending it (Istio `IsPassThroughServer`).
    pub fn is_passthrough(&self) -> bool {
        let mode = self.tls.as_ref().map(|tls| tls.mode);
        matches!(mode, Some(ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough))
    }

    /// Whether requests can be routed: plain HTTP, or HTTPS whose TLS ends here (Istio `IsHTTPServer`).
    pub fn is_http(&self) -> bool {
        self.protocol.is_http() || self.is_https_terminated()
    }

    /// Whether it is HTTPS whose TLS ends here.
    pub fn is_https_terminated(&self) -> bool {
        self.protocol == Protocol::Https && self.tls.is_some() && !self.is_passthrough()
    }

    /// Whether connections to it begin with TLS (Istio `IsTLSServer`).
    pub fn is_tls(&self) -> bool {
        self.tls.is_some() && !self.protocol.is_http()
    }

    /// Whether plain text is answered by a redirect to https.
    pub fn redirects_to_https(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.https_redirect)
    }

    /// The server names that its filter chain matches, sorted; empty without TLS.
    pub fn sni_hosts(&self) -> Vec<Host> {
        if self.tls.is_none() {
            return Vec::new();
        }
        let sorted: BTreeSet<Host> = self.hosts.iter().map(|h| h.host.clone()).collect();
        sorted.into_iter().collect()
    }

    /// Hosts that VirtualServices of `namespace` may be bound to.
    pub fn hosts_for<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Host> {
        let visible = move |h: &&ServerHost| h.namespace.as_deref().is_none_or(|ns| ns == namespace);
        self.hosts.iter().filter(visible).map(|h| &h.host)
    }

    /// The hosts of `hosts` that it serves, narrowed to what both have in common, without repetition.
    pub fn intersection(&self, hosts: &[Host], namespace: &str) -> Vec<Host> {
        let mut out: Vec<Host> = Vec::new();
        for own in self.hosts_for(namespace) {
            for host in hosts {
                if let Some(common) = own.intersection(host)
                    && !out.contains(common)
                {
                    out.push(common.clone());
                }
            }
        }
        out
    }

    /// Name of its route configuration on `port`; empty when it routes no HTTP (Istio `gatewayRDSRouteName`).
    pub fn route_name(&self, port: u16) -> String {
        let bind = if self.bind.is_empty() { String::new() } else { format!(".{}", self.bind) };
        if self.protocol.is_http() {
            format!("http.{port}{bind}")
        } else if self.protocol == Protocol::Https && !self.is_passthrough() {
            let name = &self.source.name;
            format!("https.{}.{}.{}.{}{bind}", self.port, self.port_name, name.name, name.namespace)
        } else {
            String::new()
        }
    }

    /// Field path, such as `spec.servers[0]`.
    pub fn path(&self) -> String {
        format!("spec.servers[{}]", self.index)
    }
}

/// Reads all Gateways, oldest first.
pub fn build(objects: &Objects<'_>) -> Vec<Arc<Gateway>> {
    let mut out = Vec::with_capacity(objects.gateways.len());
    for (source, meta, gateway) in &objects.gateways {
        let selection = match meta.annotations.get(GATEWAY_SERVICE) {
            Some(list) => Selection::Services(list.split(',').map(|host| Host::new(host.trim())).collect()),
            None => Selection::Labels(Labels(gateway.selector.clone())),
        };
        let name: Arc<str> = source.name.to_string().into();
        let server = |(index, written): (usize, &lateen_config::kinds::gateway::Server)| {
            let port = written.port.as_ref()?;
            Some(Arc::new(Server {
                source: source.clone(),
                gateway: name.clone(),
                index,
                at: written.at,
                name: written.name.clone(),
                port: crate::registry::workload::port(port.number)?,
                port_name: port.name.clone(),
                protocol: Protocol::parse(&port.protocol),
                protocol_text: port.protocol.to_ascii_uppercase(),
                bind: written.bind.clone(),
                hosts: written.hosts.iter().map(|host| ServerHost::read(host, source.namespace())).collect(),
                tls: written.tls.clone(),
            }))
        };
        let servers = gateway.servers.iter().enumerate().filter_map(server).collect();
        out.push(Arc::new(Gateway { source: source.clone(), selection, servers }));
    }
    out.sort_by(|a, b| a.source.order().cmp(&b.source.order()));
    out
}

impl ServerHost {
    /// Reads `host`, `namespace/host`, `./host` or `*/host`.
    fn read(text: &str, namespace: &str) -> Self {
        match text.split_once('/') {
            None => Self { namespace: None, host: Host::new(text) },
            Some(("*", host)) => Self { namespace: None, host: Host::new(host) },
            Some((".", host)) => Self { namespace: Some(namespace.into()), host: Host::new(host) },
            Some((namespace, host)) => Self { namespace: Some(namespace.into()), host: Host::new(host) },
        }
    }
}

impl Gateway {
    /// Whether any of `workloads` may serve it; unknown for services.
    pub fn may_select(&self, workloads: &Workloads, labels: &[Labels]) -> bool {
        match &self.selection {
            Selection::Services(_) => true,
            Selection::Labels(selector) => {
                selector.is_empty()
                    || labels.iter().any(|labels| selector.select(labels))
                    || workloads.iter().any(|workload| selector.select(&workload.labels))
            }
        }
    }
}

//! Services, whichever kind of object declares them.
//! In: what `registry` reads from Kubernetes Services and ServiceEntries. Out: one form for both.

use crate::endpoint::Endpoint;
use crate::source::Source;
use crate::visibility::Visibility;
use lateen_config::At;
use lateen_core::{Host, Labels, Protocol};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A destination that the mesh knows.
#[derive(Clone, Debug)]
pub struct Service {
    /// Full name.
    pub host: Host,
    /// Which kind of object declares it.
    pub registry: Registry,
    /// The object.
    pub source: Arc<Source>,
    /// Labels of the object.
    pub labels: Labels,
    /// Ports in the order of the object.
    pub ports: Vec<Port>,
    /// Virtual addresses; IPs or CIDRs. Empty stands for every address.
    pub addresses: Vec<String>,
    /// How endpoints are found.
    pub resolution: Resolution,
    /// Who sees it.
    pub visibility: Visibility,
    /// Labels of the workloads behind it; empty when the object lists its endpoints.
    pub selector: Labels,
    /// Whether it is outside of the mesh.
    pub external: bool,
    /// Names that a server certificate must carry.
    pub subject_alt_names: Vec<String>,
    /// The host that `ExternalName` names.
    pub external_name: Option<Host>,
    /// Hosts of `ExternalName` Services that stand for this one.
    pub aliases: Vec<Host>,
    /// Instances by service port, sorted by address.
    pub endpoints: BTreeMap<u16, Vec<Arc<Endpoint>>>,
}

/// Which kind of object declares a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registry {
    /// A Kubernetes Service.
    Kubernetes,
    /// A ServiceEntry.
    External,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Number that callers use.
    pub number: u16,
    /// Name.
    pub name: String,
    /// Protocol that it declares.
    pub protocol: Protocol,
    /// Where workloads listen.
    pub target: TargetPort,
    /// Where it is written.
    pub at: At,
}

/// Where workloads listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPort {
    /// On this number.
    Number(u16),
    /// On the container port of this name.
    Name(String),
}

/// How the endpoints of a service are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// They are listed (EDS).
    Endpoints,
    /// By DNS, all addresses (STRICT_DNS).
    Dns,
    /// By DNS, one address at a time (LOGICAL_DNS).
    DnsRoundRobin,
    /// By DNS at the time of the request.
    DynamicDns,
    /// The address that the caller dialled (ORIGINAL_DST).
    Passthrough,
    /// It is another name for `external_name`.
    Alias,
}

impl Service {
    /// The port with this number.
    pub fn port(&self, number: u16) -> Option<&Port> {
        self.ports.iter().find(|port| port.number == number)
    }

    /// The namespace of the object.
    pub fn namespace(&self) -> &str {
        self.source.namespace()
    }

    /// The instances of a port.
    pub fn endpoints_of(&self, port: u16) -> &[Arc<Endpoint>] {
        self.endpoints.get(&port).map_or(&[], Vec::as_slice)
    }

    /// The first virtual address; `None` when every address is meant.
    pub fn address(&self) -> Option<&str> {
        self.addresses.first().map(String::as_str)
    }
}

//! Endpoints: where the instances of a service are.
//! In: values from slices, pods, and workload entries. Out: one form for all of them.

use crate::source::Source;
use lateen_core::Labels;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// One instance of one port of a service.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub address: Address,
    /// Port that it listens on.
    pub port: u16,
    /// Labels of the workload; subsets select by them.
    pub labels: Arc<Labels>,
    /// Where it runs.
    pub locality: Locality,
    /// Share of the load relative to the others; 0 stands for 1.
    pub weight: u32,
    /// Whether it takes new requests.
    pub ready: bool,
    /// Network, for multi-network meshes.
    pub network: String,
    /// Service account, without namespace.
    pub service_account: String,
    /// The object that lists it.
    pub source: Arc<Source>,
}

/// Address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// An IP address.
    Ip(IpAddr),
    /// A name that the proxy looks up.
    Dns(Arc<str>),
    /// A Unix domain socket.
    Pipe(Arc<str>),
}

impl Address {
    /// Reads `1.2.3.4`, `name.example.com` or `unix:///path`.
    pub fn parse(text: &str) -> Self {
        if let Some(path) = text.strip_prefix("unix://") {
            return Self::Pipe(path.into());
        }
        match text.parse() {
            Ok(ip) => Self::Ip(ip),
            Err(_) => Self::Dns(text.into()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Dns(name) => f.write_str(name),
            Self::Pipe(path) => write!(f, "unix://{path}"),
        }
    }
}

/// Region, zone and subzone; empty parts are unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locality {
    /// Region.
    pub region: String,
    /// Zone within the region.
    pub zone: String,
    /// Part of the zone.
    pub subzone: String,
}

impl Locality {
    /// Reads `region/zone/subzone`; missing parts are empty.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Self { region: next(), zone: next(), subzone: next() }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.region.is_empty() && self.zone.is_empty() && self.subzone.is_empty()
    }
}

impl fmt::Display for Locality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.region)?;
        if !self.zone.is_empty() {
            write!(f, "/{}", self.zone)?;
        }
        if !self.subzone.is_empty() {
            write!(f, "/{}", self.subzone)?;
        }
        Ok(())
    }
}

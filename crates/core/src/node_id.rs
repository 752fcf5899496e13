//! The node id with which a proxy introduces itself over xDS.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The role of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyType {
    /// Beside a workload, with inbound and outbound capture.
    Sidecar,
    /// A gateway, ingress or egress.
    Router,
    /// A waypoint of the ambient mode.
    Waypoint,
    /// A ztunnel of the ambient mode.
    Ztunnel,
}

impl ProxyType {
    /// As in the node id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Router => "router",
            Self::Waypoint => "waypoint",
            Self::Ztunnel => "ztunnel",
        }
    }
}

/// `router~10.0.0.1~pod.namespace~namespace.svc.cluster.local` (Istio `model.ParseServiceNodeWithMetadata`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeId {
    /// Role.
    pub kind: ProxyType,
    /// Address of the workload.
    pub ip: IpAddr,
    /// Name of the pod.
    pub name: String,
    /// Namespace of the pod.
    pub namespace: String,
    /// DNS domain, such as `default.svc.cluster.local`.
    pub domain: String,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}.{}~{}", self.kind.as_str(), self.ip, self.name, self.namespace, self.domain)
    }
}

/// What is wrong with a node id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeIdError {
    /// Not four parts.
    #[error("node id {0:?} is not of the form type~ip~pod.namespace~domain")]
    Form(String),
    /// The first part.
    #[error("node id {id:?}: type {value:?} is none of sidecar, router, waypoint, ztunnel")]
    Type {
        /// The whole id.
        id: String,
        /// The part that is wrong.
        value: String,
    },
    /// The second part.
    #[error("node id {id:?}: {value:?} is not an IP address")]
    Address {
        /// The whole id.
        id: String,
        /// The part that is wrong.
        value: String,
    },
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('~').collect();
        let [kind, ip, pod, domain] = parts[..] else {
            return Err(NodeIdError::Form(text.to_owned()));
        };
        let kind = match kind {
            "sidecar" => ProxyType::Sidecar,
            "router" | "ingress" => ProxyType::Router,
            "waypoint" => ProxyType::Waypoint,
            "ztunnel" => ProxyType::Ztunnel,
            other => return Err(NodeIdError::Type { id: text.to_owned(), value: other.to_owned() }),
        };
        let ip = ip.parse().map_err(|_| NodeIdError::Address { id: text.to_owned(), value: ip.to_owned() })?;
        let (name, namespace) = pod.rsplit_once('.').unwrap_or((pod, ""));
        let namespace = if namespace.is_empty() { domain.split('.').next().unwrap_or("") } else { namespace };
        Ok(Self { kind, ip, name: name.into(), namespace: namespace.into(), domain: domain.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let text = "router~10.0.0.1~gw-1.istio-system~istio-system.svc.cluster.local";
        let id: NodeId = text.parse().unwrap();
        assert_eq!((id.name.as_str(), id.namespace.as_str(), id.kind), ("gw-1", "istio-system", ProxyType::Router));
        assert_eq!(id.to_string(), text);
        for bad in ["", "router~1.2.3.4~a.b", "pilot~1.2.3.4~a.b~c", "router~x~a.b~c"] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
    }
}

//! Names of Envoy clusters as Istio builds them.

use crate::Host;
use std::fmt;
use std::str::FromStr;

/// Which way traffic through a cluster or listener goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Away from the workload.
    Outbound,
    /// Towards the workload.
    Inbound,
}

/// `outbound|8000|v1|httpbin.default.svc.cluster.local` (Istio `model.BuildSubsetKey`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterName {
    /// Direction of the traffic.
    pub direction: Direction,
    /// Port of the Service.
    pub port: u16,
    /// Subset of the DestinationRule; empty for all endpoints.
    pub subset: String,
    /// Full name of the host.
    pub host: Host,
}

impl ClusterName {
    /// The cluster for traffic to `host`.
    pub fn outbound(port: u16, subset: &str, host: Host) -> Self {
        Self { direction: Direction::Outbound, port, subset: subset.into(), host }
    }

    /// The SNI of mutual TLS and of AUTO_PASSTHROUGH gateways: `outbound_.8000_.v1_.host` (Istio
    /// `model.BuildDNSSrvSubsetKey`).
    pub fn sni(&self) -> String {
        let direction = self.direction_text();
        format!("{direction}_.{}_.{}_.{}", self.port, self.subset, self.host)
    }

    fn direction_text(&self) -> &'static str {
        match self.direction {
            Direction::Outbound => "outbound",
            Direction::Inbound => "inbound",
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}|{}", self.direction_text(), self.port, self.subset, self.host)
    }
}

/// Text that is not a cluster name of Istio's form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form direction|port|subset|host")]
pub struct NotAClusterName(String);

impl FromStr for ClusterName {
    type Err = NotAClusterName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NotAClusterName(text.to_owned());
        let mut parts = text.splitn(4, '|');
        let mut next = || parts.next().ok_or_else(error);
        let direction = match next()? {
            "outbound" => Direction::Outbound,
            "inbound" => Direction::Inbound,
            _ => return Err(error()),
        };
        let port = next()?.parse().map_err(|_| error())?;
        let subset = next()?.to_owned();
        let host = Host::new(next()?);
        Ok(Self { direction, port, subset, host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in ["outbound|8000||httpbin.default.svc.cluster.local", "inbound|80|v1|", "outbound|0|a|*.b"] {
            assert_eq!(text.parse::<ClusterName>().map(|name| name.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "outbound", "outbound|x||h", "sideways|80||h", "outbound|80|v1", "PassthroughCluster"] {
            assert!(text.parse::<ClusterName>().is_err(), "{text}");
        }
    }

    #[test]
    fn sni_of_a_subset() {
        let name = ClusterName::outbound(8000, "v1", Host::new("a.b"));
        assert_eq!(name.sni(), "outbound_.8000_.v1_.a.b");
    }
}

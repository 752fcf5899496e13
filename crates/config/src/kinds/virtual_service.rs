//! VirtualService: how calls to a host are routed, for HTTP, TLS and TCP.

use std::collections::BTreeMap;

use crate::decode::{message, oneof};
pub use crate::kinds::http_route::*;

message! {
    /// Routes for a set of hosts.
    pub struct VirtualService: closed {
        /// Hosts that these routes are for.
        hosts: Vec<String>,
        /// Gateways (`namespace/name`) and `mesh` that apply the routes; empty means `mesh`.
        gateways: Vec<String>,
        /// Routes of HTTP traffic; the first that matches wins.
        http: Vec<HttpRoute>,
        /// Routes of TLS traffic that stays encrypted.
        tls: Vec<TlsRoute>,
        /// Routes of other TCP traffic.
        tcp: Vec<TcpRoute>,
        /// Namespaces that see this; empty means all.
        export_to: Vec<String>,
    }
}

message! {
    /// A service, a subset of it, and a port.
    pub struct Destination: closed {
        /// Service host, short names relative to the namespace of the rule.
        host: String,
        /// Subset that a DestinationRule defines.
        subset: String,
        /// Port; may be left out when the service has one port.
        port: Option<PortSelector>,
    }
}

message! {
    /// A port by number.
    pub struct PortSelector: closed {
        /// Port number.
        number: u32,
    }
}

message! {
    /// A share in percent.
    pub struct Percent: closed {
        /// 0.0 to 100.0.
        value: f64,
    }
}

message! {
    /// Matches a string; empty matches whatever is present.
    pub struct StringMatch: closed {
    } oneof {
        /// How to match.
        match_type: MatchType,
    }
}

oneof! {
    /// How a string is matched.
    pub enum MatchType {
        /// The whole string.
        exact: Exact(String),
        /// Its beginning.
        prefix: Prefix(String),
        /// An RE2 expression for the whole string.
        regex: Regex(String),
    }
}

message! {
    /// Routes TLS connections by SNI.
    pub struct TlsRoute: closed {
        /// Conditions; one must hold.
        r#match: Vec<TlsMatchAttributes>,
        /// Where to go.
        route: Vec<RouteDestination>,
    }
}

message! {
    /// Routes TCP connections.
    pub struct TcpRoute: closed {
        /// Conditions; one must hold, none means always.
        r#match: Vec<L4MatchAttributes>,
        /// Where to go.
        route: Vec<RouteDestination>,
    }
}

message! {
    /// A weighted destination of a TCP or TLS route.
    pub struct RouteDestination: closed {
        /// Where to go.
        destination: Option<Destination>,
        /// Share of the connections, relative to the sum.
        weight: i32,
    }
}

message! {
    /// Conditions on a TCP connection; all that are given must hold.
    pub struct L4MatchAttributes: closed {
        /// Destination addresses or CIDRs.
        destination_subnets: Vec<String>,
        /// Destination port.
        port: u32,
        /// Source address or CIDR (deprecated, without effect).
        source_subnet: String,
        /// Labels of the calling workload.
        source_labels: BTreeMap<String, String>,
        /// Gateways that this applies to, instead of the rule's.
        gateways: Vec<String>,
        /// Namespace of the calling workload.
        source_namespace: String,
    }
}

message! {
    /// Conditions on a TLS connection; all that are given must hold.
    pub struct TlsMatchAttributes: closed {
        /// SNI names, with `*` as a first label.
        sni_hosts: Vec<String>,
        /// Destination addresses or CIDRs.
        destination_subnets: Vec<String>,
        /// Destination port.
        port: u32,
        /// Labels of the calling workload.
        source_labels: BTreeMap<String, String>,
        /// Gateways that this applies to, instead of the rule's.
        gateways: Vec<String>,
        /// Namespace of the calling workload.
        source_namespace: String,
    }
}

//! DestinationRule: what happens after routing, for a host and its subsets.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decode::{choice, message};
pub use crate::kinds::cluster_settings::*;
pub use crate::kinds::load_balancer::*;
pub use crate::kinds::selector::WorkloadSelector;
pub use crate::kinds::tls_settings::{ClientTlsMode, ClientTlsSettings};
use crate::kinds::virtual_service::PortSelector;

message! {
    /// Policies for a host.
    pub struct DestinationRule: closed {
        /// Service host, short names relative to the namespace of the rule.
        host: String,
        /// Policy of all subsets and ports.
        traffic_policy: Option<TrafficPolicy>,
        /// Named parts of the service.
        subsets: Vec<Subset>,
        /// Namespaces that see this; empty means all.
        export_to: Vec<String>,
        /// Client workloads that this applies to; none means all.
        workload_selector: Option<WorkloadSelector>,
    }
}

message! {
    /// A named part of a service.
    pub struct Subset: closed {
        /// Name.
        name: String,
        /// Labels that an endpoint must carry.
        labels: BTreeMap<String, String>,
        /// Overrides the rule's policy.
        traffic_policy: Option<TrafficPolicy>,
    }
}

message! {
    /// Load balancing, pools, ejection and TLS.
    pub struct TrafficPolicy: closed {
        /// Load balancing.
        load_balancer: Option<LoadBalancerSettings>,
        /// Connection limits.
        connection_pool: Option<ConnectionPoolSettings>,
        /// Ejection of failing endpoints.
        outlier_detection: Option<OutlierDetection>,
        /// TLS towards the endpoints.
        tls: Option<ClientTlsSettings>,
        /// Policies of single ports, which replace and do not merge.
        port_level_settings: Vec<PortTrafficPolicy>,
        /// Tunnel the traffic through the endpoints.
        tunnel: Option<TunnelSettings>,
        /// Send a PROXY protocol header.
        proxy_protocol: Option<ProxyProtocol>,
        /// Limit of concurrent retries.
        retry_budget: Option<RetryBudget>,
    }
}

message! {
    /// Policy of one port.
    pub struct PortTrafficPolicy: closed {
        /// The port.
        port: Option<PortSelector>,
        /// Load balancing.
        load_balancer: Option<LoadBalancerSettings>,
        /// Connection limits.
        connection_pool: Option<ConnectionPoolSettings>,
        /// Ejection of failing endpoints.
        outlier_detection: Option<OutlierDetection>,
        /// TLS towards the endpoints.
        tls: Option<ClientTlsSettings>,
    }
}

message! {
    /// Tunnel for TCP and TLS traffic.
    pub struct TunnelSettings: closed {
        /// `CONNECT` (also when empty) or `POST`.
        protocol: String,
        /// Host asked for in the tunnel.
        target_host: String,
        /// Port asked for in the tunnel.
        target_port: u32,
    }
}

message! {
    /// PROXY protocol towards the endpoints.
    pub struct ProxyProtocol: closed {
        /// Version of the header.
        version: ProxyProtocolVersion,
    }
}

choice! {
    /// Version of the PROXY protocol.
    pub enum ProxyProtocolVersion {
        /// Text.
        V1 = 0 "V1",
        /// Binary.
        V2 = 1 "V2",
    }
}

message! {
    /// Limit of retries relative to the requests in flight.
    pub struct RetryBudget: closed {
        /// Share of requests in percent; none means 20.
        percent: Option<f64>,
        /// Retries always allowed.
        min_retry_concurrency: u32,
        /// Window over which requests are counted.
        budget_interval: Option<Duration>,
    }
}

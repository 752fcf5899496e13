//! Clusters and their endpoints.

use super::{CodecType, Http2Options, Metadata, RequireTls};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// `envoy.config.cluster.v3.Cluster`.
#[derive(Debug)]
pub struct Cluster {
    /// Name, such as `outbound|8000||httpbin.default.svc.cluster.local`.
    pub name: Arc<str>,
    /// Name in statistics (`alt_stat_name`), the name itself when empty.
    pub stat_name: Arc<str>,
    /// Where endpoints come from.
    pub discovery: Discovery,
    /// How one is chosen.
    pub policy: LbPolicy,
    /// Longest wait for a TCP (and TLS) connection; Envoy's default is 5 s.
    pub connect_timeout: Duration,
    /// Which HTTP is spoken to the endpoints.
    pub protocol: UpstreamProtocol,
    /// HTTP/2 settings.
    pub http2: Http2Options,
    /// An upstream connection without a request for this long is closed; Envoy's default is 1 h.
    pub idle_timeout: Option<Duration>,
    /// Requests on one upstream connection.
    pub max_requests_per_connection: Option<u32>,
    /// Circuit breakers at default priority.
    pub limits: CircuitBreakers,
    /// TLS towards the endpoints, in order of `transport_socket_matches`; the last is the default.
    pub tls: Option<Arc<UpstreamTls>>,
    /// Soft limit of the buffers of a connection, bytes.
    pub per_connection_buffer_limit: u32,
    /// `lb_subset`, `common_lb_config.healthy_panic_threshold` in percent; Envoy's default is 50.
    pub panic_threshold_percent: f64,
    /// Where it comes from.
    pub metadata: Metadata,
    /// Hash of the resource.
    pub version: u64,
}

/// Where the endpoints of a cluster come from.
#[derive(Debug)]
pub enum Discovery {
    /// In the cluster.
    Static(Arc<Endpoints>),
    /// Over EDS, by this name (the cluster's own when the resource gives none).
    Eds(Arc<str>),
    /// Names that are looked up in DNS; all addresses are endpoints.
    StrictDns(DnsCluster),
    /// A name that is looked up in DNS; a new connection goes to the first address.
    LogicalDns(DnsCluster),
    /// The destination that the connection had before it was redirected.
    OriginalDst,
}

/// A cluster of DNS names.
#[derive(Debug)]
pub struct DnsCluster {
    /// Host and port of each, with locality, weight and so on as in the resource.
    pub localities: Vec<(Locality, Vec<(String, u16, u32)>)>,
    /// `dns_refresh_rate`; Envoy's default is 5 s.
    pub refresh_rate: Duration,
    /// `respect_dns_ttl`.
    pub respect_ttl: bool,
}

/// How an endpoint is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum LbPolicy {
    /// One after the other, by weight.
    RoundRobin,
    /// The one with fewer requests out of some.
    LeastRequest {
        /// `choice_count`; Envoy's default is 2.
        choices: u32,
    },
    /// Any.
    Random,
    /// A consistent hash ring.
    RingHash {
        /// Least number of entries; Envoy's default is 1024.
        minimum: u64,
        /// Largest number of entries; Envoy's default is 8 Mi.
        maximum: u64,
    },
    /// Maglev's table.
    Maglev {
        /// Size of the table; a prime. Envoy's default is 65537.
        table_size: u64,
    },
    /// The load balancer of the cluster itself (original destination).
    ClusterProvided,
}

/// Which HTTP an upstream speaks (`HttpProtocolOptions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// This one.
    Explicit(CodecType),
    /// The one of the downstream request.
    UseDownstream,
}

/// `CircuitBreakers.Thresholds`.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitBreakers {
    /// Envoy's default is 1024.
    pub max_connections: u32,
    /// Envoy's default is 1024.
    pub max_pending_requests: u32,
    /// Envoy's default is 1024.
    pub max_requests: u32,
    /// Envoy's default is 3.
    pub max_retries: u32,
    /// Retry budget: percent of active requests, and the least number of retries.
    pub retry_budget: Option<(f64, u32)>,
}

impl Default for CircuitBreakers {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_pending_requests: 1024,
            max_requests: 1024,
            max_retries: 3,
            retry_budget: None,
        }
    }
}

/// `UpstreamTlsContext` in a form that a TLS library is set up from.
#[derive(Debug, Default)]
pub struct UpstreamTls {
    /// Server name to send.
    pub sni: String,
    /// ALPN to offer.
    pub alpn: Vec<String>,
    /// The whole message, for what is not taken apart above.
    pub raw: Vec<u8>,
    /// Whether a client may ever get here in plain text.
    pub requirement: RequireTls,
}

/// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
#[derive(Debug, Default)]
pub struct Endpoints {
    /// Name of the assignment.
    pub cluster: Arc<str>,
    /// Localities by rising priority, then as in the resource.
    pub localities: Vec<LocalityEndpoints>,
    /// `policy.overprovisioning_factor`, percent; Envoy's default is 140.
    pub overprovisioning_factor: u32,
    /// Hash of the resource.
    pub version: u64,
}

/// Endpoints of one locality at one priority.
#[derive(Debug)]
pub struct LocalityEndpoints {
    /// Where.
    pub locality: Locality,
    /// 0 is used first.
    pub priority: u32,
    /// Weight of the locality, if there is one.
    pub weight: Option<u32>,
    /// The endpoints.
    pub endpoints: Vec<Arc<Endpoint>>,
}

/// One endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Where to connect.
    pub address: SocketAddr,
    /// Name, for host rewriting.
    pub hostname: Arc<str>,
    /// As the control plane sees it.
    pub health: Health,
    /// At least 1.
    pub weight: u32,
    /// Where it comes from; `envoy.transport_socket_match` chooses TLS.
    pub metadata: Metadata,
}

/// `envoy.config.core.v3.HealthStatus`, folded to what balancing knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Healthy or unknown.
    #[default]
    Healthy,
    /// Healthy, but less than others.
    Degraded,
    /// Takes no new requests.
    Draining,
    /// Unhealthy or timed out.
    Unhealthy,
}

/// `envoy.config.core.v3.Locality`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Locality {
    pub region: String,
    pub zone: String,
    pub sub_zone: String,
}

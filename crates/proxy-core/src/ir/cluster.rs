//! Clusters and their endpoints.

use super::{CodecType, Http1Options, Http2Options, Metadata, OutlierDetection, UpstreamTls};
use crate::headers::Headers;
use std::net::{IpAddr, SocketAddr};
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
    /// How endpoints that are new begin (round robin and least request).
    pub slow_start: Option<SlowStart>,
    /// Longest wait for a TCP (and TLS) connection; Envoy's default is 5 s.
    pub connect_timeout: Duration,
    /// Which HTTP is spoken to the endpoints.
    pub protocol: UpstreamProtocol,
    /// HTTP/1 settings.
    pub http1: Http1Options,
    /// HTTP/2 settings.
    pub http2: Http2Options,
    /// An upstream connection without a request for this long is closed; Envoy's default is 1 h.
    pub idle_timeout: Option<Duration>,
    /// Age at which an upstream connection takes no more requests.
    pub max_connection_duration: Option<Duration>,
    /// Requests on one upstream connection.
    pub max_requests_per_connection: Option<u32>,
    /// Circuit breakers at default priority.
    pub limits: CircuitBreakers,
    /// Circuit breakers at high priority.
    pub limits_high: CircuitBreakers,
    /// `transport_socket_matches`, in order: the first whose criteria the endpoint meets.
    pub transport_matches: Vec<TransportMatch>,
    /// TLS towards endpoints that meet none of the above; `None` for plain text.
    pub tls: Option<Arc<UpstreamTls>>,
    /// Whether the server name sent is the host of the request (`auto_sni`).
    pub auto_sni: bool,
    /// Whether the certificate must be for that host (`auto_san_validation`).
    pub auto_san_validation: bool,
    /// Passive health checks.
    pub outlier: Option<OutlierDetection>,
    /// Soft limit of the buffers of a connection, bytes.
    pub per_connection_buffer_limit: u32,
    /// `lb_subset`, `common_lb_config.healthy_panic_threshold` in percent; Envoy's default is 50.
    pub panic_threshold_percent: f64,
    /// Whether localities are chosen by their weight (`locality_weighted_lb_config`).
    pub locality_weighted: bool,
    /// Whether consistent hashing takes the host name of an endpoint instead of its address.
    pub hash_by_hostname: bool,
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
    OriginalDst(OriginalDst),
}

/// `OriginalDstLbConfig`: where a cluster without endpoints of its own sends to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OriginalDst {
    /// Name of the request header that may name another destination, lower case (`use_http_header`).
    pub header: Option<String>,
    /// Port that takes the place of that of the destination (`upstream_port_override`).
    pub port: Option<u16>,
}

impl OriginalDst {
    /// Where a request or connection goes; `None` when nobody knows (503, flag `UH`).
    ///
    /// `original` is where the client connected to before it was redirected. As in Envoy 1.40 a header whose value is
    /// no IP address with a port counts as none.
    #[must_use]
    pub fn destination(&self, headers: Option<&Headers>, original: Option<SocketAddr>) -> Option<SocketAddr> {
        let named = self.header.as_deref().and_then(|name| headers?.get_str(name)?.parse().ok());
        let mut found: SocketAddr = named.or(original)?;
        if let Some(port) = self.port {
            found.set_port(port);
        }
        Some(found)
    }
}

/// A cluster of DNS names.
#[derive(Debug)]
pub struct DnsCluster {
    /// As in the resource.
    pub localities: Vec<DnsLocality>,
    /// `policy.overprovisioning_factor`, percent.
    pub overprovisioning_factor: u32,
    /// Which addresses are used.
    pub family: DnsFamily,
    /// `dns_refresh_rate`; Envoy's default is 5 s.
    pub refresh_rate: Duration,
    /// `respect_dns_ttl`.
    pub respect_ttl: bool,
}

/// `Cluster.DnsLookupFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsFamily {
    /// IPv6, or IPv4 when there is none.
    #[default]
    Auto,
    /// IPv4 alone.
    V4Only,
    /// IPv6 alone.
    V6Only,
    /// IPv4, or IPv6 when there is none.
    V4Preferred,
    /// Both.
    All,
}

/// Names of one locality at one priority.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsLocality {
    /// Where.
    pub locality: Locality,
    /// 0 is used first.
    pub priority: u32,
    /// Weight of the locality, if there is one.
    pub weight: Option<u32>,
    /// The names.
    pub endpoints: Vec<DnsEndpoint>,
}

/// One name to look up.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsEndpoint {
    /// Name or IP address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `Endpoint.hostname`, the name itself when empty.
    pub hostname: Arc<str>,
    /// As the resource declares it.
    pub health: Health,
    /// At least 1.
    pub weight: u32,
    /// Where it comes from.
    pub metadata: Metadata,
}

impl DnsCluster {
    /// Endpoints out of what DNS answered. `addresses` gives those of a name; with `first_only`
    /// (logical DNS) the first is taken and the others are left.
    pub fn endpoints<'a>(
        &self,
        cluster: &Arc<str>,
        first_only: bool,
        mut addresses: impl FnMut(&str) -> &'a [IpAddr],
    ) -> Endpoints {
        let mut localities = Vec::with_capacity(self.localities.len());
        for group in &self.localities {
            let mut endpoints: Vec<Arc<Endpoint>> = Vec::new();
            for named in &group.endpoints {
                let parsed = named.host.parse::<IpAddr>().ok();
                let found = match &parsed {
                    Some(address) => std::slice::from_ref(address),
                    None => addresses(&named.host),
                };
                for address in found.iter().take(if first_only { 1 } else { usize::MAX }) {
                    let address = SocketAddr::new(*address, named.port);
                    // The same address twice is one host, as in Envoy.
                    if endpoints.iter().any(|known| known.address == address) {
                        continue;
                    }
                    endpoints.push(Arc::new(Endpoint {
                        address,
                        hostname: named.hostname.clone(),
                        health: named.health,
                        weight: named.weight,
                        metadata: named.metadata.clone(),
                    }));
                }
            }
            localities.push(LocalityEndpoints {
                locality: group.locality.clone(),
                priority: group.priority,
                weight: group.weight,
                endpoints,
            });
        }
        Endpoints {
            cluster: cluster.clone(),
            localities,
            overprovisioning_factor: self.overprovisioning_factor,
            version: 0,
        }
    }
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

/// `SlowStartConfig`: an endpoint that is new takes less than its share at first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowStart {
    /// How long, from when the endpoint is known; above zero.
    pub window: Duration,
    /// 1 for a share that grows with time evenly, more for one that grows faster at first; above zero.
    pub aggression: f64,
    /// The least share, from 0 to 1; Envoy's default is 0.1.
    pub least: f64,
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

/// `Cluster.TransportSocketMatch`.
#[derive(Debug, Clone)]
pub struct TransportMatch {
    /// Name in the resource.
    pub name: Arc<str>,
    /// What `envoy.transport_socket_match` of the endpoint must hold; empty matches all.
    pub criteria: Vec<(String, serde_json::Value)>,
    /// TLS; `None` for plain text.
    pub tls: Option<Arc<UpstreamTls>>,
}

impl Cluster {
    /// The TLS settings for one endpoint; `None` for plain text.
    pub fn tls_for(&self, endpoint: &Endpoint) -> Option<&Arc<UpstreamTls>> {
        let offered = endpoint.metadata.get("envoy.transport_socket_match");
        for candidate in &self.transport_matches {
            let meets = |(key, wanted): &(String, serde_json::Value)| {
                offered.and_then(|fields| fields.get(key)).is_some_and(|found| found == wanted)
            };
            if candidate.criteria.iter().all(meets) {
                return candidate.tls.as_ref();
            }
        }
        self.tls.as_ref()
    }
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

//! Listeners and filter chains.

use super::{DownstreamTls, HttpConnectionManager, Metadata};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// An Envoy listener (`envoy.config.listener.v3.Listener`).
#[derive(Debug)]
pub struct Listener {
    /// Name, such as `0.0.0.0_8080`.
    pub name: Arc<str>,
    /// Where it listens; more than one with `additional_addresses`.
    pub addresses: Vec<SocketAddr>,
    /// False for listeners that only take connections handed over by `use_original_dst`.
    pub bind_to_port: bool,
    /// Chains in the order of the resource.
    pub filter_chains: Vec<Arc<FilterChain>>,
    /// Places of chains by server name as it is written, `""` for those without; `None` when something else counts
    /// before the name.
    pub names: Option<HashMap<String, Vec<usize>>>,
    /// Chain for connections that match none.
    pub default_filter_chain: Option<Arc<FilterChain>>,
    /// What looks at the first bytes.
    pub listener_filters: Vec<ListenerFilter>,
    /// How long the listener filters may wait for bytes; `None` for ever. Envoy's default is 15 s.
    pub listener_filters_timeout: Option<Duration>,
    /// Whether a connection goes on when that time is over.
    pub continue_on_listener_filters_timeout: bool,
    /// Soft limit of the buffers of a connection, bytes; Envoy's default is 1 MiB.
    pub per_connection_buffer_limit: u32,
    /// Whether the original destination chooses another listener (`use_original_dst`).
    pub use_original_dst: bool,
    /// Traffic direction as the resource declares it.
    pub direction: TrafficDirection,
    /// TCP accept backlog.
    pub backlog: u32,
    /// Log of connections that found no filter chain.
    pub access_log: Vec<Arc<AccessLog>>,
    /// Where it comes from.
    pub metadata: Metadata,
    /// Hash of the resource, so that an unchanged listener is recognised.
    pub version: u64,
    /// Hash of the resource without its filter chains and metadata.
    pub frame: u64,
}

/// `envoy.config.core.v3.TrafficDirection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrafficDirection {
    /// Not declared.
    #[default]
    Unspecified,
    /// Towards the workload.
    Inbound,
    /// Away from the workload.
    Outbound,
}

/// What looks at a connection before a filter chain is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerFilter {
    /// Reads SNI and ALPN of a ClientHello.
    TlsInspector,
    /// Recognises HTTP/1 and HTTP/2 in plain text.
    HttpInspector,
    /// Reads PROXY protocol v1 and v2; `allow_without` lets connections without it pass.
    ProxyProtocol {
        /// `allow_requests_without_proxy_protocol`.
        allow_without: bool,
    },
    /// Reads the destination that a connection had before it was redirected.
    OriginalDst,
}

/// A filter chain: whom it is for, how it ends transport security, and what it does.
#[derive(Debug)]
pub struct FilterChain {
    /// Name; may be empty.
    pub name: Arc<str>,
    /// Which connections it takes.
    pub matches: FilterChainMatch,
    /// TLS to end; `None` for plain text.
    pub tls: Option<Arc<DownstreamTls>>,
    /// Longest time for the TLS handshake (`transport_socket_connect_timeout`).
    pub transport_connect_timeout: Option<Duration>,
    /// What is asked before that.
    pub filters: Vec<NetworkFilter>,
    /// What is done with the connection.
    pub terminal: TerminalFilter,
    /// Where it comes from.
    pub metadata: Metadata,
    /// Hash of the message without metadata, so that a chain is recognised in a listener that has changed around it.
    pub version: u64,
}

/// `envoy.config.listener.v3.FilterChainMatch`; an empty list matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterChainMatch {
    /// Port that the connection was for.
    pub destination_port: Option<u16>,
    /// Networks that the connection was for.
    pub prefix_ranges: Vec<IpNet>,
    /// Exact names, or suffixes that begin with `*.`, lower case.
    pub server_names: Vec<String>,
    /// `tls`, `raw_buffer`, or empty for both.
    pub transport_protocol: String,
    /// ALPN, or what the HTTP inspector saw (`http/1.0`, `http/1.1`, `h2c`).
    pub application_protocols: Vec<String>,
    /// Networks of the directly connected peer.
    pub direct_source_prefix_ranges: Vec<IpNet>,
    /// Same host or elsewhere.
    pub source_type: SourceType,
    /// Networks of the client.
    pub source_prefix_ranges: Vec<IpNet>,
    /// Ports of the client.
    pub source_ports: Vec<u16>,
}

/// `FilterChainMatch.ConnectionSourceType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SourceType {
    /// Any.
    #[default]
    Any,
    /// The same IP address or loopback.
    SameIpOrLoopback,
    /// Another host.
    External,
}

/// A network filter that is not the last.
#[derive(Debug, Clone)]
pub enum NetworkFilter {
    /// Rules of RBAC, on every connection.
    Rbac(Arc<crate::rbac::Rbac>),
}

/// The last network filter of a chain.
#[derive(Debug, Clone)]
pub enum TerminalFilter {
    /// `envoy.filters.network.http_connection_manager`.
    Http(Arc<HttpConnectionManager>),
    /// `envoy.filters.network.tcp_proxy`.
    Tcp(Arc<TcpProxy>),
    /// No filter at all: the connection is closed (Envoy closes it at once).
    Close,
}

/// `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`.
#[derive(Debug)]
pub struct TcpProxy {
    /// Prefix of its statistics.
    pub stat_prefix: Arc<str>,
    /// Clusters with their weights; one for a plain `cluster`.
    pub clusters: Vec<(Arc<str>, u32)>,
    /// No byte for this long ends the connection; `None` never. Envoy's default is 1 h.
    pub idle_timeout: Option<Duration>,
    /// Longest life of a connection.
    pub max_connection_duration: Option<Duration>,
    /// Whether the address of the client is hashed for consistent hashing (`hash_policy`).
    pub hash_source_ip: bool,
    /// How often an upstream connection is tried; Envoy's default is 1.
    pub max_connect_attempts: u32,
    /// One line for each connection.
    pub access_log: Vec<Arc<AccessLog>>,
}

/// An access log and where it goes.
#[derive(Debug)]
pub struct AccessLog {
    /// Path, or the standard streams.
    pub sink: AccessLogSink,
    /// The line.
    pub format: crate::access_log::Format,
    /// Which requests are logged.
    pub filter: Option<crate::access_log::Filter>,
}

/// Where lines of an access log go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccessLogSink {
    /// Standard output (`/dev/stdout` and `StdoutAccessLog`).
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to.
    File(String),
}

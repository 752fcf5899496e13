//! The HTTP connection manager.

use super::{AccessLog, RouteConfiguration};
use crate::path::EscapedSlashes;
use std::sync::Arc;
use std::time::Duration;

/// `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.
#[derive(Debug)]
pub struct HttpConnectionManager {
    /// Prefix of its statistics.
    pub stat_prefix: Arc<str>,
    /// Which HTTP is spoken.
    pub codec: CodecType,
    /// Where routes come from.
    pub routes: RouteSpecifier,
    /// HTTP filters in order, the router last and left out.
    pub filters: Vec<HttpFilter>,
    /// What the router at the end does.
    pub router: RouterOptions,
    /// Networks of internal clients; nobody is internal when empty (as in Envoy since 1.36).
    pub internal_networks: Vec<ipnet::IpNet>,
    /// Whether x-forwarded-port is set (`append_x_forwarded_port`).
    pub append_x_forwarded_port: bool,
    /// `add_user_agent`: x-envoy-downstream-service-cluster and the user agent are set to this cluster.
    pub add_user_agent: bool,
    /// Whether the peer's address is the client's (`use_remote_address`).
    pub use_remote_address: bool,
    /// `xff_num_trusted_hops`.
    pub xff_num_trusted_hops: u32,
    /// `skip_xff_append`.
    pub skip_xff_append: bool,
    /// What becomes of x-forwarded-client-cert.
    pub forward_client_cert: ForwardClientCert,
    /// `set_current_client_cert_details`.
    pub client_cert_details: ClientCertDetails,
    /// Text of the `server` header.
    pub server_name: Arc<str>,
    /// What becomes of the upstream's `server` header.
    pub server_header: ServerHeader,
    /// Text to put into `via`; empty for none.
    pub via: Arc<str>,
    /// Whether x-request-id is made when there is none.
    pub generate_request_id: bool,
    /// Whether an x-request-id from outside is kept.
    pub preserve_external_request_id: bool,
    /// Whether x-request-id is put into responses even when the client sent none.
    pub always_set_request_id_in_response: bool,
    /// `normalize_path`.
    pub normalize_path: bool,
    /// `merge_slashes`.
    pub merge_slashes: bool,
    /// `path_with_escaped_slashes_action`.
    pub escaped_slashes: EscapedSlashes,
    /// `strip_matching_host_port`, `strip_any_host_port`.
    pub strip_host_port: StripHostPort,
    /// Whether a dot at the end of the host is taken off.
    pub strip_trailing_host_dot: bool,
    /// Longest wait for the whole request; `None` for ever.
    pub request_timeout: Option<Duration>,
    /// Longest wait for the request's headers; `None` for ever.
    pub request_headers_timeout: Option<Duration>,
    /// No byte on a stream for this long ends it; Envoy's default is 5 min.
    pub stream_idle_timeout: Option<Duration>,
    /// No request on a connection for this long ends it; Envoy's default is 1 h.
    pub idle_timeout: Option<Duration>,
    /// Longest life of a connection.
    pub max_connection_duration: Option<Duration>,
    /// Longest life of a stream.
    pub max_stream_duration: Option<Duration>,
    /// Requests on one connection; `None` without limit.
    pub max_requests_per_connection: Option<u32>,
    /// Time between the GOAWAY (or `connection: close`) and the end; Envoy's default is 5 s.
    pub drain_timeout: Duration,
    /// Time to go on reading after the last response of a connection; Envoy's default is 1 s.
    pub delayed_close_timeout: Option<Duration>,
    /// Size of all request headers, KiB; Envoy's default is 60.
    pub max_request_headers_kb: u32,
    /// Number of request headers; Envoy's default is 100.
    pub max_headers_count: u32,
    /// Underscores in header names.
    pub underscores: Underscores,
    /// HTTP/1 settings.
    pub http1: Http1Options,
    /// HTTP/2 settings.
    pub http2: Http2Options,
    /// Upgrades that are allowed, lower case (`websocket`).
    pub upgrades: Vec<String>,
    /// `proxy_100_continue`.
    pub proxy_100_continue: bool,
    /// What is put into `x-forwarded-proto` regardless of the transport (`scheme_header_transformation`).
    pub scheme_override: Option<Arc<str>>,
    /// One line for each request.
    pub access_log: Vec<Arc<AccessLog>>,
    /// Whether the fragment of a path is cut off instead of refused (Envoy runtime key
    /// `http_reject_path_with_fragment` turned off, as Istio does).
    pub strip_fragment: bool,
}

/// Which HTTP a listener or cluster speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodecType {
    /// By ALPN, or by the HTTP/2 preface.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Where routes come from.
#[derive(Debug, Clone)]
pub enum RouteSpecifier {
    /// In the listener.
    Inline(Arc<RouteConfiguration>),
    /// By this name over RDS.
    Rds(Arc<str>),
}

/// An HTTP filter before the router; filters that do nothing yet are known by name only.
#[derive(Debug, Clone)]
pub struct HttpFilter {
    /// Name in the resource.
    pub name: Arc<str>,
    /// What it does.
    pub kind: HttpFilterKind,
    /// Whether it sleeps until a route wakes it.
    pub disabled: bool,
}

/// `envoy.extensions.filters.http.router.v3.Router`.
#[derive(Debug, Clone, Default)]
pub struct RouterOptions {
    /// `suppress_envoy_headers`.
    pub suppress_envoy_headers: bool,
    /// `start_child_span`, `dynamic_stats` and the like change nothing here.
    /// `respect_expected_rq_timeout`.
    pub respect_expected_rq_timeout: bool,
    /// One line for each try.
    pub upstream_log: Vec<Arc<AccessLog>>,
}

/// Configuration of HTTP filters at one level of a route, by the name of the filter.
pub type FilterOverrides = Vec<(Arc<str>, FilterOverride)>;

/// `typed_per_filter_config` for one filter.
#[derive(Debug, Clone)]
pub enum FilterOverride {
    /// The filter is left out.
    Disabled,
    /// The filter runs, also when it sleeps by default.
    Enabled,
    /// CORS.
    Cors(Arc<crate::cors::CorsPolicy>),
    /// Faults.
    Fault(Arc<crate::fault::Fault>),
    /// RBAC; `None` turns it off.
    Rbac(Option<Arc<crate::rbac::Rbac>>),
}

/// What an HTTP filter does.
#[derive(Debug, Clone)]
pub enum HttpFilterKind {
    /// CORS by the policy of the route.
    Cors,
    /// Faults by the policy of the route, or else these.
    Fault(Arc<crate::fault::Fault>),
    /// Statistics of gRPC.
    GrpcStats,
    /// gRPC-Web downstream, gRPC upstream.
    GrpcWeb,
    /// Rules of RBAC, on every request.
    Rbac(Arc<crate::rbac::Rbac>),
    /// Changes nothing that a client or server could see (ALPN override, Istio's own telemetry).
    Transparent,
}

/// `forward_client_cert_details`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum ForwardClientCert {
    #[default]
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForwardOnly,
}

/// What of the client's certificate goes into x-forwarded-client-cert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct ClientCertDetails {
    pub subject: bool,
    pub cert: bool,
    pub chain: bool,
    pub dns: bool,
    pub uri: bool,
}

/// `server_header_transformation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerHeader {
    /// Always ours.
    #[default]
    Overwrite,
    /// Ours when the upstream sent none.
    AppendIfAbsent,
    /// The upstream's or none.
    PassThrough,
}

/// What of the port in the host is taken off before routes are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StripHostPort {
    /// Nothing.
    #[default]
    No,
    /// A port equal to the listener's.
    Matching,
    /// Any port.
    Any,
}

/// `headers_with_underscores_action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Underscores {
    /// Let through.
    #[default]
    Allow,
    /// 400, or a reset stream.
    RejectRequest,
    /// The header is left out.
    DropHeader,
}

/// `Http1ProtocolOptions`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Http1Options {
    /// `accept_http_10`.
    pub accept_http_10: bool,
    /// `default_host_for_http_10`.
    pub default_host_for_http_10: String,
    /// Whether `http://host/path` is taken apart (Envoy's default, true).
    pub allow_absolute_url: bool,
    /// `enable_trailers`: trailers of HTTP/1 are forwarded.
    pub enable_trailers: bool,
    /// `allow_chunked_length`.
    pub allow_chunked_length: bool,
    /// `override_stream_error_on_invalid_http_message`.
    pub keep_connection_on_error: bool,
}

/// `Http2ProtocolOptions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Options {
    /// Streams at once; Envoy 1.40's default is 1024.
    pub max_concurrent_streams: u32,
    /// Bytes; Envoy 1.40's default is 16 MiB.
    pub initial_stream_window: u32,
    /// Bytes; Envoy 1.40's default is 24 MiB.
    pub initial_connection_window: u32,
    /// Extended CONNECT (RFC 8441).
    pub allow_connect: bool,
}

impl Default for Http2Options {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 1024,
            initial_stream_window: 16 << 20,
            initial_connection_window: 24 << 20,
            allow_connect: false,
        }
    }
}

//! Route configurations.

use super::{FilterOverrides, Metadata};
use crate::headers::HeaderName;
use crate::matcher::{HeaderMatcher, PathMatch, QueryMatcher};
use bytes::Bytes;
use lateen_core::{Re2, Substitution};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// `envoy.config.route.v3.RouteConfiguration`, with its virtual hosts indexed by domain.
#[derive(Debug)]
pub struct RouteConfiguration {
    /// Name, such as `http.8080`.
    pub name: Arc<str>,
    /// Virtual hosts in the order of the resource.
    pub virtual_hosts: Vec<Arc<VirtualHost>>,
    /// Exact domains, lower case, to their place in `virtual_hosts`.
    pub exact: HashMap<Box<str>, usize>,
    /// `*.example.com` without the star: by falling length of the suffix.
    pub suffixes: Vec<(usize, HashMap<Box<str>, usize>)>,
    /// `example.*` without the star: by falling length of the prefix.
    pub prefixes: Vec<(usize, HashMap<Box<str>, usize>)>,
    /// The virtual host of `*`.
    pub any: Option<usize>,
    /// Header operations for every route.
    pub headers: HeaderMutations,
    /// `ignore_port_in_host_matching`.
    pub ignore_port_in_host: bool,
    /// Configuration of HTTP filters for every route.
    pub filters: FilterOverrides,
    /// Operations of the outermost level are done last and so win (`most_specific_header_mutations_wins` off).
    pub most_specific_wins: bool,
    /// `validate_clusters`, `vhds` and so on are checked while decoding; this is where the resource came from.
    pub metadata: Metadata,
    /// Hash of the resource.
    pub version: u64,
}

/// `envoy.config.route.v3.VirtualHost`.
#[derive(Debug)]
pub struct VirtualHost {
    /// Name, such as `httpbin.example.com:80`.
    pub name: Arc<str>,
    /// As in the resource.
    pub domains: Vec<String>,
    /// In order, the first match wins.
    pub routes: Vec<Arc<Route>>,
    /// Whether plain text is answered by a redirect to https.
    pub require_tls: RequireTls,
    /// Header operations for every route.
    pub headers: HeaderMutations,
    /// Configuration of HTTP filters for every route.
    pub filters: FilterOverrides,
    /// Retries where the route has no policy of its own.
    pub retry: Option<Arc<RetryPolicy>>,
    /// `include_request_attempt_count`.
    pub include_request_attempt_count: bool,
    /// `include_attempt_count_in_response`.
    pub include_attempt_count_in_response: bool,
    /// Where it comes from.
    pub metadata: Metadata,
}

/// `VirtualHost.TlsRequirementType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequireTls {
    /// Plain text is fine.
    #[default]
    None,
    /// Only from other hosts.
    ExternalOnly,
    /// Always.
    All,
}

/// `envoy.config.route.v3.Route`.
#[derive(Debug)]
pub struct Route {
    /// Name; may be empty.
    pub name: Arc<str>,
    /// Path to match.
    pub path: PathMatch,
    /// Whether letters of the path count (`case_sensitive`).
    pub case_sensitive: bool,
    /// All must match.
    pub headers: Vec<HeaderMatcher>,
    /// All must match.
    pub query: Vec<QueryMatcher>,
    /// Only gRPC.
    pub grpc: bool,
    /// Only for this share of requests (`runtime_fraction`), per million.
    pub fraction_per_million: Option<u32>,
    /// What is done.
    pub action: RouteAction,
    /// Header operations.
    pub mutations: HeaderMutations,
    /// Configuration of HTTP filters.
    pub filters: FilterOverrides,
    /// Where it comes from.
    pub metadata: Metadata,
}

/// What a route does.
#[derive(Debug)]
pub enum RouteAction {
    /// Forward.
    Forward(Box<Forward>),
    /// Answer 3xx.
    Redirect(Box<Redirect>),
    /// Answer with this.
    Direct(DirectResponse),
    /// `NonForwardingAction`: not for a proxy.
    NonForwarding,
}

/// `envoy.config.route.v3.RouteAction`.
#[derive(Debug)]
pub struct Forward {
    /// Which cluster.
    pub cluster: ClusterSpecifier,
    /// Status when the cluster is not known; Envoy's default is 503.
    pub cluster_not_found_status: u16,
    /// What becomes of the path.
    pub path_rewrite: Option<PathRewrite>,
    /// What becomes of the host.
    pub host_rewrite: Option<HostRewrite>,
    /// `append_x_forwarded_host`.
    pub append_x_forwarded_host: bool,
    /// From the end of the request to the end of the response; `None` without limit. Envoy's default is 15 s.
    pub timeout: Option<Duration>,
    /// Overrides the stream idle timeout; `Some(None)` turns it off.
    pub idle_timeout: Option<Option<Duration>>,
    /// `max_stream_duration.max_stream_duration`; `Some(None)` turns that of the connection manager off.
    pub max_stream_duration: Option<Option<Duration>>,
    /// `max_stream_duration.grpc_timeout_header_max`; zero for as the client says.
    pub grpc_timeout_header_max: Option<Duration>,
    /// `max_stream_duration.grpc_timeout_header_offset`, taken off what the client says.
    pub grpc_timeout_header_offset: Option<Duration>,
    /// `max_grpc_timeout` (deprecated): the overall timeout comes from `grpc-timeout`, at most this; zero for as the client says.
    pub max_grpc_timeout: Option<Duration>,
    /// `grpc_timeout_offset` (deprecated).
    pub grpc_timeout_offset: Option<Duration>,
    /// Whether the circuit breakers of high priority count.
    pub high_priority: bool,
    /// Retries.
    pub retry: Option<Arc<RetryPolicy>>,
    /// Copies of the request.
    pub mirrors: Vec<Mirror>,
    /// What the hash for consistent hashing is made of.
    pub hash: Vec<HashPolicy>,
    /// Overrides of the upgrades of the connection manager: name, lower case, and whether it is allowed.
    pub upgrades: Vec<(String, bool)>,
    /// Whether CONNECT ends here and its payload is sent on as TCP (`connect_config`).
    pub connect_terminates: bool,
}

/// Which cluster a request goes to.
#[derive(Debug)]
pub enum ClusterSpecifier {
    /// This one.
    Cluster(Arc<str>),
    /// The one named by a header.
    Header(String),
    /// One of several.
    Weighted(WeightedClusters),
}

/// `WeightedCluster`.
#[derive(Debug)]
pub struct WeightedClusters {
    /// Clusters in order.
    pub clusters: Vec<WeightedCluster>,
    /// Sum of the weights; above 0.
    pub total: u64,
}

/// One of several clusters.
#[derive(Debug)]
pub struct WeightedCluster {
    /// Name of the cluster.
    pub name: Arc<str>,
    /// Weight.
    pub weight: u32,
    /// Header operations.
    pub headers: HeaderMutations,
    /// Configuration of HTTP filters.
    pub filters: FilterOverrides,
    /// Rewritten host.
    pub host_rewrite: Option<Bytes>,
    /// Where it comes from.
    pub metadata: Metadata,
}

/// What becomes of the path.
#[derive(Debug)]
pub enum PathRewrite {
    /// The matched prefix or path is replaced.
    Prefix(Bytes),
    /// By a regular expression, with `\1` in the substitution.
    Regex {
        /// What is replaced.
        regex: Re2,
        /// By what.
        substitution: Substitution,
    },
    /// The whole path.
    Full(Bytes),
}

/// What becomes of the host.
#[derive(Debug)]
pub enum HostRewrite {
    /// This text.
    Literal(Bytes),
    /// The host name of the chosen endpoint (`Endpoint::hostname`, when not empty).
    Auto,
    /// The value of this header.
    Header(String),
    /// The path by a regular expression.
    PathRegex {
        /// What is replaced.
        regex: Re2,
        /// By what.
        substitution: Substitution,
    },
}

/// `envoy.config.route.v3.RedirectAction`.
#[derive(Debug)]
pub struct Redirect {
    /// Status, 301 by default.
    pub status: u16,
    /// New scheme.
    pub scheme: Option<Bytes>,
    /// `https_redirect`.
    pub https: bool,
    /// New host.
    pub host: Option<Bytes>,
    /// New port.
    pub port: Option<u16>,
    /// What becomes of the path.
    pub path: Option<PathRewrite>,
    /// Whether the query is left out.
    pub strip_query: bool,
}

/// `envoy.config.route.v3.DirectResponseAction`.
#[derive(Debug, Clone)]
pub struct DirectResponse {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: Bytes,
    /// `body_format`, in place of the body.
    pub format: Option<crate::access_log::Format>,
}

/// A copy of the request for another cluster.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// Name of the cluster.
    pub cluster: Arc<str>,
    /// Share of requests, per million.
    pub per_million: u32,
    /// Whether `-shadow` is appended to the host.
    pub host_suffix: bool,
}

/// `RouteAction.HashPolicy`.
#[derive(Debug)]
pub struct HashPolicy {
    /// What is hashed.
    pub source: HashSource,
    /// Whether the list ends here once there is a hash.
    pub terminal: bool,
}

/// What is hashed.
#[derive(Debug)]
pub enum HashSource {
    /// A header.
    Header(String),
    /// A cookie; made with this life and path when there is none.
    Cookie {
        /// Name.
        name: String,
        /// Life; `None` makes none, zero a session cookie.
        ttl: Option<Duration>,
        /// Path.
        path: String,
    },
    /// The address of the client.
    SourceIp,
    /// A parameter of the query.
    QueryParameter(String),
}

/// `envoy.config.route.v3.RetryPolicy`.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// When.
    pub on: RetryOn,
    /// `retriable_status_codes`.
    pub status_codes: Vec<u16>,
    /// Names of `retriable_headers` are matchers on the response.
    pub headers: Vec<HeaderMatcher>,
    /// `retriable_request_headers`: when there are some, only requests that meet one are tried again.
    pub request_headers: Vec<HeaderMatcher>,
    /// How often; Envoy's default is 1.
    pub num_retries: u32,
    /// For each try; `None` for the rest of the overall timeout.
    pub per_try_timeout: Option<Duration>,
    /// Without a byte for this long a try has failed.
    pub per_try_idle_timeout: Option<Duration>,
    /// First wait, Envoy's default is 25 ms.
    pub base_interval: Duration,
    /// Longest wait; ten times the first by default.
    pub max_interval: Duration,
    /// How often another host is looked for (`host_selection_retry_max_attempts`).
    pub host_attempts: u32,
    /// Whether hosts that were tried are avoided (`previous_hosts`).
    pub avoid_previous_hosts: bool,
    /// `rate_limited_retry_back_off`: response headers that say how long to wait, in order.
    pub reset_headers: Vec<ResetHeader>,
    /// Longest wait that such a header may ask for; Envoy's default is 300 s.
    pub reset_max_interval: Duration,
}

/// A response header that says how long to wait before the next try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetHeader {
    /// Name, lower case.
    pub name: String,
    /// Whether it is a point in time (Unix seconds) and not a number of seconds.
    pub unix_timestamp: bool,
}

/// When a request is tried again (header `x-envoy-retry-on`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct RetryOn {
    pub status_5xx: bool,
    pub gateway_error: bool,
    pub connect_failure: bool,
    pub retriable_4xx: bool,
    pub refused_stream: bool,
    pub retriable_status_codes: bool,
    pub retriable_headers: bool,
    pub reset: bool,
    pub reset_before_request: bool,
    pub http3_post_connect_failure: bool,
    pub envoy_rate_limited: bool,
    pub grpc_cancelled: bool,
    pub grpc_deadline_exceeded: bool,
    pub grpc_internal: bool,
    pub grpc_resource_exhausted: bool,
    pub grpc_unavailable: bool,
}

/// Header operations of one level.
#[derive(Debug, Clone, Default)]
pub struct HeaderMutations {
    /// On the request.
    pub request: Vec<HeaderMutation>,
    /// On the response.
    pub response: Vec<HeaderMutation>,
}

/// One header operation.
#[derive(Debug, Clone)]
pub enum HeaderMutation {
    /// Take every header of this name out.
    Remove(HeaderName),
    /// Put one in.
    Set {
        /// Name.
        name: HeaderName,
        /// Value, with Envoy's `%…%` commands.
        value: crate::access_log::Template,
        /// What when there is one already.
        action: AppendAction,
        /// Whether an empty value is put in too.
        keep_empty: bool,
    },
}

/// `HeaderValueOption.HeaderAppendAction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum AppendAction {
    #[default]
    AppendIfExistsOrAdd,
    AddIfAbsent,
    OverwriteIfExistsOrAdd,
    OverwriteIfExists,
}

impl RetryOn {
    /// The conditions of a comma separated list, as in `retry_on` and x-envoy-retry-on; unknown words are left out.
    #[must_use]
    pub fn of(list: &str) -> Self {
        let mut on = Self::default();
        for word in list.split(',') {
            let place = match word.trim() {
                "5xx" => &mut on.status_5xx,
                "gateway-error" => &mut on.gateway_error,
                "connect-failure" => &mut on.connect_failure,
                "retriable-4xx" => &mut on.retriable_4xx,
                "refused-stream" => &mut on.refused_stream,
                "retriable-status-codes" => &mut on.retriable_status_codes,
                "retriable-headers" => &mut on.retriable_headers,
                "reset" => &mut on.reset,
                "reset-before-request" => &mut on.reset_before_request,
                "http3-post-connect-failure" => &mut on.http3_post_connect_failure,
                "envoy-ratelimited" => &mut on.envoy_rate_limited,
                "cancelled" => &mut on.grpc_cancelled,
                "deadline-exceeded" => &mut on.grpc_deadline_exceeded,
                "internal" => &mut on.grpc_internal,
                "resource-exhausted" => &mut on.grpc_resource_exhausted,
                "unavailable" => &mut on.grpc_unavailable,
                _ => continue,
            };
            *place = true;
        }
        on
    }
}

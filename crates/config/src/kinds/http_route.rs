//! The HTTP half of a VirtualService: matches, destinations, and what happens on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decode::{choice, message, oneof};
use crate::kinds::virtual_service::{Destination, Percent, StringMatch};

message! {
    /// One HTTP route.
    pub struct HttpRoute: closed {
        /// Name for logs and statistics.
        name: String,
        /// Conditions; one must hold, none means always.
        r#match: Vec<HttpMatchRequest>,
        /// Where to go, by weight.
        route: Vec<HttpRouteDestination>,
        /// Answer with a redirect.
        redirect: Option<HttpRedirect>,
        /// Answer with a fixed response.
        direct_response: Option<HttpDirectResponse>,
        /// Routes of another VirtualService take over.
        delegate: Option<Delegate>,
        /// Change path or authority on the way.
        rewrite: Option<HttpRewrite>,
        /// Limit for the whole call; none means no limit.
        timeout: Option<Duration>,
        /// When and how often to try again.
        retries: Option<HttpRetry>,
        /// Delays and aborts for testing.
        fault: Option<HttpFaultInjection>,
        /// Copy requests there and drop the answers.
        mirror: Option<Destination>,
        /// Several mirrors.
        mirrors: Vec<HttpMirrorPolicy>,
        /// Deprecated share of mirrored requests, whole percent.
        mirror_percent: Option<u32>,
        /// Share of mirrored requests.
        mirror_percentage: Option<Percent>,
        /// Cross-origin rules.
        cors_policy: Option<CorsPolicy>,
        /// Headers to set, add and remove.
        headers: Option<Headers>,
    }
}

message! {
    /// Conditions on a request; all that are given must hold.
    pub struct HttpMatchRequest: closed {
        /// Name for statistics.
        name: String,
        /// Path, without the query for `exact` and `regex`.
        uri: Option<StringMatch>,
        /// Scheme.
        scheme: Option<StringMatch>,
        /// Method.
        method: Option<StringMatch>,
        /// Authority (Host header).
        authority: Option<StringMatch>,
        /// Headers, by lower-case name.
        headers: BTreeMap<String, StringMatch>,
        /// Port that the request was addressed to.
        port: u32,
        /// Labels of the calling workload.
        source_labels: BTreeMap<String, String>,
        /// Gateways that this applies to, instead of the rule's.
        gateways: Vec<String>,
        /// Query parameters.
        query_params: BTreeMap<String, StringMatch>,
        /// Match `uri` without regard to case (not for `regex`).
        ignore_uri_case: bool,
        /// Headers that must not match.
        without_headers: BTreeMap<String, StringMatch>,
        /// Namespace of the calling workload.
        source_namespace: String,
        /// Prefix of the statistics of this route.
        stat_prefix: String,
    }
}

message! {
    /// A weighted destination of an HTTP route.
    pub struct HttpRouteDestination: closed {
        /// Where to go.
        destination: Option<Destination>,
        /// Share of the requests, relative to the sum.
        weight: i32,
        /// Headers to change for this destination.
        headers: Option<Headers>,
    }
}

message! {
    /// Names the VirtualService that holds the routes.
    pub struct Delegate: closed {
        /// Name.
        name: String,
        /// Namespace; empty for that of the root.
        namespace: String,
    }
}

message! {
    /// Header changes of request and response.
    pub struct Headers: closed {
        /// Before the request goes on.
        request: Option<HeaderOperations>,
        /// Before the response goes back.
        response: Option<HeaderOperations>,
    }
}

message! {
    /// Header changes.
    pub struct HeaderOperations: closed {
        /// Replace.
        set: BTreeMap<String, String>,
        /// Append.
        add: BTreeMap<String, String>,
        /// Remove.
        remove: Vec<String>,
    }
}

message! {
    /// A redirect answer.
    pub struct HttpRedirect: closed {
        /// New path.
        uri: String,
        /// New authority.
        authority: String,
        /// New scheme.
        scheme: String,
        /// Status: 301 (also for 0), 302, 303, 307 or 308.
        redirect_code: u32,
        /// Replaces the matched prefix.
        prefix_rewrite: String,
    } oneof {
        /// New port.
        redirect_port: RedirectPort,
    }
}

oneof! {
    /// Port of a redirect.
    pub enum RedirectPort {
        /// This port.
        port: Port(u32),
        /// A port found from the request.
        derive_port: DerivePort(RedirectPortSelection),
    }
}

choice! {
    /// How the port of a redirect is found.
    pub enum RedirectPortSelection {
        /// 80 for http, 443 for https.
        FromProtocolDefault = 0 "FROM_PROTOCOL_DEFAULT",
        /// The port of the request.
        FromRequestPort = 1 "FROM_REQUEST_PORT",
    }
}

message! {
    /// A fixed answer.
    pub struct HttpDirectResponse: closed {
        /// Status code.
        status: u32,
        /// Body.
        body: Option<HttpBody>,
    }
}

message! {
    /// A fixed body.
    pub struct HttpBody: closed {
    } oneof {
        /// Its content.
        specifier: HttpBodySpecifier,
    }
}

oneof! {
    /// Content of a fixed body.
    pub enum HttpBodySpecifier {
        /// As text.
        string: String(String),
        /// As bytes, base64 in the document.
        bytes: Bytes(Vec<u8>),
    }
}

message! {
    /// Changes of path and authority.
    pub struct HttpRewrite: closed {
        /// Replaces the path or the matched prefix.
        uri: String,
        /// Replaces the authority.
        authority: String,
        /// Replaces the path by expression.
        uri_regex_rewrite: Option<RegexRewrite>,
    }
}

message! {
    /// A replacement by expression.
    pub struct RegexRewrite: closed {
        /// RE2 expression.
        r#match: String,
        /// Replacement with `\1` for groups.
        rewrite: String,
    }
}

message! {
    /// When and how to try again.
    pub struct HttpRetry: closed {
        /// How often, beyond the first try; 0 turns retries off.
        attempts: i32,
        /// Limit for each try.
        per_try_timeout: Option<Duration>,
        /// Conditions, comma separated, with status codes among them.
        retry_on: String,
        /// Whether other localities may be tried.
        retry_remote_localities: Option<bool>,
        /// Whether hosts that were tried are avoided.
        retry_ignore_previous_hosts: Option<bool>,
        /// First pause between tries.
        backoff: Option<Duration>,
    }
}

message! {
    /// Cross-origin rules.
    pub struct CorsPolicy: closed {
        /// Deprecated: exact origins or `*`.
        allow_origin: Vec<String>,
        /// Origins.
        allow_origins: Vec<StringMatch>,
        /// Methods.
        allow_methods: Vec<String>,
        /// Request headers.
        allow_headers: Vec<String>,
        /// Response headers that scripts may read.
        expose_headers: Vec<String>,
        /// How long a preflight may be cached.
        max_age: Option<Duration>,
        /// Whether credentials may be sent.
        allow_credentials: Option<bool>,
        /// What happens to a preflight of an unknown origin.
        unmatched_preflights: UnmatchedPreflights,
    }
}

choice! {
    /// What happens to a preflight that no origin matches.
    pub enum UnmatchedPreflights {
        /// As `Forward`.
        Unspecified = 0 "UNSPECIFIED",
        /// It goes upstream.
        Forward = 1 "FORWARD",
        /// It is answered without CORS headers.
        Ignore = 2 "IGNORE",
    }
}

message! {
    /// Faults made on purpose.
    pub struct HttpFaultInjection: closed {
        /// Wait first.
        delay: Option<Delay>,
        /// Fail.
        abort: Option<Abort>,
    }
}

message! {
    /// A delay before the request goes on.
    pub struct Delay: closed {
        /// Deprecated share in whole percent.
        percent: i32,
        /// Share of delayed requests.
        percentage: Option<Percent>,
    } oneof {
        /// How long.
        http_delay_type: HttpDelayType,
    }
}

oneof! {
    /// Length of a delay.
    pub enum HttpDelayType {
        /// Always this long.
        fixed_delay: FixedDelay(Duration),
        /// Mean of an exponential distribution (without effect in Istio).
        exponential_delay: ExponentialDelay(Duration),
    }
}

message! {
    /// A failure instead of an answer.
    pub struct Abort: closed {
        /// Share of aborted requests; none means all.
        percentage: Option<Percent>,
    } oneof {
        /// What to answer.
        error_type: AbortErrorType,
    }
}

oneof! {
    /// Answer of an abort.
    pub enum AbortErrorType {
        /// HTTP status.
        http_status: HttpStatus(i32),
        /// gRPC status by name, such as `UNAVAILABLE`.
        grpc_status: GrpcStatus(String),
        /// HTTP/2 error (without effect in Istio).
        http2_error: Http2Error(String),
    }
}

message! {
    /// A mirror with its share.
    pub struct HttpMirrorPolicy: closed {
        /// Where to copy.
        destination: Option<Destination>,
        /// Share of requests; none means all.
        percentage: Option<Percent>,
    }
}

//! ProxyConfig: settings of one proxy (`defaultConfig` of the mesh, annotation of a pod).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decode::{choice, message, oneof};
use crate::kinds::cluster_settings::TcpKeepalive;
use crate::kinds::tls_settings::ClientTlsSettings;
pub use crate::kinds::tracing_config::*;

message! {
    /// Settings of one proxy.
    pub struct ProxyConfig: closed {
        /// Folder of the generated bootstrap.
        config_path: String,
        /// The proxy's program.
        binary_path: String,
        /// Time to drain listeners; none means 45 s.
        drain_duration: Option<Duration>,
        /// Address of the control plane, `host:port`.
        discovery_address: String,
        /// Deprecated and without effect.
        discovery_refresh_delay: Option<Duration>,
        /// Deprecated address of a Zipkin collector.
        zipkin_address: String,
        /// Address of a statsd collector.
        statsd_udp_address: String,
        /// Deprecated address of a metrics service.
        envoy_metrics_service_address: String,
        /// Port of the admin interface; 0 means 15000.
        proxy_admin_port: i32,
        /// Deprecated and without effect.
        availability_zone: String,
        /// TLS towards the control plane.
        control_plane_auth_policy: AuthenticationPolicy,
        /// A bootstrap file to use instead.
        custom_config_file: String,
        /// Longest name of a statistic.
        stat_name_length: i32,
        /// Worker threads; none means as many as the CPU limit, 0 means all cores.
        concurrency: Option<i32>,
        /// Template of the bootstrap.
        proxy_bootstrap_template_path: String,
        /// How inbound traffic is captured.
        interception_mode: InboundInterceptionMode,
        /// Tracing.
        tracing: Option<Tracing>,
        /// Deprecated and without effect.
        sds: Option<Sds>,
        /// gRPC service for access logs.
        envoy_access_log_service: Option<RemoteService>,
        /// gRPC service for metrics.
        envoy_metrics_service: Option<RemoteService>,
        /// Environment of the agent, also sent as node metadata.
        proxy_metadata: BTreeMap<String, String>,
        /// Runtime flags of the proxy.
        runtime_values: BTreeMap<String, String>,
        /// Port of the agent's status server.
        status_port: i32,
        /// Further tags of statistics.
        extra_stat_tags: Vec<String>,
        /// What stands in front of a gateway.
        gateway_topology: Option<Topology>,
        /// Time between the end signal and the end; none means 5 s.
        termination_drain_duration: Option<Duration>,
        /// Id of the mesh.
        mesh_id: String,
        /// Readiness of a workload outside of Kubernetes.
        readiness_probe: Option<ReadinessProbe>,
        /// Which statistics are kept.
        proxy_stats_matcher: Option<ProxyStatsMatcher>,
        /// Whether the application waits for the proxy.
        hold_application_until_proxy_starts: Option<bool>,
        /// Further roots, PEM.
        ca_certificates_pem: Vec<String>,
        /// Image variant.
        image: Option<ProxyImage>,
        /// Hardware help for private keys.
        private_key_provider: Option<PrivateKeyProvider>,
        /// Headers that the proxy adds.
        proxy_headers: Option<ProxyHeaders>,
        /// How often access logs are flushed.
        file_flush_interval: Option<Duration>,
        /// Size in KiB at which access logs are flushed.
        file_flush_min_size_kb: u32,
        /// Whether metrics are served compressed.
        stats_compression: Option<bool>,
        /// Limits of connections.
        connection_settings: Option<ConnectionSettings>,
    } oneof {
        /// Name of the proxy's own service, for tracing and node id.
        cluster_name before drain_duration: ClusterName,
    }
}

oneof! {
    /// Name of the proxy's own service.
    pub enum ClusterName {
        /// As given.
        service_cluster: ServiceCluster(String),
        /// Made by a scheme.
        tracing_service_name: TracingServiceName(TracingServiceName),
    }
}

choice! {
    /// How the service name in traces is made.
    pub enum TracingServiceName {
        /// Label `app` and the namespace.
        AppLabelAndNamespace = 0 "APP_LABEL_AND_NAMESPACE",
        /// Canonical name.
        CanonicalNameOnly = 1 "CANONICAL_NAME_ONLY",
        /// Canonical name and the namespace.
        CanonicalNameAndNamespace = 2 "CANONICAL_NAME_AND_NAMESPACE",
    }
}

choice! {
    /// TLS towards the control plane.
    pub enum AuthenticationPolicy {
        /// None.
        None = 0 "NONE",
        /// Mutual.
        MutualTls = 1 "MUTUAL_TLS",
        /// As the mesh has it.
        Inherit = 1000 "INHERIT",
    }
}

choice! {
    /// How inbound traffic is captured.
    pub enum InboundInterceptionMode {
        /// REDIRECT: the source address is lost.
        Redirect = 0 "REDIRECT",
        /// TPROXY: addresses are kept.
        Tproxy = 1 "TPROXY",
        /// Not at all.
        None = 2 "NONE",
    }
}

message! {
    /// Deprecated.
    pub struct Sds: closed {
        /// Without effect.
        enabled: bool,
        /// Without effect.
        k8s_sa_jwt_path: String,
    }
}

message! {
    /// A gRPC service outside of the mesh configuration.
    pub struct RemoteService: closed {
        /// Address, `host:port`.
        address: String,
        /// TLS towards it.
        tls_settings: Option<ClientTlsSettings>,
        /// Keepalive.
        tcp_keepalive: Option<TcpKeepalive>,
    }
}

message! {
    /// What stands in front of a gateway.
    pub struct Topology: closed {
        /// Trusted proxies in front, for X-Forwarded-For.
        num_trusted_proxies: u32,
        /// What happens to X-Forwarded-Client-Cert.
        forward_client_cert_details: ForwardClientCertDetails,
        /// A PROXY protocol header is expected.
        proxy_protocol: Option<ProxyProtocolConfiguration>,
    }
}

message! {
    /// PROXY protocol at a gateway; has no settings.
    pub struct ProxyProtocolConfiguration: closed {
    }
}

choice! {
    /// What happens to X-Forwarded-Client-Cert.
    pub enum ForwardClientCertDetails {
        /// As the role of the proxy has it.
        Undefined = 0 "UNDEFINED",
        /// It is removed.
        Sanitize = 1 "SANITIZE",
        /// It passes over mTLS.
        ForwardOnly = 2 "FORWARD_ONLY",
        /// The client's certificate is appended over mTLS.
        AppendForward = 3 "APPEND_FORWARD",
        /// The client's certificate replaces it over mTLS.
        SanitizeSet = 4 "SANITIZE_SET",
        /// It always passes.
        AlwaysForwardOnly = 5 "ALWAYS_FORWARD_ONLY",
    }
}

message! {
    /// Readiness of a workload outside of Kubernetes.
    pub struct ReadinessProbe: closed {
        /// Seconds before the first probe.
        initial_delay_seconds: i32,
        /// Seconds to wait for an answer.
        timeout_seconds: i32,
        /// Seconds between probes.
        period_seconds: i32,
        /// Good answers in a row to count as ready.
        success_threshold: i32,
        /// Bad answers in a row to count as not ready.
        failure_threshold: i32,
    } oneof {
        /// How to ask.
        health_check_method: HealthCheckMethod,
    }
}

oneof! {
    /// How readiness is asked for.
    pub enum HealthCheckMethod {
        /// By HTTP.
        http_get: HttpGet(HttpHealthCheckConfig),
        /// By connecting.
        tcp_socket: TcpSocket(TcpHealthCheckConfig),
        /// By a command.
        exec: Exec(ExecHealthCheckConfig),
        /// By gRPC health checking.
        grpc: Grpc(GrpcHealthCheckConfig),
    }
}

message! {
    /// A probe by HTTP.
    pub struct HttpHealthCheckConfig: closed {
        /// Path.
        path: String,
        /// Port.
        port: u32,
        /// Host; empty means localhost.
        host: String,
        /// HTTP (also when empty) or HTTPS.
        scheme: String,
        /// Headers.
        http_headers: Vec<ProbeHeader>,
    }
}

message! {
    /// A header of a probe.
    pub struct ProbeHeader: closed {
        /// Name.
        name: String,
        /// Value.
        value: String,
    }
}

message! {
    /// A probe by connecting.
    pub struct TcpHealthCheckConfig: closed {
        /// Host; empty means localhost.
        host: String,
        /// Port.
        port: u32,
    }
}

message! {
    /// A probe by a command.
    pub struct ExecHealthCheckConfig: closed {
        /// The command; status 0 means ready.
        command: Vec<String>,
    }
}

message! {
    /// A probe by gRPC health checking.
    pub struct GrpcHealthCheckConfig: closed {
        /// Port.
        port: u32,
        /// Service name.
        service: String,
    }
}

message! {
    /// Which statistics are kept, besides the ones always kept.
    pub struct ProxyStatsMatcher: closed {
        /// By prefix.
        inclusion_prefixes: Vec<String>,
        /// By suffix.
        inclusion_suffixes: Vec<String>,
        /// By expression.
        inclusion_regexps: Vec<String>,
    }
}

message! {
    /// Image variant.
    pub struct ProxyImage: closed {
        /// `default`, `debug` or `distroless`.
        image_type: String,
    }
}

message! {
    /// Hardware help for private keys.
    pub struct PrivateKeyProvider: closed {
    } oneof {
        /// Which.
        provider: PrivateKeyProviderKind,
    }
}

oneof! {
    /// Kinds of hardware help.
    pub enum PrivateKeyProviderKind {
        /// AVX-512.
        cryptomb: Cryptomb(PrivateKeyOffload),
        /// QuickAssist.
        qat: Qat(PrivateKeyOffload),
    }
}

message! {
    /// Settings of hardware help (`CryptoMb` and `QAT` have the same).
    pub struct PrivateKeyOffload: closed {
        /// How long operations are gathered.
        poll_delay: Option<Duration>,
        /// Whether to go on without the hardware.
        fallback: Option<bool>,
    }
}

message! {
    /// Headers that the proxy adds.
    pub struct ProxyHeaders: closed {
        /// What happens to X-Forwarded-Client-Cert.
        forwarded_client_cert: ForwardClientCertDetails,
        /// Parts of the client certificate that go into it.
        set_current_client_cert_details: Option<SetCurrentClientCertDetails>,
        /// X-Request-Id.
        request_id: Option<HeaderSwitch>,
        /// Server.
        server: Option<ServerHeader>,
        /// X-Envoy-Attempt-Count.
        attempt_count: Option<HeaderSwitch>,
        /// X-Envoy-* for debugging.
        envoy_debug_headers: Option<HeaderSwitch>,
        /// Headers that exchange metadata between proxies.
        metadata_exchange_headers: Option<MetadataExchangeHeaders>,
        /// Whether the case of HTTP/1 header names is kept.
        preserve_http1_header_case: Option<bool>,
        /// X-Forwarded-Host.
        x_forwarded_host: Option<HeaderOption>,
        /// X-Forwarded-Port.
        x_forwarded_port: Option<HeaderOption>,
    }
}

message! {
    /// A header that is on unless switched off.
    pub struct HeaderSwitch: closed {
        /// Switches it off.
        disabled: Option<bool>,
    }
}

message! {
    /// A header that is off unless switched on.
    pub struct HeaderOption: closed {
        /// Switches it on.
        enabled: Option<bool>,
    }
}

message! {
    /// Server header.
    pub struct ServerHeader: closed {
        /// Switches it off.
        disabled: Option<bool>,
        /// Its value; empty means `istio-envoy`.
        value: String,
    }
}

message! {
    /// Headers that exchange metadata.
    pub struct MetadataExchangeHeaders: closed {
        /// Where they are sent.
        mode: MetadataExchangeMode,
    }
}

choice! {
    /// Where metadata headers are sent.
    pub enum MetadataExchangeMode {
        /// Everywhere.
        Undefined = 0 "UNDEFINED",
        /// To services of the mesh.
        InMesh = 1 "IN_MESH",
    }
}

message! {
    /// Parts of the client certificate.
    pub struct SetCurrentClientCertDetails: closed {
        /// Subject.
        subject: Option<bool>,
        /// The certificate.
        cert: Option<bool>,
        /// The chain.
        chain: Option<bool>,
        /// DNS names.
        dns: Option<bool>,
        /// URI.
        uri: Option<bool>,
    }
}

message! {
    /// Limits of connections.
    pub struct ConnectionSettings: closed {
        /// Set of defaults.
        profile: ConnectionProfile,
        /// Buffer of a downstream connection, bytes.
        listener_per_connection_buffer_limit_bytes: Option<i32>,
        /// Buffer of an upstream connection, bytes.
        cluster_per_connection_buffer_limit_bytes: Option<i32>,
        /// Idle time of a connection.
        http_idle_timeout: Option<Duration>,
        /// Longest life of a connection.
        http_max_connection_duration: Option<Duration>,
        /// Time to drain a connection.
        http_drain_timeout: Option<Duration>,
        /// Limit for receiving a request.
        http_request_timeout: Option<Duration>,
        /// Limit for receiving request headers.
        http_request_headers_timeout: Option<Duration>,
        /// Idle time of a stream.
        http_stream_idle_timeout: Option<Duration>,
        /// Longest life of a stream.
        http_max_stream_duration: Option<Duration>,
        /// Most streams of a connection.
        http_max_concurrent_streams: Option<i32>,
        /// First window of a stream, bytes.
        http2_initial_stream_window_size: Option<i32>,
        /// First window of a connection, bytes.
        http2_initial_connection_window_size: Option<i32>,
        /// Header names with `_`.
        http_headers_with_underscores_action: HeadersWithUnderscoresAction,
        /// Whether runs of slashes become one.
        http_merge_slashes: Option<bool>,
        /// Escaped slashes in paths.
        http_path_with_escaped_slashes_action: PathWithEscapedSlashesAction,
        /// Most connections of a listener.
        listener_connection_limit: Option<i32>,
        /// Most downstream connections of the proxy.
        global_downstream_connection_limit: Option<i32>,
    }
}

choice! {
    /// Set of connection defaults.
    pub enum ConnectionProfile {
        /// For a sidecar.
        Sidecar = 0 "SIDECAR",
        /// For the edge, where clients are not trusted.
        Edge = 1 "EDGE",
    }
}

choice! {
    /// What happens to header names with `_`.
    pub enum HeadersWithUnderscoresAction {
        /// As the profile has it.
        Unspecified = 0 "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
        /// They pass.
        Allow = 1 "HEADERS_WITH_UNDERSCORES_ALLOW",
        /// The request is refused.
        RejectRequest = 2 "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
        /// The header is dropped.
        DropHeader = 3 "HEADERS_WITH_UNDERSCORES_DROP_HEADER",
    }
}

choice! {
    /// What happens to escaped slashes in paths.
    pub enum PathWithEscapedSlashesAction {
        /// As the profile has it.
        Unspecified = 0 "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
        /// They stay.
        KeepUnchanged = 1 "KEEP_UNCHANGED",
        /// The request is refused.
        RejectRequest = 2 "REJECT_REQUEST",
        /// The client is redirected to the decoded path.
        UnescapeAndRedirect = 3 "UNESCAPE_AND_REDIRECT",
        /// The decoded path goes upstream.
        UnescapeAndForward = 4 "UNESCAPE_AND_FORWARD",
    }
}

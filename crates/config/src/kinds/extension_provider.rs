//! Extension providers of the mesh: named services for authorization, tracing, metrics and logs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::decode::{choice, message, oneof};
use crate::kinds::tracing_config::TraceContext;

message! {
    /// A named provider.
    pub struct ExtensionProvider: closed {
        /// Name that policies refer to.
        name: String,
    } oneof {
        /// What it is.
        provider: Provider,
    }
}

oneof! {
    /// Kinds of providers.
    pub enum Provider {
        /// Authorization over HTTP.
        envoy_ext_authz_http: EnvoyExtAuthzHttp(Box<EnvoyExternalAuthorizationHttpProvider>),
        /// Authorization over gRPC.
        envoy_ext_authz_grpc: EnvoyExtAuthzGrpc(EnvoyExternalAuthorizationGrpcProvider),
        /// Zipkin tracing.
        zipkin: Zipkin(ZipkinTracingProvider),
        /// Lightstep tracing (deprecated).
        lightstep: Lightstep(LightstepTracingProvider),
        /// Datadog tracing.
        datadog: Datadog(DatadogTracingProvider),
        /// Stackdriver tracing, metrics and logs.
        stackdriver: Stackdriver(StackdriverProvider),
        /// OpenCensus tracing (deprecated).
        opencensus: Opencensus(OpenCensusAgentTracingProvider),
        /// SkyWalking tracing.
        skywalking: Skywalking(SkyWalkingTracingProvider),
        /// OpenTelemetry tracing.
        opentelemetry: Opentelemetry(Box<OpenTelemetryTracingProvider>),
        /// Prometheus metrics.
        prometheus: Prometheus(PrometheusMetricsProvider),
        /// Access log to a file.
        envoy_file_access_log: EnvoyFileAccessLog(EnvoyFileAccessLogProvider),
        /// HTTP access log to a gRPC service.
        envoy_http_als: EnvoyHttpAls(EnvoyHttpGrpcV3LogProvider),
        /// TCP access log to a gRPC service.
        envoy_tcp_als: EnvoyTcpAls(EnvoyTcpGrpcV3LogProvider),
        /// Access log to an OpenTelemetry collector.
        envoy_otel_als: EnvoyOtelAls(EnvoyOpenTelemetryLogProvider),
        /// Certificates by SDS.
        sds: Sds(SdsProvider),
    }
}

message! {
    /// How much of the request body is sent for a check.
    pub struct EnvoyExternalAuthorizationRequestBody: closed {
        /// Most bytes.
        max_request_bytes: u32,
        /// Send what fits instead of answering 413.
        allow_partial_message: bool,
        /// Send as bytes and not as UTF-8 text (gRPC only).
        pack_as_bytes: bool,
    }
}

message! {
    /// Authorization over HTTP.
    pub struct EnvoyExternalAuthorizationHttpProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Limit of a check; none means 600 s.
        timeout: Option<Duration>,
        /// Goes in front of the path of the check.
        path_prefix: String,
        /// Whether a failed check lets the request pass.
        fail_open: bool,
        /// Whether the route is chosen anew after the check.
        clear_route_cache: bool,
        /// Status of a failed check; empty means 403.
        status_on_error: String,
        /// Deprecated form of `includeRequestHeadersInCheck`.
        include_headers_in_check: Vec<String>,
        /// Request headers that the check sees.
        include_request_headers_in_check: Vec<String>,
        /// Headers added to the check.
        include_additional_headers_in_check: BTreeMap<String, String>,
        /// Body that the check sees.
        include_request_body_in_check: Option<EnvoyExternalAuthorizationRequestBody>,
        /// Headers of a yes that go upstream.
        headers_to_upstream_on_allow: Vec<String>,
        /// Headers of a no that go downstream.
        headers_to_downstream_on_deny: Vec<String>,
        /// Headers of a yes that go downstream.
        headers_to_downstream_on_allow: Vec<String>,
    }
}

message! {
    /// Authorization over gRPC.
    pub struct EnvoyExternalAuthorizationGrpcProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Limit of a check; none means 600 s.
        timeout: Option<Duration>,
        /// Whether a failed check lets the request pass.
        fail_open: bool,
        /// Whether the route is chosen anew after the check.
        clear_route_cache: bool,
        /// Status of a failed check; empty means 403.
        status_on_error: String,
        /// Body that the check sees.
        include_request_body_in_check: Option<EnvoyExternalAuthorizationRequestBody>,
    }
}

message! {
    /// Zipkin tracing.
    pub struct ZipkinTracingProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Longest path in a tag; 0 means 256.
        max_tag_length: u32,
        /// Whether trace ids have 64 bits instead of 128.
        enable_64bit_trace_id: bool,
        /// Path of the collector; empty means `/api/v2/spans`.
        path: String,
        /// Formats of trace headers.
        trace_context_option: ZipkinTraceContextOption,
        /// Limit of a report.
        timeout: Option<Duration>,
        /// Headers of a report.
        headers: Vec<HttpHeader>,
    }
}

choice! {
    /// Formats of trace headers with Zipkin.
    pub enum ZipkinTraceContextOption {
        /// B3.
        UseB3 = 0 "USE_B3",
        /// B3, and `traceparent` when there is no B3.
        UseB3WithW3cPropagation = 1 "USE_B3_WITH_W3C_PROPAGATION",
    }
}

message! {
    /// Lightstep tracing.
    pub struct LightstepTracingProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Token.
        access_token: String,
        /// Longest path in a tag; 0 means 256.
        max_tag_length: u32,
    }
}

message! {
    /// Datadog tracing.
    pub struct DatadogTracingProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Longest path in a tag; 0 means 256.
        max_tag_length: u32,
    }
}

message! {
    /// SkyWalking tracing.
    pub struct SkyWalkingTracingProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Token.
        access_token: String,
    }
}

message! {
    /// Stackdriver.
    pub struct StackdriverProvider: closed {
        /// Deprecated: traces also go to standard output.
        debug: bool,
        /// Deprecated: most attributes of a span.
        max_number_of_attributes: Option<i64>,
        /// Deprecated: most annotations of a span.
        max_number_of_annotations: Option<i64>,
        /// Deprecated: most message events of a span.
        max_number_of_message_events: Option<i64>,
        /// Longest path in a tag; 0 means 256.
        max_tag_length: u32,
        /// Logs.
        logging: Option<StackdriverLogging>,
    }
}

message! {
    /// Stackdriver logs.
    pub struct StackdriverLogging: closed {
        /// Labels by CEL expression.
        labels: BTreeMap<String, String>,
    }
}

message! {
    /// OpenCensus tracing.
    pub struct OpenCensusAgentTracingProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Formats of trace headers.
        context: Vec<TraceContext>,
        /// Longest path in a tag; 0 means 256.
        max_tag_length: u32,
    }
}

message! {
    /// Prometheus metrics; has no settings.
    pub struct PrometheusMetricsProvider: closed {
    }
}

message! {
    /// Access log to a file.
    pub struct EnvoyFileAccessLogProvider: closed {
        /// File; empty means `/dev/stdout`.
        path: String,
        /// Format; none means Istio's.
        log_format: Option<FileLogFormat>,
        /// Whether empty values are left out of JSON.
        omit_empty_values: bool,
    }
}

message! {
    /// Format of a file access log.
    pub struct FileLogFormat: closed {
    } oneof {
        /// Text or JSON.
        log_format: FileLogFormatKind,
    }
}

oneof! {
    /// Text or JSON.
    pub enum FileLogFormatKind {
        /// A line with command operators.
        text: Text(String),
        /// A JSON object with command operators as values.
        labels: Labels(Map<String, Value>),
    }
}

message! {
    /// HTTP access log to a gRPC service.
    pub struct EnvoyHttpGrpcV3LogProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Name of the log.
        log_name: String,
        /// Filter state to log.
        filter_state_objects_to_log: Vec<String>,
        /// Request headers to log.
        additional_request_headers_to_log: Vec<String>,
        /// Response headers to log.
        additional_response_headers_to_log: Vec<String>,
        /// Response trailers to log.
        additional_response_trailers_to_log: Vec<String>,
    }
}

message! {
    /// TCP access log to a gRPC service.
    pub struct EnvoyTcpGrpcV3LogProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Name of the log.
        log_name: String,
        /// Filter state to log.
        filter_state_objects_to_log: Vec<String>,
    }
}

message! {
    /// Access log to an OpenTelemetry collector.
    pub struct EnvoyOpenTelemetryLogProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Name of the log.
        log_name: String,
        /// Format; none means Istio's.
        log_format: Option<OpenTelemetryLogFormat>,
    }
}

message! {
    /// Body and attributes of an OpenTelemetry log record.
    pub struct OpenTelemetryLogFormat: closed {
        /// Body with command operators.
        text: String,
        /// Attributes with command operators as values.
        labels: Option<Map<String, Value>>,
    }
}

message! {
    /// OpenTelemetry tracing.
    pub struct OpenTelemetryTracingProvider: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// Longest path in a tag; 0 means 256.
        max_tag_length: u32,
        /// Report over HTTP instead of gRPC.
        http: Option<HttpService>,
        /// gRPC settings.
        grpc: Option<GrpcService>,
        /// Further resource attributes.
        resource_detectors: Option<ResourceDetectors>,
        /// How service attributes are named.
        service_attribute_enrichment: ServiceAttributeEnrichment,
    } oneof {
        /// Sampler.
        sampling: Sampling,
    }
}

choice! {
    /// How service attributes are named.
    pub enum ServiceAttributeEnrichment {
        /// Istio's canonical service.
        IstioCanonical = 0 "ISTIO_CANONICAL",
        /// OpenTelemetry's conventions.
        OtelSemanticConventions = 1 "OTEL_SEMANTIC_CONVENTIONS",
    }
}

oneof! {
    /// Samplers.
    pub enum Sampling {
        /// Dynatrace.
        dynatrace_sampler: DynatraceSampler(DynatraceSampler),
    }
}

message! {
    /// Dynatrace sampler.
    pub struct DynatraceSampler: closed {
        /// Tenant.
        tenant: String,
        /// Cluster id of the tenant.
        cluster_id: i32,
        /// Most root spans in a minute; 0 means 1000.
        root_spans_per_minute: u32,
        /// API that gives the settings; none means the exporter's.
        http_service: Option<DynatraceApi>,
    }
}

message! {
    /// Dynatrace API.
    pub struct DynatraceApi: closed {
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
        /// How to call it.
        http: Option<HttpService>,
    }
}

message! {
    /// Certificates by SDS.
    pub struct SdsProvider: closed {
        /// Name in credential names.
        name: String,
        /// Service, `[namespace/]host`.
        service: String,
        /// Port.
        port: u32,
    }
}

message! {
    /// How an HTTP service is called.
    pub struct HttpService: closed {
        /// Path.
        path: String,
        /// Limit of a call.
        timeout: Option<Duration>,
        /// Headers.
        headers: Vec<HttpHeader>,
    }
}

message! {
    /// A header.
    pub struct HttpHeader: closed {
        /// Name.
        name: String,
    } oneof {
        /// Value.
        header_value: HttpHeaderValue,
    }
}

oneof! {
    /// Value of a header.
    pub enum HttpHeaderValue {
        /// As given.
        value: Value(String),
        /// From an environment variable of the proxy.
        env_name: EnvName(String),
    }
}

message! {
    /// Sources of further resource attributes.
    pub struct ResourceDetectors: closed {
        /// Environment variable `OTEL_RESOURCE_ATTRIBUTES`.
        environment: Option<EnvironmentResourceDetector>,
        /// Files of Dynatrace.
        dynatrace: Option<DynatraceResourceDetector>,
    }
}

message! {
    /// Has no settings.
    pub struct EnvironmentResourceDetector: closed {
    }
}

message! {
    /// Has no settings.
    pub struct DynatraceResourceDetector: closed {
    }
}

message! {
    /// How a gRPC service is called.
    pub struct GrpcService: closed {
        /// Limit of a call.
        timeout: Option<Duration>,
        /// Headers.
        initial_metadata: Vec<HttpHeader>,
    }
}

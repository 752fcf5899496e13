//! Tracing in a ProxyConfig: the collector, tags and sampling.

use std::collections::BTreeMap;

use crate::decode::{choice, message, oneof};
use crate::kinds::tls_settings::ClientTlsSettings;

message! {
    /// Tracing of a proxy.
    pub struct Tracing: closed {
        /// Further tags by name.
        custom_tags: BTreeMap<String, CustomTag>,
        /// Longest path in a tag; 0 means 256.
        max_path_tag_length: u32,
        /// Share of requests traced, 0.0 to 100.0.
        sampling: f64,
        /// TLS towards the collector.
        tls_settings: Option<ClientTlsSettings>,
        /// Whether Istio's own tags are added; none means yes.
        enable_istio_tags: Option<bool>,
    } oneof {
        /// The collector.
        tracer before custom_tags: Tracer,
    }
}

oneof! {
    /// Collectors.
    pub enum Tracer {
        /// Zipkin.
        zipkin: Zipkin(Zipkin),
        /// Lightstep.
        lightstep: Lightstep(Lightstep),
        /// Datadog.
        datadog: Datadog(Datadog),
        /// Stackdriver.
        stackdriver: Stackdriver(Stackdriver),
        /// OpenCensus agent.
        open_census_agent: OpenCensusAgent(OpenCensusAgent),
    }
}

message! {
    /// Zipkin collector.
    pub struct Zipkin: closed {
        /// Address, `host:port`.
        address: String,
    }
}

message! {
    /// Lightstep collector.
    pub struct Lightstep: closed {
        /// Address, `host:port`.
        address: String,
        /// Token.
        access_token: String,
    }
}

message! {
    /// Datadog agent.
    pub struct Datadog: closed {
        /// Address, `host:port`.
        address: String,
    }
}

message! {
    /// Stackdriver.
    pub struct Stackdriver: closed {
        /// Whether traces also go to standard output.
        debug: bool,
        /// Most attributes of a span.
        max_number_of_attributes: Option<i64>,
        /// Most annotations of a span.
        max_number_of_annotations: Option<i64>,
        /// Most message events of a span.
        max_number_of_message_events: Option<i64>,
    }
}

message! {
    /// OpenCensus agent.
    pub struct OpenCensusAgent: closed {
        /// Address, as gRPC names it.
        address: String,
        /// Formats of trace headers.
        context: Vec<TraceContext>,
    }
}

choice! {
    /// Format of trace headers.
    pub enum TraceContext {
        /// All.
        Unspecified = 0 "UNSPECIFIED",
        /// `traceparent`.
        W3cTraceContext = 1 "W3C_TRACE_CONTEXT",
        /// `grpc-trace-bin`.
        GrpcBin = 2 "GRPC_BIN",
        /// `X-Cloud-Trace-Context`.
        CloudTraceContext = 3 "CLOUD_TRACE_CONTEXT",
        /// `X-B3-*`.
        B3 = 4 "B3",
    }
}

message! {
    /// A tag of spans.
    pub struct CustomTag: closed {
    } oneof {
        /// Its value.
        r#type: CustomTagType,
    }
}

oneof! {
    /// Where the value of a tag comes from.
    pub enum CustomTagType {
        /// Fixed.
        literal: Literal(Literal),
        /// Environment variable of the proxy.
        environment: Environment(TagSource),
        /// Request header.
        header: Header(TagSource),
    }
}

message! {
    /// A fixed value.
    pub struct Literal: closed {
        /// The value.
        value: String,
    }
}

message! {
    /// A value found by name (`Environment` and `RequestHeader` have the same fields).
    pub struct TagSource: closed {
        /// Name of the variable or header.
        name: String,
        /// Value when it is missing.
        default_value: String,
    }
}

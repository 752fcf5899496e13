//! Access logs as the mesh configuration asks for them.
//! In: `accessLogFile`, `accessLogFormat`, `accessLogEncoding`. Out: Envoy's file loggers.

use crate::values::text;
use lateen_config::kinds::mesh_config::AccessLogEncoding;
use lateen_envoy_api::google::protobuf::{Struct, Value, value::Kind};
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::access_logger::file::FileAccessLog;
use lateen_envoy_api::v3::access_logger::file::file_access_log::AccessLogFormat;
use lateen_envoy_api::v3::accesslog::access_log::ConfigType;
use lateen_envoy_api::v3::accesslog::access_log_filter::FilterSpecifier;
use lateen_envoy_api::v3::accesslog::{AccessLog, AccessLogFilter, ResponseFlagFilter};
use lateen_envoy_api::v3::core::SubstitutionFormatString;
use lateen_envoy_api::v3::core::substitution_format_string::Format;
use lateen_model::Mesh;

/// Istio's default text format: the fields that its users' tools parse, in their order.
const TEXT: &str = concat!(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" ",
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% ",
    "\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" ",
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% ",
    "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% ",
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n",
);

/// The same fields by the names of Istio's default JSON format.
const JSON: &[(&str, &str)] = &[
    ("authority", "%REQ(:AUTHORITY)%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"),
    ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("duration", "%DURATION%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("route_name", "%ROUTE_NAME%"),
    ("start_time", "%START_TIME%"),
    ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
    ("upstream_host", "%UPSTREAM_HOST%"),
    ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
    ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
];

/// The logs of a connection manager or a TCP proxy.
pub fn of_requests(mesh: &Mesh) -> Vec<AccessLog> {
    file(mesh).into_iter().collect()
}

/// The logs of a listener: connections that find no filter chain, and so no other log.
pub fn of_listener(mesh: &Mesh) -> Vec<AccessLog> {
    if mesh.config.disable_envoy_listener_log {
        return Vec::new();
    }
    let no_route = ResponseFlagFilter { flags: vec!["NR".to_owned()] };
    let filter = AccessLogFilter { filter_specifier: Some(FilterSpecifier::ResponseFlagFilter(no_route)) };
    file(mesh).map(|log| AccessLog { filter: Some(filter), ..log }).into_iter().collect()
}

#[allow(deprecated)] // The inline form is what Istio sends and what every client reads.
fn file(mesh: &Mesh) -> Option<AccessLog> {
    let config = &mesh.config;
    if config.access_log_file.is_empty() {
        return None;
    }
    let format = match config.access_log_encoding {
        AccessLogEncoding::Text if config.access_log_format.is_empty() => Format::TextFormat(TEXT.to_owned()),
        AccessLogEncoding::Text => {
            let mut format = config.access_log_format.clone();
            if !format.ends_with('\n') {
                format.push('\n');
            }
            Format::TextFormat(format)
        }
        AccessLogEncoding::Json => Format::JsonFormat(json(&config.access_log_format)),
    };
    let log = FileAccessLog {
        path: config.access_log_file.clone(),
        access_log_format: Some(AccessLogFormat::LogFormat(SubstitutionFormatString {
            format: Some(format),
            ..Default::default()
        })),
    };
    Some(AccessLog {
        name: "envoy.access_loggers.file".to_owned(),
        config_type: Some(ConfigType::TypedConfig(pack(&log))),
        filter: None,
    })
}

/// The fields of a JSON format; Istio's own when none is written or what is written is no object.
fn json(written: &str) -> Struct {
    match serde_json::from_str::<serde_json::Value>(written) {
        Ok(serde_json::Value::Object(fields)) => {
            Struct { fields: fields.iter().map(|(name, value)| (name.clone(), json_value(value))).collect() }
        }
        _ => Struct { fields: JSON.iter().map(|(name, format)| ((*name).to_owned(), text(*format))).collect() },
    }
}

fn json_value(value: &serde_json::Value) -> Value {
    use lateen_envoy_api::google::protobuf::ListValue;
    let kind = match value {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(value) => Kind::BoolValue(*value),
        serde_json::Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        serde_json::Value::String(value) => Kind::StringValue(value.clone()),
        serde_json::Value::Array(values) => {
            Kind::ListValue(ListValue { values: values.iter().map(json_value).collect() })
        }
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), json_value(value))).collect();
            Kind::StructValue(Struct { fields })
        }
    };
    Value { kind: Some(kind) }
}

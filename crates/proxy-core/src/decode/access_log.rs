//! Access loggers: files and the standard streams.
//! In: `AccessLog` messages. Out: sink, format and filter; loggers that send elsewhere are refused.

#![allow(deprecated)]

use super::DecodeError;
use super::at::{At, extension_type};
use super::matching::header;
use super::value::{fraction, object};
use crate::access_log::{Comparison, Filter, Format, JsonNode, Template};
use crate::flags::ResponseFlags;
use crate::ir::{AccessLog, AccessLogSink};
use lateen_envoy_api::google::protobuf::Struct;
use lateen_envoy_api::v3::{self, access_logger::file, access_logger::stream, accesslog as api, core};
use serde_json::Value;
use std::sync::Arc;

/// Envoy's default line.
const DEFAULT_FORMAT: &str = concat!(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" ",
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" ",
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n"
);

pub(crate) fn decode_all(
    logs: Vec<api::AccessLog>,
    field: &str,
    at: At<'_>,
) -> Result<Vec<Arc<AccessLog>>, DecodeError> {
    logs.into_iter().enumerate().map(|(index, log)| decode(log, at.index(field, index)).map(Arc::new)).collect()
}

fn decode(log: api::AccessLog, at: At<'_>) -> Result<AccessLog, DecodeError> {
    let filter = log.filter.map(|given| filter(given, at.field("filter"))).transpose()?;
    let Some(api::access_log::ConfigType::TypedConfig(any)) = log.config_type else {
        return Err(at.field("typed_config").missing(""));
    };
    let at = at.field("typed_config");
    let (sink, format) = match extension_type(&any).as_str() {
        "envoy.extensions.access_loggers.file.v3.FileAccessLog" => {
            let file: file::FileAccessLog = at.unpack(&any)?;
            if file.path.is_empty() {
                return Err(at.field("path").missing(""));
            }
            let sink = match file.path.as_str() {
                "/dev/stdout" => AccessLogSink::Stdout,
                "/dev/stderr" => AccessLogSink::Stderr,
                _ => AccessLogSink::File(file.path),
            };
            (sink, file_format(file.access_log_format, at)?)
        }
        "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog" => {
            let stdout: stream::StdoutAccessLog = at.unpack(&any)?;
            let given = stdout.access_log_format.map(|stream::stdout_access_log::AccessLogFormat::LogFormat(f)| f);
            (AccessLogSink::Stdout, optional(given, at)?)
        }
        "envoy.extensions.access_loggers.stream.v3.StderrAccessLog" => {
            let stderr: stream::StderrAccessLog = at.unpack(&any)?;
            let given = stderr.access_log_format.map(|stream::stderr_access_log::AccessLogFormat::LogFormat(f)| f);
            (AccessLogSink::Stderr, optional(given, at)?)
        }
        _ => return Err(at.unknown_extension(&any, "FileAccessLog, StdoutAccessLog, StderrAccessLog")),
    };
    Ok(AccessLog { sink, format, filter })
}

fn file_format(format: Option<file::file_access_log::AccessLogFormat>, at: At<'_>) -> Result<Format, DecodeError> {
    use file::file_access_log::AccessLogFormat as Given;
    match format {
        None => text(DEFAULT_FORMAT, at),
        Some(Given::Format(format)) if format.is_empty() => text(DEFAULT_FORMAT, at),
        Some(Given::Format(format)) => text(&format, at.field("format")),
        Some(Given::JsonFormat(fields)) => json(fields, false, at.field("json_format")),
        Some(Given::TypedJsonFormat(fields)) => json(fields, false, at.field("typed_json_format")),
        Some(Given::LogFormat(format)) => substitution(format, at.field("log_format")),
    }
}

fn optional(format: Option<core::SubstitutionFormatString>, at: At<'_>) -> Result<Format, DecodeError> {
    match format {
        Some(format) => substitution(format, at.field("log_format")),
        None => text(DEFAULT_FORMAT, at),
    }
}

/// `SubstitutionFormatString`.
pub(crate) fn substitution(mut format: core::SubstitutionFormatString, at: At<'_>) -> Result<Format, DecodeError> {
    use core::substitution_format_string::Format as Given;
    let omit = std::mem::take(&mut format.omit_empty_values);
    // Keys are always sorted here, and the content type is that of the format.
    format.json_format_options = None;
    format.content_type.clear();
    // Istio lists formatters whose commands are checked by the template itself.
    format.formatters.clear();
    let given = format.format.take();
    at.nothing_left(&format)?;
    match given {
        None => Err(at.missing("text_format, json_format or text_format_source")),
        Some(Given::TextFormat(format)) => text(&format, at.field("text_format")),
        Some(Given::JsonFormat(fields)) => json(fields, omit, at.field("json_format")),
        Some(Given::TextFormatSource(source)) => {
            use core::data_source::Specifier;
            let at = at.field("text_format_source");
            match source.specifier {
                Some(Specifier::InlineString(format)) => text(&format, at),
                Some(Specifier::InlineBytes(bytes)) => text(&String::from_utf8_lossy(&bytes), at),
                _ => Err(at.unsupported("", "use inline_string")),
            }
        }
    }
}

fn text(format: &str, at: At<'_>) -> Result<Format, DecodeError> {
    template(format, at).map(Format::Text)
}

fn template(format: &str, at: At<'_>) -> Result<Template, DecodeError> {
    Template::decode(format).map_err(|error| at.invalid(format, error.to_string()))
}

fn json(fields: Struct, omit_empty: bool, at: At<'_>) -> Result<Format, DecodeError> {
    Ok(Format::Json { root: node(&object(fields), at)?, omit_empty })
}

fn node(value: &Value, at: At<'_>) -> Result<JsonNode, DecodeError> {
    Ok(match value {
        Value::String(text) => JsonNode::Template(template(text, at)?),
        Value::Object(fields) => {
            let named = |(key, value): (&String, &Value)| Ok((key.clone(), node(value, at.field(key))?));
            JsonNode::Object(fields.iter().map(named).collect::<Result<_, DecodeError>>()?)
        }
        Value::Array(items) => JsonNode::List(items.iter().map(|item| node(item, at)).collect::<Result<_, _>>()?),
        literal => JsonNode::Literal(literal.clone()),
    })
}

fn filter(filter: api::AccessLogFilter, at: At<'_>) -> Result<Filter, DecodeError> {
    use api::access_log_filter::FilterSpecifier as Given;
    match filter.filter_specifier {
        None => Err(at.missing("one of the filters")),
        Some(Given::StatusCodeFilter(given)) => {
            comparison(given.comparison, at.field("status_code_filter")).map(Filter::Status)
        }
        Some(Given::DurationFilter(given)) => {
            comparison(given.comparison, at.field("duration_filter")).map(Filter::Duration)
        }
        Some(Given::NotHealthCheckFilter(_)) => Ok(Filter::NotHealthCheck),
        Some(Given::RuntimeFilter(given)) => {
            let at = at.field("runtime_filter");
            let at = at.field("percent_sampled");
            match given.percent_sampled {
                Some(share) => fraction(share, at).map(Filter::Runtime),
                None => Ok(Filter::Runtime(0)),
            }
        }
        Some(Given::AndFilter(given)) => several(given.filters, at.field("and_filter")).map(Filter::And),
        Some(Given::OrFilter(given)) => several(given.filters, at.field("or_filter")).map(Filter::Or),
        Some(Given::HeaderFilter(given)) => {
            let at = at.field("header_filter");
            let at = at.field("header");
            let matcher = given.header.ok_or_else(|| at.missing(""))?;
            Ok(Filter::Header(Box::new(header(matcher, at)?)))
        }
        Some(Given::ResponseFlagFilter(given)) => {
            let mut flags = ResponseFlags::NONE;
            for (index, name) in given.flags.iter().enumerate() {
                let place = at.field("response_flag_filter");
                flags |= ResponseFlags::of_short(name)
                    .ok_or_else(|| place.index("flags", index).invalid(name, "unknown response flag"))?;
            }
            Ok(Filter::Flags(flags))
        }
        Some(Given::GrpcStatusFilter(given)) => Ok(Filter::GrpcStatus {
            statuses: given.statuses.iter().filter_map(|status| u32::try_from(*status).ok()).collect(),
            exclude: given.exclude,
        }),
        Some(Given::TraceableFilter(_)) => Err(at.field("traceable_filter").unsupported("", "there is no tracing")),
        Some(Given::ExtensionFilter(given)) => {
            Err(at.field("extension_filter").unsupported(given.name, "CEL is not there; use the other filters"))
        }
        Some(Given::MetadataFilter(_)) => Err(at.field("metadata_filter").unsupported("", "there is no metadata")),
        Some(Given::LogTypeFilter(_)) => Err(at.field("log_type_filter").unsupported("", "only the end is logged")),
    }
}

fn several(filters: Vec<v3::accesslog::AccessLogFilter>, at: At<'_>) -> Result<Vec<Filter>, DecodeError> {
    if filters.len() < 2 {
        return Err(at.field("filters").invalid(filters.len(), "must have at least 2 items"));
    }
    filters.into_iter().enumerate().map(|(index, given)| filter(given, at.index("filters", index))).collect()
}

fn comparison(given: Option<api::ComparisonFilter>, at: At<'_>) -> Result<Comparison, DecodeError> {
    let at = at.field("comparison");
    let given = given.ok_or_else(|| at.missing(""))?;
    let value = u64::from(given.value.ok_or_else(|| at.field("value").missing(""))?.default_value);
    match given.op {
        0 => Ok(Comparison::Equal(value)),
        1 => Ok(Comparison::AtLeast(value)),
        2 => Ok(Comparison::AtMost(value)),
        3 => Ok(Comparison::NotEqual(value)),
        other => Err(at.field("op").invalid(other, "unknown operation")),
    }
}

//! The HTTP connection manager.
//! In: its message. Out: settings with Envoy's defaults, filters, routes or the name of routes.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::value::{discovery, duration, flag, limit, networks, number};
use super::{access_log, http_filter, protocol, route};
use crate::ir::{
    ClientCertDetails, CodecType, ForwardClientCert, HttpConnectionManager, RouteSpecifier, ServerHeader,
    StripHostPort, Underscores,
};
use crate::path::EscapedSlashes;
use lateen_envoy_api::v3::hcm as api;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn decode(
    mut message: api::HttpConnectionManager,
    at: At<'_>,
) -> Result<HttpConnectionManager, DecodeError> {
    let (filters, router) = http_filter::decode_all(take(&mut message.http_filters), at)?;
    let routes = routes(message.route_specifier.take(), at)?;
    let mut common = message.common_http_protocol_options.take().unwrap_or_default();
    let common_at = at.field("common_http_protocol_options");
    let details = message.set_current_client_cert_details.take().unwrap_or_default();
    if details.issuer || details.format != 0 {
        return Err(at.field("set_current_client_cert_details").unsupported("issuer or format", "use the text form"));
    }
    let scheme = message.scheme_header_transformation.take();
    let codec = match take(&mut message.codec_type) {
        0 => CodecType::Auto,
        1 => CodecType::Http1,
        2 => CodecType::Http2,
        3 => return Err(at.field("codec_type").unsupported("HTTP3", "there is no QUIC")),
        other => return Err(at.field("codec_type").invalid(other, "unknown codec")),
    };
    let stat_prefix = take(&mut message.stat_prefix);
    if stat_prefix.is_empty() {
        return Err(at.field("stat_prefix").missing(""));
    }
    let internal = message.internal_address_config.take().unwrap_or_default();
    let server_name = take(&mut message.server_name);
    let decoded = HttpConnectionManager {
        stat_prefix: stat_prefix.into(),
        codec,
        routes,
        filters,
        router,
        internal_networks: networks(internal.cidr_ranges, "cidr_ranges", at.field("internal_address_config"))?,
        append_x_forwarded_port: take(&mut message.append_x_forwarded_port),
        add_user_agent: flag(message.add_user_agent.take(), false),
        use_remote_address: flag(message.use_remote_address.take(), false),
        xff_num_trusted_hops: take(&mut message.xff_num_trusted_hops),
        skip_xff_append: take(&mut message.skip_xff_append),
        forward_client_cert: match take(&mut message.forward_client_cert_details) {
            0 => ForwardClientCert::Sanitize,
            1 => ForwardClientCert::ForwardOnly,
            2 => ForwardClientCert::AppendForward,
            3 => ForwardClientCert::SanitizeSet,
            4 => ForwardClientCert::AlwaysForwardOnly,
            other => return Err(at.field("forward_client_cert_details").invalid(other, "unknown")),
        },
        client_cert_details: ClientCertDetails {
            subject: flag(details.subject, false),
            cert: details.cert,
            chain: details.chain,
            dns: details.dns,
            uri: details.uri,
        },
        server_name: if server_name.is_empty() { "envoy".into() } else { server_name.into() },
        server_header: match take(&mut message.server_header_transformation) {
            0 => ServerHeader::Overwrite,
            1 => ServerHeader::AppendIfAbsent,
            2 => ServerHeader::PassThrough,
            other => return Err(at.field("server_header_transformation").invalid(other, "unknown")),
        },
        via: take(&mut message.via).into(),
        generate_request_id: flag(message.generate_request_id.take(), true),
        preserve_external_request_id: take(&mut message.preserve_external_request_id),
        always_set_request_id_in_response: take(&mut message.always_set_request_id_in_response),
        normalize_path: flag(message.normalize_path.take(), false),
        merge_slashes: take(&mut message.merge_slashes),
        escaped_slashes: match take(&mut message.path_with_escaped_slashes_action) {
            0 | 1 => EscapedSlashes::Keep,
            2 => EscapedSlashes::Reject,
            3 => EscapedSlashes::UnescapeAndRedirect,
            4 => EscapedSlashes::UnescapeAndForward,
            other => return Err(at.field("path_with_escaped_slashes_action").invalid(other, "unknown")),
        },
        strip_host_port: strip_port(&mut message, at)?,
        strip_trailing_host_dot: take(&mut message.strip_trailing_host_dot),
        request_timeout: limit(message.request_timeout.take(), None, at.field("request_timeout"))?,
        request_headers_timeout: limit(
            message.request_headers_timeout.take(),
            None,
            at.field("request_headers_timeout"),
        )?,
        stream_idle_timeout: limit(
            message.stream_idle_timeout.take(),
            Some(Duration::from_secs(300)),
            at.field("stream_idle_timeout"),
        )?,
        idle_timeout: limit(
            common.idle_timeout.take(),
            Some(Duration::from_secs(3600)),
            common_at.field("idle_timeout"),
        )?,
        max_connection_duration: limit(
            common.max_connection_duration.take(),
            None,
            common_at.field("max_connection_duration"),
        )?,
        max_stream_duration: limit(common.max_stream_duration.take(), None, common_at.field("max_stream_duration"))?,
        max_requests_per_connection: number(common.max_requests_per_connection.take()).filter(|count| *count > 0),
        drain_timeout: duration(message.drain_timeout.take(), at.field("drain_timeout"))?
            .unwrap_or(Duration::from_secs(5)),
        delayed_close_timeout: limit(
            message.delayed_close_timeout.take(),
            Some(Duration::from_secs(1)),
            at.field("delayed_close_timeout"),
        )?,
        max_request_headers_kb: headers_kb(number(message.max_request_headers_kb.take()), at)?,
        max_headers_count: number(common.max_headers_count.take()).unwrap_or(100).max(1),
        underscores: match take(&mut common.headers_with_underscores_action) {
            0 => Underscores::Allow,
            1 => Underscores::RejectRequest,
            2 => Underscores::DropHeader,
            other => return Err(common_at.field("headers_with_underscores_action").invalid(other, "unknown")),
        },
        http1: protocol::http1(message.http_protocol_options.take(), at.field("http_protocol_options"))?,
        http2: protocol::http2(message.http2_protocol_options.take(), at.field("http2_protocol_options"))?,
        upgrades: upgrades(take(&mut message.upgrade_configs), at)?,
        proxy_100_continue: take(&mut message.proxy_100_continue),
        scheme_override: scheme.and_then(|scheme| scheme.transformation).map(|api_scheme| {
            let lateen_envoy_api::v3::core::scheme_header_transformation::Transformation::SchemeToOverwrite(scheme) =
                api_scheme;
            scheme.into()
        }),
        access_log: access_log::decode_all(take(&mut message.access_log), "access_log", at)?,
        strip_fragment: at.features().strip_fragment,
    };
    leave_out_harmless(&mut message, at)?;
    common.max_response_headers_kb = None;
    common.max_connection_duration_jitter = None;
    common_at.nothing_left(&common)?;
    at.nothing_left(&message)?;
    Ok(decoded)
}

/// Settings of what does not exist here, or of which every value gives the same traffic.
fn leave_out_harmless(message: &mut api::HttpConnectionManager, at: At<'_>) -> Result<(), DecodeError> {
    if let Some(tracing) = message.tracing.take()
        && let Some(provider) = tracing.provider
    {
        return Err(at.field("tracing").field("provider").unsupported(provider.name, "there is no tracing yet"));
    }
    if let Some(extension) = message.request_id_extension.take() {
        let at = at.field("request_id_extension");
        let at = at.field("typed_config");
        let any = extension.typed_config.unwrap_or_default();
        if super::at::extension_type(&any) != "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig" {
            return Err(at.unknown_extension(&any, "uuid"));
        }
    }
    if let Some(local) = message.local_reply_config.take()
        && (!local.mappers.is_empty() || local.body_format.is_some())
    {
        return Err(at.field("local_reply_config").unsupported("", "local replies cannot be changed yet"));
    }
    if let Some(proxy) = message.add_proxy_protocol_connection_state.take() {
        // Only something that reads filter state could tell.
        let _ = proxy;
    }
    // When lines are written; here always at the end.
    message.access_log_flush_interval = None;
    message.flush_access_log_on_new_request = false;
    message.access_log_options = None;
    message.stream_flush_timeout = None;
    message.http1_safe_max_connection_duration = false;
    message.drain_timeout_jitter = None;
    message.stream_error_on_invalid_http_message = None;
    Ok(())
}

fn headers_kb(given: Option<u32>, at: At<'_>) -> Result<u32, DecodeError> {
    match given {
        None => Ok(60),
        Some(kb @ 1..=8192) => Ok(kb),
        Some(other) => Err(at.field("max_request_headers_kb").invalid(other, "must be from 1 to 8192")),
    }
}

fn strip_port(message: &mut api::HttpConnectionManager, at: At<'_>) -> Result<StripHostPort, DecodeError> {
    use api::http_connection_manager::StripPortMode;
    let matching = take(&mut message.strip_matching_host_port);
    match message.strip_port_mode.take() {
        Some(StripPortMode::StripAnyHostPort(true)) if matching => {
            let reason = "strip_any_host_port and strip_matching_host_port exclude each other";
            Err(at.field("strip_any_host_port").invalid(true, reason))
        }
        Some(StripPortMode::StripAnyHostPort(true)) => Ok(StripHostPort::Any),
        _ if matching => Ok(StripHostPort::Matching),
        _ => Ok(StripHostPort::No),
    }
}

fn upgrades(configs: Vec<api::http_connection_manager::UpgradeConfig>, at: At<'_>) -> Result<Vec<String>, DecodeError> {
    let mut names = Vec::with_capacity(configs.len());
    for (index, config) in configs.into_iter().enumerate() {
        let at = at.index("upgrade_configs", index);
        if !config.filters.is_empty() {
            return Err(at
                .field("filters")
                .unsupported(config.filters.len(), "upgrades take the filters of the chain"));
        }
        let name = config.upgrade_type.to_ascii_lowercase();
        if names.contains(&name) {
            return Err(at.field("upgrade_type").invalid(name, "the same upgrade twice"));
        }
        if flag(config.enabled, true) {
            names.push(name);
        }
    }
    Ok(names)
}

fn routes(
    specifier: Option<api::http_connection_manager::RouteSpecifier>,
    at: At<'_>,
) -> Result<RouteSpecifier, DecodeError> {
    use api::http_connection_manager::RouteSpecifier as Given;
    match specifier {
        None => Err(at.field("route_specifier").missing("rds or route_config")),
        Some(Given::Rds(rds)) => {
            let at = at.field("rds");
            discovery(rds.config_source, at.field("config_source"))?;
            if rds.route_config_name.is_empty() {
                return Err(at.field("route_config_name").missing(""));
            }
            Ok(RouteSpecifier::Rds(rds.route_config_name.into()))
        }
        Some(Given::RouteConfig(config)) => {
            Ok(RouteSpecifier::Inline(Arc::new(route::decode(config, 0, at.field("route_config"))?)))
        }
        Some(Given::ScopedRoutes(scoped)) => Err(at.field("scoped_routes").unsupported(scoped.name, "use rds")),
    }
}

//! HTTP filters of a connection manager, and what routes say about them.
//! In: filter messages in order. Out: filters without the router, and the router's options.
//! A filter that changes traffic and is not known is an error, unless the resource calls it optional.

#![allow(deprecated)]

use super::DecodeError;
use super::at::{At, extension_type};
use super::matching::{headers, string};
use super::value::{duration, flag, fraction, number, runtime_fraction};
use super::{access_log, rbac};
use crate::cors::CorsPolicy;
use crate::fault::{Abort, Fault};
use crate::ir::{FilterOverride, FilterOverrides, HttpFilter, HttpFilterKind, RouterOptions};
use lateen_envoy_api::v3::{hcm, http_filter as api, route};
use lateen_envoy_api::{Any, unpack};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const CORS: &str = "envoy.extensions.filters.http.cors.v3.Cors";
const CORS_POLICY: &str = "envoy.extensions.filters.http.cors.v3.CorsPolicy";
const FAULT: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";
const RBAC: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";
const RBAC_ROUTE: &str = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";
const KNOWN: &str = "router, cors, fault, grpc_stats, grpc_web, rbac, and Istio's stats, alpn, metadata exchange";

/// Filters that change nothing that a client or server could see here.
fn is_transparent(name: &str) -> bool {
    matches!(
        name,
        "stats.PluginConfig"
            | "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig"
            | "io.istio.http.peer_metadata.Config"
            | "envoy.tcp.metadataexchange.config.MetadataExchange"
    )
}

/// All filters of a chain; the router must be last.
pub(crate) fn decode_all(
    filters: Vec<hcm::HttpFilter>,
    at: At<'_>,
) -> Result<(Vec<HttpFilter>, RouterOptions), DecodeError> {
    let mut decoded = Vec::with_capacity(filters.len());
    let mut options = None;
    let count = filters.len();
    for (index, filter) in filters.into_iter().enumerate() {
        let at = at.index("http_filters", index);
        let any = match filter.config_type {
            Some(hcm::http_filter::ConfigType::TypedConfig(any)) => any,
            Some(hcm::http_filter::ConfigType::ConfigDiscovery(_)) => {
                return Err(at.field("config_discovery").unsupported(filter.name, "put the filter in place"));
            }
            None => return Err(at.field("typed_config").missing("")),
        };
        let at = at.field("typed_config");
        let kind = extension_type(&any);
        if kind == ROUTER {
            if index + 1 != count {
                return Err(at.invalid(&filter.name, "terminal filter must be the last in a http filter chain"));
            }
            options = Some(router(at.unpack(&any)?, at)?);
            continue;
        }
        match one(&kind, &any, at) {
            Ok(Some(kind)) => decoded.push(HttpFilter { name: filter.name.into(), kind, disabled: filter.disabled }),
            Ok(None) if filter.is_optional => {}
            Ok(None) => return Err(at.unknown_extension(&any, KNOWN)),
            Err(error) => return Err(error),
        }
    }
    match options {
        Some(options) => Ok((decoded, options)),
        None => Err(at.field("http_filters").missing("the last filter must be envoy.filters.http.router")),
    }
}

fn router(mut router: api::router::Router, at: At<'_>) -> Result<RouterOptions, DecodeError> {
    // Statistics and tracing.
    router.dynamic_stats = None;
    router.start_child_span = false;
    router.suppress_grpc_request_failure_code_stats = false;
    router.upstream_log_options = None;
    let upstream_log = access_log::decode_all(std::mem::take(&mut router.upstream_log), "upstream_log", at)?;
    let options = RouterOptions {
        suppress_envoy_headers: std::mem::take(&mut router.suppress_envoy_headers),
        respect_expected_rq_timeout: std::mem::take(&mut router.respect_expected_rq_timeout),
        upstream_log,
    };
    at.nothing_left(&router)?;
    Ok(options)
}

fn one(kind: &str, any: &Any, at: At<'_>) -> Result<Option<HttpFilterKind>, DecodeError> {
    Ok(Some(match kind {
        CORS => HttpFilterKind::Cors,
        FAULT => HttpFilterKind::Fault(Arc::new(fault(at.unpack(any)?, at)?)),
        RBAC => HttpFilterKind::Rbac(Arc::new(rbac::http(at.unpack(any)?, at)?)),
        "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig" => HttpFilterKind::GrpcStats,
        "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb" => HttpFilterKind::GrpcWeb,
        transparent if is_transparent(transparent) => HttpFilterKind::Transparent,
        _ => return Ok(None),
    }))
}

/// `typed_per_filter_config` of one level, and the old `cors` field.
pub(crate) fn overrides(
    configs: HashMap<String, Any>,
    old_cors: Option<route::CorsPolicy>,
    at: At<'_>,
) -> Result<FilterOverrides, DecodeError> {
    let mut decoded: FilterOverrides = Vec::with_capacity(configs.len());
    let sorted: BTreeMap<String, Any> = configs.into_iter().collect();
    for (name, any) in &sorted {
        if let Some(decoding) = one_override(any, false, at.key("typed_per_filter_config", name))? {
            decoded.push((name.as_str().into(), decoding));
        }
    }
    const CORS_FILTER: &str = "envoy.filters.http.cors";
    if let Some(policy) = old_cors.filter(|_| !sorted.contains_key(CORS_FILTER)) {
        let policy = cors(modern(policy, at.field("cors"))?, at.field("cors"))?;
        decoded.push((CORS_FILTER.into(), FilterOverride::Cors(Arc::new(policy))));
    }
    Ok(decoded)
}

fn one_override(any: &Any, optional: bool, at: At<'_>) -> Result<Option<FilterOverride>, DecodeError> {
    let kind = extension_type(any);
    Ok(Some(match kind.as_str() {
        CORS_POLICY => FilterOverride::Cors(Arc::new(cors(at.unpack(any)?, at)?)),
        FAULT => FilterOverride::Fault(Arc::new(fault(at.unpack(any)?, at)?)),
        RBAC_ROUTE => {
            let per_route: api::rbac::RbacPerRoute = at.unpack(any)?;
            let rules = per_route.rbac.map(|given| rbac::http(given, at.field("rbac"))).transpose()?;
            FilterOverride::Rbac(rules.map(Arc::new))
        }
        FILTER_CONFIG => {
            let wrapped: route::FilterConfig = at.unpack(any)?;
            match wrapped.config {
                _ if wrapped.disabled => FilterOverride::Disabled,
                // The wrapper is not nested in practice, and Envoy does not look into a second one.
                Some(inner) if unpack::<route::FilterConfig>(&inner).is_err() => {
                    return one_override(&inner, wrapped.is_optional || optional, at.field("config"));
                }
                _ => FilterOverride::Enabled,
            }
        }
        transparent if is_transparent(transparent) => return Ok(None),
        _ if optional => return Ok(None),
        _ => return Err(at.unknown_extension(any, "CorsPolicy, HTTPFault, RBACPerRoute, FilterConfig")),
    }))
}

fn modern(old: route::CorsPolicy, at: At<'_>) -> Result<api::cors::CorsPolicy, DecodeError> {
    let _ = at;
    Ok(api::cors::CorsPolicy {
        allow_origin_string_match: old.allow_origin_string_match,
        allow_methods: old.allow_methods,
        allow_headers: old.allow_headers,
        expose_headers: old.expose_headers,
        max_age: old.max_age,
        allow_credentials: old.allow_credentials,
        filter_enabled: old.enabled_specifier.map(|route::cors_policy::EnabledSpecifier::FilterEnabled(share)| share),
        shadow_enabled: old.shadow_enabled,
        allow_private_network_access: old.allow_private_network_access,
        forward_not_matching_preflights: old.forward_not_matching_preflights,
    })
}

fn cors(policy: api::cors::CorsPolicy, at: At<'_>) -> Result<CorsPolicy, DecodeError> {
    let mut origins = Vec::with_capacity(policy.allow_origin_string_match.len());
    for (index, matcher) in policy.allow_origin_string_match.into_iter().enumerate() {
        origins.push(string(matcher, at.index("allow_origin_string_match", index))?);
    }
    Ok(CorsPolicy {
        origins,
        methods: policy.allow_methods,
        headers: policy.allow_headers,
        expose: policy.expose_headers,
        max_age: policy.max_age,
        credentials: flag(policy.allow_credentials, false),
        per_million: runtime_fraction(policy.filter_enabled, at.field("filter_enabled"))?.unwrap_or(1_000_000),
        forward_unmatched_preflights: flag(policy.forward_not_matching_preflights, true),
        private_network: flag(policy.allow_private_network_access, false),
    })
}

fn fault(mut given: api::fault::HttpFault, at: At<'_>) -> Result<Fault, DecodeError> {
    use api::fault::fault_abort::ErrorType;
    use lateen_envoy_api::envoy::extensions::filters::common::fault::v3::fault_delay::FaultDelaySecifier;
    let mut decoded = Fault {
        upstream_cluster: Some(std::mem::take(&mut given.upstream_cluster))
            .filter(|name| !name.is_empty())
            .map(Into::into),
        headers: headers(std::mem::take(&mut given.headers), "headers", at)?,
        max_active: number(given.max_active_faults.take()),
        ..Fault::default()
    };
    if let Some(delay) = given.delay.take() {
        let at = at.field("delay");
        let share = delay.percentage.map(|share| fraction(share, at.field("percentage"))).transpose()?;
        match delay.fault_delay_secifier {
            Some(FaultDelaySecifier::FixedDelay(time)) => {
                let time = duration(Some(time), at.field("fixed_delay"))?.unwrap_or_default();
                decoded.delay = Some((time, share.unwrap_or(0)));
            }
            Some(FaultDelaySecifier::HeaderDelay(_)) => {
                return Err(at.field("header_delay").unsupported("", "use fixed_delay"));
            }
            None => return Err(at.field("fixed_delay").missing("")),
        }
    }
    if let Some(abort) = given.abort.take() {
        let at = at.field("abort");
        let share = abort.percentage.map(|share| fraction(share, at.field("percentage"))).transpose()?.unwrap_or(0);
        if !abort.response_body.is_empty() {
            return Err(at.field("response_body").unsupported(abort.response_body, "the body is Envoy's default"));
        }
        let kind = match abort.error_type {
            Some(ErrorType::HttpStatus(status)) => match u16::try_from(status) {
                Ok(status @ 200..600) => Abort::Http(status),
                _ => return Err(at.field("http_status").invalid(status, "must be from 200 to 599")),
            },
            Some(ErrorType::GrpcStatus(status)) => Abort::Grpc(status),
            Some(ErrorType::HeaderAbort(_)) => return Err(at.field("header_abort").unsupported("", "use http_status")),
            None => return Err(at.field("http_status").missing("")),
        };
        decoded.abort = Some((kind, share));
    }
    given.disable_downstream_cluster_stats = false;
    // Runtime keys are not looked up; the values beside them count.
    for key in [
        &mut given.delay_percent_runtime,
        &mut given.abort_percent_runtime,
        &mut given.delay_duration_runtime,
        &mut given.abort_http_status_runtime,
        &mut given.max_active_faults_runtime,
        &mut given.response_rate_limit_percent_runtime,
        &mut given.abort_grpc_status_runtime,
    ] {
        key.clear();
    }
    at.nothing_left(&given)?;
    Ok(decoded)
}

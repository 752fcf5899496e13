//! Clusters.
//! In: the message. Out: where endpoints come from, how one is chosen, which HTTP and TLS is spoken, limits.

#![allow(deprecated)]

use super::DecodeError;
use super::at::{At, extension_type};
use super::value::{limit, metadata, number, object, percent, positive};
use super::{endpoint, load_balancing, outlier, protocol, tls};
use crate::ir::{
    CircuitBreakers, Cluster, CodecType, Discovery, DnsCluster, DnsFamily, Http1Options, Http2Options, LbPolicy,
    OriginalDst, TransportMatch, UpstreamProtocol,
};
use lateen_envoy_api::v3::{cluster as api, http_protocol_options as http};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

pub(crate) fn decode(mut message: api::Cluster, version: u64, at: At<'_>) -> Result<Cluster, DecodeError> {
    let name: Arc<str> = take(&mut message.name).into();
    let stat_name = take(&mut message.alt_stat_name);
    let choice = load_balancing::decode(&mut message, at)?;
    let mut discovery = discover(&mut message, &name, version, at)?;
    if let Discovery::OriginalDst(original) = &mut discovery {
        if choice.policy != LbPolicy::ClusterProvided {
            return Err(at
                .field("lb_policy")
                .invalid(format!("{:?}", choice.policy), "an ORIGINAL_DST cluster needs CLUSTER_PROVIDED"));
        }
        *original = choice.original_dst;
    } else if choice.policy == LbPolicy::ClusterProvided {
        return Err(at.field("lb_policy").invalid("CLUSTER_PROVIDED", "this cluster type provides no load balancer"));
    }
    let http = http_options(&mut message, at)?;
    let (limits, limits_high) = breakers(message.circuit_breakers.take(), at.field("circuit_breakers"))?;
    let mut transport_matches = Vec::with_capacity(message.transport_socket_matches.len());
    for (index, given) in take(&mut message.transport_socket_matches).into_iter().enumerate() {
        let at = at.index("transport_socket_matches", index);
        let criteria = given.r#match.map(object).and_then(|criteria| criteria.as_object().cloned()).unwrap_or_default();
        transport_matches.push(TransportMatch {
            name: given.name.into(),
            criteria: criteria.into_iter().collect(),
            tls: tls::upstream(given.transport_socket, at.field("transport_socket"))?,
        });
    }
    if let Discovery::Static(endpoints) = &mut discovery
        && let Some(endpoints) = Arc::get_mut(endpoints)
    {
        endpoints.cluster = name.clone();
    }
    let decoded = Cluster {
        stat_name: if stat_name.is_empty() { name.clone() } else { stat_name.into() },
        name,
        discovery,
        policy: choice.policy,
        slow_start: choice.slow_start,
        connect_timeout: positive(message.connect_timeout.take(), at.field("connect_timeout"))?
            .unwrap_or(Duration::from_secs(5)),
        protocol: http.protocol,
        http1: http.http1,
        http2: http.http2,
        idle_timeout: http.idle_timeout,
        max_connection_duration: http.max_connection_duration,
        max_requests_per_connection: http.max_requests_per_connection,
        limits,
        limits_high,
        transport_matches,
        tls: tls::upstream(message.transport_socket.take(), at.field("transport_socket"))?,
        auto_sni: http.auto_sni,
        auto_san_validation: http.auto_san_validation,
        outlier: message
            .outlier_detection
            .take()
            .map(|given| outlier::decode(given, at.field("outlier_detection")))
            .transpose()?,
        per_connection_buffer_limit: number(message.per_connection_buffer_limit_bytes.take()).unwrap_or(1 << 20),
        panic_threshold_percent: choice.panic_threshold_percent,
        locality_weighted: choice.locality_weighted,
        hash_by_hostname: choice.hash_by_hostname,
        metadata: metadata(message.metadata.take()),
        version,
    };
    leave_out_harmless(&mut message, at)?;
    at.nothing_left(&message)?;
    Ok(decoded)
}

/// Statistics, and settings of which every value gives the same traffic here.
fn leave_out_harmless(message: &mut api::Cluster, at: At<'_>) -> Result<(), DecodeError> {
    if !message.health_checks.is_empty() {
        let hint = "active health checks are not there; set health_status in endpoints or use outlier_detection";
        return Err(at.field("health_checks").unsupported(message.health_checks.len(), hint));
    }
    if !message.filters.is_empty() {
        // Istio's metadata exchange on upstream connections is telemetry.
        for (index, filter) in message.filters.iter().enumerate() {
            let known = filter
                .typed_config
                .as_ref()
                .is_some_and(|any| extension_type(any) == "envoy.tcp.metadataexchange.config.MetadataExchange");
            if !known {
                return Err(at.index("filters", index).unsupported(&filter.name, "upstream filters are not there"));
            }
        }
        message.filters.clear();
    }
    if let Some(options) = message.upstream_connection_options.take()
        && options.set_local_interface_name_on_upstream_connections
    {
        return Err(at
            .field("upstream_connection_options")
            .unsupported("set_local_interface_name_on_upstream_connections", ""));
    }
    message.stats_matcher = None;
    message.track_cluster_stats = None;
    message.track_timeout_budgets = false;
    message.cleanup_interval = None;
    message.wait_for_warm_on_init = None;
    message.ignore_health_on_host_removal = false;
    message.close_connections_on_host_health_failure = false;
    message.preconnect_policy = None;
    message.dns_failure_refresh_rate = None;
    message.dns_jitter = None;
    message.lrs_server = None;
    message.lrs_report_endpoint_metrics.clear();
    message.use_tcp_for_dns_lookups = false;
    // Which resolver asks is the machine's setting.
    message.dns_resolution_config = None;
    message.typed_dns_resolver_config = None;
    Ok(())
}

fn discover(message: &mut api::Cluster, name: &Arc<str>, version: u64, at: At<'_>) -> Result<Discovery, DecodeError> {
    use api::cluster::ClusterDiscoveryType as Given;
    let eds = message.eds_cluster_config.take();
    let assignment = message.load_assignment.take();
    let assignment_at = at.field("load_assignment");
    let kind = match message.cluster_discovery_type.take() {
        None => 0,
        Some(Given::Type(kind)) => kind,
        Some(Given::ClusterType(custom)) => return custom_type(custom, message, assignment, at),
    };
    match kind {
        0 => Ok(Discovery::Static(Arc::new(endpoint::decode(assignment.unwrap_or_default(), version, assignment_at)?))),
        1 => Ok(Discovery::StrictDns(dns(message, assignment.unwrap_or_default(), assignment_at, at)?)),
        2 => {
            let dns = dns(message, assignment.unwrap_or_default(), assignment_at, at)?;
            only_one(&dns, assignment_at)?;
            Ok(Discovery::LogicalDns(dns))
        }
        3 => {
            let at = at.field("eds_cluster_config");
            let Some(eds) = eds else { return Err(at.missing("an EDS cluster needs it")) };
            super::value::discovery(eds.eds_config, at.field("eds_config"))?;
            Ok(Discovery::Eds(if eds.service_name.is_empty() { name.clone() } else { eds.service_name.into() }))
        }
        4 => {
            if assignment.is_some_and(|assignment| !assignment.endpoints.is_empty()) {
                return Err(assignment_at.invalid("", "ORIGINAL_DST clusters must have no load assignment"));
            }
            Ok(Discovery::OriginalDst(OriginalDst::default()))
        }
        other => Err(at.field("type").invalid(other, "unknown type")),
    }
}

fn custom_type(
    custom: api::cluster::CustomClusterType,
    message: &mut api::Cluster,
    assignment: Option<lateen_envoy_api::v3::endpoint::ClusterLoadAssignment>,
    at: At<'_>,
) -> Result<Discovery, DecodeError> {
    use lateen_envoy_api::envoy::extensions::clusters;
    let assignment_at = at.field("load_assignment");
    let at = at.field("cluster_type");
    let at = at.field("typed_config");
    let Some(any) = custom.typed_config else { return Err(at.unsupported(custom.name, "use type")) };
    match extension_type(&any).as_str() {
        "envoy.extensions.clusters.dns.v3.DnsCluster" => {
            let given: clusters::dns::v3::DnsCluster = at.unpack(&any)?;
            message.dns_refresh_rate = given.dns_refresh_rate;
            message.respect_dns_ttl = given.respect_dns_ttl;
            // Here 0 means unspecified, which is AUTO, and the others are one higher.
            message.dns_lookup_family = (given.dns_lookup_family - 1).max(0);
            let dns = dns(message, assignment.unwrap_or_default(), assignment_at, at)?;
            if given.all_addresses_in_single_endpoint {
                only_one(&dns, assignment_at)?;
                return Ok(Discovery::LogicalDns(dns));
            }
            Ok(Discovery::StrictDns(dns))
        }
        "envoy.extensions.clusters.original_dst.v3.OriginalDstCluster" => {
            let given: clusters::original_dst::v3::OriginalDstCluster = at.unpack(&any)?;
            at.nothing_left(&given)?;
            Ok(Discovery::OriginalDst(OriginalDst::default()))
        }
        _ => Err(at.unknown_extension(&any, "dns, original_dst")),
    }
}

fn only_one(dns: &DnsCluster, at: At<'_>) -> Result<(), DecodeError> {
    let count: usize = dns.localities.iter().map(|locality| locality.endpoints.len()).sum();
    if count == 1 {
        return Ok(());
    }
    Err(at.invalid(count, "LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint"))
}

fn dns(
    message: &mut api::Cluster,
    assignment: lateen_envoy_api::v3::endpoint::ClusterLoadAssignment,
    assignment_at: At<'_>,
    at: At<'_>,
) -> Result<DnsCluster, DecodeError> {
    let (localities, overprovisioning_factor) = endpoint::decode_dns(assignment, assignment_at)?;
    if !message.dns_resolvers.is_empty() {
        return Err(at
            .field("dns_resolvers")
            .unsupported(message.dns_resolvers.len(), "the machine's resolver is asked"));
    }
    Ok(DnsCluster {
        localities,
        overprovisioning_factor,
        family: match take(&mut message.dns_lookup_family) {
            0 => DnsFamily::Auto,
            1 => DnsFamily::V4Only,
            2 => DnsFamily::V6Only,
            3 => DnsFamily::V4Preferred,
            4 => DnsFamily::All,
            other => return Err(at.field("dns_lookup_family").invalid(other, "unknown family")),
        },
        refresh_rate: positive(message.dns_refresh_rate.take(), at.field("dns_refresh_rate"))?
            .unwrap_or(Duration::from_secs(5)),
        respect_ttl: take(&mut message.respect_dns_ttl),
    })
}

struct Http {
    protocol: UpstreamProtocol,
    http1: Http1Options,
    http2: Http2Options,
    idle_timeout: Option<Duration>,
    max_connection_duration: Option<Duration>,
    max_requests_per_connection: Option<u32>,
    auto_sni: bool,
    auto_san_validation: bool,
}

fn http_options(message: &mut api::Cluster, at: At<'_>) -> Result<Http, DecodeError> {
    use http::http_protocol_options::UpstreamProtocolOptions as Given;
    use http::http_protocol_options::explicit_http_config::ProtocolConfig;
    let mut options = http::HttpProtocolOptions::default();
    for (key, any) in take(&mut message.typed_extension_protocol_options) {
        let at = at.key("typed_extension_protocol_options", &key);
        if key != OPTIONS {
            return Err(at.unknown_extension(&any, OPTIONS));
        }
        options = at.unpack(&any)?;
    }
    let typed_at = at.key("typed_extension_protocol_options", OPTIONS);
    // The old fields of the cluster stand in where the extension is silent.
    let mut common =
        options.common_http_protocol_options.take().or(message.common_http_protocol_options.take()).unwrap_or_default();
    let old_requests = number(message.max_requests_per_connection.take());
    let old_http1 = message.http_protocol_options.take();
    let old_http2 = message.http2_protocol_options.take();
    let use_downstream = take(&mut message.protocol_selection) == 1;
    let (protocol, http1, http2) = match options.upstream_protocol_options.take() {
        Some(Given::ExplicitHttpConfig(explicit)) => match explicit.protocol_config {
            Some(ProtocolConfig::HttpProtocolOptions(http1)) => {
                (UpstreamProtocol::Explicit(CodecType::Http1), Some(http1), None)
            }
            Some(ProtocolConfig::Http2ProtocolOptions(http2)) => {
                (UpstreamProtocol::Explicit(CodecType::Http2), None, Some(http2))
            }
            Some(ProtocolConfig::Http3ProtocolOptions(_)) => {
                return Err(typed_at.field("http3_protocol_options").unsupported("", "there is no QUIC"));
            }
            None => return Err(typed_at.field("explicit_http_config").missing("")),
        },
        Some(Given::UseDownstreamProtocolConfig(config)) => {
            (UpstreamProtocol::UseDownstream, config.http_protocol_options, config.http2_protocol_options)
        }
        Some(Given::AutoConfig(config)) => {
            (UpstreamProtocol::Explicit(CodecType::Auto), config.http_protocol_options, config.http2_protocol_options)
        }
        None if use_downstream => (UpstreamProtocol::UseDownstream, old_http1, old_http2),
        None if old_http2.is_some() => (UpstreamProtocol::Explicit(CodecType::Http2), old_http1, old_http2),
        None => (UpstreamProtocol::Explicit(CodecType::Http1), old_http1, None),
    };
    let (mut auto_sni, mut auto_san_validation) = (false, false);
    if let Some(mut sni) =
        options.upstream_http_protocol_options.take().or(message.upstream_http_protocol_options.take())
    {
        auto_sni = take(&mut sni.auto_sni);
        auto_san_validation = take(&mut sni.auto_san_validation);
        typed_at.field("upstream_http_protocol_options").nothing_left(&sni)?;
    }
    upstream_filters(&mut options, typed_at)?;
    typed_at.nothing_left(&options)?;
    let common_at = typed_at.field("common_http_protocol_options");
    let decoded = Http {
        protocol,
        http1: protocol::http1(http1, typed_at.field("http_protocol_options"))?,
        http2: protocol::http2(http2, typed_at.field("http2_protocol_options"))?,
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
        max_requests_per_connection: number(common.max_requests_per_connection.take())
            .or(old_requests)
            .filter(|count| *count > 0),
        auto_sni,
        auto_san_validation,
    };
    // Limits on responses that the codec has of its own.
    common.max_headers_count = None;
    common.max_connection_duration_jitter = None;
    common.max_response_headers_kb = None;
    common.headers_with_underscores_action = 0;
    common_at.nothing_left(&common)?;
    Ok(decoded)
}

/// The codec filter that every list must end with is implied.
fn upstream_filters(options: &mut http::HttpProtocolOptions, at: At<'_>) -> Result<(), DecodeError> {
    use lateen_envoy_api::v3::hcm::http_filter::ConfigType;
    for (index, filter) in take(&mut options.http_filters).into_iter().enumerate() {
        let at = at.index("http_filters", index);
        let codec = match &filter.config_type {
            Some(ConfigType::TypedConfig(any)) => {
                extension_type(any) == "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
            }
            _ => false,
        };
        if !codec && !filter.is_optional {
            return Err(at.unsupported(filter.name, "upstream HTTP filters are not there"));
        }
    }
    Ok(())
}

fn breakers(
    message: Option<api::CircuitBreakers>,
    at: At<'_>,
) -> Result<(CircuitBreakers, CircuitBreakers), DecodeError> {
    let mut both = (CircuitBreakers::default(), CircuitBreakers::default());
    let Some(message) = message else { return Ok(both) };
    if !message.per_host_thresholds.is_empty() {
        return Err(at.field("per_host_thresholds").unsupported(message.per_host_thresholds.len(), "use thresholds"));
    }
    let mut seen = [false; 2];
    for (index, mut given) in message.thresholds.into_iter().enumerate() {
        let at = at.index("thresholds", index);
        let (limits, seen) = match given.priority {
            0 => (&mut both.0, &mut seen[0]),
            1 => (&mut both.1, &mut seen[1]),
            other => return Err(at.field("priority").invalid(other, "unknown priority")),
        };
        // Of several for one priority Envoy takes the first.
        if std::mem::replace(seen, true) {
            continue;
        }
        given.priority = 0;
        let defaults = CircuitBreakers::default();
        limits.max_connections = number(given.max_connections.take()).unwrap_or(defaults.max_connections);
        limits.max_pending_requests =
            number(given.max_pending_requests.take()).unwrap_or(defaults.max_pending_requests);
        limits.max_requests = number(given.max_requests.take()).unwrap_or(defaults.max_requests);
        limits.max_retries = number(given.max_retries.take()).unwrap_or(defaults.max_retries);
        if let Some(budget) = given.retry_budget.take() {
            let at = at.field("retry_budget");
            let share = match budget.budget_percent {
                Some(share) => percent(share, at.field("budget_percent"))?,
                None => 20.0,
            };
            limits.retry_budget = Some((share, number(budget.min_retry_concurrency).unwrap_or(3)));
        }
        given.track_remaining = false;
        given.max_connection_pools = None;
        at.nothing_left(&given)?;
    }
    Ok(both)
}

//! What a route does: forward, redirect, answer.
//! In: the action messages. Out: their IR, with expressions compiled and substitutions rewritten.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::matching::{expressions, header_key};
use super::mutation::mutations;
use super::route::Inherited;
use super::value::{duration, flag, limit, metadata, number, port, runtime_fraction};
use super::{access_log, http_filter, retry};
use crate::ir::{
    ClusterSpecifier, DirectResponse, Forward, HashPolicy, HashSource, HostRewrite, Mirror, PathRewrite, Redirect,
    WeightedCluster, WeightedClusters,
};
use crate::matcher::PathMatch;
use bytes::Bytes;
use lateen_core::{Re2, Substitution};
use lateen_envoy_api::v3::{core, matcher, route as api};
use std::mem::take;
use std::time::Duration;

pub(crate) fn forward(
    mut message: api::RouteAction,
    path: &PathMatch,
    inherited: &Inherited<'_>,
    at: At<'_>,
) -> Result<Forward, DecodeError> {
    use api::route_action::HostRewriteSpecifier as Host;
    let cluster = cluster(message.cluster_specifier.take(), at)?;
    let path_rewrite = path_rewrite(&mut message, path, at)?;
    let host_rewrite = match message.host_rewrite_specifier.take() {
        None => None,
        Some(Host::HostRewriteLiteral(host) | Host::HostRewrite(host)) => Some(HostRewrite::Literal(host.into())),
        Some(Host::AutoHostRewrite(auto)) => auto.value.then_some(HostRewrite::Auto),
        Some(Host::HostRewriteHeader(name)) => {
            Some(HostRewrite::Header(header_key(&name, at.field("host_rewrite_header"))?))
        }
        Some(Host::HostRewritePathRegex(rewrite)) => {
            let (regex, substitution) = substitute(rewrite, at.field("host_rewrite_path_regex"))?;
            Some(HostRewrite::PathRegex { regex, substitution })
        }
    };
    let mut longest = message.max_stream_duration.take().unwrap_or_default();
    let longest_at = at.field("max_stream_duration");
    let own = mirrors(take(&mut message.request_mirror_policies), at)?;
    let (upgrades, connect_terminates) = upgrades(take(&mut message.upgrade_configs), at)?;
    let decoded = Forward {
        cluster,
        cluster_not_found_status: match take(&mut message.cluster_not_found_response_code) {
            0 => 503,
            1 => 404,
            2 => 500,
            other => return Err(at.field("cluster_not_found_response_code").invalid(other, "unknown code")),
        },
        path_rewrite,
        host_rewrite,
        append_x_forwarded_host: take(&mut message.append_x_forwarded_host),
        timeout: limit(message.timeout.take(), Some(Duration::from_secs(15)), at.field("timeout"))?,
        idle_timeout: never(message.idle_timeout.take(), at.field("idle_timeout"))?,
        max_stream_duration: never(longest.max_stream_duration.take(), longest_at.field("max_stream_duration"))?,
        grpc_timeout_header_max: duration(
            longest.grpc_timeout_header_max.take(),
            longest_at.field("grpc_timeout_header_max"),
        )?,
        grpc_timeout_header_offset: duration(
            longest.grpc_timeout_header_offset.take(),
            longest_at.field("grpc_timeout_header_offset"),
        )?,
        max_grpc_timeout: duration(message.max_grpc_timeout.take(), at.field("max_grpc_timeout"))?,
        grpc_timeout_offset: duration(message.grpc_timeout_offset.take(), at.field("grpc_timeout_offset"))?,
        high_priority: take(&mut message.priority) == 1,
        retry: message.retry_policy.take().map(|policy| retry::decode(policy, at.field("retry_policy"))).transpose()?,
        mirrors: if own.is_empty() { inherited.mirrors.to_vec() } else { own },
        hash: hash(take(&mut message.hash_policy), at)?,
        upgrades,
        connect_terminates,
    };
    // Subsets, which clusters here do not have; rate limits, whose filter is refused where it stands.
    message.metadata_match = None;
    message.rate_limits.clear();
    message.include_vh_rate_limits = None;
    at.nothing_left(&message)?;
    Ok(decoded)
}

/// A duration that may be turned off with zero.
fn never(
    value: Option<lateen_envoy_api::google::protobuf::Duration>,
    at: At<'_>,
) -> Result<Option<Option<Duration>>, DecodeError> {
    Ok(duration(value, at)?.map(|time| (!time.is_zero()).then_some(time)))
}

fn cluster(
    specifier: Option<api::route_action::ClusterSpecifier>,
    at: At<'_>,
) -> Result<ClusterSpecifier, DecodeError> {
    use api::route_action::ClusterSpecifier as Given;
    Ok(match specifier {
        None => return Err(at.field("cluster_specifier").missing("cluster, cluster_header or weighted_clusters")),
        Some(Given::Cluster(name)) if name.is_empty() => return Err(at.field("cluster").missing("")),
        Some(Given::Cluster(name)) => ClusterSpecifier::Cluster(name.into()),
        Some(Given::ClusterHeader(name)) => ClusterSpecifier::Header(header_key(&name, at.field("cluster_header"))?),
        Some(Given::WeightedClusters(clusters)) => {
            ClusterSpecifier::Weighted(weighted(clusters, at.field("weighted_clusters"))?)
        }
        Some(Given::ClusterSpecifierPlugin(name)) => {
            return Err(at.field("cluster_specifier_plugin").unsupported(name, "use weighted_clusters"));
        }
        Some(Given::InlineClusterSpecifierPlugin(_)) => {
            return Err(at.field("inline_cluster_specifier_plugin").unsupported("", "use weighted_clusters"));
        }
    })
}

fn weighted(mut message: api::WeightedCluster, at: At<'_>) -> Result<WeightedClusters, DecodeError> {
    // Envoy takes the sum of the weights; the declared total and runtime keys are old.
    message.total_weight = None;
    message.runtime_key_prefix.clear();
    let given = take(&mut message.clusters);
    at.nothing_left(&message)?;
    let mut clusters = Vec::with_capacity(given.len());
    for (index, cluster) in given.into_iter().enumerate() {
        clusters.push(one_of_several(cluster, at.index("clusters", index))?);
    }
    let total: u64 = clusters.iter().map(|cluster| u64::from(cluster.weight)).sum();
    if total == 0 {
        return Err(at.field("clusters").invalid(0, "sum of weights in the weighted_cluster must be greater than 0"));
    }
    if total > u64::from(u32::MAX) {
        return Err(at.field("clusters").invalid(total, "the sum of weights exceeds the maximum of 4294967295"));
    }
    Ok(WeightedClusters { clusters, total })
}

fn one_of_several(
    mut message: api::weighted_cluster::ClusterWeight,
    at: At<'_>,
) -> Result<WeightedCluster, DecodeError> {
    if !message.cluster_header.is_empty() {
        return Err(at.field("cluster_header").unsupported(&message.cluster_header, "name the cluster"));
    }
    let name = take(&mut message.name);
    if name.is_empty() {
        return Err(at.field("name").missing(""));
    }
    message.metadata_match = None;
    let headers = mutations(
        (take(&mut message.request_headers_to_add), take(&mut message.request_headers_to_remove)),
        (take(&mut message.response_headers_to_add), take(&mut message.response_headers_to_remove)),
        at,
    )?;
    let host = message.host_rewrite_specifier.take();
    let decoded = WeightedCluster {
        name: name.into(),
        weight: number(message.weight.take()).unwrap_or(1),
        headers,
        filters: http_filter::overrides(take(&mut message.typed_per_filter_config), None, at)?,
        host_rewrite: host
            .map(|api::weighted_cluster::cluster_weight::HostRewriteSpecifier::HostRewriteLiteral(host)| host.into()),
        metadata: metadata(None),
    };
    at.nothing_left(&message)?;
    Ok(decoded)
}

fn path_rewrite(
    message: &mut api::RouteAction,
    path: &PathMatch,
    at: At<'_>,
) -> Result<Option<PathRewrite>, DecodeError> {
    let prefix = take(&mut message.prefix_rewrite);
    let regex = message.regex_rewrite.take();
    let full = take(&mut message.path_rewrite);
    if message.path_rewrite_policy.is_some() {
        return Err(at.field("path_rewrite_policy").unsupported("", "use regex_rewrite"));
    }
    match (prefix.is_empty(), regex, full.is_empty()) {
        (true, None, true) => Ok(None),
        (false, None, true) if matches!(path, PathMatch::Regex(_)) => {
            // Envoy takes it for a regex route as well and replaces the whole path.
            Ok(Some(PathRewrite::Prefix(prefix.into())))
        }
        (false, None, true) => Ok(Some(PathRewrite::Prefix(prefix.into()))),
        (true, Some(rewrite), true) => {
            let (regex, substitution) = substitute(rewrite, at.field("regex_rewrite"))?;
            Ok(Some(PathRewrite::Regex { regex, substitution }))
        }
        (true, None, false) => Ok(Some(PathRewrite::Full(full.into()))),
        _ => Err(at
            .field("prefix_rewrite")
            .invalid(prefix, "specify only one of prefix_rewrite, regex_rewrite and path_rewrite")),
    }
}

fn substitute(message: matcher::RegexMatchAndSubstitute, at: At<'_>) -> Result<(Re2, Substitution), DecodeError> {
    let expression = message.pattern.map(|pattern| pattern.regex).unwrap_or_default();
    if expression.is_empty() {
        return Err(at.field("pattern").field("regex").missing(""));
    }
    let regex = expressions::partial(&expression).map_err(|error| {
        at.field("pattern").field("regex").invalid(&expression, format!("no valid expression: {error}"))
    })?;
    let substitution = Substitution::new(&message.substitution, regex.groups())
        .map_err(|error| at.field("substitution").invalid(&message.substitution, error.to_string()))?;
    Ok((regex, substitution))
}

pub(crate) fn mirrors(
    policies: Vec<api::route_action::RequestMirrorPolicy>,
    at: At<'_>,
) -> Result<Vec<Mirror>, DecodeError> {
    let mut decoded = Vec::with_capacity(policies.len());
    for (index, mut policy) in policies.into_iter().enumerate() {
        let at = at.index("request_mirror_policies", index);
        policy.trace_sampled = None;
        let cluster = take(&mut policy.cluster);
        let share = runtime_fraction(policy.runtime_fraction.take(), at.field("runtime_fraction"))?;
        let host_suffix = !take(&mut policy.disable_shadow_host_suffix_append);
        at.nothing_left(&policy)?;
        if cluster.is_empty() {
            return Err(at.field("cluster").missing(""));
        }
        decoded.push(Mirror { cluster: cluster.into(), per_million: share.unwrap_or(1_000_000), host_suffix });
    }
    Ok(decoded)
}

fn hash(policies: Vec<api::route_action::HashPolicy>, at: At<'_>) -> Result<Vec<HashPolicy>, DecodeError> {
    use api::route_action::hash_policy::PolicySpecifier as Given;
    let mut decoded = Vec::with_capacity(policies.len());
    for (index, policy) in policies.into_iter().enumerate() {
        let at = at.index("hash_policy", index);
        let source = match policy.policy_specifier {
            None => return Err(at.missing("header, cookie, connection_properties or query_parameter")),
            Some(Given::Header(header)) => {
                let at = at.field("header");
                if header.regex_rewrite.is_some() {
                    return Err(at.field("regex_rewrite").unsupported("", "hash the header as it is"));
                }
                HashSource::Header(header_key(&header.header_name, at.field("header_name"))?)
            }
            Some(Given::Cookie(cookie)) => {
                let at = at.field("cookie");
                if cookie.name.is_empty() {
                    return Err(at.field("name").missing(""));
                }
                if !cookie.attributes.is_empty() {
                    return Err(at.field("attributes").unsupported(cookie.attributes.len(), "use ttl and path"));
                }
                let ttl = duration(cookie.ttl, at.field("ttl"))?;
                HashSource::Cookie { name: cookie.name, ttl, path: cookie.path }
            }
            Some(Given::ConnectionProperties(properties)) if properties.source_ip => HashSource::SourceIp,
            Some(Given::ConnectionProperties(_)) => continue,
            Some(Given::QueryParameter(parameter)) => HashSource::QueryParameter(parameter.name),
            Some(Given::FilterState(state)) => {
                return Err(at.field("filter_state").unsupported(state.key, "use a header"));
            }
        };
        decoded.push(HashPolicy { source, terminal: policy.terminal });
    }
    Ok(decoded)
}

fn upgrades(
    configs: Vec<api::route_action::UpgradeConfig>,
    at: At<'_>,
) -> Result<(Vec<(String, bool)>, bool), DecodeError> {
    let mut decoded: Vec<(String, bool)> = Vec::with_capacity(configs.len());
    let mut terminates = false;
    for (index, config) in configs.into_iter().enumerate() {
        let at = at.index("upgrade_configs", index);
        let name = config.upgrade_type.to_ascii_lowercase();
        if decoded.iter().any(|(known, _)| *known == name) {
            return Err(at.field("upgrade_type").invalid(name, "the same upgrade twice"));
        }
        if let Some(connect) = config.connect_config {
            let at = at.field("connect_config");
            if name != "connect" {
                return Err(at.invalid(name, "non-CONNECT upgrade type has connect_config"));
            }
            at.nothing_left(&connect)?;
            terminates = true;
        }
        decoded.push((name, flag(config.enabled, true)));
    }
    Ok((decoded, terminates))
}

pub(crate) fn redirect(message: api::RedirectAction, at: At<'_>) -> Result<Redirect, DecodeError> {
    use api::redirect_action::{PathRewriteSpecifier as Path, SchemeRewriteSpecifier as Scheme};
    let text = |text: String| (!text.is_empty()).then(|| Bytes::from(text));
    let (scheme, https) = match message.scheme_rewrite_specifier {
        None => (None, false),
        Some(Scheme::HttpsRedirect(https)) => (None, https),
        Some(Scheme::SchemeRedirect(scheme)) => (text(scheme), false),
    };
    let path = match message.path_rewrite_specifier {
        None => None,
        Some(Path::PathRedirect(path)) => text(path).map(PathRewrite::Full),
        Some(Path::PrefixRewrite(prefix)) => text(prefix).map(PathRewrite::Prefix),
        Some(Path::RegexRewrite(rewrite)) => {
            let (regex, substitution) = substitute(rewrite, at.field("regex_rewrite"))?;
            Some(PathRewrite::Regex { regex, substitution })
        }
        Some(Path::PathRewrite(_)) => return Err(at.field("path_rewrite").unsupported("", "use path_redirect")),
    };
    let port = match message.port_redirect {
        0 => None,
        other => Some(port(other, at.field("port_redirect"))?),
    };
    let status = match message.response_code {
        0 => 301,
        1 => 302,
        2 => 303,
        3 => 307,
        4 => 308,
        other => return Err(at.field("response_code").invalid(other, "unknown code")),
    };
    let strip_query = message.strip_query;
    Ok(Redirect { status, scheme, https, host: text(message.host_redirect), port, path, strip_query })
}

pub(crate) fn direct(
    message: api::DirectResponseAction,
    longest: usize,
    at: At<'_>,
) -> Result<DirectResponse, DecodeError> {
    use core::data_source::Specifier;
    let status = match u16::try_from(message.status) {
        Ok(status @ 200..600) => status,
        _ => return Err(at.field("status").invalid(message.status, "must be from 200 to 599")),
    };
    let body_at = at.field("body");
    let body = match message.body.and_then(|body| body.specifier) {
        None => Bytes::new(),
        Some(Specifier::InlineString(text)) => text.into(),
        Some(Specifier::InlineBytes(bytes)) => bytes.into(),
        Some(Specifier::Filename(path)) => {
            return Err(body_at.field("filename").unsupported(path, "put the body into inline_string"));
        }
        Some(Specifier::EnvironmentVariable(name)) => {
            return Err(body_at.field("environment_variable").unsupported(name, "put the body into inline_string"));
        }
    };
    if body.len() > longest {
        return Err(body_at.invalid(body.len(), format!("response body size in bytes; the maximum is {longest}")));
    }
    let format =
        message.body_format.map(|format| access_log::substitution(format, at.field("body_format"))).transpose()?;
    Ok(DirectResponse { status, body, format })
}

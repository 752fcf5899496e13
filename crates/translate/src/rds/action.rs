//! What a route does: forward, redirect, answer.
//! In: a rule. Out: Envoy's action.

use super::headers;
use super::retry;
use super::route::{Listener, Rule};
use crate::destination::BLACK_HOLE_CLUSTER;
use crate::values::{boolean, duration, per_hundred, per_million, regex, runtime_fraction};
use lateen_config::kinds::destination_rule::{ConsistentHashLb, HashKey, LbPolicy};
use lateen_config::kinds::virtual_service::{
    Destination, HttpBodySpecifier, HttpDirectResponse, HttpRedirect, HttpRoute, HttpRouteDestination, Percent,
    RedirectPort, RedirectPortSelection,
};
use lateen_core::Host;
use lateen_envoy_api::google::protobuf::UInt32Value;
use lateen_envoy_api::v3::core::{DataSource, RuntimeFractionalPercent, data_source};
use lateen_envoy_api::v3::matcher::RegexMatchAndSubstitute;
use lateen_envoy_api::v3::route::redirect_action::{
    PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier,
};
use lateen_envoy_api::v3::route::route_action::hash_policy::{self, PolicySpecifier};
use lateen_envoy_api::v3::route::route_action::{
    ClusterSpecifier, HashPolicy, HostRewriteSpecifier, RequestMirrorPolicy,
};
use lateen_envoy_api::v3::route::weighted_cluster::{ClusterWeight, cluster_weight};
use lateen_envoy_api::v3::route::{DirectResponseAction, RedirectAction, Route, RouteAction, WeightedCluster};
use std::time::Duration;

/// Forwarding. Header operations of a single destination go to the route.
pub fn forward(rule: Rule<'_>, authority: Option<String>, route: &mut Route) -> RouteAction {
    let written = &rule.rule.route;
    let timeout = written.timeout.unwrap_or(Duration::ZERO);
    #[allow(deprecated)] // Istio sets it: the client's grpc-timeout counts, up to the timeout of the route.
    let mut out = RouteAction { timeout: duration(timeout), max_grpc_timeout: duration(timeout), ..Default::default() };
    let mut host = authority;
    if let Some(rewrite) = &written.rewrite {
        if let Some(expression) = &rewrite.uri_regex_rewrite {
            out.regex_rewrite = Some(RegexMatchAndSubstitute {
                pattern: Some(regex(&expression.r#match)),
                substitution: expression.rewrite.clone(),
            });
        } else {
            out.prefix_rewrite.clone_from(&rewrite.uri);
        }
        if !rewrite.authority.is_empty() {
            host = Some(rewrite.authority.clone());
        }
    }
    out.host_rewrite_specifier = host.map(HostRewriteSpecifier::HostRewriteLiteral);
    out.request_mirror_policies = mirrors(rule);
    let mut hashed = false;
    if let [only] = written.route.as_slice() {
        if let Some(destination) = &only.destination {
            out.cluster_specifier = Some(ClusterSpecifier::Cluster(rule.cluster(destination)));
        }
        let operations = headers::translate(only.headers.as_ref());
        if let Some(host) = operations.authority.clone()
            && out.host_rewrite_specifier.is_none()
        {
            out.host_rewrite_specifier = Some(HostRewriteSpecifier::HostRewriteLiteral(host));
        }
        operations.put_on_route(route);
        let hash = only.destination.as_ref().and_then(|destination| hash_policy(rule, destination));
        hashed = hash.is_some();
        out.hash_policy.extend(hash);
    } else {
        out.cluster_specifier = Some(weighted(rule, &mut out.hash_policy));
    }
    let mesh = &rule.scope.snapshot.mesh.config;
    let policy = written.retries.as_ref().or(mesh.default_http_retry_policy.as_ref());
    out.retry_policy = retry::translate(policy, hashed);
    out
}

/// Destinations by weight; those of weight 0 are left out.
fn weighted(rule: Rule<'_>, hashes: &mut Vec<HashPolicy>) -> ClusterSpecifier {
    let mut clusters = Vec::new();
    for HttpRouteDestination { destination, weight, headers, .. } in &rule.rule.route.route {
        let (Some(destination), Ok(weight @ 1..)) = (destination, u32::try_from(*weight)) else { continue };
        let mut cluster = ClusterWeight {
            name: rule.cluster(destination),
            weight: Some(UInt32Value { value: weight }),
            ..Default::default()
        };
        let operations = headers::translate(headers.as_ref());
        cluster.host_rewrite_specifier =
            operations.authority.clone().map(cluster_weight::HostRewriteSpecifier::HostRewriteLiteral);
        operations.put_on_cluster(&mut cluster);
        hashes.extend(hash_policy(rule, destination));
        clusters.push(cluster);
    }
    if clusters.is_empty() {
        // Envoy refuses an empty list; a cluster that does not exist answers 503.
        return ClusterSpecifier::Cluster(BLACK_HOLE_CLUSTER.to_owned());
    }
    ClusterSpecifier::WeightedClusters(WeightedCluster { clusters, ..Default::default() })
}

fn mirrors(rule: Rule<'_>) -> Vec<RequestMirrorPolicy> {
    let written = &rule.rule.route;
    let policy = |destination: &Destination, fraction: RuntimeFractionalPercent| RequestMirrorPolicy {
        cluster: rule.cluster(destination),
        runtime_fraction: Some(fraction),
        trace_sampled: boolean(false),
        ..Default::default()
    };
    let first = written.mirror.as_ref().and_then(|mirror| Some(policy(mirror, mirror_share(written)?)));
    let others = written
        .mirrors
        .iter()
        .filter_map(|mirror| Some(policy(mirror.destination.as_ref()?, share(mirror.percentage.as_ref())?)));
    first.into_iter().chain(others).collect()
}

fn mirror_share(written: &HttpRoute) -> Option<RuntimeFractionalPercent> {
    match (&written.mirror_percentage, written.mirror_percent) {
        (None, Some(0)) => None,
        (None, Some(percent)) => runtime_fraction(per_hundred(percent)),
        (percentage, _) => share(percentage.as_ref()),
    }
}

/// Everything without a percentage, nothing at 0.
fn share(percentage: Option<&Percent>) -> Option<RuntimeFractionalPercent> {
    match percentage {
        None => runtime_fraction(per_hundred(100)),
        Some(percent) if percent.value > 0.0 => runtime_fraction(per_million(percent.value)),
        Some(_) => None,
    }
}

/// What requests to a destination are hashed by, as the policy of its DestinationRule says.
fn hash_policy(rule: Rule<'_>, destination: &Destination) -> Option<HashPolicy> {
    let host = Host::new(&destination.host);
    let service = rule.scope.service_for(&host, rule.virtual_service.source.namespace()).map(|service| &**service);
    let found = rule.scope.destination_rule(&host, service)?;
    let port = destination.port.as_ref().and_then(|port| u16::try_from(port.number).ok());
    let policy = found.policy(&destination.subset, port.unwrap_or(0));
    match policy.load_balancer?.lb_policy? {
        LbPolicy::ConsistentHash(hash) => consistent_hash(&hash),
        LbPolicy::Simple(_) => None,
    }
}

/// Envoy's hash policy for a consistent hash.
pub fn consistent_hash(hash: &ConsistentHashLb) -> Option<HashPolicy> {
    let specifier = match hash.hash_key.as_ref()? {
        HashKey::HttpHeaderName(name) => {
            PolicySpecifier::Header(hash_policy::Header { header_name: name.clone(), regex_rewrite: None })
        }
        HashKey::HttpCookie(cookie) => PolicySpecifier::Cookie(hash_policy::Cookie {
            name: cookie.name.clone(),
            ttl: cookie.ttl.and_then(duration),
            path: cookie.path.clone(),
            attributes: cookie
                .attributes
                .iter()
                .map(|a| hash_policy::CookieAttribute { name: a.name.clone(), value: a.value.clone() })
                .collect(),
        }),
        HashKey::UseSourceIp(source_ip) => {
            PolicySpecifier::ConnectionProperties(hash_policy::ConnectionProperties { source_ip: *source_ip })
        }
        HashKey::HttpQueryParameterName(name) => {
            PolicySpecifier::QueryParameter(hash_policy::QueryParameter { name: name.clone() })
        }
    };
    Some(HashPolicy { policy_specifier: Some(specifier), terminal: false })
}

/// A redirect; none for a status that is no redirect.
pub fn redirect(written: &HttpRedirect, listener: Listener<'_>) -> Option<RedirectAction> {
    let path = if written.prefix_rewrite.is_empty() {
        PathRewriteSpecifier::PathRedirect(written.uri.clone())
    } else {
        PathRewriteSpecifier::PrefixRewrite(written.prefix_rewrite.clone())
    };
    let code = match written.redirect_code {
        0 | 301 => RedirectResponseCode::MovedPermanently,
        302 => RedirectResponseCode::Found,
        303 => RedirectResponseCode::SeeOther,
        307 => RedirectResponseCode::TemporaryRedirect,
        308 => RedirectResponseCode::PermanentRedirect,
        _ => return None,
    };
    let scheme = match written.scheme.as_str() {
        "" if listener.tls => "https",
        "" => "http",
        scheme => scheme,
    };
    let port = match &written.redirect_port {
        None | Some(RedirectPort::DerivePort(RedirectPortSelection::FromProtocolDefault)) => 0,
        Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort)) => u32::from(listener.port),
        Some(RedirectPort::Port(port)) => *port,
    };
    // The default port of a scheme is not written out.
    let port = if matches!((port, scheme), (80, "http") | (443, "https")) { 0 } else { port };
    Some(RedirectAction {
        host_redirect: written.authority.clone(),
        port_redirect: port,
        response_code: code.into(),
        scheme_rewrite_specifier: (!written.scheme.is_empty())
            .then(|| SchemeRewriteSpecifier::SchemeRedirect(written.scheme.clone())),
        path_rewrite_specifier: Some(path),
        ..Default::default()
    })
}

/// An answer without an upstream.
pub fn direct_response(written: &HttpDirectResponse) -> DirectResponseAction {
    let body = written.body.as_ref().and_then(|body| body.specifier.as_ref());
    let specifier = body.map(|body| match body {
        HttpBodySpecifier::String(text) => data_source::Specifier::InlineString(text.clone()),
        HttpBodySpecifier::Bytes(bytes) => data_source::Specifier::InlineBytes(bytes.clone()),
    });
    DirectResponseAction {
        status: written.status,
        body: specifier.map(|specifier| DataSource { specifier: Some(specifier), ..Default::default() }),
        ..Default::default()
    }
}

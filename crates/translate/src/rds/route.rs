//! One rule and one condition of a VirtualService, as an Envoy route.
//! In: the rule, the condition, and the listener that it is for. Out: a route, or nothing if it is for another one.

use super::{action, headers, matches};
use crate::destination::cluster_of;
use crate::{Options, filter, provenance};
use lateen_core::{ClusterName, Host};
use lateen_envoy_api::v3::route::route::Action;
use lateen_envoy_api::v3::route::route_action::ClusterSpecifier;
use lateen_envoy_api::v3::route::route_match::PathSpecifier;
use lateen_envoy_api::v3::route::{Decorator, Route};
use lateen_model::virtual_service::MESH;
use lateen_model::{HttpMatch, HttpRule, Resolution, Scope, VirtualService};

/// The listener that routes are made for.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'a> {
    /// Port as the Gateway or the Service names it.
    pub port: u16,
    /// Whether TLS ends at it.
    pub tls: bool,
    /// `namespace/name` of the Gateway, or `mesh`.
    pub gateway: &'a str,
}

/// What one route is made from.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// The view of the proxy.
    pub scope: &'a Scope,
    /// The VirtualService that is bound to the host.
    pub virtual_service: &'a VirtualService,
    /// The rule.
    pub rule: &'a HttpRule,
    /// The condition; none for a rule without one.
    pub condition: Option<&'a HttpMatch>,
    /// Where it is used.
    pub listener: Listener<'a>,
}

/// The routes of a VirtualService, up to the first that matches everything.
pub fn of_virtual_service(
    scope: &Scope,
    options: &Options,
    virtual_service: &VirtualService,
    listener: Listener<'_>,
) -> Vec<Route> {
    let mut out = Vec::new();
    for rule in &virtual_service.http {
        let rule = |condition| Rule { scope, virtual_service, rule, condition, listener };
        let matches = &rule(None).rule.matches;
        if matches.is_empty() {
            out.extend(translate(rule(None), options));
            return out;
        }
        for condition in matches {
            if let Some(route) = translate(rule(Some(condition)), options) {
                let last = is_catch_all(&route);
                out.push(route);
                if last {
                    return out;
                }
            }
        }
    }
    out
}

/// Moves routes that match everything behind all others, as several VirtualServices share the virtual host.
pub fn catch_all_last(routes: Vec<Route>) -> Vec<Route> {
    let (last, mut first): (Vec<Route>, Vec<Route>) = routes.into_iter().partition(is_catch_all);
    first.extend(last);
    first
}

fn is_catch_all(route: &Route) -> bool {
    let Some(condition) = &route.r#match else { return false };
    let any_path = match &condition.path_specifier {
        Some(PathSpecifier::Prefix(prefix)) => prefix == "/",
        Some(PathSpecifier::SafeRegex(regex)) => regex.regex == ".*",
        _ => false,
    };
    any_path && condition.headers.is_empty() && condition.query_parameters.is_empty()
}

fn translate(rule: Rule<'_>, options: &Options) -> Option<Route> {
    if !applies(rule) {
        return None;
    }
    let written = &rule.rule.route;
    let request = rule.condition.map(|condition| &condition.request);
    if request.is_some_and(matches::wants_claim) {
        return None;
    }
    let name = match request.map(|request| request.name.as_str()) {
        None | Some("") => written.name.clone(),
        Some(condition) => format!("{}.{condition}", written.name),
    };
    let (source, at, path) = match rule.condition {
        Some(condition) => (&condition.source, condition.request.at, condition.path.as_str()),
        None => (&rule.rule.source, written.at, rule.rule.path.as_str()),
    };
    let metadata = provenance::of(options, source, at, path);
    let mut route = Route {
        name,
        r#match: Some(matches::translate(request)),
        metadata: provenance::with_istio(metadata, &rule.virtual_service.source),
        stat_prefix: request.map(|request| request.stat_prefix.clone()).unwrap_or_default(),
        ..Default::default()
    };
    let operations = headers::translate(written.headers.as_ref());
    let authority = operations.authority.clone();
    operations.put_on_route(&mut route);
    if let Some(redirect) = &written.redirect {
        route.action = Some(Action::Redirect(action::redirect(redirect, rule.listener)?));
    } else if let Some(response) = &written.direct_response {
        route.action = Some(Action::DirectResponse(action::direct_response(response)));
    } else {
        let forward = action::forward(rule, authority, &mut route);
        route.action = Some(Action::Route(forward));
    }
    route.decorator = Some(Decorator { operation: operation(&route, rule), propagate: None });
    filter::per_route(written, &mut route.typed_per_filter_config);
    Some(route)
}

/// Whether the condition is for this proxy and listener: port, gateways, and labels and namespace of the caller.
fn applies(rule: Rule<'_>) -> bool {
    let Some(HttpMatch { request, .. }) = rule.condition else { return true };
    if request.port != 0 && request.port != u32::from(rule.listener.port) {
        return false;
    }
    if !request.gateways.is_empty() {
        return request.gateways.iter().any(|gateway| gateway == rule.listener.gateway);
    }
    let proxy = &rule.scope.proxy;
    let labels = request.source_labels.iter().all(|(key, value)| proxy.labels.get(key) == Some(value));
    labels && (request.source_namespace.is_empty() || request.source_namespace == proxy.namespace)
}

impl Rule<'_> {
    /// The cluster of a destination of the rule.
    pub fn cluster(&self, destination: &lateen_config::kinds::virtual_service::Destination) -> String {
        let host = Host::new(&destination.host);
        let service = self.scope.service_for(&host, self.virtual_service.source.namespace()).map(|service| &**service);
        // In a sidecar the port of the call is that of the listener, unless the rule names another.
        let mesh = self.listener.gateway == MESH;
        let service = service.filter(|service| !mesh || service.resolution == Resolution::Alias);
        cluster_of(destination, service, self.listener.port)
    }
}

/// What tracing calls the route (Istio `GetRouteOperation`).
fn operation(route: &Route, rule: Rule<'_>) -> String {
    let path = match route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref()) {
        Some(PathSpecifier::Prefix(prefix)) => format!("{prefix}*"),
        Some(PathSpecifier::Path(path)) => path.clone(),
        Some(PathSpecifier::SafeRegex(regex)) => regex.regex.clone(),
        _ => "/*".to_owned(),
    };
    if let Some(Action::Route(forward)) = &route.action
        && let Some(ClusterSpecifier::Cluster(cluster)) = &forward.cluster_specifier
        && let Ok(cluster) = cluster.parse::<ClusterName>()
    {
        return format!("{}:{}{path}", cluster.host, cluster.port);
    }
    format!("{}:{}{path}", rule.virtual_service.source.name.name, rule.listener.port)
}

//! Route configurations: virtual hosts indexed by domain, routes with their matches.
//! In: the message. Out: what `route::select` walks, or why Envoy would refuse it.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::matching::{headers, path, query};
use super::mutation::mutations;
use super::route_action::{self, mirrors};
use super::value::{flag, metadata, runtime_fraction};
use super::{http_filter, retry};
use crate::ir::{Mirror, RequireTls, Route, RouteAction, RouteConfiguration, VirtualHost};
use lateen_envoy_api::v3::route as api;
use std::collections::{BTreeMap, HashMap};
use std::mem::take;
use std::sync::Arc;

/// What routes inherit from the levels above.
pub(crate) struct Inherited<'a> {
    pub(crate) mirrors: &'a Arc<[Mirror]>,
    pub(crate) max_body: usize,
}

pub(crate) fn decode(
    mut message: api::RouteConfiguration,
    version: u64,
    at: At<'_>,
) -> Result<RouteConfiguration, DecodeError> {
    if message.vhds.take().is_some() {
        return Err(at.field("vhds").unsupported("", "list the virtual hosts"));
    }
    let max_body = message.max_direct_response_body_size_bytes.take().map_or(4096, |size| size.value) as usize;
    let config_mirrors: Arc<[Mirror]> = mirrors(take(&mut message.request_mirror_policies), at)?.into();
    let headers = mutations(
        (take(&mut message.request_headers_to_add), take(&mut message.request_headers_to_remove)),
        (take(&mut message.response_headers_to_add), take(&mut message.response_headers_to_remove)),
        at,
    )?;
    let mut index = Index::default();
    let mut names = HashMap::new();
    let given = take(&mut message.virtual_hosts);
    let mut virtual_hosts = Vec::with_capacity(given.len());
    for (position, host) in given.into_iter().enumerate() {
        let at = at.index("virtual_hosts", position);
        let inherited = Inherited { mirrors: &config_mirrors, max_body };
        let decoded = Arc::new(virtual_host(host, &inherited, at)?);
        if names.insert(decoded.name.clone(), position).is_some() {
            return Err(at.field("name").invalid(&decoded.name, "virtual host names must be unique"));
        }
        for (number, domain) in decoded.domains.iter().enumerate() {
            index.add(domain, position, at.index("domains", number))?;
        }
        virtual_hosts.push(decoded);
    }
    let decoded = RouteConfiguration {
        name: take(&mut message.name).into(),
        virtual_hosts,
        exact: index.exact,
        suffixes: index.suffixes.into_iter().rev().collect(),
        prefixes: index.prefixes.into_iter().rev().collect(),
        any: index.any,
        headers,
        filters: http_filter::overrides(take(&mut message.typed_per_filter_config), None, at)?,
        ignore_port_in_host: take(&mut message.ignore_port_in_host_matching),
        most_specific_wins: take(&mut message.most_specific_header_mutations_wins),
        metadata: metadata(message.metadata.take()),
        version,
    };
    // A route to a cluster that is not there answers 503 until it comes.
    message.validate_clusters = None;
    at.nothing_left(&message)?;
    Ok(decoded)
}

/// Domains by kind; longer wildcards come later here and first in the configuration.
#[derive(Default)]
struct Index {
    exact: HashMap<Box<str>, usize>,
    suffixes: BTreeMap<usize, HashMap<Box<str>, usize>>,
    prefixes: BTreeMap<usize, HashMap<Box<str>, usize>>,
    any: Option<usize>,
}

impl Index {
    fn add(&mut self, domain: &str, position: usize, at: At<'_>) -> Result<(), DecodeError> {
        let lower = domain.to_ascii_lowercase();
        if lower.is_empty() {
            return Err(at.missing("a domain is not empty"));
        }
        let fresh = if lower == "*" {
            self.any.replace(position).is_none()
        } else if let Some(suffix) = lower.strip_prefix('*') {
            self.suffixes.entry(suffix.len()).or_default().insert(suffix.into(), position).is_none()
        } else if let Some(prefix) = lower.strip_suffix('*') {
            self.prefixes.entry(prefix.len()).or_default().insert(prefix.into(), position).is_none()
        } else {
            self.exact.insert(lower.into(), position).is_none()
        };
        match (fresh, domain) {
            (true, _) => Ok(()),
            (false, "*") => Err(at.invalid(domain, "only a single wildcard domain is permitted")),
            (false, _) => Err(at.invalid(domain, "the domain is in the configuration twice; domains must be unique")),
        }
    }
}

fn virtual_host(
    mut message: api::VirtualHost,
    inherited: &Inherited<'_>,
    at: At<'_>,
) -> Result<VirtualHost, DecodeError> {
    let name: Arc<str> = take(&mut message.name).into();
    if name.is_empty() {
        return Err(at.field("name").missing(""));
    }
    let domains = take(&mut message.domains);
    if domains.is_empty() {
        return Err(at.field("domains").missing("at least one"));
    }
    let headers = mutations(
        (take(&mut message.request_headers_to_add), take(&mut message.request_headers_to_remove)),
        (take(&mut message.response_headers_to_add), take(&mut message.response_headers_to_remove)),
        at,
    )?;
    let own: Arc<[Mirror]> = mirrors(take(&mut message.request_mirror_policies), at)?.into();
    let inherited = Inherited { mirrors: if own.is_empty() { inherited.mirrors } else { &own }, ..*inherited };
    let given = take(&mut message.routes);
    let mut routes = Vec::with_capacity(given.len());
    for (index, route) in given.into_iter().enumerate() {
        routes.push(Arc::new(one(route, &inherited, at.index("routes", index))?));
    }
    let decoded = VirtualHost {
        name,
        domains,
        routes,
        require_tls: match take(&mut message.require_tls) {
            0 => RequireTls::None,
            1 => RequireTls::ExternalOnly,
            2 => RequireTls::All,
            other => return Err(at.field("require_tls").invalid(other, "unknown requirement")),
        },
        headers,
        filters: http_filter::overrides(take(&mut message.typed_per_filter_config), message.cors.take(), at)?,
        retry: message.retry_policy.take().map(|policy| retry::decode(policy, at.field("retry_policy"))).transpose()?,
        include_request_attempt_count: take(&mut message.include_request_attempt_count),
        include_attempt_count_in_response: take(&mut message.include_attempt_count_in_response),
        metadata: metadata(message.metadata.take()),
    };
    // Statistics; rate limits need the filter, which is refused where it stands.
    message.virtual_clusters.clear();
    message.rate_limits.clear();
    at.nothing_left(&message)?;
    Ok(decoded)
}

fn one(mut message: api::Route, inherited: &Inherited<'_>, at: At<'_>) -> Result<Route, DecodeError> {
    let Some(mut matches) = message.r#match.take() else { return Err(at.field("match").missing("")) };
    let match_at = at.field("match");
    let path = path(matches.path_specifier.take(), match_at)?;
    let case_sensitive = flag(matches.case_sensitive.take(), true);
    let headers = headers(take(&mut matches.headers), "headers", match_at)?;
    let mut parameters = Vec::with_capacity(matches.query_parameters.len());
    for (index, matcher) in take(&mut matches.query_parameters).into_iter().enumerate() {
        parameters.push(query(matcher, match_at.index("query_parameters", index))?);
    }
    let grpc = matches.grpc.take().is_some();
    let fraction_per_million = runtime_fraction(matches.runtime_fraction.take(), match_at.field("runtime_fraction"))?;
    match_at.nothing_left(&matches)?;
    let mutations = mutations(
        (take(&mut message.request_headers_to_add), take(&mut message.request_headers_to_remove)),
        (take(&mut message.response_headers_to_add), take(&mut message.response_headers_to_remove)),
        at,
    )?;
    let (action, old_cors) = match message.action.take() {
        None => return Err(at.field("action").missing("route, redirect, direct_response or non_forwarding_action")),
        Some(api::route::Action::Route(mut forward)) => {
            let cors = forward.cors.take();
            (RouteAction::Forward(Box::new(route_action::forward(forward, &path, inherited, at.field("route"))?)), cors)
        }
        Some(api::route::Action::Redirect(redirect)) => {
            (RouteAction::Redirect(Box::new(route_action::redirect(redirect, at.field("redirect"))?)), None)
        }
        Some(api::route::Action::DirectResponse(direct)) => {
            (RouteAction::Direct(route_action::direct(direct, inherited.max_body, at.field("direct_response"))?), None)
        }
        Some(api::route::Action::NonForwardingAction(_)) => (RouteAction::NonForwarding, None),
        Some(api::route::Action::FilterAction(_)) => {
            return Err(at.field("filter_action").unsupported("", "use route, redirect or direct_response"));
        }
    };
    let decoded = Route {
        name: take(&mut message.name).into(),
        path,
        case_sensitive,
        headers,
        query: parameters,
        grpc,
        fraction_per_million,
        action,
        mutations,
        filters: http_filter::overrides(take(&mut message.typed_per_filter_config), old_cors, at)?,
        metadata: metadata(message.metadata.take()),
    };
    // Names of spans, sampling and statistics.
    message.decorator = None;
    message.tracing = None;
    message.stat_prefix.clear();
    at.nothing_left(&message)?;
    Ok(decoded)
}

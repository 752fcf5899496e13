//! Which routes nearly matched, and why they did not.
//! In: the same as for `select`. Out: virtual hosts with similar domains, routes with what failed, in words.

use super::RouteContext;
use super::select::{matched_path, path_matches, select, select_virtual_host};
use crate::headers::RequestHead;
use crate::ir::{Route, RouteConfiguration, VirtualHost};
use crate::local_reply::is_grpc;
use std::sync::Arc;

/// A route that did not match, or a virtual host whose domains did not.
#[derive(Debug, Clone)]
pub struct NearMiss<'r> {
    /// The virtual host.
    pub virtual_host: &'r Arc<VirtualHost>,
    /// The route; `None` when the domain already did not match.
    pub route: Option<&'r Arc<Route>>,
    /// What failed, such as `prefix /status does not match /headers`.
    pub reasons: Vec<String>,
}

/// How many virtual hosts with similar domains are named.
const SIMILAR: usize = 5;

/// What nearly matched: the routes before the one that was taken, fewest failed conditions first;
/// without a virtual host those with similar domains.
#[must_use]
pub fn near_misses<'r>(
    config: &'r RouteConfiguration,
    head: &RequestHead,
    context: &RouteContext,
) -> Vec<NearMiss<'r>> {
    let Some(virtual_host) = select_virtual_host(config, &head.authority) else {
        return similar_domains(config, head.authority_str());
    };
    let taken = select(config, head, context).ok().map(|selected| selected.route);
    let mut misses: Vec<NearMiss<'r>> = virtual_host
        .routes
        .iter()
        .take_while(|route| !taken.is_some_and(|taken| Arc::ptr_eq(route, taken)))
        .map(|route| NearMiss { virtual_host, route: Some(route), reasons: reasons(route, head, context) })
        .collect();
    misses.sort_by_key(|miss| miss.reasons.len());
    misses
}

fn reasons(route: &Route, head: &RequestHead, context: &RouteContext) -> Vec<String> {
    let mut reasons = Vec::new();
    let path = matched_path(head);
    if !path_matches(route, head, path) {
        reasons.push(format!("{} does not match {}", route.path, String::from_utf8_lossy(path)));
    }
    if route.grpc && !is_grpc(&head.headers) {
        reasons.push("the request is not gRPC".to_owned());
    }
    reasons.extend(
        route.headers.iter().filter(|matcher| !matcher.matches_request(head)).map(|matcher| matcher.why_not(head)),
    );
    for matcher in route.query.iter().filter(|matcher| !matcher.matches(head.query())) {
        reasons.push(format!("{matcher} does not match the query"));
    }
    if let Some(share) = route.fraction_per_million.filter(|share| context.random % 1_000_000 >= u64::from(*share)) {
        reasons.push(format!("only {} % of requests take it", f64::from(share) / 10_000.0));
    }
    reasons
}

fn similar_domains<'r>(config: &'r RouteConfiguration, host: &str) -> Vec<NearMiss<'r>> {
    let host = host.to_ascii_lowercase();
    let mut scored: Vec<(usize, &Arc<VirtualHost>, &str)> = config
        .virtual_hosts
        .iter()
        .filter_map(|virtual_host| {
            let best = virtual_host.domains.iter().max_by_key(|domain| alike(domain, &host))?;
            let score = alike(best, &host);
            (score > 2).then_some((score, virtual_host, best.as_str()))
        })
        .collect();
    scored.sort_by_key(|(score, _, _)| std::cmp::Reverse(*score));
    scored
        .into_iter()
        .take(SIMILAR)
        .map(|(_, virtual_host, domain)| NearMiss {
            virtual_host,
            route: None,
            reasons: vec![format!("domain {domain} does not match {host}")],
        })
        .collect()
}

/// Length of the common beginning or end, whichever is longer.
fn alike(domain: &str, host: &str) -> usize {
    let domain = domain.to_ascii_lowercase();
    let beginning = domain.bytes().zip(host.bytes()).take_while(|(left, right)| left == right).count();
    let end = domain.bytes().rev().zip(host.bytes().rev()).take_while(|(left, right)| left == right).count();
    beginning.max(end)
}

//! The request made ready for the upstream, and the response for the client.
//! In: the selected route, the head. Out: the head changed: header operations, host, path, x-envoy-* headers.

use super::action::rewrite_path;
use super::select::matched_path;
use super::{ClusterChoice, RouteContext, Selected, Timeouts};
use crate::access_log::Record;
use crate::header_mutation::{mutate_request, mutate_response};
use crate::headers::{RequestHead, ResponseHead};
use crate::ir::{
    FilterOverride, FilterOverrides, Forward, HeaderMutations, HostRewrite, HttpConnectionManager, HttpFilter,
    RouteAction,
};
use crate::local_reply::is_grpc;
use bytes::Bytes;

/// Changes the request for the upstream, once, before the first try: rewrites, header operations at
/// all levels in Envoy's order, x-envoy-* headers. `record` is for `%…%` in header values.
/// For later tries the shell only sets x-envoy-attempt-count when `include_request_attempt_count`.
pub fn prepare_upstream(
    hcm: &HttpConnectionManager,
    selected: &Selected<'_>,
    choice: &ClusterChoice<'_>,
    timeouts: &Timeouts,
    head: &mut RequestHead,
    context: &RouteContext,
    record: &Record<'_>,
) {
    let _ = context;
    let RouteAction::Forward(forward) = &selected.route.action else { return };
    let keep_original = !hcm.router.suppress_envoy_headers;
    timeout_headers(hcm, forward, timeouts, head);
    for spent in SPENT {
        head.headers.remove(spent);
    }
    if selected.virtual_host.include_request_attempt_count {
        head.headers.set("x-envoy-attempt-count", Bytes::from_static(b"1"));
    }
    if let Some(weighted) = choice.weighted {
        mutate_request(&weighted.headers.request, head, record);
        if let Some(host) = &weighted.host_rewrite {
            head.authority = host.clone();
        }
    }
    for level in levels(selected) {
        mutate_request(&level.request, head, record);
    }
    rewrite_host(forward, head, keep_original);
    if let Some(rewrite) = &forward.path_rewrite {
        let path = rewrite_path(rewrite, &selected.route.path, head);
        if !path.is_empty() {
            let original = std::mem::replace(&mut head.path, path);
            if keep_original {
                head.headers.set("x-envoy-original-path", original);
            }
        }
    }
}

/// Headers that the router has read and does not pass on.
const SPENT: [&str; 11] = [
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-stream-duration-ms",
];

fn timeout_headers(hcm: &HttpConnectionManager, forward: &Forward, timeouts: &Timeouts, head: &mut RequestHead) {
    let expected = timeouts.per_try.or(timeouts.overall);
    let Some(expected) = expected.map(|time| time.as_millis()).filter(|time| *time > 0) else { return };
    let kept = hcm.router.respect_expected_rq_timeout && head.headers.contains("x-envoy-expected-rq-timeout-ms");
    if !hcm.router.suppress_envoy_headers && !kept {
        head.headers.set("x-envoy-expected-rq-timeout-ms", expected.to_string());
    }
    if forward.max_grpc_timeout.is_some() && is_grpc(&head.headers) {
        head.headers.set("grpc-timeout", grpc_timeout(expected));
    }
}

/// At most eight digits, so longer times go to a coarser unit.
fn grpc_timeout(millis: u128) -> String {
    const MOST: u128 = 99_999_999;
    for (unit, letter) in [(1, 'm'), (1000, 'S'), (60_000, 'M')] {
        if millis / unit <= MOST {
            return format!("{}{letter}", millis / unit);
        }
    }
    format!("{}H", (millis / 3_600_000).min(MOST))
}

/// Header operations of route, virtual host and configuration in the order they are done; the last wins.
fn levels<'r>(selected: &Selected<'r>) -> [&'r HeaderMutations; 3] {
    let (route, host, config) = (&selected.route.mutations, &selected.virtual_host.headers, &selected.config.headers);
    if selected.config.most_specific_wins { [config, host, route] } else { [route, host, config] }
}

fn rewrite_host(forward: &Forward, head: &mut RequestHead, keep_original: bool) {
    let host = match &forward.host_rewrite {
        None | Some(HostRewrite::Auto) => return,
        Some(HostRewrite::Literal(host)) => host.clone(),
        Some(HostRewrite::Header(name)) => match head.headers.get_bytes(name) {
            Some(host) => host,
            None => return,
        },
        Some(HostRewrite::PathRegex { regex, substitution }) => {
            regex.replace_all(matched_path(head), substitution).into_owned().into()
        }
    };
    set_host(forward, head, host, keep_original);
}

fn set_host(forward: &Forward, head: &mut RequestHead, host: Bytes, keep_original: bool) {
    if host.is_empty() {
        return;
    }
    let original = std::mem::replace(&mut head.authority, host);
    if original.is_empty() {
        return;
    }
    if forward.append_x_forwarded_host {
        let known = head.headers.get_joined("x-forwarded-host");
        let appended = match known.filter(|known| !known.is_empty()) {
            None => Some(original.to_vec()),
            // The same host is not appended twice.
            Some(known) if known.rsplit(|byte| *byte == b',').next() == Some(&original[..]) => None,
            Some(known) => Some([&known[..], &b","[..], &original[..]].concat()),
        };
        if let Some(appended) = appended {
            head.headers.set("x-forwarded-host", appended);
        }
    }
    if keep_original {
        head.headers.set("x-envoy-original-host", original);
    }
}

/// Puts the host name of the chosen endpoint into the request when the route says so (`auto_host_rewrite`).
pub fn rewrite_host_auto(forward: &Forward, hostname: &str, head: &mut RequestHead) {
    if matches!(forward.host_rewrite, Some(HostRewrite::Auto)) && hostname.as_bytes() != &head.authority[..] {
        set_host(forward, head, Bytes::copy_from_slice(hostname.as_bytes()), true);
    }
}

/// Changes the response for the client: header operations at all levels. Of local replies only those
/// of direct responses and redirects go through here, as in Envoy.
pub fn prepare_downstream(
    selected: &Selected<'_>,
    choice: Option<&ClusterChoice<'_>>,
    head: &mut ResponseHead,
    record: &Record<'_>,
) {
    if let Some(weighted) = choice.and_then(|choice| choice.weighted) {
        mutate_response(&weighted.headers.response, head, record);
    }
    for level in levels(selected) {
        mutate_response(&level.response, head, record);
    }
    if selected.virtual_host.include_attempt_count_in_response && record.attempts > 0 {
        head.headers.set("x-envoy-attempt-count", record.attempts.to_string());
    }
}

/// The most specific configuration of a filter: weighted cluster, route, virtual host, route configuration.
#[must_use]
pub fn filter_override<'r>(
    selected: &Selected<'r>,
    choice: Option<&ClusterChoice<'r>>,
    filter: &str,
) -> Option<&'r FilterOverride> {
    let find =
        |level: &'r FilterOverrides| level.iter().find(|(name, _)| **name == *filter).map(|(_, configured)| configured);
    choice
        .and_then(|choice| choice.weighted)
        .and_then(|weighted| find(&weighted.filters))
        .or_else(|| find(&selected.route.filters))
        .or_else(|| find(&selected.virtual_host.filters))
        .or_else(|| find(&selected.config.filters))
}

/// Whether a filter runs for a request.
#[must_use]
pub fn runs(filter: &HttpFilter, configured: Option<&FilterOverride>) -> bool {
    match configured {
        Some(FilterOverride::Disabled) => false,
        Some(_) => true,
        None => !filter.disabled,
    }
}

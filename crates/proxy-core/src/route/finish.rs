//! The request made ready for the upstream, and the response for the client.

use super::{ClusterChoice, RouteContext, Selected, Timeouts};
use crate::access_log::Record;
use crate::headers::{RequestHead, ResponseHead};
use crate::ir::{FilterOverride, Forward, HttpConnectionManager, HttpFilter};

/// What changes from try to try.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
}

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
    let _ = (hcm, selected, choice, timeouts, head, context, record);
}

/// Puts the host name of the chosen endpoint into the request when the route says so (`auto_host_rewrite`).
pub fn rewrite_host_auto(forward: &Forward, hostname: &str, head: &mut RequestHead) {
    let _ = (forward, hostname, head);
}

/// Changes the response for the client: header operations at all levels.
pub fn prepare_downstream(
    selected: &Selected<'_>,
    choice: Option<&ClusterChoice<'_>>,
    head: &mut ResponseHead,
    record: &Record<'_>,
) {
    let _ = (selected, choice, head, record);
}

/// The most specific configuration of a filter: weighted cluster, route, virtual host, route configuration.
#[must_use]
pub fn filter_override<'r>(
    selected: &Selected<'r>,
    choice: Option<&ClusterChoice<'r>>,
    filter: &str,
) -> Option<&'r FilterOverride> {
    let _ = (selected, choice, filter);
    None
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

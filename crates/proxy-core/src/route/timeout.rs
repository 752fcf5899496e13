//! How long a request may take.
//! In: settings of route and connection manager, x-envoy-* and grpc-timeout headers. Out: limits.
//! Headers are only read; `prepare_upstream` takes them out.

use crate::headers::{Headers, RequestHead};
use crate::ir::{Forward, HttpConnectionManager};
use crate::local_reply::is_grpc;
use std::time::Duration;

/// Time limits of one request; `None` for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// From the end of the request to the end of the response, over all tries.
    pub overall: Option<Duration>,
    /// Of one try.
    pub per_try: Option<Duration>,
    /// Of one try without a byte.
    pub per_try_idle: Option<Duration>,
    /// Of the stream without a byte.
    pub idle: Option<Duration>,
    /// Of the whole stream, from its beginning.
    pub max_duration: Option<Duration>,
}

/// The limits for a request; `hcm` gives those that the route leaves open. The retry policy of the
/// virtual host counts where the route has none: see [`timeouts_with`].
#[must_use]
pub fn timeouts(hcm: &HttpConnectionManager, forward: &Forward, head: &RequestHead) -> Timeouts {
    timeouts_with(hcm, forward, forward.retry.as_deref(), head)
}

/// The same with the retry policy that counts.
#[must_use]
pub fn timeouts_with(
    hcm: &HttpConnectionManager,
    forward: &Forward,
    retry: Option<&crate::ir::RetryPolicy>,
    head: &RequestHead,
) -> Timeouts {
    let grpc = is_grpc(&head.headers);
    let mut overall = configured(forward, grpc, &head.headers);
    let expected = hcm
        .router
        .respect_expected_rq_timeout
        .then(|| milliseconds(&head.headers, "x-envoy-expected-rq-timeout-ms"))
        .flatten();
    if let Some(asked) = expected.or_else(|| milliseconds(&head.headers, "x-envoy-upstream-rq-timeout-ms")) {
        overall = nonzero(asked);
    }
    let per_try = match milliseconds(&head.headers, "x-envoy-upstream-rq-per-try-timeout-ms") {
        Some(asked) => nonzero(asked),
        None => retry.and_then(|policy| policy.per_try_timeout),
    };
    Timeouts {
        // A try that may take as long as all of them has no limit of its own.
        per_try: per_try.filter(|limit| overall.is_none_or(|overall| *limit < overall)),
        overall,
        per_try_idle: retry.and_then(|policy| policy.per_try_idle_timeout),
        idle: forward.idle_timeout.unwrap_or(hcm.stream_idle_timeout),
        max_duration: max_duration(hcm, forward, grpc, &head.headers),
    }
}

fn configured(forward: &Forward, grpc: bool, headers: &Headers) -> Option<Duration> {
    let new_style = forward.max_stream_duration.is_some()
        || forward.grpc_timeout_header_max.is_some()
        || forward.grpc_timeout_header_offset.is_some();
    if new_style {
        return None;
    }
    let Some(most) = forward.max_grpc_timeout.filter(|_| grpc) else { return forward.timeout };
    let mut asked = grpc_timeout(headers).unwrap_or_default();
    // An offset that would leave nothing is not applied: zero means for ever.
    if let Some(offset) = forward.grpc_timeout_offset.filter(|offset| *offset < asked) {
        asked -= offset;
    }
    if !most.is_zero() && (asked.is_zero() || asked > most) {
        asked = most;
    }
    nonzero(asked)
}

fn max_duration(hcm: &HttpConnectionManager, forward: &Forward, grpc: bool, headers: &Headers) -> Option<Duration> {
    if let Some(most) = forward.grpc_timeout_header_max.filter(|_| grpc)
        && let Some(mut asked) = grpc_timeout(headers)
    {
        if !most.is_zero() && (asked.is_zero() || asked > most) {
            asked = most;
        }
        if let Some(offset) = forward.grpc_timeout_header_offset.filter(|offset| *offset < asked) {
            asked -= offset;
        }
        return Some(asked);
    }
    forward.max_stream_duration.unwrap_or(hcm.max_stream_duration)
}

fn nonzero(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

fn milliseconds(headers: &Headers, name: &str) -> Option<Duration> {
    headers.get_str(name).and_then(|text| text.parse().ok()).map(Duration::from_millis)
}

/// `grpc-timeout`: at most eight digits and a unit.
pub(crate) fn grpc_timeout(headers: &Headers) -> Option<Duration> {
    let text = headers.get_str("grpc-timeout")?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count.checked_mul(3600)?),
        "M" => Duration::from_secs(count.checked_mul(60)?),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        // Envoy counts milliseconds and rounds up.
        "u" => Duration::from_millis(count.div_ceil(1000)),
        "n" => Duration::from_millis(count.div_ceil(1_000_000)),
        _ => return None,
    })
}

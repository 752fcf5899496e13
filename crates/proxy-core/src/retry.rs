//! Whether a failed request is tried again, and when.
//! In: a policy, request headers, responses and resets, counters, random numbers. Out: a decision.
//! Never here: waiting, counting what goes on elsewhere.

#[cfg(test)]
mod tests;

use crate::headers::{Headers, RequestHead, ResponseHead};
use crate::ir::{CircuitBreakers, RetryOn, RetryPolicy};
use crate::matcher::{HeaderMatch, HeaderMatcher};
use std::sync::Arc;
use std::time::Duration;

/// How a try ended without a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The connection could not be made.
    ConnectFailure,
    /// No connection was free and none may be made (circuit breaker); never tried again.
    Overflow,
    /// The upstream has refused the stream before it looked at it (REFUSED_STREAM).
    Refused,
    /// The upstream has reset the stream or closed the connection. `request_sent` tells whether it may have got the request.
    Remote {
        /// Whether the headers of the request were sent.
        request_sent: bool,
    },
    /// The try took too long.
    PerTryTimeout {
        /// Whether the headers of the request were sent.
        request_sent: bool,
    },
    /// The upstream has sent what is no HTTP.
    Protocol,
}

/// What is done after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this time.
    Retry {
        /// How long to wait.
        back_off: Duration,
    },
    /// It is no failure that is tried again.
    No,
    /// It would be, but there are no tries left (flag `URX`).
    LimitExceeded,
    /// It would be, but too many retries go on already.
    Overflow,
}

/// Counters of the cluster that the shell keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryLoad {
    /// Retries going on.
    pub retries: u64,
    /// Requests going on, pending ones included.
    pub requests: u64,
}

/// Retries of one request.
#[derive(Debug, Clone)]
pub struct RetryState {
    policy: Option<Arc<RetryPolicy>>,
    on: RetryOn,
    status_codes: Vec<u16>,
    headers: Vec<HeaderMatcher>,
    left: u32,
    done: u32,
}

impl RetryState {
    /// What the policy and the headers of the request ask for; `None` when nothing is ever tried again.
    /// Headers of clients that may not ask were taken out by `request::admit`.
    #[must_use]
    pub fn new(policy: Option<&Arc<RetryPolicy>>, head: &RequestHead) -> Option<Self> {
        let text = |name: &str| head.headers.get_str(name);
        let mut on = policy.map(|policy| policy.on).unwrap_or_default();
        for name in ["x-envoy-retry-on", "x-envoy-retry-grpc-on"] {
            if let Some(list) = text(name) {
                on = on.and(RetryOn::of(list));
            }
        }
        if on == RetryOn::default() {
            return None;
        }
        // A policy may only be for some requests.
        let wanted = policy.map(|policy| policy.request_headers.as_slice()).unwrap_or_default();
        if !wanted.is_empty() && !wanted.iter().any(|matcher| matcher.matches_request(head)) {
            return None;
        }
        let mut status_codes = policy.map(|policy| policy.status_codes.clone()).unwrap_or_default();
        if let Some(list) = text("x-envoy-retriable-status-codes") {
            status_codes.extend(list.split(',').filter_map(|code| code.trim().parse::<u16>().ok()));
        }
        let mut headers = policy.map(|policy| policy.headers.clone()).unwrap_or_default();
        if let Some(list) = text("x-envoy-retriable-header-names") {
            headers.extend(list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(present));
        }
        let asked = text("x-envoy-max-retries").and_then(|count| count.parse().ok());
        let left = asked.unwrap_or_else(|| policy.map_or(1, |policy| policy.num_retries));
        Some(Self { policy: policy.cloned(), on, status_codes, headers, left, done: 0 })
    }

    /// Whether a response is taken for a failure. `limits` of the cluster; `unix_time` for reset headers.
    pub fn on_response(
        &mut self,
        head: &ResponseHead,
        limits: &CircuitBreakers,
        load: RetryLoad,
        unix_time: Duration,
        random: u64,
    ) -> Decision {
        if !self.retriable(head) {
            return Decision::No;
        }
        let asked = self.asked_back_off(&head.headers, unix_time, random);
        self.decide(limits, load, asked, random)
    }

    /// Whether a reset is a failure that is tried again.
    pub fn on_reset(&mut self, reset: Reset, limits: &CircuitBreakers, load: RetryLoad, random: u64) -> Decision {
        let on = self.on;
        let broad = on.status_5xx || on.gateway_error || on.reset;
        let retriable = match reset {
            // The cluster is full: another try would make it worse.
            Reset::Overflow => false,
            Reset::ConnectFailure => broad || on.connect_failure || on.reset_before_request,
            Reset::Refused => broad || on.refused_stream || on.reset_before_request,
            Reset::Remote { request_sent } => broad || (on.reset_before_request && !request_sent),
            // A try that took too long counts as 504.
            Reset::PerTryTimeout { request_sent } => broad || (on.reset_before_request && !request_sent),
            Reset::Protocol => broad,
        };
        if retriable { self.decide(limits, load, None, random) } else { Decision::No }
    }

    /// How many choices of an endpoint are made to get one that was not tried before.
    #[must_use]
    pub fn host_attempts(&self) -> u32 {
        match &self.policy {
            Some(policy) if policy.avoid_previous_hosts => policy.host_attempts.max(1).saturating_add(1),
            _ => 1,
        }
    }

    /// How many tries were made after the first.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.done
    }

    fn retriable(&self, head: &ResponseHead) -> bool {
        let (on, status) = (self.on, head.status);
        // Somebody between us has limited the rate: another try only adds to it, unless that is wanted.
        if head.headers.contains("x-envoy-ratelimited") {
            return on.envoy_rate_limited;
        }
        if (on.status_5xx && (500..600).contains(&status))
            || (on.gateway_error && (502..=504).contains(&status))
            || (on.retriable_4xx && status == 409)
            || (on.retriable_status_codes && self.status_codes.contains(&status))
            || (on.retriable_headers && self.headers.iter().any(|matcher| matcher.matches_headers(&head.headers)))
        {
            return true;
        }
        // Only a response that ends with its head has the status there.
        match head.headers.get_str("grpc-status").and_then(|status| status.trim().parse::<u32>().ok()) {
            Some(1) => on.grpc_cancelled,
            Some(4) => on.grpc_deadline_exceeded,
            Some(8) => on.grpc_resource_exhausted,
            Some(13) => on.grpc_internal,
            Some(14) => on.grpc_unavailable,
            _ => false,
        }
    }

    fn decide(&mut self, limits: &CircuitBreakers, load: RetryLoad, asked: Option<Duration>, random: u64) -> Decision {
        if self.left == 0 {
            return Decision::LimitExceeded;
        }
        self.left -= 1;
        if !may_retry(limits, load) {
            return Decision::Overflow;
        }
        let back_off = asked.unwrap_or_else(|| self.jittered(random));
        self.done = self.done.saturating_add(1);
        Decision::Retry { back_off }
    }

    /// Uniform below the base times 2^n - 1, never above the maximum.
    fn jittered(&self, random: u64) -> Duration {
        let (base, most) = match &self.policy {
            Some(policy) => (policy.base_interval, policy.max_interval),
            None => (Duration::from_millis(25), Duration::from_millis(250)),
        };
        let base = u64::try_from(base.as_millis()).unwrap_or(u64::MAX).max(1);
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let factor = 1_u64.checked_shl(self.done.saturating_add(1)).map_or(u64::MAX, |power| power.saturating_sub(1));
        let range = base.saturating_mul(factor).max(1);
        Duration::from_millis((random % range).min(most))
    }

    /// What `rate_limited_retry_back_off` finds in the response, with up to half as much on top.
    fn asked_back_off(&self, headers: &Headers, unix_time: Duration, random: u64) -> Option<Duration> {
        let policy = self.policy.as_ref()?;
        policy.reset_headers.iter().find_map(|header| {
            let seconds: u64 = headers.get_str(&header.name)?.trim().parse().ok()?;
            let asked = Duration::from_secs(seconds);
            let wait = if header.unix_timestamp { asked.checked_sub(unix_time)? } else { asked };
            if wait > policy.reset_max_interval {
                return None;
            }
            let half = u64::try_from(wait.as_millis() / 2).unwrap_or(0).max(1);
            Some(wait + Duration::from_millis(random % half))
        })
    }
}

/// Whether the cluster has room for one more retry.
fn may_retry(limits: &CircuitBreakers, load: RetryLoad) -> bool {
    match limits.retry_budget {
        Some((percent, least)) => {
            let share = (load.requests as f64 * percent / 100.0) as u64;
            load.retries < share.max(u64::from(least))
        }
        None => load.retries < u64::from(limits.max_retries),
    }
}

fn present(name: &str) -> HeaderMatcher {
    let name = name.to_ascii_lowercase();
    HeaderMatcher { name, kind: HeaderMatch::Present(true), invert: false, missing_as_empty: false }
}

impl RetryOn {
    /// The conditions of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            status_5xx: self.status_5xx | other.status_5xx,
            gateway_error: self.gateway_error | other.gateway_error,
            connect_failure: self.connect_failure | other.connect_failure,
            retriable_4xx: self.retriable_4xx | other.retriable_4xx,
            refused_stream: self.refused_stream | other.refused_stream,
            retriable_status_codes: self.retriable_status_codes | other.retriable_status_codes,
            retriable_headers: self.retriable_headers | other.retriable_headers,
            reset: self.reset | other.reset,
            reset_before_request: self.reset_before_request | other.reset_before_request,
            http3_post_connect_failure: self.http3_post_connect_failure | other.http3_post_connect_failure,
            envoy_rate_limited: self.envoy_rate_limited | other.envoy_rate_limited,
            grpc_cancelled: self.grpc_cancelled | other.grpc_cancelled,
            grpc_deadline_exceeded: self.grpc_deadline_exceeded | other.grpc_deadline_exceeded,
            grpc_internal: self.grpc_internal | other.grpc_internal,
            grpc_resource_exhausted: self.grpc_resource_exhausted | other.grpc_resource_exhausted,
            grpc_unavailable: self.grpc_unavailable | other.grpc_unavailable,
        }
    }
}

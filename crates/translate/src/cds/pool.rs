//! Limits of connections and requests.
//! In: `connectionPool` and `retryBudget`. Out: circuit breakers, timeouts, keepalive.

use crate::values::{duration, number};
use lateen_config::kinds::destination_rule::{RetryBudget as Written, TcpKeepalive};
use lateen_envoy_api::v3;
use lateen_envoy_api::v3::cluster::circuit_breakers::{Thresholds, thresholds::RetryBudget};
use lateen_envoy_api::v3::cluster::{CircuitBreakers, Cluster, UpstreamConnectionOptions};
use lateen_model::Policy;

/// Sets the limits of a cluster; where none is written there is none.
pub fn apply(policy: &Policy, out: &mut Cluster) {
    let mut limits = thresholds();
    limits.retry_budget = policy.retry_budget.as_ref().map(budget);
    if let Some(http) = policy.connection_pool.as_ref().and_then(|pool| pool.http.as_ref()) {
        limits.max_requests = positive(http.http2_max_requests).or(limits.max_requests);
        limits.max_pending_requests = positive(http.http1_max_pending_requests).or(limits.max_pending_requests);
        limits.max_retries = positive(http.max_retries).or(limits.max_retries);
    }
    if let Some(tcp) = policy.connection_pool.as_ref().and_then(|pool| pool.tcp.as_ref()) {
        limits.max_connections = positive(tcp.max_connections).or(limits.max_connections);
        if let Some(limit) = tcp.connect_timeout.filter(|limit| !limit.is_zero()) {
            out.connect_timeout = duration(limit);
        }
        if let Some(keepalive) = &tcp.tcp_keepalive {
            out.upstream_connection_options =
                Some(UpstreamConnectionOptions { tcp_keepalive: Some(keepalive_of(keepalive)), ..Default::default() });
        }
    }
    out.circuit_breakers = Some(CircuitBreakers { thresholds: vec![limits], ..Default::default() });
}

/// No limits: Envoy's own defaults are too low where endpoints come and go.
pub fn unlimited() -> CircuitBreakers {
    CircuitBreakers { thresholds: vec![thresholds()], ..Default::default() }
}

fn thresholds() -> Thresholds {
    Thresholds {
        max_connections: number(u32::MAX),
        max_pending_requests: number(u32::MAX),
        max_requests: number(u32::MAX),
        max_retries: number(u32::MAX),
        track_remaining: true,
        ..Default::default()
    }
}

fn positive(value: i32) -> Option<lateen_envoy_api::google::protobuf::UInt32Value> {
    u32::try_from(value).ok().filter(|value| *value > 0).and_then(number)
}

fn budget(written: &Written) -> RetryBudget {
    RetryBudget {
        budget_percent: Some(v3::types::Percent { value: written.percent.unwrap_or(20.0) }),
        budget_interval: written.budget_interval.and_then(duration),
        min_retry_concurrency: number(if written.min_retry_concurrency > 0 {
            written.min_retry_concurrency
        } else {
            3
        }),
    }
}

fn keepalive_of(written: &TcpKeepalive) -> v3::core::TcpKeepalive {
    let seconds =
        |time: Option<std::time::Duration>| time.and_then(|t| number(u32::try_from(t.as_secs()).unwrap_or(u32::MAX)));
    v3::core::TcpKeepalive {
        keepalive_probes: if written.probes > 0 { number(written.probes) } else { None },
        keepalive_time: seconds(written.time),
        keepalive_interval: seconds(written.interval),
    }
}

//! Passive health checks: when responses take an endpoint out.

use std::time::Duration;

/// `envoy.config.cluster.v3.OutlierDetection`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlierDetection {
    /// Consecutive 5xx until an endpoint is ejected; Envoy's default is 5.
    pub consecutive_5xx: Consecutive,
    /// Consecutive 502, 503, 504; Envoy detects 5 and enforces none.
    pub consecutive_gateway_failure: Consecutive,
    /// Consecutive failures of our own making (timeouts, resets), where they are counted apart.
    pub consecutive_local_origin_failure: Consecutive,
    /// Whether errors of our own making are counted apart.
    pub split_external_local_origin_errors: bool,
    /// Time between two looks at who may come back; Envoy's default is 10 s.
    pub interval: Duration,
    /// Ejection time, times the number of ejections; Envoy's default is 30 s.
    pub base_ejection_time: Duration,
    /// Longest ejection; Envoy's default is 300 s.
    pub max_ejection_time: Duration,
    /// An ejection is longer by up to this, by chance.
    pub max_ejection_time_jitter: Duration,
    /// Share of endpoints that may be out before another is ejected, percent. Envoy's default is 10.
    pub max_ejection_percent: u32,
    /// Whether one endpoint may be ejected whatever the share says.
    pub always_eject_one_host: bool,
    /// Endpoints that are much worse than the others.
    pub success_rate: SuccessRate,
    /// Endpoints that fail too often.
    pub failure_percentage: FailurePercentage,
}

/// So many failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consecutive {
    /// How many; 0 never.
    pub count: u32,
    /// Chance that it has consequences, percent.
    pub enforcing: u32,
}

/// Success rate below the mean minus a multiple of the standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuccessRate {
    /// Chance that it has consequences, percent; Envoy's default is 100.
    pub enforcing: u32,
    /// The same for errors of our own making.
    pub enforcing_local_origin: u32,
    /// Endpoints with enough requests that there must be; Envoy's default is 5.
    pub minimum_hosts: u32,
    /// Requests in an interval that an endpoint must have; Envoy's default is 100.
    pub request_volume: u32,
    /// Multiple of the standard deviation, thousandths; Envoy's default is 1900.
    pub stdev_factor: u32,
}

/// Failures above a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePercentage {
    /// The share, percent; Envoy's default is 85.
    pub threshold: u32,
    /// Chance that it has consequences, percent; Envoy's default is 0.
    pub enforcing: u32,
    /// The same for errors of our own making.
    pub enforcing_local_origin: u32,
    /// Endpoints with enough requests that there must be; Envoy's default is 5.
    pub minimum_hosts: u32,
    /// Requests in an interval that an endpoint must have; Envoy's default is 50.
    pub request_volume: u32,
}

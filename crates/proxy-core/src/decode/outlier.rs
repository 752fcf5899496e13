//! Outlier detection.
//! In: the message. Out: thresholds with Envoy's defaults, or an error where a setting would not be obeyed.

use super::DecodeError;
use super::at::At;
use super::value::{duration, flag, number, positive};
use crate::ir::{Consecutive, FailurePercentage, OutlierDetection, SuccessRate};
use lateen_envoy_api::google::protobuf::UInt32Value;
use lateen_envoy_api::v3::cluster as api;
use std::time::Duration;

pub(crate) fn decode(mut given: api::OutlierDetection, at: At<'_>) -> Result<OutlierDetection, DecodeError> {
    let count = |value: Option<UInt32Value>, default: u32| number(value).unwrap_or(default);
    let percent = |value: Option<UInt32Value>, default: u32, name: &str| match number(value).unwrap_or(default) {
        share @ 0..=100 => Ok(share),
        above => Err(at.field(name).invalid(above, "a percentage is at most 100")),
    };
    let base =
        positive(given.base_ejection_time.take(), at.field("base_ejection_time"))?.unwrap_or(Duration::from_secs(30));
    let decoded = OutlierDetection {
        consecutive_5xx: Consecutive {
            count: count(given.consecutive_5xx.take(), 5),
            enforcing: percent(given.enforcing_consecutive_5xx.take(), 100, "enforcing_consecutive_5xx")?,
        },
        consecutive_gateway_failure: Consecutive {
            count: count(given.consecutive_gateway_failure.take(), 5),
            enforcing: percent(
                given.enforcing_consecutive_gateway_failure.take(),
                0,
                "enforcing_consecutive_gateway_failure",
            )?,
        },
        consecutive_local_origin_failure: Consecutive {
            count: count(given.consecutive_local_origin_failure.take(), 5),
            enforcing: percent(
                given.enforcing_consecutive_local_origin_failure.take(),
                100,
                "enforcing_consecutive_local_origin_failure",
            )?,
        },
        split_external_local_origin_errors: std::mem::take(&mut given.split_external_local_origin_errors),
        interval: positive(given.interval.take(), at.field("interval"))?.unwrap_or(Duration::from_secs(10)),
        base_ejection_time: base,
        max_ejection_time: positive(given.max_ejection_time.take(), at.field("max_ejection_time"))?
            .unwrap_or(Duration::from_secs(300))
            .max(base),
        max_ejection_time_jitter: duration(
            given.max_ejection_time_jitter.take(),
            at.field("max_ejection_time_jitter"),
        )?
        .unwrap_or_default(),
        max_ejection_percent: percent(given.max_ejection_percent.take(), 10, "max_ejection_percent")?,
        always_eject_one_host: flag(given.always_eject_one_host.take(), false),
        success_rate: SuccessRate {
            enforcing: percent(given.enforcing_success_rate.take(), 100, "enforcing_success_rate")?,
            enforcing_local_origin: percent(
                given.enforcing_local_origin_success_rate.take(),
                100,
                "enforcing_local_origin_success_rate",
            )?,
            minimum_hosts: count(given.success_rate_minimum_hosts.take(), 5),
            request_volume: count(given.success_rate_request_volume.take(), 100),
            stdev_factor: count(given.success_rate_stdev_factor.take(), 1900),
        },
        failure_percentage: FailurePercentage {
            threshold: percent(given.failure_percentage_threshold.take(), 85, "failure_percentage_threshold")?,
            enforcing: percent(given.enforcing_failure_percentage.take(), 0, "enforcing_failure_percentage")?,
            enforcing_local_origin: percent(
                given.enforcing_failure_percentage_local_origin.take(),
                0,
                "enforcing_failure_percentage_local_origin",
            )?,
            minimum_hosts: count(given.failure_percentage_minimum_hosts.take(), 5),
            request_volume: count(given.failure_percentage_request_volume.take(), 50),
        },
    };
    // There are no active health checks that could end an ejection early.
    given.successful_active_health_check_uneject_host = None;
    if !flag(given.detect_degraded_hosts, false) {
        given.detect_degraded_hosts = None;
    }
    at.nothing_left(&given)?;
    Ok(decoded)
}

//! Ejection of failing endpoints.
//! In: `outlierDetection`. Out: Envoy's settings; those by success rate stay off, as Istio has it.

use crate::values::{duration, number};
use lateen_config::kinds::destination_rule::OutlierDetection as Written;
use lateen_envoy_api::v3::cluster::{Cluster, OutlierDetection};
use lateen_envoy_api::v3::types::Percent;

/// Sets the outlier detection of a cluster.
pub fn apply(written: Option<&Written>, out: &mut Cluster) {
    let Some(written) = written else { return };
    let enforced = |count: u32| number(if count > 0 { 100 } else { 0 });
    let mut detection = OutlierDetection { enforcing_success_rate: number(0), ..Default::default() };
    if let Some(count) = written.consecutive_5xx_errors {
        detection.consecutive_5xx = number(count);
        detection.enforcing_consecutive_5xx = enforced(count);
    }
    if let Some(count) = written.consecutive_gateway_errors {
        detection.consecutive_gateway_failure = number(count);
        detection.enforcing_consecutive_gateway_failure = enforced(count);
    }
    detection.interval = written.interval.and_then(duration);
    detection.base_ejection_time = written.base_ejection_time.and_then(duration);
    detection.max_ejection_percent =
        u32::try_from(written.max_ejection_percent).ok().filter(|percent| *percent > 0).and_then(number);
    if written.split_external_local_origin_errors {
        detection.split_external_local_origin_errors = true;
        if let Some(count) = written.consecutive_local_origin_failures.filter(|count| *count > 0) {
            detection.consecutive_local_origin_failure = number(count);
            detection.enforcing_consecutive_local_origin_failure = number(100);
        }
        detection.enforcing_local_origin_success_rate = number(0);
    }
    out.outlier_detection = Some(detection);
    // Off unless asked for: with a few pods, half of them ejected is no reason to call the bad ones again.
    if written.min_health_percent >= 0 {
        let common = out.common_lb_config.get_or_insert_default();
        common.healthy_panic_threshold = Some(Percent { value: f64::from(written.min_health_percent) });
    }
}

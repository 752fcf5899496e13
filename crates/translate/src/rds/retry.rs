//! Retries.
//! In: the policy of a rule, or of the mesh. Out: Envoy's policy with Istio's defaults.

use crate::values::{duration, number};
use lateen_config::kinds::virtual_service::HttpRetry;
use lateen_envoy_api::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
use lateen_envoy_api::envoy::extensions::retry::priority::previous_priorities::v3::PreviousPrioritiesConfig;
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::route::RetryPolicy;
use lateen_envoy_api::v3::route::retry_policy::{
    RetryBackOff, RetryHostPredicate, RetryPriority, retry_host_predicate, retry_priority,
};

/// Conditions under which a request may be sent again without harm.
const DEFAULT_RETRY_ON: &str = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/// The policy; none when retries are turned off. With consistent hashing, other hosts are not looked for.
pub fn translate(written: Option<&HttpRetry>, consistent_hash: bool) -> Option<RetryPolicy> {
    let mut out = RetryPolicy {
        retry_on: DEFAULT_RETRY_ON.to_owned(),
        num_retries: number(2),
        retry_host_predicate: if consistent_hash { Vec::new() } else { previous_hosts() },
        host_selection_retry_max_attempts: 5,
        ..Default::default()
    };
    let Some(written) = written else { return Some(out) };
    let attempts = u32::try_from(written.attempts).ok().filter(|attempts| *attempts > 0)?;
    out.num_retries = number(attempts);
    if !written.retry_on.is_empty() {
        (out.retry_on, out.retriable_status_codes) = conditions(&written.retry_on);
    }
    out.per_try_timeout = written.per_try_timeout.and_then(duration);
    match written.retry_ignore_previous_hosts {
        Some(true) => out.retry_host_predicate = previous_hosts(),
        Some(false) => out.retry_host_predicate = Vec::new(),
        None => {}
    }
    if written.retry_remote_localities == Some(true) {
        let config = pack(&PreviousPrioritiesConfig { update_frequency: 2 });
        out.retry_priority = Some(RetryPriority {
            name: "envoy.retry_priorities.previous_priorities".to_owned(),
            config_type: Some(retry_priority::ConfigType::TypedConfig(config)),
        });
    }
    out.retry_back_off = written.backoff.map(|base| RetryBackOff { base_interval: duration(base), max_interval: None });
    Some(out)
}

/// Envoy's conditions, and the status codes that stand among them.
fn conditions(text: &str) -> (String, Vec<u32>) {
    let mut names: Vec<&str> = Vec::new();
    let mut codes = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse::<u32>() {
            Ok(code @ 100..=599) => codes.push(code),
            _ => names.push(part),
        }
    }
    if !codes.is_empty() && !names.contains(&"retriable-status-codes") {
        names.push("retriable-status-codes");
    }
    (names.join(","), codes)
}

fn previous_hosts() -> Vec<RetryHostPredicate> {
    let config = pack(&PreviousHostsPredicate {});
    vec![RetryHostPredicate {
        name: "envoy.retry_host_predicates.previous_hosts".to_owned(),
        config_type: Some(retry_host_predicate::ConfigType::TypedConfig(config)),
    }]
}

//! Retry policies.
//! In: `envoy.config.route.v3.RetryPolicy`. Out: conditions, numbers and waits with Envoy's defaults.

#![allow(deprecated)]

use super::DecodeError;
use super::at::{At, extension_type};
use super::matching::{header_key, headers};
use super::value::{duration, number, positive};
use crate::ir::{ResetHeader, RetryOn, RetryPolicy};
use lateen_envoy_api::v3::route as api;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn decode(mut message: api::RetryPolicy, at: At<'_>) -> Result<Arc<RetryPolicy>, DecodeError> {
    let mut avoid_previous_hosts = false;
    for (index, predicate) in take(&mut message.retry_host_predicate).into_iter().enumerate() {
        let at = at.index("retry_host_predicate", index);
        let known = match &predicate.config_type {
            Some(api::retry_policy::retry_host_predicate::ConfigType::TypedConfig(any)) => {
                extension_type(any) == "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
            }
            None => predicate.name == "envoy.retry_host_predicates.previous_hosts",
        };
        if !known {
            return Err(at.field("typed_config").unsupported(predicate.name, "previous_hosts is the only predicate"));
        }
        avoid_previous_hosts = true;
    }
    let mut status_codes = Vec::with_capacity(message.retriable_status_codes.len());
    for (index, code) in take(&mut message.retriable_status_codes).into_iter().enumerate() {
        let at = at.index("retriable_status_codes", index);
        status_codes.push(u16::try_from(code).map_err(|_| at.invalid(code, "no HTTP status"))?);
    }
    let back_off = message.retry_back_off.take();
    let (base_interval, max_interval) = intervals(back_off, at.field("retry_back_off"))?;
    let limited = message.rate_limited_retry_back_off.take();
    let mut reset_headers = Vec::new();
    let mut reset_max_interval = Duration::from_secs(300);
    if let Some(limited) = limited {
        let at = at.field("rate_limited_retry_back_off");
        for (index, header) in limited.reset_headers.into_iter().enumerate() {
            let at = at.index("reset_headers", index);
            let name = header_key(&header.name, at.field("name"))?;
            reset_headers.push(ResetHeader { name, unix_timestamp: header.format == 1 });
        }
        if reset_headers.is_empty() {
            return Err(at.field("reset_headers").missing("at least one"));
        }
        reset_max_interval = positive(limited.max_interval, at.field("max_interval"))?.unwrap_or(reset_max_interval);
    }
    let attempts = take(&mut message.host_selection_retry_max_attempts);
    let decoded = RetryPolicy {
        on: RetryOn::of(&take(&mut message.retry_on)),
        status_codes,
        headers: headers(take(&mut message.retriable_headers), "retriable_headers", at)?,
        request_headers: headers(take(&mut message.retriable_request_headers), "retriable_request_headers", at)?,
        num_retries: number(message.num_retries.take()).unwrap_or(1),
        per_try_timeout: duration(message.per_try_timeout.take(), at.field("per_try_timeout"))?
            .filter(|time| !time.is_zero()),
        per_try_idle_timeout: duration(message.per_try_idle_timeout.take(), at.field("per_try_idle_timeout"))?
            .filter(|time| !time.is_zero()),
        base_interval,
        max_interval,
        host_attempts: u32::try_from(attempts.max(0)).unwrap_or(u32::MAX),
        avoid_previous_hosts,
        reset_headers,
        reset_max_interval,
    };
    at.nothing_left(&message)?;
    Ok(Arc::new(decoded))
}

fn intervals(given: Option<api::retry_policy::RetryBackOff>, at: At<'_>) -> Result<(Duration, Duration), DecodeError> {
    let Some(given) = given else { return Ok((Duration::from_millis(25), Duration::from_millis(250))) };
    let Some(base) = positive(given.base_interval, at.field("base_interval"))? else {
        return Err(at.field("base_interval").missing(""));
    };
    // Envoy counts whole milliseconds, at least one.
    let base = base.max(Duration::from_millis(1));
    let max = positive(given.max_interval, at.field("max_interval"))?.unwrap_or(base * 10);
    if max < base {
        return Err(at.field("max_interval").invalid(format!("{max:?}"), "must not be less than the base_interval"));
    }
    Ok((base, max))
}

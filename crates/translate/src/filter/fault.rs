//! Injected faults: the filter on every listener, delays and aborts on routes.
//! In: `fault` of a rule. Out: Envoy's fault; nothing when it names neither a delay nor an abort that Envoy knows.

use super::{Input, named};
use crate::values::{duration, per_hundred, per_million};
use lateen_config::kinds::virtual_service::{Abort, AbortErrorType, Delay, HttpDelayType, HttpFaultInjection};
use lateen_core::grpc;
use lateen_envoy_api::envoy::extensions::filters::common::fault::v3::FaultDelay;
use lateen_envoy_api::envoy::extensions::filters::common::fault::v3::fault_delay::FaultDelaySecifier;
use lateen_envoy_api::v3::hcm::HttpFilter;
use lateen_envoy_api::v3::http_filter::fault::fault_abort::ErrorType;
use lateen_envoy_api::v3::http_filter::fault::{FaultAbort, HttpFault};
use lateen_envoy_api::{Any, pack};

const NAME: &str = "envoy.filters.http.fault";

/// The filter.
pub fn filter(_: Input<'_>) -> Option<HttpFilter> {
    Some(named(NAME, pack(&HttpFault::default())))
}

/// The fault of a rule.
pub fn per_route(written: &HttpFaultInjection) -> Option<(String, Any)> {
    let delay = written.delay.as_ref().and_then(delay);
    let abort = written.abort.as_ref().and_then(abort);
    if delay.is_none() && abort.is_none() {
        return None;
    }
    Some((NAME.to_owned(), pack(&HttpFault { delay, abort, ..Default::default() })))
}

fn delay(written: &Delay) -> Option<FaultDelay> {
    let Some(HttpDelayType::FixedDelay(fixed)) = &written.http_delay_type else { return None };
    let percentage = match &written.percentage {
        Some(percent) => per_million(percent.value),
        None => per_hundred(u32::try_from(written.percent).unwrap_or(0)),
    };
    Some(FaultDelay {
        percentage: Some(percentage),
        fault_delay_secifier: duration(*fixed).map(FaultDelaySecifier::FixedDelay),
    })
}

fn abort(written: &Abort) -> Option<FaultAbort> {
    let error = match written.error_type.as_ref()? {
        AbortErrorType::HttpStatus(status) => ErrorType::HttpStatus(u32::try_from(*status).ok()?),
        AbortErrorType::GrpcStatus(name) => ErrorType::GrpcStatus(grpc::status(name)?),
        AbortErrorType::Http2Error(_) => return None,
    };
    Some(FaultAbort {
        percentage: written.percentage.as_ref().map(|percent| per_million(percent.value)),
        error_type: Some(error),
        ..Default::default()
    })
}

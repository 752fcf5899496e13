use super::*;
use crate::sample::{request, routes};

fn policy(fields: &str) -> Arc<RetryPolicy> {
    let text = format!(
        r#"{{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["*"], "retry_policy": {{{fields}}}}}]}}"#
    );
    routes(&text).virtual_hosts[0].retry.clone().expect("a policy")
}

fn response(text: &str) -> ResponseHead {
    let mut parts = text.split("; ");
    let mut head = ResponseHead::new(parts.next().and_then(|status| status.parse().ok()).expect("status"));
    for header in parts {
        let (name, value) = header.split_once(": ").expect("name: value");
        head.headers.append(crate::headers::HeaderName::decode(name).expect("name"), value.to_owned());
    }
    head
}

#[test]
fn responses_are_failures_as_the_conditions_say() {
    for (fields, headers, answer, retried) in [
        (r#""retry_on": "5xx""#, &[][..], "503", true),
        (r#""retry_on": "5xx""#, &[], "404", false),
        (r#""retry_on": "gateway-error""#, &[], "500", false),
        (r#""retry_on": "gateway-error""#, &[], "504", true),
        (r#""retry_on": "retriable-4xx""#, &[], "409", true),
        (r#""retry_on": "retriable-status-codes", "retriable_status_codes": [418]"#, &[], "418", true),
        (r#""retry_on": "retriable-headers", "retriable_headers": [{"name": "again"}]"#, &[], "200; again: 1", true),
        (r#""retry_on": "connect-failure,unavailable""#, &[], "200; grpc-status: 14", true),
        (r#""retry_on": "cancelled""#, &[], "200; grpc-status: 14", false),
        (r#""retry_on": "5xx""#, &[], "503; x-envoy-ratelimited: true", false),
        (r#""retry_on": "envoy-ratelimited""#, &[], "429; x-envoy-ratelimited: true", true),
        (r#""retry_on": "connect-failure""#, &["x-envoy-retry-on: 5xx"], "500", true),
        (r#""retry_on": "connect-failure""#, &["x-envoy-retry-grpc-on: internal"], "200; grpc-status: 13", true),
        (r#""retry_on": "5xx", "retriable_request_headers": [{"name": "may"}]"#, &["may: 1"], "500", true),
    ] {
        let mut state = RetryState::new(Some(&policy(fields)), &request("GET h/", headers)).expect("retries");
        let found =
            state.on_response(&response(answer), &CircuitBreakers::default(), RetryLoad::default(), Duration::ZERO, 3);
        assert_eq!(matches!(found, Decision::Retry { .. }), retried, "{fields} {answer}: {found:?}");
    }
    let only = policy(r#""retry_on": "5xx", "retriable_request_headers": [{"name": "may"}]"#);
    assert!(RetryState::new(Some(&only), &request("GET h/", &[])).is_none());
    assert!(RetryState::new(None, &request("GET h/", &[])).is_none());
}

#[test]
fn resets_are_failures_as_the_conditions_say() {
    let sent = Reset::Remote { request_sent: true };
    let unsent = Reset::Remote { request_sent: false };
    for (on, reset, retried) in [
        ("connect-failure", Reset::ConnectFailure, true),
        ("connect-failure", sent, false),
        ("refused-stream", Reset::Refused, true),
        ("reset", sent, true),
        ("reset-before-request", sent, false),
        ("reset-before-request", unsent, true),
        ("5xx", Reset::PerTryTimeout { request_sent: true }, true),
        ("5xx", Reset::Overflow, false),
    ] {
        let mut state = RetryState::new(Some(&policy(&format!(r#""retry_on": "{on}""#))), &request("GET h/", &[]))
            .expect("retries");
        let found = state.on_reset(reset, &CircuitBreakers::default(), RetryLoad::default(), 0);
        assert_eq!(matches!(found, Decision::Retry { .. }), retried, "{on} {reset:?}");
    }
}

#[test]
fn tries_and_waits_have_limits() {
    let given = policy(
        r#""retry_on": "5xx", "num_retries": 3, "retry_back_off": {"base_interval": "0.1s", "max_interval": "0.5s"}"#,
    );
    let mut state = RetryState::new(Some(&given), &request("GET h/", &[])).expect("retries");
    let limits = CircuitBreakers::default();
    let mut next = |load| state.on_response(&response("500"), &limits, load, Duration::ZERO, u64::MAX - 15);
    let waits: Vec<Decision> = (0..4).map(|_| next(RetryLoad::default())).collect();
    for (decision, most) in waits.iter().zip([100, 300, 500]) {
        assert!(matches!(decision, Decision::Retry { back_off } if back_off.as_millis() <= most), "{decision:?}");
    }
    assert_eq!(waits[3], Decision::LimitExceeded);
    let asked = request("GET h/", &["x-envoy-max-retries: 0"]);
    let mut none = RetryState::new(Some(&given), &asked).expect("retries");
    assert_eq!(
        none.on_response(&response("500"), &limits, RetryLoad::default(), Duration::ZERO, 0),
        Decision::LimitExceeded
    );
    for (budget, load, overflow) in [
        (None, RetryLoad { retries: 3, requests: 100 }, true),
        (None, RetryLoad { retries: 2, requests: 100 }, false),
        (Some((20.0, 3)), RetryLoad { retries: 19, requests: 100 }, false),
        (Some((20.0, 3)), RetryLoad { retries: 20, requests: 100 }, true),
        (Some((20.0, 3)), RetryLoad { retries: 2, requests: 1 }, false),
    ] {
        let limits = CircuitBreakers { retry_budget: budget, ..CircuitBreakers::default() };
        let mut state = RetryState::new(Some(&given), &request("GET h/", &[])).expect("retries");
        let found = state.on_response(&response("500"), &limits, load, Duration::ZERO, 0);
        assert_eq!(found == Decision::Overflow, overflow, "{budget:?} {load:?}");
    }
}

#[test]
fn a_response_may_say_how_long_to_wait() {
    let given = policy(
        r#""retry_on": "5xx", "rate_limited_retry_back_off": {"reset_headers": [{"name": "Retry-After"}, {"name": "reset", "format": "UNIX_TIMESTAMP"}], "max_interval": "60s"}"#,
    );
    for (answer, least, most) in
        [("503; retry-after: 4", 4000, 6000), ("503; reset: 110", 10_000, 15_000), ("503; retry-after: 61", 0, 25)]
    {
        let mut state = RetryState::new(Some(&given), &request("GET h/", &[])).expect("retries");
        let unix = Duration::from_secs(100);
        let found = state.on_response(&response(answer), &CircuitBreakers::default(), RetryLoad::default(), unix, 77);
        let Decision::Retry { back_off } = found else { panic!("{found:?}") };
        assert!((least..=most).contains(&back_off.as_millis()), "{answer}: {back_off:?}");
    }
}

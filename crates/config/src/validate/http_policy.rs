//! What an HTTP route does besides choosing a destination: redirect, answer, rewrite, fail, retry, CORS.

use crate::decode::context::shorten;
use crate::kinds::virtual_service::{
    AbortErrorType, CorsPolicy, HttpBodySpecifier, HttpDelayType, HttpDirectResponse, HttpFaultInjection,
    HttpMatchRequest, HttpRedirect, HttpRetry, HttpRewrite, MatchType, Percent, RedirectPort,
};
use crate::validate::{Check, Rule, headers, http_match, limits, regex, wrong};
use lateen_core::grpc;

/// Methods that a CORS policy may allow.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"];

/// Conditions of `x-envoy-retry-on` and `x-envoy-retry-grpc-on`.
const RETRY_ON: &[&str] = &[
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

const KIB: usize = 1024;

/// Judges a redirect of a route with these conditions.
pub(crate) fn redirect(check: &mut Check<'_, '_>, to: &HttpRedirect, matches: &[HttpMatchRequest]) {
    if !to.uri.is_empty() && !to.prefix_rewrite.is_empty() {
        check.field("prefix_rewrite", |check| {
            check.error("`uri` and `prefixRewrite` exclude each other", "keep one of the two")
        });
    }
    let other_than_prefix = |request: &HttpMatchRequest| {
        request.uri.as_ref().is_some_and(|uri| !matches!(uri.match_type, Some(MatchType::Prefix(_))))
    };
    if !to.prefix_rewrite.is_empty() && matches.iter().any(other_than_prefix) {
        check.field("prefix_rewrite", |check| {
            check.error("only a matched prefix can be replaced", "match `uri` by `prefix`, or redirect to a `uri`");
        });
    }
    let texts = [&to.uri, &to.prefix_rewrite, &to.authority, &to.scheme];
    if texts.iter().all(|text| text.is_empty()) && to.redirect_port.is_none() {
        check.error("this redirect changes nothing", "write `uri`, `authority`, `scheme` or `port`");
    }
    match to.redirect_code {
        0 | 301 | 302 | 303 | 307 | 308 => {}
        code @ 300..=399 => {
            let message = format!("no proxy redirects by {code}");
            check.field("redirect_code", |check| check.warning(message, "use 301, 302, 303, 307 or 308"));
        }
        code => {
            let message = format!("{code} is no status of a redirect");
            check.field("redirect_code", |check| check.error(message, "use 301, 302, 303, 307 or 308"));
        }
    }
    if !matches!(to.scheme.as_str(), "" | "http" | "https") {
        check.field("scheme", |check| check.error("a redirect leads to `http` or `https`", ""));
    }
    if let Some(RedirectPort::Port(port @ 1..)) = to.redirect_port {
        check.rule_of("port", limits::port(port));
    }
    for (field, text) in [("uri", &to.uri), ("authority", &to.authority), ("prefix_rewrite", &to.prefix_rewrite)] {
        check.rule_of(field, one_line(text));
    }
}

/// A text that becomes part of a header.
fn one_line(text: &str) -> Rule {
    match text.bytes().any(|c| matches!(c, 0 | b'\r' | b'\n')) {
        true => wrong("a line break may not stand here", "remove it"),
        false => Ok(()),
    }
}

/// Judges a fixed answer.
pub(crate) fn direct_response(check: &mut Check<'_, '_>, answer: &HttpDirectResponse) {
    check.rule_of("status", limits::status(answer.status.into()));
    let size = match answer.body.as_ref().and_then(|body| body.specifier.as_ref()) {
        Some(HttpBodySpecifier::String(text)) => text.len(),
        Some(HttpBodySpecifier::Bytes(bytes)) => bytes.len(),
        None => 0,
    };
    if size > KIB * KIB {
        check.field("body", |check| check.error("the body is larger than 1 MiB", "serve it from a workload"));
    } else if size > 100 * KIB {
        check.field("body", |check| {
            check.warning("a body of more than 100 KiB burdens the control plane", "serve it from a workload")
        });
    }
}

/// Judges changes of path and authority.
pub(crate) fn rewrite(check: &mut Check<'_, '_>, change: &HttpRewrite) {
    if change.uri.is_empty() && change.authority.is_empty() && change.uri_regex_rewrite.is_none() {
        check.error("this rewrite changes nothing", "write `uri`, `authority` or `uriRegexRewrite`");
    }
    check.rule_of("uri", one_line(&change.uri));
    check.rule_of("authority", one_line(&change.authority));
    check.some("uri_regex_rewrite", change.uri_regex_rewrite.as_ref(), |check, by| {
        if !change.uri.is_empty() {
            check.error("`uri` and `uriRegexRewrite` exclude each other", "keep one of the two");
        }
        match regex::groups(&by.r#match) {
            Err(wrong) => check.rule_of("match", Err(wrong)),
            Ok(groups) => check.rule_of("rewrite", replacement(&by.rewrite, groups)),
        }
    });
}

/// A replacement: `\0` to `\9` for groups, `\\` for a backslash.
fn replacement(text: &str, groups: usize) -> Rule {
    if text.is_empty() {
        return wrong("the replacement is missing", "write the new path, with `\\1` for the first group");
    }
    one_line(text)?;
    regex::substitution(text, groups)
}

/// Judges faults made on purpose.
pub(crate) fn fault(check: &mut Check<'_, '_>, fault: &HttpFaultInjection) {
    if fault.delay.is_none() && fault.abort.is_none() {
        check.error("this fault does nothing", "write `delay` or `abort`");
    }
    check.some("delay", fault.delay.as_ref(), |check, delay| {
        share(check, delay.percentage.as_ref());
        match &delay.http_delay_type {
            Some(HttpDelayType::FixedDelay(value)) => check.rule_of("fixed_delay", limits::duration(*value)),
            Some(HttpDelayType::ExponentialDelay(_)) => {
                check.field("exponential_delay", |check| {
                    check.error("`exponentialDelay` is not supported", "use `fixedDelay`")
                });
            }
            None => {}
        }
    });
    check.some("abort", fault.abort.as_ref(), |check, abort| {
        share(check, abort.percentage.as_ref());
        match &abort.error_type {
            Some(AbortErrorType::HttpStatus(status)) => check.rule_of("http_status", limits::status((*status).into())),
            Some(AbortErrorType::GrpcStatus(status)) if grpc::status(status).is_none() => {
                let message = format!("`{}` is no gRPC status", shorten(status));
                check.field("grpc_status", |check| check.error(message, "write a name such as `UNAVAILABLE`"));
            }
            Some(AbortErrorType::GrpcStatus(_)) => {}
            Some(AbortErrorType::Http2Error(_)) => {
                check.field("http2_error", |check| {
                    check.error("`http2Error` is not supported", "use `httpStatus` or `grpcStatus`")
                });
            }
            None => {
                check.warning("nothing is said about the answer of this abort", "write `httpStatus` or `grpcStatus`")
            }
        }
    });
}

fn share(check: &mut Check<'_, '_>, percentage: Option<&Percent>) {
    check.some("percentage", percentage, |check, share| check.rule_of("value", limits::measurable_share(share.value)));
}

/// Judges a retry policy.
pub(crate) fn retries(check: &mut Check<'_, '_>, retry: &HttpRetry) {
    check.rule_of("attempts", limits::not_negative(retry.attempts));
    let more = retry.per_try_timeout.is_some() || !retry.retry_on.is_empty() || retry.retry_remote_localities.is_some();
    if retry.attempts == 0 && more {
        check.field("attempts", |check| {
            check.error(
                "0 attempts turn retries off, yet more is said about them",
                "raise `attempts`, or remove the rest",
            )
        });
    }
    for (field, value) in [("per_try_timeout", retry.per_try_timeout), ("backoff", retry.backoff)] {
        check.some(field, value.as_ref(), |check, value| check.rule(limits::duration(*value)));
    }
    if !retry.retry_on.is_empty() {
        for condition in retry.retry_on.split(',') {
            check.rule_of("retry_on", retry_condition(condition));
        }
    }
}

fn retry_condition(text: &str) -> Rule {
    let named_status = |code: i32| {
        matches!(code, 100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426 | 428 | 429 | 431 | 451)
            || matches!(code, 500..=508 | 510 | 511)
    };
    if RETRY_ON.contains(&text) || text.parse().is_ok_and(named_status) {
        return Ok(());
    }
    let hint = match text.trim() {
        trimmed if trimmed != text => "write conditions without spaces around the comma".to_owned(),
        _ => format!("write HTTP statuses or some of {}", RETRY_ON.join(", ")),
    };
    wrong(format!("`{}` is no condition of a retry", shorten(text)), hint)
}

/// Judges cross-origin rules.
pub(crate) fn cors(check: &mut Check<'_, '_>, policy: &CorsPolicy) {
    check.each("allow_origins", &policy.allow_origins, |check, origin| match &origin.match_type {
        None => check.error("this origin says nothing", "write `exact`, `prefix` or `regex`"),
        Some(MatchType::Exact(text) | MatchType::Prefix(text)) if text.is_empty() => {
            check.error("this origin is empty", "write an origin such as `https://example.com`");
        }
        Some(_) => http_match::expression(check, origin),
    });
    check.each("allow_methods", &policy.allow_methods, |check, method| {
        if !METHODS.contains(&method.as_str()) {
            check.error(format!("`{}` is no method", shorten(method)), &format!("allowed: {}", METHODS.join(", ")));
        }
    });
    for (field, names) in [("allow_headers", &policy.allow_headers), ("expose_headers", &policy.expose_headers)] {
        check.each(field, names, |check, name| check.rule(headers::name(name)));
    }
    check.some("max_age", policy.max_age.as_ref(), |check, value| {
        check.rule(limits::duration(*value));
        if value.subsec_nanos() > 0 && limits::duration(*value).is_ok() {
            check.error("browsers count the age in whole seconds", "round it");
        }
    });
}

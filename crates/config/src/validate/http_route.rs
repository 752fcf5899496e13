//! One HTTP route: that it does exactly one thing, and what it does on the way.

use crate::kinds::virtual_service::{Destination, HttpRoute, HttpRouteDestination};
use crate::validate::http_policy::{cors, direct_response, fault, redirect, retries, rewrite};
use crate::validate::{Check, Rule, headers, http_match, limits, names, wrong};

/// Judges an HTTP route; a delegate's may not delegate on.
pub(crate) fn http_route(check: &mut Check<'_, '_>, route: &HttpRoute, delegate: bool) {
    actions(check, route, delegate);
    check.each("match", &route.r#match, http_match::http_match);
    headers::headers(check, route.headers.as_ref());
    destinations(check, &route.route);
    check.some("redirect", route.redirect.as_ref(), |check, to| redirect(check, to, &route.r#match));
    check.some("direct_response", route.direct_response.as_ref(), direct_response);
    check.some("rewrite", route.rewrite.as_ref(), rewrite);
    check.some("fault", route.fault.as_ref(), fault);
    check.some("retries", route.retries.as_ref(), retries);
    check.some("cors_policy", route.cors_policy.as_ref(), cors);
    check.some("timeout", route.timeout.as_ref(), |check, value| check.rule(limits::duration(*value)));
    authority_once(check, route);
    mirrors(check, route);
}

fn actions(check: &mut Check<'_, '_>, route: &HttpRoute, delegate: bool) {
    let given = [
        ("redirect", route.redirect.is_some()),
        ("direct_response", route.direct_response.is_some()),
        ("route", !route.route.is_empty()),
        ("delegate", route.delegate.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(field, _)| *field).collect();
    match given.as_slice() {
        [] => check.error("this route does nothing", "write `route`, `redirect`, `directResponse` or `delegate`"),
        // Istio passes over a direct response beside a delegate, so it is no error there.
        [_] | ["direct_response", "delegate"] => {}
        [first, .., last] => check.field(last, |check| {
            check.error(
                format!("`{}` stands here already", shown(first)),
                "a route does one thing: keep one of the two",
            );
        }),
    }
    if delegate && route.delegate.is_some() {
        check.field("delegate", |check| {
            check.error("a delegate cannot delegate on", "write the routes here, or name them in the root");
        });
    }
    for action in ["redirect", "direct_response"] {
        if !given.contains(&action) || route.delegate.is_some() {
            continue;
        }
        for (field, there) in [("fault", route.fault.is_some()), ("rewrite", route.rewrite.is_some())] {
            if there {
                check.field(field, |check| {
                    check.error(
                        format!("`{field}` needs a destination, and this is a {}", shown(action)),
                        "remove one of the two",
                    );
                });
            }
        }
    }
}

fn shown(field: &str) -> &str {
    match field {
        "direct_response" => "directResponse",
        field => field,
    }
}

fn destinations(check: &mut Check<'_, '_>, route: &[HttpRouteDestination]) {
    check.each("route", route, |check, to| {
        required(check, to.destination.as_ref());
        headers::headers(check, to.headers.as_ref());
    });
    let weights: Vec<i32> = route.iter().map(|to| to.weight).collect();
    check_weights(check, &weights);
}

/// Judges a destination that must be there.
pub(crate) fn required(check: &mut Check<'_, '_>, destination: Option<&Destination>) {
    match destination {
        None => check.error("`destination` is missing", "write `destination: {host: …}`"),
        Some(to) => check.field("destination", |check| self::destination(check, to)),
    }
}

/// Judges a destination.
pub(crate) fn destination(check: &mut Check<'_, '_>, to: &Destination) {
    let rule = match to.host.as_str() {
        "*" => wrong("`*` is no destination", "name a service"),
        host => names::wildcard_host(host),
    };
    check.rule_of("host", rule);
    if !to.subset.is_empty() {
        check.rule_of("subset", names::label("subset name", &to.subset));
    }
    check.some("port", to.port.as_ref(), |check, port| check.rule_of("number", limits::port(port.number)));
}

/// Judges the weights of the field `route`, whose sum a proxy holds in 32 bits.
pub(crate) fn check_weights(check: &mut Check<'_, '_>, weights: &[i32]) {
    check.field("route", |check| {
        for (index, weight) in weights.iter().enumerate() {
            if *weight < 0 {
                check.item(index, |check| check.rule_of("weight", limits::not_negative(*weight)));
            }
        }
        let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
        if weights.len() > 1 && sum == 0 {
            check.error("the weights sum up to 0", "give each destination its share");
        } else if sum > i64::from(u32::MAX) {
            check.error(format!("the weights sum up to {sum}"), "the largest sum is 4294967295");
        }
    });
}

fn authority_once(check: &mut Check<'_, '_>, route: &HttpRoute) {
    let request = route.headers.as_ref().and_then(|headers| headers.request.as_ref());
    let Some(request) = request else { return };
    let rewritten = route.rewrite.as_ref().is_some_and(|rewrite| !rewrite.authority.is_empty());
    let mut taken = rewritten;
    for (field, values) in [("set", &request.set), ("add", &request.add)] {
        for name in values.keys().filter(|name| headers::is_authority(name)) {
            if taken {
                check.field("headers", |check| {
                    check.field("request", |check| {
                        check.field(field, |check| {
                            check.key(name, |check| check.error("the authority is set twice", "keep one of the two"));
                        });
                    });
                });
            }
            taken |= !values.get(name).is_none_or(String::is_empty);
        }
    }
}

fn mirrors(check: &mut Check<'_, '_>, route: &HttpRoute) {
    check.some("mirror", route.mirror.as_ref(), destination);
    if route.mirror.is_some() && !route.mirrors.is_empty() {
        check.field("mirrors", |check| {
            check.error("`mirror` and `mirrors` exclude each other", "move `mirror` into the list")
        });
    }
    check.each("mirrors", &route.mirrors, |check, mirror| {
        required(check, mirror.destination.as_ref());
        check.some("percentage", mirror.percentage.as_ref(), |check, share| {
            check.rule_of("value", limits::share(share.value))
        });
    });
    if let Some(percent) = route.mirror_percent {
        check.rule_of("mirror_percent", whole_percent(percent));
        check
            .doubt_of("mirror_percent", wrong("`mirrorPercent` is deprecated", "write `mirrorPercentage: {value: …}`"));
    }
    check.some("mirror_percentage", route.mirror_percentage.as_ref(), |check, share| {
        check.rule_of("value", limits::share(share.value));
    });
}

fn whole_percent(percent: u32) -> Rule {
    limits::percent(i32::try_from(percent).unwrap_or(i32::MAX))
}

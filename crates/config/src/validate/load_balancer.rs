//! Load balancing: hashing, slow start, localities.

use std::collections::BTreeSet;

use crate::decode::context::shorten;
use crate::kinds::destination_rule::{
    ConsistentHashLb, HashAlgorithm, HashKey, HttpCookie, LbPolicy, LoadBalancerSettings, WarmupConfiguration,
};
use crate::validate::{Check, Rule, headers, limits, locality, traffic_policy, wrong};

/// Largest Maglev table that Istio takes.
const LARGEST_TABLE: u64 = 5_000_010;

/// Largest hash ring that Envoy takes (`RingHashLbConfig.minimum_ring_size`).
const LARGEST_RING: u64 = 8_388_608;

/// Judges load balancing; failover needs ejection to notice failures.
pub(crate) fn load_balancer(check: &mut Check<'_, '_>, settings: &LoadBalancerSettings, ejects: bool) {
    if let Some(LbPolicy::ConsistentHash(hash)) = &settings.lb_policy {
        check.field("consistent_hash", |check| consistent_hash(check, hash));
    }
    if settings.locality_lb_setting.is_some() && settings.zone_aware_lb_setting.is_some() {
        check.field("zone_aware_lb_setting", |check| {
            check.error("`localityLbSetting` and `zoneAwareLbSetting` exclude each other", "keep one of the two");
        });
    }
    check.some("locality_lb_setting", settings.locality_lb_setting.as_ref(), |check, setting| {
        locality::locality(check, setting, ejects);
    });
    check.some("zone_aware_lb_setting", settings.zone_aware_lb_setting.as_ref(), |check, setting| {
        locality::zone_aware(check, setting, ejects);
    });
    traffic_policy::duration(check, "warmup_duration_secs", settings.warmup_duration_secs);
    check.some("warmup", settings.warmup.as_ref(), warmup);
}

fn warmup(check: &mut Check<'_, '_>, warmup: &WarmupConfiguration) {
    match warmup.duration {
        None => check.error("`duration` is missing", "write how long an endpoint warms up"),
        duration => traffic_policy::duration(check, "duration", duration),
    }
    if let Some(percent) = warmup.minimum_percent {
        check.rule_of("minimum_percent", limits::share(percent));
    }
    if warmup.aggression.is_some_and(|aggression| aggression <= 0.0) {
        check.field("aggression", |check| check.error("`aggression` is above 0", "1 is a straight line"));
    }
}

fn consistent_hash(check: &mut Check<'_, '_>, hash: &ConsistentHashLb) {
    match &hash.hash_key {
        Some(HashKey::HttpCookie(cookie)) => check.field("http_cookie", |check| self::cookie(check, cookie)),
        Some(HashKey::HttpHeaderName(name)) => check.rule_of("http_header_name", hashed_header(name)),
        Some(HashKey::HttpQueryParameterName(name)) if name.is_empty() => {
            check.field("http_query_parameter_name", |check| check.error("the name of the parameter is missing", ""));
        }
        Some(HashKey::HttpQueryParameterName(_) | HashKey::UseSourceIp(_)) | None => {}
    }
    if hash.minimum_ring_size != 0 {
        check.field("minimum_ring_size", |check| {
            check.warning("`minimumRingSize` is deprecated here", "write `ringHash: {minimumRingSize: …}`");
            if hash.hash_algorithm.is_some() {
                check.error("the ring is described twice", "keep `ringHash` or `maglev` alone");
            }
        });
        check.rule_of("minimum_ring_size", ring(hash.minimum_ring_size));
    }
    match &hash.hash_algorithm {
        Some(HashAlgorithm::RingHash(by)) => {
            check.field("ring_hash", |check| check.rule_of("minimum_ring_size", ring(by.minimum_ring_size)));
        }
        Some(HashAlgorithm::Maglev(by)) => {
            check.field("maglev", |check| check.rule_of("table_size", table(by.table_size)));
        }
        None => {}
    }
}

fn hashed_header(name: &str) -> Rule {
    if name.starts_with(':') && name.len() > 1 {
        return Ok(());
    }
    headers::name(name)
}

fn cookie(check: &mut Check<'_, '_>, cookie: &HttpCookie) {
    if cookie.name.is_empty() {
        check.error("the cookie has no name", "write `name`");
    }
    let mut seen = BTreeSet::new();
    check.each("attributes", &cookie.attributes, |check, attribute| {
        if attribute.name.is_empty() {
            check.error("the attribute has no name", "write `name`");
        } else if !seen.insert(attribute.name.as_str()) {
            let message = format!("`{}` is here already", shorten(&attribute.name));
            check.field("name", |check| check.error(message, "keep one of the two"));
        }
        for (field, text) in [("name", &attribute.name), ("value", &attribute.value)] {
            if text.bytes().any(|c| matches!(c, 0 | b'\r' | b'\n')) {
                check.field(field, |check| check.error("a line break may not stand in a cookie", "remove it"));
            }
        }
    });
}

fn ring(size: u64) -> Rule {
    match size {
        0..=LARGEST_RING => Ok(()),
        _ => wrong(format!("a ring of {size} is too large"), format!("the largest is {LARGEST_RING}")),
    }
}

fn table(size: u64) -> Rule {
    match size {
        0 => wrong("`tableSize` is missing", "write a prime such as 65537"),
        1..=LARGEST_TABLE if is_prime(size) => Ok(()),
        1..=LARGEST_TABLE => wrong(format!("{size} is no prime"), "a table needs a prime, such as 65537"),
        _ => wrong(format!("a table of {size} is too large"), format!("the largest is {LARGEST_TABLE}")),
    }
}

/// By trial, for sizes up to `LARGEST_TABLE`; 1 passes, as it does in Istio.
fn is_prime(size: u64) -> bool {
    (2..).take_while(|factor| factor * factor <= size).all(|factor| !size.is_multiple_of(factor))
}

use super::*;
use crate::sample::{cluster, endpoints, numbers};
use std::collections::HashMap;
use std::time::Duration;

/// Endpoints as `priority/locality-weight: host health weight, …`, one line for each locality.
fn assignment(lines: &[&str]) -> Arc<Endpoints> {
    let locality = |(index, line): (usize, &&str)| {
        let (head, hosts) = line.split_once(": ").expect("head: hosts");
        let (priority, weight) = head.split_once('/').expect("priority/weight");
        let host = |text: &str| {
            let parts: Vec<&str> = text.split_whitespace().collect();
            format!(
                r#"{{"health_status": "{}", "load_balancing_weight": {}, "endpoint": {{"address": {{"socket_address": {{"address": "10.0.0.{}", "port_value": 80}}}}}}}}"#,
                parts[1], parts[2], parts[0]
            )
        };
        let hosts: Vec<String> = hosts.split(", ").map(host).collect();
        format!(
            r#"{{"priority": {priority}, "load_balancing_weight": {weight}, "locality": {{"zone": "z{index}"}}, "lb_endpoints": [{}]}}"#,
            hosts.join(",")
        )
    };
    let all: Vec<String> = lines.iter().enumerate().map(locality).collect();
    endpoints(&format!(r#"{{"cluster_name": "c", "endpoints": [{}]}}"#, all.join(",")))
}

/// How often each host (last part of its address) is chosen.
fn shares(settings: &str, lines: &[&str], active: &dyn Fn(usize) -> u64, count: usize) -> HashMap<String, usize> {
    let cluster = cluster(&format!(r#"{{"name": "c"{settings}}}"#));
    let mut balancer = LoadBalancer::new(&cluster, 0);
    balancer.rebuild(&assignment(lines), Instant::now());
    let mut random = numbers(42);
    let mut found = HashMap::new();
    for _ in 0..count {
        let mut context = BalanceContext {
            random: &mut random,
            hash: None,
            active,
            avoid: &[],
            host_attempts: 1,
            now: &Instant::now,
        };
        if let Some(chosen) = balancer.choose(&mut context) {
            let name = chosen.endpoint.address.ip().to_string();
            *found.entry(name.rsplit('.').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    found
}

#[test]
fn hosts_get_their_share() {
    for (settings, lines, wanted) in [
        ("", &["0/1: 1 HEALTHY 1, 2 HEALTHY 1"][..], &[("1", 500), ("2", 500)][..]),
        ("", &["0/1: 1 HEALTHY 1, 2 HEALTHY 3"], &[("1", 250), ("2", 750)]),
        (r#", "lb_policy": "LEAST_REQUEST""#, &["0/1: 1 HEALTHY 1, 2 HEALTHY 3"], &[("1", 250), ("2", 750)]),
        // Too few healthy hosts: all are taken.
        ("", &["0/1: 1 UNHEALTHY 1, 2 UNHEALTHY 1, 3 HEALTHY 1"], &[("1", 333), ("2", 333), ("3", 333)]),
        (
            r#", "common_lb_config": {"healthy_panic_threshold": {"value": 0}}"#,
            &["0/1: 1 UNHEALTHY 1, 2 UNHEALTHY 1, 3 HEALTHY 1"],
            &[("3", 1000)],
        ),
        ("", &["0/1: 1 DRAINING 1, 2 HEALTHY 1"], &[("2", 1000)]),
        ("", &["0/1: 1 HEALTHY 1", "1/1: 2 HEALTHY 1"], &[("1", 1000)]),
        // Half of priority 0 is 70 % with overprovisioning; the rest spills over.
        ("", &["0/1: 1 HEALTHY 1, 3 UNHEALTHY 1", "1/1: 2 HEALTHY 1"], &[("1", 700), ("2", 300)]),
        ("", &["0/1: 1 UNHEALTHY 1", "1/1: 2 HEALTHY 1"], &[("2", 1000)]),
        (
            "",
            &["0/1: 1 DEGRADED 1, 2 HEALTHY 1, 3 DEGRADED 1, 4 DEGRADED 1"],
            &[("1", 217), ("2", 350), ("3", 217), ("4", 217)],
        ),
        (
            r#", "common_lb_config": {"locality_weighted_lb_config": {}}"#,
            &["0/1: 1 HEALTHY 1", "0/3: 2 HEALTHY 1, 3 HEALTHY 1"],
            &[("1", 250), ("2", 375), ("3", 375)],
        ),
        (r#", "common_lb_config": {"healthy_panic_threshold": {"value": 0}}"#, &["0/1: 1 UNHEALTHY 1"], &[]),
    ] {
        let found = shares(settings, lines, &|_| 0, 1000);
        assert_eq!(found.len(), wanted.len(), "{settings} {lines:?}: {found:?}");
        for (host, count) in wanted {
            let got = found.get(*host).copied().unwrap_or(0);
            assert!(got.abs_diff(*count) <= 45, "{settings} {lines:?}: {host} {got}, wanted {count}");
        }
    }
}

#[test]
fn least_request_leaves_busy_hosts_alone() {
    let settings = r#", "lb_policy": "LEAST_REQUEST", "least_request_lb_config": {"choice_count": 3}"#;
    let found = shares(settings, &["0/1: 1 HEALTHY 1, 2 HEALTHY 1"], &|index| if index == 0 { 9 } else { 0 }, 1000);
    assert!(found["1"] < 200, "{found:?}");
}

#[test]
fn hashing_is_steady_and_spreads() {
    for policy in ["RING_HASH", "MAGLEV"] {
        let cluster = cluster(&format!(r#"{{"name": "c", "lb_policy": "{policy}"}}"#));
        let choose = |lines: &[&str], hash: u64| {
            let mut balancer = LoadBalancer::new(&cluster, 0);
            balancer.rebuild(&assignment(lines), Instant::now());
            let mut random = numbers(1);
            let mut context = BalanceContext {
                random: &mut random,
                hash: Some(hash),
                active: &|_| 0,
                avoid: &[],
                host_attempts: 1,
                now: &Instant::now,
            };
            balancer.choose(&mut context).map(|chosen| chosen.endpoint.address)
        };
        let three = ["0/1: 1 HEALTHY 1, 2 HEALTHY 1, 3 HEALTHY 1"];
        let two = ["0/1: 1 HEALTHY 1, 2 HEALTHY 1"];
        let hashes: Vec<u64> = (0..40_u64).map(|key| crate::hash::xx_hash64(&key.to_le_bytes(), 0)).collect();
        let before: Vec<_> = hashes.iter().map(|hash| choose(&three, *hash)).collect();
        assert_eq!(before.iter().collect::<std::collections::HashSet<_>>().len(), 3, "{policy}");
        let moved = hashes.iter().zip(&before).filter(|(hash, before)| choose(&two, **hash) != **before).count();
        assert!(moved < 26, "{policy}: {moved} of 40 moved");
    }
}

#[test]
fn tried_and_ejected_hosts_are_avoided() {
    let mut balancer = LoadBalancer::new(&cluster(r#"{"name": "c"}"#), 0);
    balancer.rebuild(&assignment(&["0/1: 1 HEALTHY 1, 2 HEALTHY 1, 3 HEALTHY 1"]), Instant::now());
    let mut random = numbers(1);
    for _ in 0..10 {
        let mut context = BalanceContext {
            random: &mut random,
            hash: None,
            active: &|_| 0,
            avoid: &[0, 1],
            host_attempts: 6,
            now: &Instant::now,
        };
        assert_eq!(balancer.choose(&mut context).map(|chosen| chosen.index), Some(2));
    }
    balancer.eject(2, true);
    for _ in 0..10 {
        let mut context = BalanceContext {
            random: &mut random,
            hash: None,
            active: &|_| 0,
            avoid: &[],
            host_attempts: 1,
            now: &Instant::now,
        };
        assert_ne!(balancer.choose(&mut context).map(|chosen| chosen.index), Some(2));
    }
}

/// A third host comes; requests are counted a while later. Weights at the end are the declared ones again.
#[test]
fn new_hosts_take_less_at_first() {
    let slow = |policy: &str, more: &str| {
        format!(r#", "{policy}_lb_config": {{"slow_start_config": {{"slow_start_window": "100s"{more}}}}}"#)
    };
    let least = |more: &str| r#", "lb_policy": "LEAST_REQUEST""#.to_owned() + &slow("least_request", more);
    let aggressive = r#", "aggression": {"default_value": 2.0, "runtime_key": "a"}"#;
    let (half, none) = (r#", "min_weight_percent": {"value": 50}"#, r#", "min_weight_percent": {"value": 0}"#);
    for (settings, age, share) in [
        (slow("round_robin", ""), 0.0, 0.1),
        (slow("round_robin", ""), 5.0, 0.1),
        (slow("round_robin", ""), 25.0, 0.25),
        (slow("round_robin", ""), 100.0, 1.0),
        (slow("round_robin", none), 0.0, 0.0),
        // Its first turn was set when it came, as in Envoy.
        (slow("round_robin", none), 5.0, 0.0),
        (slow("round_robin", half), 25.0, 0.5),
        (slow("round_robin", aggressive), 25.0, 0.5),
        (least(""), 25.0, 0.25),
        (least(""), 200.0, 1.0),
        (String::new(), 0.0, 1.0),
    ] {
        let mut balancer = LoadBalancer::new(&cluster(&format!(r#"{{"name": "c"{settings}}}"#)), 0);
        let start = Instant::now();
        balancer.rebuild(&assignment(&["0/1: 1 HEALTHY 1, 2 HEALTHY 1"]), start);
        let later = start + Duration::from_secs(1000);
        balancer.rebuild(&assignment(&["0/1: 1 HEALTHY 1, 2 HEALTHY 1, 3 HEALTHY 1"]), later);
        let now = || later + Duration::from_secs_f64(age);
        let mut random = numbers(1);
        let mut found = [0_u32; 3];
        for _ in 0..3000 {
            let mut context = BalanceContext {
                random: &mut random,
                hash: None,
                active: &|_| 0,
                avoid: &[],
                host_attempts: 1,
                now: &now,
            };
            found[balancer.choose(&mut context).expect("a host").index] += 1;
        }
        let wanted = 3000.0 * share / (2.0 + share);
        assert!((f64::from(found[2]) - wanted).abs() < 70.0, "{settings} {age}: {found:?}, wanted {wanted}");
    }
}

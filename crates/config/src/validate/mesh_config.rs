//! MeshConfig: what is written in it. Fields that are left out have good defaults.

use std::time::Duration;

use crate::kinds::mesh_config::MeshConfig;
use crate::validate::{Check, limits, locality, names, traffic_policy, wrong};

/// Longest connect timeout that Istio takes.
const LONGEST_CONNECT: Duration = Duration::from_secs(3600);

/// Judges a mesh configuration.
pub(crate) fn mesh_config(check: &mut Check<'_, '_>, config: &MeshConfig) {
    for (field, port) in [
        ("proxy_listen_port", config.proxy_listen_port),
        ("proxy_inbound_listen_port", config.proxy_inbound_listen_port),
        ("proxy_http_port", config.proxy_http_port),
    ] {
        if port != 0 {
            check.rule_of(field, limits::port(u32::try_from(port).unwrap_or(u32::MAX)));
        }
    }
    traffic_policy::duration(check, "connect_timeout", config.connect_timeout);
    if config.connect_timeout.is_some_and(|value| value > LONGEST_CONNECT) {
        check.rule_of("connect_timeout", wrong("this is longer than an hour", "the longest is 1h"));
    }
    if config.protocol_detection_timeout.is_some_and(|value| !value.subsec_nanos().is_multiple_of(1_000_000)) {
        check.rule_of(
            "protocol_detection_timeout",
            wrong("this has a fraction of a millisecond", "round it to whole milliseconds"),
        );
    }
    check.some("locality_lb_setting", config.locality_lb_setting.as_ref(), |check, setting| {
        locality::locality(check, setting, true);
    });
    check.some("zone_aware_lb_setting", config.zone_aware_lb_setting.as_ref(), |check, setting| {
        locality::zone_aware(check, setting, true);
    });
    check.each("service_settings", &config.service_settings, |check, settings| {
        check.each("hosts", &settings.hosts, |check, host| check.rule(names::wildcard_host(host)));
    });
    if !config.trust_domain.is_empty() {
        check.rule_of("trust_domain", trust_domain(&config.trust_domain));
    }
    check.each("trust_domain_aliases", &config.trust_domain_aliases, |check, alias| check.rule(trust_domain(alias)));
    check.some("default_traffic_policy", config.default_traffic_policy.as_ref(), |check, policy| {
        check.some("connection_pool", policy.connection_pool.as_ref(), traffic_policy::connection_pool);
        check.some("outlier_detection", policy.outlier_detection.as_ref(), traffic_policy::outlier_detection);
    });
}

/// A trust domain: labels with dots between, of which the last may be a number.
fn trust_domain(text: &str) -> crate::validate::Rule {
    let labels = text.strip_suffix('.').unwrap_or(text);
    match labels.split('.').all(names::is_label) {
        true => Ok(()),
        false => wrong("this is no trust domain", "write it as `cluster.local`"),
    }
}

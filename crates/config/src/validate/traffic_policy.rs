//! Traffic policies: pools, ejection, TLS towards endpoints, tunnels.

use std::time::Duration;

use crate::decode::context::shorten;
use crate::kinds::destination_rule::{
    ClientTlsMode, ClientTlsSettings, ConnectionPoolSettings, H2UpgradePolicy, HttpSettings, OutlierDetection,
    PortTrafficPolicy, TcpSettings, TrafficPolicy, TunnelSettings,
};
use crate::object::ObjectMeta;
use crate::validate::{Check, addresses, limits, load_balancer, names};

const EMPTY: &str = "this policy says nothing";
const EMPTY_HINT: &str = "write what it is about, or leave it out";

/// Bytes of the SNI that Envoy sends (`UpstreamTlsContext.sni`).
const LONGEST_SNI: usize = 255;

/// Judges a traffic policy.
pub(crate) fn traffic_policy(check: &mut Check<'_, '_>, meta: &ObjectMeta, policy: &TrafficPolicy) {
    let says_nothing = policy.load_balancer.is_none()
        && policy.connection_pool.is_none()
        && policy.outlier_detection.is_none()
        && policy.tls.is_none()
        && policy.tunnel.is_none()
        && policy.proxy_protocol.is_none()
        && policy.retry_budget.is_none()
        && !check.has("port_level_settings");
    if says_nothing {
        check.error(EMPTY, EMPTY_HINT);
    }
    if policy.tunnel.is_some() && policy.proxy_protocol.is_some() {
        check.field("proxy_protocol", |check| {
            check.error("`tunnel` and `proxyProtocol` exclude each other", "keep one of the two")
        });
    }
    let outlier = policy.outlier_detection.as_ref();
    check.some("load_balancer", policy.load_balancer.as_ref(), |check, settings| {
        load_balancer::load_balancer(check, settings, outlier.is_some());
    });
    check.some("connection_pool", policy.connection_pool.as_ref(), connection_pool);
    check.some("outlier_detection", outlier, outlier_detection);
    check.some("tls", policy.tls.as_ref(), |check, tls| client_tls(check, meta, tls));
    check.some("tunnel", policy.tunnel.as_ref(), tunnel);
    check.some("retry_budget", policy.retry_budget.as_ref(), |check, budget| {
        if let Some(percent) = budget.percent {
            check.rule_of("percent", limits::share(percent));
        }
        duration(check, "budget_interval", budget.budget_interval);
    });
    if policy.port_level_settings.len() > 4096 {
        check.field("port_level_settings", |check| check.error("there are more than 4096 ports", ""));
    }
    check.each("port_level_settings", &policy.port_level_settings, |check, policy| port_policy(check, meta, policy));
}

fn port_policy(check: &mut Check<'_, '_>, meta: &ObjectMeta, policy: &PortTrafficPolicy) {
    match &policy.port {
        None => check.error("`port` is missing", "write `port: {number: …}`"),
        Some(port) if port.number > 65535 => {
            check.field("port", |check| check.rule_of("number", limits::port(port.number)));
        }
        Some(_) => {}
    }
    let outlier = policy.outlier_detection.as_ref();
    if policy.load_balancer.is_none() && policy.connection_pool.is_none() && outlier.is_none() && policy.tls.is_none() {
        check.error(EMPTY, EMPTY_HINT);
    }
    check.some("load_balancer", policy.load_balancer.as_ref(), |check, settings| {
        load_balancer::load_balancer(check, settings, outlier.is_some());
    });
    check.some("connection_pool", policy.connection_pool.as_ref(), connection_pool);
    check.some("outlier_detection", outlier, outlier_detection);
    check.some("tls", policy.tls.as_ref(), |check, tls| client_tls(check, meta, tls));
}

/// Judges a duration field.
pub(crate) fn duration(check: &mut Check<'_, '_>, field: &str, value: Option<Duration>) {
    if let Some(value) = value {
        check.rule_of(field, limits::duration(value));
    }
}

/// Judges connection limits.
pub(crate) fn connection_pool(check: &mut Check<'_, '_>, pool: &ConnectionPoolSettings) {
    if pool.http.is_none() && pool.tcp.is_none() {
        check.error("these limits say nothing", "write `tcp` or `http`");
    }
    check.some("http", pool.http.as_ref(), http_pool);
    check.some("tcp", pool.tcp.as_ref(), tcp_pool);
}

fn http_pool(check: &mut Check<'_, '_>, http: &HttpSettings) {
    for (field, value) in [
        ("http1_max_pending_requests", http.http1_max_pending_requests),
        ("http2_max_requests", http.http2_max_requests),
        ("max_requests_per_connection", http.max_requests_per_connection),
        ("max_retries", http.max_retries),
        ("max_concurrent_streams", http.max_concurrent_streams),
    ] {
        check.rule_of(field, limits::not_negative(value));
    }
    duration(check, "idle_timeout", http.idle_timeout);
    if http.h2_upgrade_policy == H2UpgradePolicy::Upgrade && http.use_client_protocol {
        check.field("use_client_protocol", |check| {
            check.error("`h2UpgradePolicy: UPGRADE` sets the protocol already", "keep one of the two");
        });
    }
    check.some("http2_keep_alive", http.http2_keep_alive.as_ref(), |check, keep| {
        for (field, value) in [("interval", keep.interval), ("timeout", keep.timeout)] {
            match value {
                None => check.error(format!("`{field}` is missing"), "write `interval` and `timeout`"),
                Some(value) => check.rule_of(field, limits::duration(value)),
            }
        }
    });
}

fn tcp_pool(check: &mut Check<'_, '_>, tcp: &TcpSettings) {
    check.rule_of("max_connections", limits::not_negative(tcp.max_connections));
    duration(check, "connect_timeout", tcp.connect_timeout);
    duration(check, "max_connection_duration", tcp.max_connection_duration);
    // 0s turns this one off.
    duration(check, "idle_timeout", tcp.idle_timeout.filter(|value| value.as_millis() > 0));
    check.some("tcp_keepalive", tcp.tcp_keepalive.as_ref(), |check, keep| {
        duration(check, "time", keep.time);
        duration(check, "interval", keep.interval);
    });
}

/// Judges ejection.
pub(crate) fn outlier_detection(check: &mut Check<'_, '_>, outlier: &OutlierDetection) {
    duration(check, "base_ejection_time", outlier.base_ejection_time);
    duration(check, "interval", outlier.interval);
    check.rule_of("max_ejection_percent", limits::percent(outlier.max_ejection_percent));
    check.rule_of("min_health_percent", limits::percent(outlier.min_health_percent));
    if outlier.consecutive_errors != 0 {
        check.field("consecutive_errors", |check| {
            check.warning(
                "`consecutiveErrors` is deprecated",
                "use `consecutiveGatewayErrors` or `consecutive5xxErrors`",
            );
        });
    }
    if !outlier.split_external_local_origin_errors && outlier.consecutive_local_origin_failures.unwrap_or(0) > 0 {
        check.field("consecutive_local_origin_failures", |check| {
            check.error("local failures are not counted apart", "set `splitExternalLocalOriginErrors: true`");
        });
    }
    check.each("outlier_detection_http_error_codes", &outlier.outlier_detection_http_error_codes, |check, code| {
        if !(100..=599).contains(code) {
            check.error(format!("{code} is no HTTP status"), "statuses go from 100 to 599");
        }
    });
}

/// Judges TLS towards endpoints.
pub(crate) fn client_tls(check: &mut Check<'_, '_>, meta: &ObjectMeta, tls: &ClientTlsSettings) {
    let files = [
        ("client_certificate", &tls.client_certificate),
        ("private_key", &tls.private_key),
        ("ca_certificates", &tls.ca_certificates),
        ("ca_crl", &tls.ca_crl),
    ];
    let own = matches!(tls.mode, ClientTlsMode::Simple | ClientTlsMode::Mutual);
    if tls.insecure_skip_verify == Some(true) && own {
        let secret = tls.mode == ClientTlsMode::Simple && !tls.credential_name.is_empty();
        let checked = [
            ("ca_certificates", !tls.ca_certificates.is_empty()),
            ("credential_name", secret),
            ("subject_alt_names", check.has("subject_alt_names")),
        ];
        for (field, _) in checked.iter().filter(|(_, given)| *given) {
            check.field(field, |check| {
                check.error("`insecureSkipVerify` turns this check off", "remove one of the two")
            });
        }
    }
    if own && !tls.credential_name.is_empty() {
        for (field, _) in files.iter().filter(|(_, file)| !file.is_empty()) {
            check.field(field, |check| check.error("`credentialName` gives the certificates", "remove one of the two"));
        }
    } else if tls.mode == ClientTlsMode::Mutual {
        for (field, file, name) in [
            ("client_certificate", &tls.client_certificate, "clientCertificate"),
            ("private_key", &tls.private_key, "privateKey"),
        ] {
            if file.is_empty() {
                let message = format!("MUTUAL needs `{name}`");
                check.field(field, |check| check.error(message, "write it, or `credentialName` of a Secret"));
            }
        }
    }
    if let Some((namespace, _)) = tls.credential_name.strip_prefix("configmap://").and_then(|name| name.split_once('/'))
        && !meta.namespace.is_empty()
        && namespace != meta.namespace
    {
        let message = format!("a ConfigMap of namespace `{}` cannot be read from here", shorten(namespace));
        check.field("credential_name", |check| check.error(message, "use one of the rule's own namespace"));
    }
    if tls.sni.len() > LONGEST_SNI {
        check.field("sni", |check| check.error(format!("a server name has at most {LONGEST_SNI} bytes"), ""));
    }
}

fn tunnel(check: &mut Check<'_, '_>, tunnel: &TunnelSettings) {
    if !matches!(tunnel.protocol.as_str(), "" | "CONNECT" | "POST") {
        let message = format!("`{}` opens no tunnel", shorten(&tunnel.protocol));
        check.field("protocol", |check| check.error(message, "use CONNECT or POST"));
    }
    if !addresses::is_ip(&tunnel.target_host) {
        check.rule_of("target_host", names::host(&tunnel.target_host));
    }
    check.rule_of("target_port", limits::port(tunnel.target_port));
}

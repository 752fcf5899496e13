//! ProxyConfig: what a proxy needs to start, and addresses that it can reach.
//!
//! The rules are those of Istio's `ValidateMeshConfigProxyConfig`, over defaults and all that is
//! written. Never here: a configuration that lacks its defaults.

use std::time::Duration;

use crate::decode::context::shorten;
use crate::kinds::mesh_config::{
    AuthenticationPolicy, ClusterName, ConnectionSettings, PrivateKeyProvider, PrivateKeyProviderKind, ProxyConfig,
    Tracer, Tracing,
};
use crate::object::ObjectMeta;
use crate::validate::{Check, Rule, addresses, limits, names, traffic_policy, wrong};

/// Smallest window of HTTP/2 (RFC 9113, section 6.9.2), the least that Istio takes here.
const SMALLEST_WINDOW: i32 = 65_535;

/// Judges a proxy configuration with its defaults.
pub(crate) fn proxy_config(check: &mut Check<'_, '_>, proxy: &ProxyConfig) {
    check.rule_of("config_path", given(&proxy.config_path));
    check.rule_of("binary_path", given(&proxy.binary_path));
    match &proxy.cluster_name {
        Some(ClusterName::ServiceCluster(name)) => check.rule_of("service_cluster", given(name)),
        Some(ClusterName::TracingServiceName(_)) => {}
        None => check.error("`serviceCluster` is missing", "write it, or `tracingServiceName`"),
    }
    check.rule_of("drain_duration", drain(proxy.drain_duration.unwrap_or_default()));
    check.rule_of("discovery_address", address(&proxy.discovery_address));
    check.some("tracing", proxy.tracing.as_ref(), tracing);
    for (field, value) in [
        ("statsd_udp_address", &proxy.statsd_udp_address),
        ("envoy_metrics_service_address", &proxy.envoy_metrics_service_address),
    ] {
        check.rule_of(field, optional_address(value));
    }
    for (field, service) in [
        ("envoy_metrics_service", &proxy.envoy_metrics_service),
        ("envoy_access_log_service", &proxy.envoy_access_log_service),
    ] {
        check.some(field, service.as_ref(), |check, service| {
            check.rule_of("address", optional_address(&service.address));
        });
    }
    for (field, port) in [("proxy_admin_port", proxy.proxy_admin_port), ("status_port", proxy.status_port)] {
        check.rule_of(field, limits::port(u32::try_from(port).unwrap_or(u32::MAX)));
    }
    if proxy.control_plane_auth_policy == AuthenticationPolicy::Inherit {
        check.rule_of("control_plane_auth_policy", wrong("a proxy cannot inherit this", "write MUTUAL_TLS or NONE"));
    }
    if proxy.proxy_metadata.contains_key("ISTIO_META_DNS_AUTO_ALLOCATE") {
        check.field("proxy_metadata", |check| {
            check.key("ISTIO_META_DNS_AUTO_ALLOCATE", |check| {
                check.warning("this is deprecated", "addresses of ServiceEntries are given by the control plane now");
            });
        });
    }
    check.some("private_key_provider", proxy.private_key_provider.as_ref(), private_keys);
    check.some("connection_settings", proxy.connection_settings.as_ref(), connections);
}

fn tracing(check: &mut Check<'_, '_>, tracing: &Tracing) {
    // The address of the node is filled in when the proxy starts.
    let host_ip = |text: &str| address(&text.replacen("$(HOST_IP)", "127.0.0.1", 1));
    match &tracing.tracer {
        Some(Tracer::Lightstep(lightstep)) => check.field("lightstep", |check| {
            check.rule_of("address", address(&lightstep.address));
            check.rule_of("access_token", given(&lightstep.access_token));
        }),
        Some(Tracer::Zipkin(zipkin)) => {
            check.field("zipkin", |check| check.rule_of("address", host_ip(&zipkin.address)));
        }
        Some(Tracer::Datadog(datadog)) => {
            check.field("datadog", |check| check.rule_of("address", host_ip(&datadog.address)));
        }
        _ => {}
    }
    check.some("tls_settings", tracing.tls_settings.as_ref(), |check, tls| {
        traffic_policy::client_tls(check, &ObjectMeta::default(), tls);
        if tls.credential_name.starts_with("configmap://") {
            check.rule_of("credential_name", wrong("a ConfigMap cannot be read here", "name a Secret, or use files"));
        }
    });
}

fn private_keys(check: &mut Check<'_, '_>, provider: &PrivateKeyProvider) {
    let (field, offload) = match &provider.provider {
        Some(PrivateKeyProviderKind::Cryptomb(offload)) => ("cryptomb", offload),
        Some(PrivateKeyProviderKind::Qat(offload)) => ("qat", offload),
        None => return check.error("the provider is missing", "write `cryptomb` or `qat`"),
    };
    if offload.poll_delay.unwrap_or_default().is_zero() {
        check.field(field, |check| check.rule_of("poll_delay", wrong("`pollDelay` is missing", "write it as `10ms`")));
    }
}

fn connections(check: &mut Check<'_, '_>, settings: &ConnectionSettings) {
    for (field, value, least) in [
        ("listener_per_connection_buffer_limit_bytes", settings.listener_per_connection_buffer_limit_bytes, 0),
        ("cluster_per_connection_buffer_limit_bytes", settings.cluster_per_connection_buffer_limit_bytes, 0),
        ("http_max_concurrent_streams", settings.http_max_concurrent_streams, 1),
        ("http2_initial_stream_window_size", settings.http2_initial_stream_window_size, SMALLEST_WINDOW),
        ("http2_initial_connection_window_size", settings.http2_initial_connection_window_size, SMALLEST_WINDOW),
        ("listener_connection_limit", settings.listener_connection_limit, 1),
        ("global_downstream_connection_limit", settings.global_downstream_connection_limit, 1),
    ] {
        if let Some(value) = value.filter(|value| *value < least) {
            check.rule_of(field, wrong(format!("{value} is too small"), format!("the smallest is {least}")));
        }
    }
}

fn given(text: &str) -> Rule {
    match text {
        "" => wrong("this may not be empty", "leave the field out for the default"),
        _ => Ok(()),
    }
}

/// Whole seconds, and at least one.
fn drain(duration: Duration) -> Rule {
    limits::duration(duration)?;
    match duration.subsec_nanos() {
        0 => Ok(()),
        _ => wrong("this has a fraction of a second", "round it to whole seconds"),
    }
}

fn optional_address(text: &str) -> Rule {
    match text {
        "" => Ok(()),
        text => address(text),
    }
}

/// `host:port` with a host name or an IP address (`ValidateProxyAddress`).
fn address(text: &str) -> Rule {
    let Some((host, port)) = addresses::split_port(text) else {
        return wrong(format!("`{}` is no address with a port", shorten(text)), "write it as `host:port`");
    };
    addresses::port_text(port)?;
    match addresses::is_ip(host) {
        true => Ok(()),
        false => names::host(host),
    }
}

//! Sidecar: its listeners, the hosts that they see, and calls to the unknown.

use std::collections::BTreeSet;

use crate::decode::context::shorten;
use crate::kinds::sidecar::{
    CaptureMode, IstioEgressListener, IstioIngressListener, OutboundTrafficPolicy, OutboundTrafficPolicyMode, Sidecar,
    SidecarPort,
};
use crate::kinds::tls_settings::{ServerTlsMode, ServerTlsSettings};
use crate::validate::traffic_policy::connection_pool;
use crate::validate::{Check, Rule, addresses, gateway, http_route, labels, limits, names, server_tls, wrong};

/// Addresses of an application beside its proxy.
const LOCAL: &[&str] = &["", "127.0.0.1", "0.0.0.0", "::1", "::"];

/// Judges a Sidecar.
pub(crate) fn sidecar(check: &mut Check<'_, '_>, sidecar: &Sidecar) {
    check.field("spec", |check| {
        check.some("workload_selector", sidecar.workload_selector.as_ref(), |check, selector| {
            labels::selector(check, "labels", &selector.labels);
        });
        let says_nothing = sidecar.egress.is_empty()
            && sidecar.ingress.is_empty()
            && sidecar.outbound_traffic_policy.is_none()
            && sidecar.inbound_connection_pool.is_none();
        if says_nothing {
            check.error("this Sidecar says nothing", "write `egress`, `ingress` or `outboundTrafficPolicy`");
        }
        let mut ports = BTreeSet::new();
        check.each("ingress", &sidecar.ingress, |check, listener| ingress(check, listener, &mut ports));
        check.some("inbound_connection_pool", sidecar.inbound_connection_pool.as_ref(), connection_pool);
        egress(check, &sidecar.egress);
        check.some("outbound_traffic_policy", sidecar.outbound_traffic_policy.as_ref(), outbound_policy);
    });
}

fn ingress(check: &mut Check<'_, '_>, listener: &IstioIngressListener, ports: &mut BTreeSet<u32>) {
    let Some(port) = &listener.port else {
        check.error("`port` is missing", "write `port: {number: …, protocol: …}`");
        return;
    };
    check.field("port", |check| {
        self::port(check, port);
        check.rule_of("number", limits::port(port.number));
        if !ports.insert(port.number) {
            check.field("number", |check| check.error("another listener has this port", "give each its own"));
        }
    });
    if !listener.bind.is_empty() {
        check.rule_of("bind", addresses::ip(&listener.bind));
    }
    if !listener.default_endpoint.is_empty() {
        check.rule_of("default_endpoint", local_endpoint(&listener.default_endpoint));
    }
    check.some("tls", listener.tls.as_ref(), |check, tls| ingress_tls(check, tls, port));
    check.some("connection_pool", listener.connection_pool.as_ref(), |check, pool| {
        connection_pool(check, pool);
        if pool.http.is_some() && !gateway::is_http(&port.protocol) {
            check.field("http", |check| check.warning("this port does not speak HTTP, so only `tcp` counts", ""));
        }
    });
}

fn port(check: &mut Check<'_, '_>, port: &SidecarPort) {
    if !port.name.is_empty() {
        check.rule_of("name", names::label("port name", &port.name));
    }
    check.rule_of("protocol", gateway::protocol(&port.protocol));
    if port.target_port > 0 {
        check.field("target_port", |check| {
            check.error("`targetPort` means nothing in a Sidecar", "use `defaultEndpoint`")
        });
    }
}

/// Where the application listens: an address of its own, or a socket.
fn local_endpoint(text: &str) -> Rule {
    if let Some(path) = text.strip_prefix(addresses::UNIX) {
        return addresses::unix(path);
    }
    let hint = "write `127.0.0.1:PORT`, `0.0.0.0:PORT`, `[::1]:PORT` or `unix://` and a path";
    match addresses::split_port(text) {
        Some((host, port)) if LOCAL.contains(&host) => addresses::port_text(port),
        Some((host, _)) => wrong(format!("the application does not listen on `{}`", shorten(host)), hint),
        None => wrong(format!("`{}` is no address with a port", shorten(text)), hint),
    }
}

fn ingress_tls(check: &mut Check<'_, '_>, tls: &ServerTlsSettings, port: &SidecarPort) {
    for (field, given) in [
        ("subject_alt_names", !tls.subject_alt_names.is_empty()),
        ("https_redirect", tls.https_redirect),
        ("credential_name", !tls.credential_name.is_empty()),
        ("credential_names", !tls.credential_names.is_empty()),
        ("tls_certificates", !tls.tls_certificates.is_empty()),
    ] {
        if given {
            check.field(field, |check| check.error("this is not supported in a Sidecar", "use files of a certificate"));
        }
    }
    if matches!(tls.mode, ServerTlsMode::IstioMutual | ServerTlsMode::AutoPassthrough) {
        let message = format!("{} is not supported in a Sidecar", tls.mode);
        check.field("mode", |check| check.error(message, "use SIMPLE, MUTUAL, OPTIONAL_MUTUAL or PASSTHROUGH"));
    }
    if !lateen_core::Protocol::parse(&port.protocol).is_tls() {
        check.error("only a port of protocol HTTPS or TLS has `tls`", "change the protocol, or remove `tls`");
    }
    server_tls::server_tls(check, tls);
}

fn egress(check: &mut Check<'_, '_>, listeners: &[IstioEgressListener]) {
    let (mut ports, mut sockets) = (BTreeSet::new(), BTreeSet::new());
    let last = listeners.len().saturating_sub(1);
    let mut index = 0;
    check.each("egress", listeners, |check, listener| {
        match &listener.port {
            None if index != last => {
                check.error("a listener without `port` is for all other ports", "move it to the end of the list")
            }
            None => {}
            Some(port) => egress_port(check, listener, port, &mut ports, &mut sockets),
        }
        index += 1;
        if listener.hosts.is_empty() {
            check.error("`hosts` is missing", "write `hosts: [\"*/*\"]` for all");
        }
        check.each("hosts", &listener.hosts, |check, host| check.rule(seen_host(host)));
        doubled(check, &listener.hosts);
    });
}

fn egress_port<'a>(
    check: &mut Check<'_, '_>,
    listener: &'a IstioEgressListener,
    port: &SidecarPort,
    ports: &mut BTreeSet<u32>,
    sockets: &mut BTreeSet<&'a str>,
) {
    check.field("port", |check| self::port(check, port));
    if port.number != 0 {
        check.field("port", |check| {
            check.rule_of("number", limits::port(port.number));
            if !ports.insert(port.number) {
                check.field("number", |check| check.error("another listener has this port", "give each its own"));
            }
        });
        if !listener.bind.is_empty() {
            check.rule_of("bind", addresses::ip(&listener.bind));
        }
        return;
    }
    match listener.bind.strip_prefix(addresses::UNIX) {
        None => check.error(
            "a listener without a port number needs a Unix socket",
            "write `port.number`, or `bind: unix://` and a path",
        ),
        Some(path) => {
            check.rule_of("bind", addresses::unix(path));
            if !sockets.insert(&listener.bind) {
                check.field("bind", |check| check.error("another listener has this socket", "give each its own"));
            }
        }
    }
    if listener.capture_mode == CaptureMode::Iptables {
        check.field("capture_mode", |check| {
            check.error("nothing captures calls to a Unix socket", "use DEFAULT or NONE")
        });
    }
}

/// A host that a listener sees: `namespace/host`, with `~` before a namespace to leave it out.
fn seen_host(text: &str) -> Rule {
    let hint = "write `namespace/host`, such as `*/*`, `./*` or `prod/*.example.com`";
    let Some((namespace, host)) = text.split_once('/') else {
        return wrong(format!("`{}` has no namespace", shorten(text)), hint);
    };
    let plain = namespace.strip_prefix('~').unwrap_or(namespace);
    if namespace.is_empty() || !(matches!(plain, "" | "*" | ".") || names::is_label(plain)) {
        return wrong(format!("`{}` is no namespace", shorten(namespace)), hint);
    }
    gateway::full_host(host, false)
}

fn doubled(check: &mut Check<'_, '_>, hosts: &[String]) {
    let mut seen = BTreeSet::new();
    check.each("hosts", hosts, |check, host| {
        if !seen.insert(host.as_str()) {
            check.warning(format!("`{}` is here already", shorten(host)), "remove one of the two");
        }
    });
    if hosts.len() > 1 && seen.contains("*/*") && hosts.iter().any(|host| !host.starts_with('~') && host != "*/*") {
        check.field("hosts", |check| check.warning("`*/*` sees all hosts, the others add nothing", "keep it alone"));
    }
}

fn outbound_policy(check: &mut Check<'_, '_>, policy: &OutboundTrafficPolicy) {
    check.some("egress_proxy", policy.egress_proxy.as_ref(), |check, proxy| {
        if policy.mode != OutboundTrafficPolicyMode::AllowAny {
            check.error("`egressProxy` needs `mode: ALLOW_ANY`", "set the mode");
        }
        if names::wildcard_host(&proxy.host).is_ok() && proxy.host != "*" {
            check.rule_of("host", names::host(&proxy.host));
        }
        if proxy.port.is_none() {
            check.error("`port` is missing", "write `port: {number: …}`");
        }
        http_route::destination(check, proxy);
    });
}

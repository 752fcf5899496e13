//! Gateway: servers, their ports, hosts and TLS.

use std::collections::BTreeMap;

use lateen_core::Protocol;

use crate::decode::context::shorten;
use crate::kinds::gateway::{Gateway, Port, Server, ServerTlsMode};
use crate::object::ObjectMeta;
use crate::validate::{Check, Rule, addresses, limits, names, server_tls, wrong};

/// Judges a Gateway.
pub(crate) fn gateway(check: &mut Check<'_, '_>, meta: &ObjectMeta, gateway: &Gateway) {
    if names::object(&meta.name).is_ok() && !names::is_label(&meta.name) {
        check.field("metadata", |check| check.rule_of("name", names::label("name of a gateway", &meta.name)));
    }
    check.field("spec", |check| {
        if gateway.servers.is_empty() {
            check.error("a gateway needs at least one server", "write `servers` with `port` and `hosts`");
        }
        check.each("servers", &gateway.servers, server);
        unique_names(check, &gateway.servers);
    });
}

fn unique_names(check: &mut Check<'_, '_>, servers: &[Server]) {
    let mut seen = BTreeMap::new();
    for (index, port) in servers.iter().enumerate().filter_map(|(index, server)| Some((index, server.port.as_ref()?))) {
        if port.name.is_empty() || seen.insert(port.name.as_str(), index).is_none() {
            continue;
        }
        let message = format!("another port is named `{}` too", shorten(&port.name));
        check.field("servers", |check| {
            check.item(index, |check| {
                check.field("port", |check| {
                    check.field("name", |check| check.error(message, "give each port its own name"))
                });
            });
        });
    }
}

fn server(check: &mut Check<'_, '_>, server: &Server) {
    if server.hosts.is_empty() {
        check.error("a server needs at least one host", "write `hosts: [\"*\"]` for all");
    }
    check.each("hosts", &server.hosts, |check, host| check.rule(served_host(host)));
    bind(check, server);
    match &server.port {
        None => check.error("`port` is missing", "write `port: {number: 80, name: http, protocol: HTTP}`"),
        Some(port) => check.field("port", |check| self::port(check, port, &server.bind)),
    }
    check.some("tls", server.tls.as_ref(), server_tls::server_tls);
    tls_and_protocol(check, server);
}

fn bind(check: &mut Check<'_, '_>, server: &Server) {
    match server.bind.strip_prefix(addresses::UNIX) {
        Some(path) => check.rule_of("bind", addresses::unix(path)),
        None if server.bind.is_empty() => {}
        None => check.rule_of("bind", addresses::ip(&server.bind)),
    }
}

fn port(check: &mut Check<'_, '_>, port: &Port, bind: &str) {
    if Protocol::parse(&port.protocol) == Protocol::Unsupported && !is_proxy(&port.protocol) {
        let message = match port.protocol.as_str() {
            "" => "`protocol` is missing".to_owned(),
            other => format!("`{}` is no protocol", shorten(other)),
        };
        check.field("protocol", |check| {
            check.error(message, "use HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP or TLS")
        });
    }
    match (bind.starts_with(addresses::UNIX), port.number) {
        (true, 0) => {}
        (true, _) => check.field("number", |check| check.error("a Unix socket has no port", "write `number: 0`")),
        (false, number) => check.rule_of("number", limits::port(number)),
    }
    if port.target_port > 0 {
        check.field("target_port", |check| check.error("`targetPort` means nothing in a gateway", "remove it"));
    }
    if port.name.is_empty() {
        check.error("the port has no name", "write `name`, unique in this gateway");
    }
}

/// The one protocol of sidecar listeners that `Protocol` does not tell apart.
fn is_proxy(protocol: &str) -> bool {
    protocol.eq_ignore_ascii_case("http_proxy")
}

/// A protocol that a port may declare; empty means found out.
pub(crate) fn protocol(text: &str) -> Rule {
    if text.is_empty() || is_proxy(text) || Protocol::parse(text) != Protocol::Unsupported {
        return Ok(());
    }
    wrong(
        format!("`{}` is no protocol", shorten(text)),
        "use HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP, TLS, or leave it out",
    )
}

/// Whether requests on a port can be seen without ending TLS.
pub(crate) fn is_http(protocol: &str) -> bool {
    Protocol::parse(protocol).is_http() || is_proxy(protocol)
}

fn tls_and_protocol(check: &mut Check<'_, '_>, server: &Server) {
    let Some(port) = &server.port else { return };
    if protocol(&port.protocol).is_err() || port.protocol.is_empty() {
        return;
    }
    let tls_port = Protocol::parse(&port.protocol).is_tls();
    match &server.tls {
        None if tls_port => check.error(
            format!("a port of protocol {} needs `tls`", port.protocol),
            "write `tls` with `mode` and `credentialName`, or make the port HTTP or TCP",
        ),
        Some(tls) if !tls_port => {
            let plain = matches!(tls.mode, ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough);
            let files = [&tls.ca_certificates, &tls.private_key, &tls.server_certificate];
            let redirect_only = is_http(&port.protocol) && plain && files.iter().all(|file| file.is_empty());
            if !redirect_only {
                let message = format!("a port of protocol {} has no TLS", port.protocol);
                check.field("tls", |check| {
                    check.error(message, "make the port HTTPS or TLS, or keep `httpsRedirect` alone")
                });
            }
        }
        _ => {}
    }
    if server.tls.as_ref().is_some_and(|tls| tls.https_redirect) && !is_http(&port.protocol) {
        check.field("tls", |check| {
            check.field("https_redirect", |check| {
                check.warning("only plain HTTP can be redirected", "put it on the HTTP server")
            });
        });
    }
}

/// A host of a server: `host`, `namespace/host`, `./host` or `*/host`.
fn served_host(text: &str) -> Rule {
    let host = match text.split_once('/') {
        None => text,
        Some((namespace, host)) => {
            if !matches!(namespace, "*" | ".") && !names::is_label(namespace) {
                return wrong(
                    format!("`{}` is no namespace", shorten(namespace)),
                    "before the slash stands a namespace, `.` or `*`",
                );
            }
            host
        }
    };
    full_host(host, true)
}

/// A host with at least one dot, or `*`; the wildcard is a whole label.
pub(crate) fn full_host(host: &str, or_address: bool) -> Rule {
    if or_address && addresses::is_ip(host) {
        return match host.contains('.') {
            true => Ok(()),
            false => wrong("an IPv6 address cannot stand here", "write `*` and match the authority in the routes"),
        };
    }
    names::wildcard_host(host)?;
    names::whole_wildcard(host)?;
    if host != "*" && !host.contains('.') {
        return wrong(format!("`{}` is a short name", shorten(host)), "write the full name, with its domain");
    }
    Ok(())
}

//! Routes of TLS and TCP connections.

use lateen_core::Host;

use crate::decode::context::shorten;
use crate::kinds::virtual_service::{RouteDestination, TcpRoute, TlsMatchAttributes, TlsRoute, VirtualService};
use crate::validate::{Check, Rule, addresses, http_match, http_route, labels, limits, names, virtual_service, wrong};

/// Judges a TLS route of a VirtualService.
pub(crate) fn tls_route(check: &mut Check<'_, '_>, route: &TlsRoute, service: &VirtualService) {
    if route.r#match.is_empty() {
        check.error("a TLS route needs a `match` with `sniHosts`", "");
    }
    let hosts: Vec<Host> = service.hosts.iter().map(|host| Host::new(host)).collect();
    let mesh_too = service.gateways.iter().any(|gateway| gateway == "mesh");
    check.each("match", &route.r#match, |check, at| tls_match(check, at, &hosts, mesh_too));
    destinations(check, &route.route);
}

fn tls_match(check: &mut Check<'_, '_>, at: &TlsMatchAttributes, hosts: &[Host], mesh_too: bool) {
    if at.sni_hosts.is_empty() {
        check.error("`sniHosts` is missing", "name the hosts that clients ask for");
    }
    check.each("sni_hosts", &at.sni_hosts, |check, sni| {
        if addresses::is_ip(sni) {
            check.warning("clients send no addresses in SNI", "write a host name");
            return;
        }
        let rule = if mesh_too { names::wildcard_host(sni) } else { virtual_service::sni_host(sni) };
        check.rule(rule.and_then(|()| names::whole_wildcard(sni)).and_then(|()| among(sni, hosts)));
    });
    subnets(check, &at.destination_subnets);
    port(check, at.port);
    labels::labels(check, "source_labels", &at.source_labels);
    http_match::gateways(check, &at.gateways);
}

fn among(sni: &str, hosts: &[Host]) -> Rule {
    let name = Host::new(sni);
    if hosts.iter().any(|host| host.covers(&name)) {
        return Ok(());
    }
    wrong(format!("`{}` is none of the `hosts` of this VirtualService", shorten(sni)), "add it to `hosts`")
}

/// Judges a TCP route.
pub(crate) fn tcp_route(check: &mut Check<'_, '_>, route: &TcpRoute) {
    check.each("match", &route.r#match, |check, at| {
        subnets(check, &at.destination_subnets);
        port(check, at.port);
        labels::labels(check, "source_labels", &at.source_labels);
        http_match::gateways(check, &at.gateways);
    });
    destinations(check, &route.route);
}

fn destinations(check: &mut Check<'_, '_>, route: &[RouteDestination]) {
    if route.is_empty() {
        check.error("`route` is missing", "name a destination");
    }
    check.each("route", route, |check, to| http_route::required(check, to.destination.as_ref()));
    let weights: Vec<i32> = route.iter().map(|to| to.weight).collect();
    http_route::check_weights(check, &weights);
}

fn subnets(check: &mut Check<'_, '_>, subnets: &[String]) {
    check.each("destination_subnets", subnets, |check, subnet| check.rule(addresses::subnet(subnet)));
}

fn port(check: &mut Check<'_, '_>, port: u32) {
    if port != 0 {
        check.rule_of("port", limits::port(port));
    }
}

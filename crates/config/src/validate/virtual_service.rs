//! VirtualService: hosts, what makes a delegate, and its routes by protocol.

use crate::decode::context::shorten;
use crate::kinds::virtual_service::VirtualService;
use crate::object::ObjectMeta;
use crate::validate::export_to::{Audience, export_to};
use crate::validate::{Check, Rule, addresses, headers, http_match, http_route, l4_route, names, wrong};

/// The gateway that stands for all sidecars.
const MESH: &str = "mesh";

/// Judges a VirtualService.
pub(crate) fn virtual_service(check: &mut Check<'_, '_>, meta: &ObjectMeta, service: &VirtualService) {
    check.field("spec", |check| {
        let delegate = service.hosts.is_empty();
        if delegate {
            no_delegate_fields(check, service);
        }
        http_match::gateways(check, &service.gateways);
        hosts(check, service);
        if !at_gateways(service) {
            no_claims(check, service);
        }
        if service.http.is_empty() && service.tls.is_empty() && service.tcp.is_empty() {
            check.error("there are no routes", "write routes under `http`, `tls` or `tcp`");
        }
        check.each("http", &service.http, |check, route| http_route::http_route(check, route, delegate));
        check.each("tls", &service.tls, |check, route| l4_route::tls_route(check, route, service));
        check.each("tcp", &service.tcp, l4_route::tcp_route);
        export_to(check, &meta.namespace, &service.export_to, Audience::Namespaces);
    });
}

/// Whether only gateways apply these routes.
fn at_gateways(service: &VirtualService) -> bool {
    !service.gateways.is_empty() && !service.gateways.iter().any(|gateway| gateway == MESH)
}

fn no_delegate_fields(check: &mut Check<'_, '_>, service: &VirtualService) {
    let lists = [("gateways", service.gateways.len()), ("tls", service.tls.len()), ("tcp", service.tcp.len())];
    for (field, length) in lists {
        if length > 0 {
            check.field(field, |check| {
                check.error(
                    format!("without `hosts` this is a delegate, and a delegate has no `{field}`"),
                    "write `hosts`, or leave only `http` routes",
                );
            });
        }
    }
}

fn hosts(check: &mut Check<'_, '_>, service: &VirtualService) {
    let at_gateways = at_gateways(service);
    let sni = service.tls.iter().any(|route| route.r#match.iter().any(|at| !at.sni_hosts.is_empty()));
    let mut all_good = true;
    check.each("hosts", &service.hosts, |check, host| {
        let rule = match host.as_str() {
            host if addresses::is_ip(host) => Ok(()),
            "*" if !at_gateways => wrong(
                "`*` is not allowed for routes of the mesh",
                "name the hosts, or the `gateways` that apply these routes, without `mesh`",
            ),
            host if at_gateways && sni => sni_host(host),
            host => names::wildcard_host(host),
        };
        all_good &= rule.is_ok();
        check.rule(rule);
    });
    if all_good {
        overlapping(check, &service.hosts);
    }
}

/// A host name, or the name that Istio gives a cluster in SNI: `outbound_.80_.v1_.host`.
pub(crate) fn sni_host(host: &str) -> Rule {
    if !host.starts_with("outbound_") || host.len() > 255 {
        return names::wildcard_host(host);
    }
    let parts: Vec<&str> = host.split('_').collect();
    let port = parts.get(1).map(|port| port.trim_matches('.'));
    let name = parts.get(3).map(|name| name.trim_matches('.'));
    match (parts.first(), port, name) {
        (Some(&"outbound"), Some(port), Some(name))
            if port.bytes().any(|c| c.is_ascii_digit()) && name.bytes().any(|c| c.is_ascii_alphabetic()) =>
        {
            Ok(())
        }
        _ => wrong(format!("`{}` is no SNI of a cluster", shorten(host)), "write it as `outbound_.80_.subset_.host`"),
    }
}

/// Two hosts of one VirtualService may not stand for the same name.
///
/// Reversed, a wildcard is a prefix of what it covers, so sorting puts it right before.
fn overlapping(check: &mut Check<'_, '_>, hosts: &[String]) {
    let mut sorted: Vec<(Vec<u8>, bool, usize)> = hosts
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let suffix = host.strip_prefix('*');
            (suffix.unwrap_or(host).bytes().rev().collect(), suffix.is_none(), index)
        })
        .collect();
    sorted.sort();
    let mut wildcard: Option<(&[u8], usize)> = None;
    let mut before: Option<(&[u8], usize)> = None;
    for (name, exact, index) in &sorted {
        let covering =
            wildcard.filter(|(suffix, _)| name.starts_with(suffix)).or(before.filter(|(same, _)| same == name));
        if let Some((_, other)) = covering {
            let (first, second) = (other.min(*index), other.max(*index));
            let message = format!("`{}` overlaps with `{}`", shorten(&hosts[second]), shorten(&hosts[first]));
            check.field("hosts", |check| check.item(second, |check| check.error(message, "keep one of the two")));
        } else if !exact {
            wildcard = Some((name, *index));
        }
        before = Some((name, *index));
    }
}

/// Only a gateway knows the claims of a token.
fn no_claims(check: &mut Check<'_, '_>, service: &VirtualService) {
    check.each("http", &service.http, |check, route| {
        check.each("match", &route.r#match, |check, request| {
            for (field, matches) in [("headers", &request.headers), ("without_headers", &request.without_headers)] {
                for name in matches.keys().filter(|name| headers::is_claim(name)) {
                    check.field(field, |check| {
                        check.key(name, |check| {
                            check.error(
                                "claims of tokens can be matched at gateways only",
                                "name `gateways`, without `mesh`",
                            );
                        });
                    });
                }
            }
        });
    });
}

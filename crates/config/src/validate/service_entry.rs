//! ServiceEntry: hosts, addresses and ports, and what each resolution needs.

use std::collections::BTreeSet;

use lateen_core::Protocol;

use crate::decode::context::shorten;
use crate::kinds::service_entry::{Location, Resolution, ServiceEntry, ServicePort};
use crate::object::ObjectMeta;
use crate::validate::export_to::{Audience, export_to};
use crate::validate::workload_entry::{Around, endpoint};
use crate::validate::{Check, Rule, addresses, gateway, labels, limits, names, wrong};

/// Judges a ServiceEntry.
pub(crate) fn service_entry(check: &mut Check<'_, '_>, meta: &ObjectMeta, entry: &ServiceEntry) {
    check.field("spec", |check| {
        selector(check, entry);
        hosts(check, entry);
        check.each("addresses", &entry.addresses, |check, address| {
            check.rule(addresses::subnet(address));
            if address.contains('/') && !matches!(entry.resolution, Resolution::None | Resolution::Static) {
                check.error("a range of addresses needs resolution NONE or STATIC", "write single addresses");
            }
        });
        ports(check, &entry.ports);
        sizes(check, entry);
        match entry.resolution {
            Resolution::DynamicDns => dynamic_dns(check, meta, entry),
            _ => endpoints(check, entry),
        }
        export_to(check, &meta.namespace, &entry.export_to, Audience::OrNobody);
    });
}

fn selector(check: &mut Check<'_, '_>, entry: &ServiceEntry) {
    check.some("workload_selector", entry.workload_selector.as_ref(), |check, selector| {
        labels::selector(check, "labels", &selector.labels);
        if entry.resolution == Resolution::None {
            check.warning("resolution NONE looks at no workloads", "set `resolution: STATIC`");
        }
    });
    if entry.workload_selector.is_some() && check.has("endpoints") {
        check.field("endpoints", |check| {
            check.error("`workloadSelector` and `endpoints` exclude each other", "keep one of the two")
        });
    }
}

fn hosts(check: &mut Check<'_, '_>, entry: &ServiceEntry) {
    if entry.hosts.is_empty() {
        check.error("`hosts` is missing", "name at least one host");
    }
    let by_name = matches!(entry.resolution, Resolution::Dns | Resolution::DnsRoundRobin) && entry.endpoints.is_empty();
    check.each("hosts", &entry.hosts, |check, host| {
        let rule = if host == "*" {
            wrong("`*` is no host of a service", "name the host")
        } else {
            names::wildcard_host(host)
        };
        let good = rule.is_ok();
        check.rule(rule);
        if good && entry.resolution != Resolution::DynamicDns {
            if let Err(doubt) = names::whole_wildcard(host) {
                check.warning(doubt.message, &doubt.hint);
            }
            if by_name && names::host(host).is_err() {
                let message = format!("`{}` cannot be found by DNS", shorten(host));
                check.error(message, "write the full name, add `endpoints`, or set `resolution: DYNAMIC_DNS`");
            }
        }
    });
    let plain = |port: &&ServicePort| {
        let protocol = Protocol::parse(&port.protocol);
        !gateway::is_http(&port.protocol) && !protocol.is_tls()
    };
    if entry.resolution != Resolution::None && entry.hosts.len() > 1 && entry.ports.iter().any(|port| plain(&port)) {
        check.field("hosts", |check| {
            check.error(
                "only HTTP and TLS tell several hosts apart",
                "write one ServiceEntry for each host, or set the `protocol` of the ports",
            );
        });
    }
}

fn ports(check: &mut Check<'_, '_>, ports: &[ServicePort]) {
    let (mut names_seen, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    check.each("ports", ports, |check, port| {
        check.rule_of("number", limits::port(port.number));
        check.rule_of("name", names::label("port name", &port.name));
        check.rule_of("protocol", gateway::protocol(&port.protocol));
        if check.has("target_port") {
            check.rule_of("target_port", limits::port(port.target_port));
        }
        if !names_seen.insert(port.name.as_str()) {
            let message = format!("a port `{}` is here already", shorten(&port.name));
            check.field("name", |check| check.error(message, "give each port its own name"));
        }
        if !numbers.insert(port.number) {
            let message = format!("port {} is here already", port.number);
            check.field("number", |check| check.error(message, "remove one of the two"));
        }
    });
}

fn sizes(check: &mut Check<'_, '_>, entry: &ServiceEntry) {
    for (field, length, most) in [
        ("hosts", entry.hosts.len(), 256),
        ("addresses", entry.addresses.len(), 256),
        ("ports", entry.ports.len(), 256),
        ("endpoints", entry.endpoints.len(), 4096),
    ] {
        if length > most {
            check.field(field, |check| {
                check.error(format!("there are {length}"), &format!("at most {most} are allowed"))
            });
        }
    }
    let weights: u64 = entry.endpoints.iter().map(|endpoint| u64::from(endpoint.weight)).sum();
    if weights > u64::from(u32::MAX) {
        check.field("endpoints", |check| {
            check.error(format!("the weights sum up to {weights}"), "the largest sum is 4294967295")
        });
    }
}

fn endpoints(check: &mut Check<'_, '_>, entry: &ServiceEntry) {
    if entry.resolution == Resolution::None && check.has("endpoints") {
        check.field("endpoints", |check| {
            check.error("resolution NONE has no endpoints", "set `resolution: STATIC` or `DNS`")
        });
        return;
    }
    if entry.resolution == Resolution::DnsRoundRobin && entry.endpoints.len() > 1 {
        check.field("endpoints", |check| {
            check.error("DNS_ROUND_ROBIN has one endpoint at most", "set `resolution: DNS`")
        });
    }
    let ports: BTreeSet<&str> = entry.ports.iter().map(|port| port.name.as_str()).collect();
    let around = Around { ports: &ports, dns: entry.resolution != Resolution::Static };
    check.each("endpoints", &entry.endpoints, |check, workload| endpoint(check, workload, &around));
}

fn dynamic_dns(check: &mut Check<'_, '_>, meta: &ObjectMeta, entry: &ServiceEntry) {
    check.each("hosts", &entry.hosts, |check, host| {
        if !host.starts_with('*') {
            check.error("DYNAMIC_DNS is for hosts with a wildcard", "set `resolution: DNS`");
        }
    });
    for (field, given) in [("addresses", !entry.addresses.is_empty()), ("endpoints", !entry.endpoints.is_empty())] {
        if given {
            check.field(field, |check| {
                check.error("DYNAMIC_DNS finds addresses by the host of the call", "remove them")
            });
        }
    }
    check.each("ports", &entry.ports, |check, port| check.rule_of("protocol", named_protocol(&port.protocol)));
    let waypoint = meta.labels.get("istio.io/use-waypoint").is_some_and(|name| !name.is_empty() && name != "none");
    if entry.location == Location::MeshInternal && waypoint {
        check.field("location", |check| {
            check.error("a waypoint takes DYNAMIC_DNS outside of the mesh only", "set `location: MESH_EXTERNAL`");
        });
    }
}

/// Protocols whose first bytes name the host.
fn named_protocol(text: &str) -> Rule {
    match Protocol::parse(text) {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc | Protocol::Tls => Ok(()),
        _ => wrong("DYNAMIC_DNS needs a protocol that names the host", "use HTTP, HTTP2, GRPC or TLS"),
    }
}

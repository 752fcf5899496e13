//! One workload: its address, ports and labels, alone or as an endpoint of a ServiceEntry.

use std::collections::BTreeSet;

use crate::decode::context::shorten;
use crate::kinds::workload_entry::WorkloadEntry;
use crate::validate::{Check, Rule, addresses, labels, limits, names, wrong};

/// What a ServiceEntry says about its endpoints.
pub(crate) struct Around<'a> {
    /// Names of its ports.
    pub(crate) ports: &'a BTreeSet<&'a str>,
    /// Whether addresses may be names.
    pub(crate) dns: bool,
}

/// Judges a WorkloadEntry.
pub(crate) fn alone(check: &mut Check<'_, '_>, entry: &WorkloadEntry) {
    workload(check, entry, None);
}

/// Judges an endpoint of a ServiceEntry.
pub(crate) fn endpoint(check: &mut Check<'_, '_>, entry: &WorkloadEntry, around: &Around<'_>) {
    workload(check, entry, Some(around));
}

fn workload(check: &mut Check<'_, '_>, entry: &WorkloadEntry, around: Option<&Around<'_>>) {
    address(check, entry, around);
    for (name, number) in &entry.ports {
        check.field("ports", |check| {
            if around.is_some_and(|around| !around.ports.contains(name.as_str())) {
                let message = format!("the service has no port `{}`", shorten(name));
                check.key(name, |check| check.error(message, "use the name of one of its `ports`"));
            } else if let Err(wrong) = port_name(name) {
                check.key(name, |check| check.rule(Err(wrong)));
            }
            check.entry(name, |check| check.rule(limits::port(*number)));
        });
    }
    labels::labels(check, "labels", &entry.labels);
    for (field, text, most) in [
        ("address", &entry.address, 256),
        ("network", &entry.network, 2048),
        ("locality", &entry.locality, 2048),
        ("service_account", &entry.service_account, 253),
    ] {
        if text.len() > most {
            check.field(field, |check| check.error(format!("this is longer than {most} characters"), ""));
        }
    }
    for (field, length, most) in [("labels", entry.labels.len(), 256), ("ports", entry.ports.len(), 128)] {
        if length > most {
            check.field(field, |check| check.error(format!("there are more than {most}"), ""));
        }
    }
}

fn address(check: &mut Check<'_, '_>, entry: &WorkloadEntry, around: Option<&Around<'_>>) {
    if entry.address.is_empty() {
        if entry.network.is_empty() {
            check.error("`address` is missing", "write an IP address, a host name or `unix://` and a path");
        } else {
            check.warning("without an address it is reached through the gateway of its network", "");
        }
        return;
    }
    if let Some(path) = entry.address.strip_prefix(addresses::UNIX) {
        let resolved = around.is_some_and(|around| around.dns);
        let rule = match resolved {
            true => wrong("DNS finds no Unix sockets", "set `resolution: STATIC`"),
            false => addresses::unix(path),
        };
        check.rule_of("address", rule);
        if check.has("ports") {
            check.field("ports", |check| check.error("a Unix socket has no ports", "remove them"));
        }
        if around.is_some_and(|around| around.ports.len() != 1) {
            check.field("address", |check| check.error("a Unix socket serves one port", "leave the service one port"));
        }
    } else if !addresses::is_ip(&entry.address) {
        let named = around.is_none_or(|around| around.dns);
        let rule = if named { host_or_ip(&entry.address) } else { static_address(&entry.address) };
        check.rule_of("address", rule);
    }
}

fn static_address(text: &str) -> Rule {
    wrong(format!("`{}` is no IP address", shorten(text)), "write an IP address, or set `resolution: DNS`")
}

fn host_or_ip(text: &str) -> Rule {
    names::host(text).or_else(|_| {
        wrong(
            format!("`{}` is neither an IP address nor a host name", shorten(text)),
            "write it as `10.0.0.1` or `vm.example.com`",
        )
    })
}

/// The schema counts one character less for these names than for others.
fn port_name(name: &str) -> Rule {
    match name.len() {
        63.. => wrong(format!("`{}` is no valid port name", shorten(name)), "use at most 62 characters"),
        _ => names::label("port name", name),
    }
}

//! References between objects that lead nowhere.
//! In: what was resolved. Out: findings with the place of the reference; nothing is left out because of them.

use super::Objects;
use crate::gateway::Gateway;
use crate::input::Input;
use crate::service::{Resolution, Service};
use crate::source::Source;
use crate::virtual_service::{HttpRule, MESH, VirtualService};
use lateen_config::kinds::virtual_service::Destination;
use lateen_config::{At, Finding, Severity};
use lateen_core::Host;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

struct Known<'a> {
    input: &'a Input,
    services: &'a HashMap<Host, Vec<Arc<Service>>>,
    subsets: Subsets,
    gateways: HashMap<String, &'a Arc<Gateway>>,
}

/// Subsets that rules declare, by host.
#[derive(Default)]
struct Subsets {
    exact: HashMap<Host, HashSet<String>>,
    wildcard: Vec<(Host, HashSet<String>)>,
}

impl Subsets {
    fn add(&mut self, host: Host, names: HashSet<String>) {
        if host.is_wildcard() {
            self.wildcard.push((host, names));
        } else {
            self.exact.entry(host).or_default().extend(names);
        }
    }

    fn declare(&self, host: &Host, name: &str) -> bool {
        self.exact.get(host).is_some_and(|names| names.contains(name))
            || self.wildcard.iter().any(|(rule, names)| rule.covers(host) && names.contains(name))
    }
}

/// Looks at every reference of every VirtualService.
pub fn references(
    input: &Input,
    objects: &Objects<'_>,
    gateways: &[Arc<Gateway>],
    routes: &[Arc<VirtualService>],
    services: &HashMap<Host, Vec<Arc<Service>>>,
    findings: &mut Vec<Finding>,
) {
    let mut subsets = Subsets::default();
    for (source, _, rule) in &objects.destination_rules {
        let host = Host::resolve(&rule.host, source.namespace(), &objects.mesh.domain_suffix);
        subsets.add(host, rule.subsets.iter().map(|subset| subset.name.clone()).collect());
    }
    let gateways = gateways.iter().map(|gateway| (gateway.source.name.to_string(), gateway)).collect();
    let known = Known { input, services, subsets, gateways };
    for route in routes {
        known.bindings(route, findings);
        for rule in &route.http {
            known.http(rule, findings);
        }
        at_gateways(route, findings);
        let tls = route.tls.iter().enumerate().map(|(i, r)| (format!("spec.tls[{i}]"), &r.route));
        let tcp = route.tcp.iter().enumerate().map(|(i, r)| (format!("spec.tcp[{i}]"), &r.route));
        for (path, destinations) in tls.chain(tcp) {
            for (index, weighted) in destinations.iter().enumerate() {
                let path = format!("{path}.route[{index}].destination");
                known.destination(&route.source, weighted.destination.as_ref(), &path, findings);
            }
        }
    }
}

/// Conditions of TCP and TLS matches that gateways do not look at, as in Istio: of the connection they know the port
/// alone, and of TLS the SNI and the address.
fn at_gateways(route: &VirtualService, findings: &mut Vec<Finding>) {
    let mut tell = |at: At, path: String, gateways: &[String], fields: [(&str, bool); 3]| {
        let named = gateways.iter().map(String::as_str);
        let bound = route.gateways.iter().map(|name| &**name).filter(|_| gateways.is_empty());
        let Some(gateway) = named.chain(bound).find(|name| *name != MESH) else { return };
        for (field, _) in fields.iter().filter(|(_, written)| *written) {
            let message = format!(
                "gateways do not look at `{field}`; Gateway {gateway} takes this match as if it were not there"
            );
            let mut finding = route.source.warn(at, format!("{path}.{field}"), message);
            finding.hint = Some("only sidecars do (gateway `mesh`), as in Istio; leave it out".to_owned());
            findings.push(finding);
        }
    };
    for (index, rule) in route.tls.iter().enumerate() {
        for (nth, at) in rule.r#match.iter().enumerate() {
            let labels = ("sourceLabels", !at.source_labels.is_empty());
            let namespace = ("sourceNamespace", !at.source_namespace.is_empty());
            let path = format!("spec.tls[{index}].match[{nth}]");
            tell(at.at, path, &at.gateways, [labels, namespace, ("", false)]);
        }
    }
    for (index, rule) in route.tcp.iter().enumerate() {
        for (nth, at) in rule.r#match.iter().enumerate() {
            let labels = ("sourceLabels", !at.source_labels.is_empty());
            let namespace = ("sourceNamespace", !at.source_namespace.is_empty());
            let subnets = ("destinationSubnets", !at.destination_subnets.is_empty());
            let path = format!("spec.tcp[{index}].match[{nth}]");
            tell(at.at, path, &at.gateways, [labels, namespace, subnets]);
        }
    }
}

impl Known<'_> {
    fn bindings(&self, route: &VirtualService, findings: &mut Vec<Finding>) {
        for (index, name) in route.gateways.iter().enumerate() {
            if &**name == MESH {
                continue;
            }
            let path = format!("spec.gateways[{index}]");
            let Some(gateway) = self.gateways.get(&**name) else {
                let (message, hint) = match self.refused("Gateway", name) {
                    Some(why) => (
                        format!("Gateway {name} was refused, so it does not serve this VirtualService"),
                        format!("mend what {} says of it: {}", why.place, why.message),
                    ),
                    None => (
                        format!("Gateway {name} does not exist"),
                        "a name without a namespace is looked for beside the VirtualService".to_owned(),
                    ),
                };
                let mut finding = route.source.warn(At::default(), path, message);
                finding.code = Some("IST0101");
                finding.hint = Some(hint);
                findings.push(finding);
                continue;
            };
            let namespace = route.source.namespace();
            if gateway.servers.iter().all(|server| server.intersection(&route.hosts, namespace).is_empty()) {
                let message = format!("no host of this VirtualService is one of Gateway {name}");
                let mut finding = route.source.warn(At::default(), "spec.hosts", message);
                finding.code = Some("IST0132");
                findings.push(finding);
            }
        }
    }

    /// Why an object (`namespace/name`) was refused, if it was.
    fn refused(&self, kind: &str, name: &str) -> Option<&Finding> {
        let default = &*self.input.options.default_namespace;
        self.input.refused.iter().find(|finding| {
            finding.severity == Severity::Error
                && finding.object.as_ref().is_some_and(|object| {
                    let namespace = if object.namespace.is_empty() { default } else { &object.namespace };
                    object.kind == kind && name.split_once('/') == Some((namespace, &object.name))
                })
        })
    }

    fn http(&self, rule: &HttpRule, findings: &mut Vec<Finding>) {
        for condition in &rule.matches {
            let request = &condition.request;
            for (field, headers) in [("headers", &request.headers), ("withoutHeaders", &request.without_headers)] {
                for name in headers.keys().filter(|name| name.starts_with("@request.auth.claims")) {
                    let message = format!("{name}: claims of tokens are not looked at yet, no request has any");
                    let path = format!("{}.{field}", condition.path);
                    findings.push(condition.source.warn(request.at, path, message));
                }
            }
        }
        for (index, weighted) in rule.route.route.iter().enumerate() {
            let path = format!("{}.route[{index}].destination", rule.path);
            self.destination(&rule.source, weighted.destination.as_ref(), &path, findings);
        }
        self.destination(&rule.source, rule.route.mirror.as_ref(), &format!("{}.mirror", rule.path), findings);
        for (index, mirror) in rule.route.mirrors.iter().enumerate() {
            let path = format!("{}.mirrors[{index}].destination", rule.path);
            self.destination(&rule.source, mirror.destination.as_ref(), &path, findings);
        }
    }

    fn destination(
        &self,
        source: &Arc<Source>,
        destination: Option<&Destination>,
        path: &str,
        findings: &mut Vec<Finding>,
    ) {
        let Some(destination) = destination else { return };
        let host = Host::new(&destination.host);
        let Some(services) = self.services.get(&host) else {
            let message = format!("host {host} is no known service");
            let mut finding = source.warn(destination.at, format!("{path}.host"), message);
            finding.code = Some("IST0101");
            finding.length = u32::try_from(destination.host.len()).unwrap_or(1).max(1);
            finding.hint = Some(format!("calls get 503 until a Service or a ServiceEntry declares {host}"));
            findings.push(finding);
            return;
        };
        let number = destination.port.as_ref().and_then(|port| u16::try_from(port.number).ok());
        let alias = services.iter().any(|service| service.resolution == Resolution::Alias);
        let has_port = |number: u16| services.iter().any(|service| service.port(number).is_some());
        if let Some(number) = number
            && !alias
            && !has_port(number)
        {
            let message = format!("{host} has no port {number}");
            findings.push(source.warn(destination.at, format!("{path}.port.number"), message));
        }
        let subset = &destination.subset;
        if !subset.is_empty() && !self.subsets.declare(&host, subset) {
            let message = format!("no DestinationRule for {host} declares subset {subset}");
            let mut finding = source.warn(destination.at, format!("{path}.subset"), message);
            finding.code = Some("IST0101");
            findings.push(finding);
        }
    }
}

//! Which Secrets Gateways and DestinationRules name, and which of them no gateway workload would find.
//! In: Gateways, rules, credentials. Out: names, and a finding for each server and rule whose certificate is not there.

use super::Objects;
use crate::credential::{self, Credentials, ROOTS_SUFFIX};
use crate::gateway::{Gateway, Selection, Server};
use crate::gateway_workload::gateway_workloads;
use crate::input::Input;
use lateen_config::kinds::destination_rule::{ClientTlsMode, ClientTlsSettings};
use lateen_config::kinds::gateway::{ServerTlsMode, ServerTlsSettings};
use lateen_config::{DestinationRule, Finding, Severity};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names of Secrets, without scheme and namespace, that are used as credentials.
pub fn credentials(gateways: &[Arc<Gateway>], objects: &Objects<'_>) -> BTreeSet<String> {
    let servers = gateways.iter().flat_map(|gateway| &gateway.servers).filter_map(|server| server.tls.as_ref());
    let mut names: BTreeSet<String> = servers.flat_map(named).map(|(_, name)| bare(name)).collect();
    for (_, _, rule) in &objects.destination_rules {
        names.extend(of_rule(rule).into_iter().map(|(_, tls)| bare(&tls.credential_name)));
    }
    names
}

/// Settings of a rule that name a Secret, each with its path.
fn of_rule(rule: &DestinationRule) -> Vec<(String, &ClientTlsSettings)> {
    let own = rule.traffic_policy.iter().map(|policy| ("spec.trafficPolicy".to_owned(), policy));
    let subsets = rule.subsets.iter().enumerate();
    let subsets =
        subsets.filter_map(|(i, one)| Some((format!("spec.subsets[{i}].trafficPolicy"), one.traffic_policy.as_ref()?)));
    let mut out = Vec::new();
    for (path, policy) in own.chain(subsets) {
        let ports = policy.port_level_settings.iter().enumerate();
        let ports =
            ports.filter_map(|(i, port)| Some((format!("{path}.portLevelSettings[{i}].tls"), port.tls.as_ref()?)));
        out.extend(policy.tls.iter().map(|tls| (format!("{path}.tls"), tls)).chain(ports));
    }
    out.retain(|(_, tls)| {
        !tls.credential_name.is_empty() && matches!(tls.mode, ClientTlsMode::Simple | ClientTlsMode::Mutual)
    });
    out
}

/// The names that a server asks for, each with its field.
fn named(tls: &ServerTlsSettings) -> impl Iterator<Item = (String, &str)> {
    let one = std::iter::once(("credentialName".to_owned(), tls.credential_name.as_str()));
    let all = tls.credential_names.iter().enumerate().map(|(i, n)| (format!("credentialNames[{i}]"), n.as_str()));
    let roots = std::iter::once(("caCertCredentialName".to_owned(), tls.ca_cert_credential_name.as_str()));
    one.chain(all).chain(roots).filter(|(_, name)| !name.is_empty())
}

fn bare(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// Warns of servers whose Secret is not there for a workload that runs them.
pub fn missing_credentials(
    input: &Input,
    gateways: &[Arc<Gateway>],
    credentials: &Credentials,
    findings: &mut Vec<Finding>,
) {
    if gateways.iter().flat_map(|gateway| &gateway.servers).all(|server| server.tls.is_none()) {
        return;
    }
    let workloads = gateway_workloads(&input.objects, &input.options);
    for gateway in gateways {
        let Selection::Labels(selector) = &gateway.selection else { continue };
        let selected = workloads.iter().filter(|workload| selector.select(&workload.labels));
        let namespaces: BTreeSet<&str> = selected.map(|workload| &*workload.name.namespace).collect();
        for server in &gateway.servers {
            for namespace in &namespaces {
                missing(server, namespace, credentials, findings);
            }
        }
    }
}

/// Warns of rules whose Secret no gateway workload has; what a rule is for that selects workloads is not known here.
pub fn missing_of_rules(input: &Input, objects: &Objects<'_>, credentials: &Credentials, findings: &mut Vec<Finding>) {
    let rules = objects.destination_rules.iter().filter(|(_, _, rule)| rule.workload_selector.is_none());
    let rules: Vec<_> =
        rules.map(|(source, _, rule)| (source, of_rule(rule))).filter(|(_, tls)| !tls.is_empty()).collect();
    if rules.is_empty() {
        return;
    }
    let workloads = gateway_workloads(&input.objects, &input.options);
    let namespaces: BTreeSet<&str> = workloads.iter().map(|workload| &*workload.name.namespace).collect();
    let Some(first) = namespaces.first() else { return };
    for (source, settings) in rules {
        for (path, tls) in settings {
            let name = &tls.credential_name;
            let resource = credential::resource_name(name);
            let roots = format!("{resource}{ROOTS_SUFFIX}");
            let (own, checked) = (tls.mode == ClientTlsMode::Mutual, tls.insecure_skip_verify != Some(true));
            let held = |namespace: &str| {
                (!checked || credentials.roots(namespace, &roots).is_some())
                    && (!own || credentials.pair(namespace, &resource).is_some())
            };
            if namespaces.iter().any(|namespace| held(namespace)) {
                continue;
            }
            let what = match (own, checked) {
                (true, true) => "a certificate, its key and roots",
                (true, false) => "a certificate and its key",
                _ => "roots",
            };
            let message = format!("no Secret {} with {what} is there for a gateway", shown(first, name));
            let mut finding = source.warn(tls.at, format!("{path}.credentialName"), message);
            finding.code = Some("IST0101");
            finding.hint = Some(match name.split_once('/') {
                Some((other, _)) if !namespaces.contains(other) => {
                    format!("a gateway reads Secrets of its own namespace, which is {first}")
                }
                _ => "calls to this host get 503 until it is there; `ca.crt` in it holds roots".to_owned(),
            });
            findings.push(finding);
        }
    }
}

fn missing(server: &Server, namespace: &str, credentials: &Credentials, findings: &mut Vec<Finding>) {
    let Some(tls) = &server.tls else { return };
    if !matches!(tls.mode, ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual) {
        return;
    }
    let mut tell = |field: &str, message: String, name: &str| {
        let mut finding = server.source.warn(server.at, format!("{}.tls.{field}", server.path()), message);
        finding.severity = Severity::Warning;
        finding.code = Some("IST0101");
        finding.hint = Some(match name.split_once('/') {
            Some((other, _)) if other != namespace => {
                format!("a gateway reads Secrets of its own namespace, which is {namespace}")
            }
            _ => format!("port {} is closed for these hosts until it is there", server.port),
        });
        findings.push(finding);
    };
    let mut first = None;
    for (field, name) in named(tls) {
        let resource = credential::resource_name(name);
        if field == "caCertCredentialName" {
            if credentials.roots(namespace, &resource).is_none() {
                tell(&field, format!("Secret {} with roots is not there", shown(namespace, name)), name);
            }
            continue;
        }
        first.get_or_insert((field.clone(), name));
        if !credentials.knows(namespace, &resource) {
            tell(&field, format!("Secret {} is not there", shown(namespace, name)), name);
        } else if credentials.pair(namespace, &resource).is_none() {
            tell(&field, format!("Secret {} holds no usable certificate", shown(namespace, name)), name);
        }
    }
    let Some((field, name)) = first else { return };
    let beside = tls.ca_cert_credential_name.is_empty() && tls.ca_certificates.is_empty();
    let roots = format!("{}{ROOTS_SUFFIX}", credential::resource_name(name));
    if tls.mode != ServerTlsMode::Simple && beside && credentials.roots(namespace, &roots).is_none() {
        let message = format!(
            "neither Secret {} nor {}{ROOTS_SUFFIX} holds roots for the certificates of clients",
            shown(namespace, name),
            shown(namespace, name)
        );
        tell(&field, message, name);
    }
}

fn shown(namespace: &str, name: &str) -> String {
    let name = name.rsplit("://").next().unwrap_or(name);
    if name.contains('/') { name.to_owned() } else { format!("{namespace}/{name}") }
}

//! Delegates: rules of one VirtualService taken over into another (Istio `MergeHTTPRoutes`).
//! In: all VirtualServices. Out: those with hosts, their delegates' rules in place; findings for the rest.

use super::{HttpMatch, HttpRule, VirtualService};
use lateen_config::Finding;
use lateen_config::kinds::virtual_service::{HttpMatchRequest, HttpRoute, MatchType, StringMatch};
use lateen_core::NamespacedName;
use std::collections::{BTreeMap, HashMap};

/// Merges delegates into the VirtualServices that name them, and drops them from the list.
pub fn merge(all: Vec<VirtualService>, findings: &mut Vec<Finding>) -> Vec<VirtualService> {
    if all.iter().all(|vs| !vs.hosts.is_empty()) && !all.iter().any(delegates) {
        return all;
    }
    let (mut roots, leaves): (Vec<_>, Vec<_>) = all.into_iter().partition(|vs| !vs.hosts.is_empty());
    let leaves: HashMap<NamespacedName, VirtualService> =
        leaves.into_iter().map(|leaf| (leaf.source.name.clone(), leaf)).collect();
    for root in &mut roots {
        if !delegates(root) {
            continue;
        }
        let rules = std::mem::take(&mut root.http);
        for rule in rules {
            match &rule.route.delegate {
                None => root.http.push(rule),
                Some(delegate) => {
                    let name = NamespacedName::new(&delegate.namespace, &delegate.name);
                    let found = leaves.get(&name).filter(|leaf| leaf.visibility.allows(root.source.namespace()));
                    match found {
                        Some(leaf) => root.http.extend(take_over(&rule, leaf, findings)),
                        None => {
                            let mut finding = rule.source.warn(
                                delegate.at,
                                format!("{}.delegate", rule.path),
                                format!("delegate VirtualService {name} is not found; the rule is left out"),
                            );
                            finding.hint =
                                Some("a delegate has no hosts, and its exportTo must include this namespace".into());
                            findings.push(finding);
                        }
                    }
                }
            }
        }
    }
    roots
}

fn delegates(vs: &VirtualService) -> bool {
    vs.http.iter().any(|rule| rule.route.delegate.is_some())
}

fn take_over(root: &HttpRule, leaf: &VirtualService, findings: &mut Vec<Finding>) -> Vec<HttpRule> {
    let mut out = Vec::with_capacity(leaf.http.len());
    for rule in &leaf.http {
        if rule.route.delegate.is_some() {
            let path = format!("{}.delegate", rule.path);
            findings.push(rule.source.warn(rule.route.at, path, "a delegate cannot delegate again"));
            continue;
        }
        match conditions(&root.matches, &rule.matches) {
            Some(matches) => out.push(HttpRule {
                source: rule.source.clone(),
                path: rule.path.clone(),
                route: inherit(&root.route, rule.route.clone()),
                matches,
            }),
            None => {
                let message = format!(
                    "no condition of this rule fits within those of {} of {}; the rule is left out",
                    root.path, root.source
                );
                findings.push(rule.source.warn(rule.route.at, rule.path.clone(), message));
            }
        }
    }
    out
}

/// What the delegate leaves open comes from the root.
fn inherit(root: &HttpRoute, mut leaf: HttpRoute) -> HttpRoute {
    leaf.name = join(&root.name, &leaf.name);
    leaf.rewrite = leaf.rewrite.or_else(|| root.rewrite.clone());
    leaf.direct_response = leaf.direct_response.or_else(|| root.direct_response.clone());
    leaf.timeout = leaf.timeout.or(root.timeout);
    leaf.retries = leaf.retries.or_else(|| root.retries.clone());
    leaf.fault = leaf.fault.or_else(|| root.fault.clone());
    leaf.mirror = leaf.mirror.or_else(|| root.mirror.clone());
    leaf.mirror_percent = leaf.mirror_percent.or(root.mirror_percent);
    leaf.mirror_percentage = leaf.mirror_percentage.or_else(|| root.mirror_percentage.clone());
    leaf.cors_policy = leaf.cors_policy.or_else(|| root.cors_policy.clone());
    leaf.headers = leaf.headers.or_else(|| root.headers.clone());
    if leaf.mirrors.is_empty() {
        leaf.mirrors.clone_from(&root.mirrors);
    }
    leaf
}

fn join(root: &str, leaf: &str) -> String {
    match (root, leaf) {
        (_, "") => root.to_owned(),
        ("", _) => leaf.to_owned(),
        _ => format!("{root}-{leaf}"),
    }
}

/// Every condition of the leaf with every one of the root that it does not contradict; `None` when one of the leaf
/// contradicts them all.
fn conditions(root: &[HttpMatch], leaf: &[HttpMatch]) -> Option<Vec<HttpMatch>> {
    if root.is_empty() {
        return Some(leaf.to_vec());
    }
    if leaf.is_empty() {
        return Some(root.to_vec());
    }
    let mut out = Vec::new();
    for inner in leaf {
        let before = out.len();
        for outer in root {
            if !conflicts(&outer.request, &inner.request) {
                let request = both(&outer.request, &inner.request);
                out.push(HttpMatch { source: inner.source.clone(), path: inner.path.clone(), request });
            }
        }
        if out.len() == before {
            return None;
        }
    }
    Some(out)
}

fn both(root: &HttpMatchRequest, leaf: &HttpMatchRequest) -> HttpMatchRequest {
    let mut out = leaf.clone();
    out.name = join(&root.name, &leaf.name);
    out.uri = out.uri.or_else(|| root.uri.clone());
    out.scheme = out.scheme.or_else(|| root.scheme.clone());
    out.method = out.method.or_else(|| root.method.clone());
    out.authority = out.authority.or_else(|| root.authority.clone());
    out.headers = merged(&root.headers, &leaf.headers);
    out.without_headers = merged(&root.without_headers, &leaf.without_headers);
    out.query_params = merged(&root.query_params, &leaf.query_params);
    out.source_labels = merged(&root.source_labels, &leaf.source_labels);
    if out.port == 0 {
        out.port = root.port;
    }
    if out.source_namespace.is_empty() {
        out.source_namespace.clone_from(&root.source_namespace);
    }
    if out.gateways.is_empty() {
        out.gateways.clone_from(&root.gateways);
    }
    if out.stat_prefix.is_empty() {
        out.stat_prefix.clone_from(&root.stat_prefix);
    }
    out
}

fn merged<V: Clone>(root: &BTreeMap<String, V>, leaf: &BTreeMap<String, V>) -> BTreeMap<String, V> {
    let mut out = root.clone();
    out.extend(leaf.iter().map(|(key, value)| (key.clone(), value.clone())));
    out
}

/// Whether the leaf asks for something that is not within what the root asks for (Istio `hasConflict`).
fn conflicts(root: &HttpMatchRequest, leaf: &HttpMatchRequest) -> bool {
    let pairs = [
        (&root.uri, &leaf.uri),
        (&root.scheme, &leaf.scheme),
        (&root.method, &leaf.method),
        (&root.authority, &leaf.authority),
    ];
    let maps = [
        (&root.headers, &leaf.headers),
        (&root.without_headers, &leaf.without_headers),
        (&root.query_params, &leaf.query_params),
    ];
    pairs.iter().any(|(root, leaf)| strings_conflict(root.as_ref(), leaf.as_ref()))
        || maps
            .iter()
            .any(|(root, leaf)| leaf.iter().any(|(name, value)| strings_conflict(root.get(name), Some(value))))
        || root.ignore_uri_case != leaf.ignore_uri_case
        || (root.port > 0 && leaf.port > 0 && root.port != leaf.port)
        || (!root.source_namespace.is_empty() && root.source_namespace != leaf.source_namespace)
        || leaf.source_labels.iter().any(|(key, value)| root.source_labels.get(key).is_some_and(|v| v != value))
        || (!root.gateways.is_empty() && leaf.gateways.iter().any(|gateway| !root.gateways.contains(gateway)))
}

/// Whether two conditions on one string exclude each other as far as Istio can tell (`stringMatchConflict`): a
/// regular expression goes with nothing else, and a prefix of the root must begin the leaf's text.
fn strings_conflict(root: Option<&StringMatch>, leaf: Option<&StringMatch>) -> bool {
    let (Some(root), Some(leaf)) = (root, leaf) else { return false };
    use MatchType::{Exact, Prefix};
    match (&root.match_type, &leaf.match_type) {
        (Some(Exact(root)), Some(Exact(leaf))) => root != leaf,
        (Some(Prefix(root)), Some(Exact(leaf) | Prefix(leaf))) => !leaf.starts_with(root.as_str()),
        _ => true,
    }
}

//! DestinationRules, merged by host and found in Istio's order: the client's namespace, the service's, the root.
//! In: the objects. Out: for a host and a client, the rule that applies.

use crate::host_index::HostIndex;
use crate::mesh::Mesh;
use crate::policy::Policy;
use crate::snapshot::Objects;
use crate::source::Source;
use crate::visibility::Visibility;
use lateen_config::kinds::destination_rule::{Subset, TunnelSettings};
use lateen_config::{DestinationRule as Written, Finding};
use lateen_core::{Host, Labels};
use std::collections::HashMap;
use std::sync::Arc;

/// A DestinationRule, with the subsets of other rules for the same host added.
#[derive(Clone, Debug)]
pub struct DestinationRule {
    /// Full name of the host.
    pub host: Host,
    /// The merged rule.
    pub rule: Arc<Written>,
    /// The objects it was merged from, the first one first.
    pub sources: Vec<Arc<Source>>,
    /// For each subset, the object that declares it and its index there.
    pub subset_sources: Vec<(Arc<Source>, usize)>,
    /// Workloads that it is for; none means all.
    pub selector: Option<Labels>,
    visibility: Visibility,
    /// As written, to tell rules that may be merged from those that may not.
    export_to: Vec<String>,
}

type Rules = HostIndex<Vec<Arc<DestinationRule>>>;

/// All DestinationRules, indexed.
#[derive(Clone, Debug, Default)]
pub struct DestinationRules {
    local: HashMap<Arc<str>, Rules>,
    exported: HashMap<Arc<str>, Rules>,
    root_private: Rules,
}

impl DestinationRule {
    /// The subset of this name.
    pub fn subset(&self, name: &str) -> Option<&Subset> {
        self.rule.subsets.iter().find(|subset| subset.name == name)
    }

    /// The policy for a subset (empty for none) and a port.
    pub fn policy(&self, subset: &str, port: u16) -> Policy {
        Policy::of(&self.rule, subset, port)
    }

    /// The tunnel for connections to a subset (by name; empty for none), which takes nothing over from the rule
    /// around it (Istio `tunnelingconfig.Apply`).
    pub fn tunnel(&self, subset: &str) -> Option<&TunnelSettings> {
        let policy = if subset.is_empty() {
            self.rule.traffic_policy.as_ref()
        } else {
            self.rule.subsets.iter().find(|s| s.name == subset)?.traffic_policy.as_ref()
        };
        policy?.tunnel.as_ref()
    }

    /// The first object that the rule was merged from.
    pub fn source(&self) -> Option<&Arc<Source>> {
        self.sources.first()
    }
}

impl DestinationRules {
    /// Reads all rules. Those with a workload selector come first, then the oldest.
    pub fn build(objects: &Objects<'_>, findings: &mut Vec<Finding>) -> Self {
        let mut all: Vec<(&Arc<Source>, &Arc<Written>)> =
            objects.destination_rules.iter().map(|(source, _, rule)| (source, rule)).collect();
        all.sort_by(|a, b| {
            let plain = |rule: &Written| rule.workload_selector.is_none();
            plain(a.1).cmp(&plain(b.1)).then_with(|| a.0.order().cmp(&b.0.order()))
        });
        let mut out = Self::default();
        for (source, rule) in all {
            out.add(objects.mesh, source, rule, findings);
        }
        out
    }

    fn add(&mut self, mesh: &Mesh, source: &Arc<Source>, rule: &Arc<Written>, findings: &mut Vec<Finding>) {
        let namespace = source.name.namespace.clone();
        let export_to: Vec<String> =
            if rule.workload_selector.is_some() { vec![".".to_owned()] } else { rule.export_to.clone() };
        let default = &mesh.config.default_destination_rule_export_to;
        let made = DestinationRule {
            host: Host::resolve(&rule.host, &namespace, &mesh.domain_suffix),
            rule: rule.clone(),
            sources: vec![source.clone()],
            subset_sources: (0..rule.subsets.len()).map(|index| (source.clone(), index)).collect(),
            selector: rule.workload_selector.as_ref().map(|s| Labels(s.match_labels.clone())),
            visibility: Visibility::of(&export_to, &[], &namespace),
            export_to: export_to.clone(),
        };
        let own = export_to.is_empty() || export_to.iter().any(|e| e == "*" || e == "." || **e == *namespace);
        if own {
            merge(self.local.entry(namespace.clone()).or_default(), &made, findings);
        }
        // The mesh's default counts only as `.` or `*`.
        let private = (export_to.is_empty() && default.iter().any(|e| e == "."))
            || (export_to.len() == 1 && export_to.iter().all(|e| e == "." || **e == *namespace));
        let mut silent = Vec::new();
        if !private {
            merge(self.exported.entry(namespace).or_default(), &made, &mut silent);
        } else if *namespace == *mesh.root_namespace {
            merge(&mut self.root_private, &made, &mut silent);
        }
    }

    /// The rules for `host`, a service of `service_namespace`, as a client in `client_namespace` has them.
    pub fn find(
        &self,
        mesh: &Mesh,
        client_namespace: &str,
        service_namespace: Option<&str>,
        host: &Host,
    ) -> Vec<Arc<DestinationRule>> {
        let local = if client_namespace == &*mesh.root_namespace {
            self.root_private.find(host)
        } else {
            self.local.get(client_namespace).and_then(|rules| rules.find(host))
        };
        if let Some((_, rules)) = local {
            return rules.clone();
        }
        for namespace in [service_namespace, Some(&*mesh.root_namespace)].into_iter().flatten() {
            if let Some((_, rules)) = self.exported.get(namespace).and_then(|rules| rules.find(host)) {
                let visible: Vec<_> =
                    rules.iter().filter(|rule| rule.visibility.allows(client_namespace)).cloned().collect();
                if !visible.is_empty() {
                    return visible;
                }
            }
        }
        Vec::new()
    }
}

/// Puts a rule into the index: its subsets join an older rule for the same host with the same audience, and its
/// policy is taken when that one has none (Istio `mergeDestinationRule`).
fn merge(rules: &mut Rules, new: &DestinationRule, findings: &mut Vec<Finding>) {
    let Some(list) = rules.get_mut(&new.host) else {
        rules.insert(new.host.clone(), vec![Arc::new(new.clone())]);
        return;
    };
    let mut separate = true;
    for existing in list.iter_mut() {
        if existing.export_to != new.export_to || existing.selector != new.selector {
            continue;
        }
        separate = false;
        let existing = Arc::make_mut(existing);
        let merged = Arc::make_mut(&mut existing.rule);
        let known = merged.subsets.len();
        for (subset, from) in new.rule.subsets.iter().zip(&new.subset_sources) {
            if let Some(earlier) = merged.subsets.iter().take(known).position(|s| s.name == subset.name) {
                let path = format!("spec.subsets[{}]", from.1);
                let winner = existing.subset_sources.get(earlier).map(|s| s.0.to_string()).unwrap_or_default();
                let message = format!("subset {} of {} is already declared by {winner}", subset.name, new.host);
                findings.push(from.0.warn(subset.at, path, message));
                continue;
            }
            merged.subsets.push(subset.clone());
            existing.subset_sources.push(from.clone());
        }
        if merged.traffic_policy.is_none() {
            merged.traffic_policy.clone_from(&new.rule.traffic_policy);
        }
        existing.sources.extend(new.sources.iter().cloned());
    }
    if separate {
        list.push(Arc::new(new.clone()));
    }
}

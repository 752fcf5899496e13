//! DestinationRule: its host, its subsets, and who it is for.

use std::collections::BTreeSet;

use crate::decode::context::shorten;
use crate::kinds::destination_rule::DestinationRule;
use crate::object::ObjectMeta;
use crate::validate::export_to::{Audience, export_to};
use crate::validate::traffic_policy::traffic_policy;
use crate::validate::{Check, labels, names};

/// Judges a DestinationRule.
pub(crate) fn destination_rule(check: &mut Check<'_, '_>, meta: &ObjectMeta, rule: &DestinationRule) {
    check.field("spec", |check| {
        check.rule_of("host", names::wildcard_host(&rule.host));
        check.some("traffic_policy", rule.traffic_policy.as_ref(), |check, policy| traffic_policy(check, meta, policy));
        let mut seen = BTreeSet::new();
        check.each("subsets", &rule.subsets, |check, subset| {
            check.rule_of("name", names::label("subset name", &subset.name));
            if !seen.insert(subset.name.as_str()) {
                let message = format!("a subset `{}` is here already", shorten(&subset.name));
                check.field("name", |check| check.error(message, "give each subset its own name"));
            }
            labels::labels(check, "labels", &subset.labels);
            check.some("traffic_policy", subset.traffic_policy.as_ref(), |check, policy| {
                traffic_policy(check, meta, policy)
            });
        });
        check.some("workload_selector", rule.workload_selector.as_ref(), |check, selector| {
            labels::selector(check, "match_labels", &selector.match_labels);
        });
        let audience = if rule.workload_selector.is_some() { Audience::Own } else { Audience::Namespaces };
        export_to(check, &meta.namespace, &rule.export_to, audience);
    });
}

//! `exportTo`: the namespaces that see an object.

use std::collections::BTreeSet;

use crate::decode::context::shorten;
use crate::validate::{Check, names};

/// What an object may write in `exportTo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Namespaces, `.` or `*`.
    Namespaces,
    /// Also `~`, for nobody.
    OrNobody,
    /// Only its own namespace.
    Own,
}

/// Judges the field `exportTo` of a spec.
pub(crate) fn export_to(check: &mut Check<'_, '_>, namespace: &str, export_to: &[String], audience: Audience) {
    let mut seen = BTreeSet::new();
    let own = if namespace.is_empty() { "." } else { namespace };
    check.each("export_to", export_to, |check, entry| {
        let name = if entry == "." { own } else { entry.as_str() };
        if !seen.insert(name) {
            check.error(format!("`{}` is here already", shorten(entry)), "remove one of the two");
        } else if audience == Audience::Own && name != own {
            check
                .error("a rule with a workload selector is for its own namespace", "write `.` or leave `exportTo` out");
        } else if entry == "~" {
            if audience != Audience::OrNobody {
                check.error("`~` (nobody) is for ServiceEntry alone", "write `.` for the own namespace");
            }
        } else if entry != "*" && entry != "." && !names::is_label(entry) {
            check.error(format!("`{}` is no namespace", shorten(entry)), "write a namespace, `.` or `*`");
        }
        if matches!(entry.as_str(), "*" | "~") && export_to.len() > 1 {
            check.error(format!("`{entry}` excludes other entries"), "keep it alone, or remove it");
        }
    });
}

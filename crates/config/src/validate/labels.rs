//! Labels and the selectors that are made of them.

use std::collections::BTreeMap;

use crate::decode::context::shorten;
use crate::validate::{Check, Rule, names, wrong};

/// Labels of a workload, or those that it must carry.
pub(crate) fn labels(check: &mut Check<'_, '_>, field: &str, labels: &BTreeMap<String, String>) {
    for (key, value) in labels {
        if !is_key(key) {
            check.field(field, |check| check.key(key, |check| check.rule(bad_key(key))));
        }
        if !value.is_empty() && !is_name(value, usize::MAX) {
            check.field(field, |check| {
                check.entry(key, |check| {
                    check.error(
                        format!("`{}` is no label value", shorten(value)),
                        "use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
                    );
                });
            });
        }
    }
}

/// Labels of a selector, where wildcards come to mind and are not allowed.
pub(crate) fn selector(check: &mut Check<'_, '_>, field: &str, labels: &BTreeMap<String, String>) {
    if labels.is_empty() {
        check.warning("this selector has no labels and picks every workload", "leave it out, or name labels");
    }
    check.field(field, |check| {
        if labels.len() > 256 {
            check.error(format!("a selector has at most 256 labels, not {}", labels.len()), "");
        }
        for (key, value) in labels {
            if key.is_empty() || key.contains('*') {
                check.key(key, |check| check.rule(bad_key(key)));
            }
            let rule = match value {
                value if value.contains('*') => {
                    wrong("a label is compared as a whole, `*` has no meaning", "write the value")
                }
                value if value.len() > 63 => wrong("a label value has at most 63 characters", ""),
                _ => Ok(()),
            };
            check.entry(key, |check| check.rule(rule));
        }
    });
}

fn bad_key(key: &str) -> Rule {
    wrong(format!("`{}` is no label", shorten(key)), "write a name such as `app` or `example.com/app`")
}

fn is_key(key: &str) -> bool {
    match key.rsplit_once('/') {
        None => is_name(key, 63),
        Some((prefix, name)) => prefix.len() <= 253 && prefix.split('.').all(names::is_label) && is_name(name, 63),
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    let bytes = text.as_bytes();
    let edge = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= longest
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
}

//! The answers of `check-inject`, for a person or a script.

use crate::command::check_inject::Checked;
use crate::print;
use serde_json::{Value as Json, json};

/// A table of the webhooks and the answer below it, for each subject.
pub fn text(checked: &[Checked<'_>]) -> String {
    checked.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(checked: &Checked<'_>) -> String {
    let mut out = String::new();
    if !checked.webhooks.is_empty() {
        let mut table = print::table(&["WEBHOOK", "REVISION", "INJECTED", "REASON"]);
        for row in &checked.webhooks {
            table.add_row([&*row.name, &*row.revision, if row.injected { "✔" } else { "✘" }, &*row.reason]);
        }
        if let Some(first) = table.column_mut(0) {
            first.set_padding((0, 1));
        }
        out += &format!("{}\n\n", table.trim_fmt());
    }
    let subject = match &checked.subject.written {
        Some(written) => format!("{} ({})", checked.subject.shown(), written.place()),
        None => checked.subject.shown(),
    };
    out += &match checked.answer.injected {
        true => format!("{subject} is injected {}", checked.answer.reason),
        false => format!("{subject} is not injected: {}", checked.answer.reason),
    };
    if !checked.places.is_empty() {
        out += &format!(" ({})", checked.places.join(", "));
    }
    out += "\n";
    out += match (checked.has_proxy, checked.answer.injected) {
        (None, _) => "",
        (Some(true), true) => "It has its proxy.\n",
        (Some(false), false) => "It has no proxy.\n",
        (Some(true), false) => "It has a proxy from earlier, and will come back without one when it is made again.\n",
        (Some(false), true) => {
            "It has no proxy yet: pods get theirs when they are made, so delete it or restart what made it.\n"
        }
    };
    for warning in &checked.warnings {
        out += &format!("warning: {warning}\n");
    }
    out
}

/// A list with one entry for each subject.
pub fn json(checked: &[Checked<'_>], notes: &[&String]) -> Json {
    checked.iter().map(|checked| entry(checked, notes)).collect()
}

fn entry(checked: &Checked<'_>, notes: &[&String]) -> Json {
    let subject = checked.subject;
    let webhooks: Vec<Json> = checked
        .webhooks
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "revision": row.revision,
                "injected": row.injected,
                "webhook": row.webhook,
                "reason": row.reason,
            })
        })
        .collect();
    json!({
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
        "place": subject.written.as_ref().map(|written| written.place()),
        "injected": checked.answer.injected,
        "reason": checked.answer.reason,
        "decidedAt": checked.places,
        "hasProxy": checked.has_proxy,
        "warnings": checked.warnings,
        "notes": notes,
        "webhooks": webhooks,
    })
}

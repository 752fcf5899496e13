//! Every folder in `tests/cases` is a text with workloads and what injection makes of it.
//! In: `in.yaml`; where they are there `config.yaml`, `values.yaml`, `mesh.yaml`, `namespaces.yaml` (annotations by
//! namespace), `revision` and `env` (lines `NAME=value`); without a file what is lateen's own counts.
//! Out: `want.yaml`, or `want.diff` against the case that `base` names, or `error.txt`; and `warnings.txt`.
//! With `BLESS=1` in the environment these are written anew.
#![allow(clippy::unwrap_used)] // a test fails by it

mod case;
mod diff;

use case::{Case, all, masked};
use diff::diff;
use std::fs;

#[test]
fn cases_give_what_stands_beside_them() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for case in all() {
        let (text, error, warnings) = match case.inject() {
            Ok(documents) => (masked(&documents.text), String::new(), documents.warnings.join("\n")),
            Err(error) => (String::new(), error, String::new()),
        };
        let base = case.base().map(|base| masked(&base.inject().unwrap().text));
        let (full, changes) = match base {
            Some(base) if error.is_empty() => (String::new(), diff(&base, &text)),
            _ => (text, String::new()),
        };
        for (name, found) in [
            ("want.yaml", full),
            ("want.diff", changes),
            ("error.txt", with_newline(error)),
            ("warnings.txt", with_newline(warnings)),
        ] {
            let file = case.folder.join(name);
            if bless {
                match found.is_empty() {
                    true => drop(fs::remove_file(&file)),
                    false => fs::write(&file, &found).unwrap(),
                }
            }
            let wanted = fs::read_to_string(&file).unwrap_or_default();
            if wanted != found {
                wrong.push(format!("{}/{name}:\n{}", case.name, diff(&wanted, &found)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_second_injection_changes_nothing() {
    let mut wrong = String::new();
    for (case, injector, first) in injected() {
        let second = injector.inject_documents("first", &first.text, &case.surroundings()).unwrap();
        wrong += &named(&case, diff(&first.text, &second.text));
        // The same when nothing tells that the pod is as it was left, so that all steps are taken once more.
        let unmarked = without_version(&first.text);
        let again = injector.inject_documents("first", &unmarked, &case.surroundings()).unwrap();
        wrong += &named(&case, diff(&unmarked, &without_version(&again.text)));
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_second_injection_with_other_templates_is_as_if_it_were_the_first() {
    let mut wrong = String::new();
    let mut changed = 0;
    for (case, _, first) in injected() {
        let newer = case.with_newer_proxy();
        let injector = newer.injector().unwrap().0;
        let fresh = newer.inject().unwrap();
        changed += usize::from(fresh.text != first.text);
        let again = injector.inject_documents("first", &first.text, &case.surroundings()).unwrap();
        wrong += &named(&case, diff(&masked(&fresh.text), &masked(&again.text)));
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(changed > 50, "only {changed} cases see the newer proxy");
}

fn named(case: &Case, difference: String) -> String {
    if difference.is_empty() { difference } else { format!("{}:\n{difference}", case.name) }
}

/// The cases that end well.
fn injected() -> Vec<(Case, lateen_inject::Injector, lateen_inject::Documents)> {
    let ends = |case: Case| {
        let (injector, _) = case.injector().ok()?;
        let first = case.inject().ok()?;
        Some((case, injector, first))
    };
    all().into_iter().filter_map(ends).collect()
}

/// Pods without the fingerprint in `sidecar.istio.io/status`.
fn without_version(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(r#","version":""#) {
        out.push_str(&rest[..at]);
        let value = &rest[at + r#","version":""#.len()..];
        rest = &value[value.find('"').unwrap() + 1..];
    }
    out + rest
}

fn with_newline(text: String) -> String {
    if text.is_empty() { text } else { text + "\n" }
}

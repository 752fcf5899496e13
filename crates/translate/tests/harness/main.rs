//! Every folder in `tests/cases`: YAML in, essential facts about the resources out.
//! `config.yaml` holds the objects; `want.json` says who asks (`proxy`) and what must be there:
//! `facts` maps a path into the resources (steps by `name` or index, joined by ` > `) to a JSON value, `null` for
//! absent; `lists` maps such a path to the names found there; `calls` say where requests go; `findings` are texts that
//! some finding holds, and no other finding may be there when `only_findings` is set.

#![allow(clippy::unwrap_used)] // A case that cannot be read has failed.

mod call;
mod resources;

use call::Call;
use resources::Resources;
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(!names.is_empty());
    let failures: Vec<String> = names.iter().flat_map(|case| check(case)).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn check(case: &Path) -> Vec<String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let config = fs::read_to_string(case.join("config.yaml")).unwrap();
    let want: Value = serde_json::from_str(&fs::read_to_string(case.join("want.json")).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let resources = Resources::of(&config, &want);
    let mut failures = Vec::new();
    for (path, value) in entries(&want, "facts") {
        let found = resources.at(path);
        if found != *value {
            failures.push(format!("{name}: {path}\n   want {value}\n  found {found}"));
        }
    }
    for (path, names) in entries(&want, "lists") {
        let found = resources.names(path);
        if found != *names {
            failures.push(format!("{name}: names in {path}\n   want {names}\n  found {found}"));
        }
    }
    for call in want.get("calls").and_then(Value::as_array).into_iter().flatten() {
        let outcome = Call::read(call).follow(&resources);
        for (field, value) in entries(call, "want") {
            let found = outcome.get(field).cloned().unwrap_or_default();
            if found != value.as_str().unwrap_or_default() {
                failures.push(format!("{name}: {call}\n  {field}: want {value}, found {found:?}"));
            }
        }
    }
    let wanted: Vec<&str> =
        want.get("findings").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for text in &wanted {
        if !resources.findings.iter().any(|finding| finding.contains(text)) {
            failures.push(format!("{name}: no finding says {text:?}; there are {:#?}", resources.findings));
        }
    }
    if want.get("only_findings").is_some() {
        let others = resources.findings.iter().filter(|f| !wanted.iter().any(|text| f.contains(text)));
        failures.extend(others.map(|finding| format!("{name}: unexpected finding {finding}")));
    }
    failures
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

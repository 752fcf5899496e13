//! The paths of the adversarial kit against path normalisation, judged by Envoy's verdicts.
//!
//! In: `../shared/adversarial` beside the repository, when it is there. Out: every path whose
//! outcome differs in any of the five modes. RBAC is not asked here.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use bytes::BytesMut;
use lateen_proxy_core::http1::{Options as CodecOptions, request};
use lateen_proxy_core::path::{EscapedSlashes, Fragment, Options, Outcome, normalize};
use serde_json::{Value, json};

fn modes() -> Vec<(&'static str, Options)> {
    let none = Options { fragment: Fragment::Strip, ..Options::default() };
    let base = Options { normalize_path: true, ..none };
    let merge = Options { merge_slashes: true, ..base };
    let with = |escaped_slashes| Options { escaped_slashes, ..merge };
    vec![
        ("none", none),
        ("base", base),
        ("merge", merge),
        ("decode", with(EscapedSlashes::UnescapeAndForward)),
        ("edge", with(EscapedSlashes::UnescapeAndRedirect)),
    ]
}

/// The decision in the words of the kit.
fn decide(path: &str, options: Options) -> Value {
    let mut wire = BytesMut::from("GET ");
    wire.extend(path.chars().map(|c| c as u8));
    wire.extend_from_slice(b" HTTP/1.1\r\nHost: a\r\n\r\n");
    let request = match request::parse(&mut wire, &CodecOptions::default()) {
        Ok(request) => request.unwrap(),
        Err(error) => return json!({"decision": "reject", "status": error.status()}),
    };
    let text = |bytes: &[u8]| bytes.iter().map(|&b| char::from(b)).collect::<String>();
    let before = request.head.path;
    match normalize(&before, options) {
        Outcome::Unchanged => json!({"decision": "forward", "path": text(&before)}),
        Outcome::Changed(path) => json!({"decision": "forward", "path": text(&path)}),
        Outcome::RedirectTo(path) => json!({"decision": "redirect", "path": text(&path)}),
        Outcome::Reject => json!({"decision": "reject", "status": 400}),
    }
}

#[test]
fn every_path_ends_as_with_envoy() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/adversarial/paths");
    if !folder.exists() {
        eprintln!("skipped: the adversarial kit is not beside the repository");
        return;
    }
    let load = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let verdicts = load("verdicts.envoy-1.40.json");
    let mut failures = Vec::new();
    let mut checked = 0;
    for file in ["cases.json", "cases.istio.json"] {
        for case in load(file)["cases"].as_array().unwrap() {
            let (id, path) = (case["id"].as_str().unwrap(), case["path"].as_str().unwrap());
            for (mode, options) in modes() {
                let theirs = &verdicts["verdicts"][id][mode]["plain"];
                let ours = decide(path, options);
                checked += 1;
                if &ours != theirs {
                    failures.push(format!("{id} {path:?} [{mode}]: {ours} instead of {theirs}"));
                }
            }
        }
    }
    assert!(checked > 500, "only {checked} cases found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

//! `lateen validate` as a person or a pipeline uses it: files in, text or JSON out, and the exit code.
#![allow(clippy::unwrap_used)] // a test fails by it

use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const GOOD: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec:\n  \
                    selector: {istio: edge}\n  servers:\n  - port: {number: 80, name: http, protocol: HTTP}\n    \
                    hosts: ['*']\n";
const BAD: &str = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: routes}\nspec:\n  \
                   hosts: [a.example.com]\n  gateways: [edge]\n  http:\n  - match: [{uri: {regex: '(?=x)'}}]\n    \
                   route: [{destination: {host: web}}]\n";

fn validate(words: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
    command.arg("validate").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Text of both streams, and whether it ended well.
fn said(output: &Output) -> (String, Option<i32>) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code())
}

#[test]
fn a_good_folder_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.yaml"), GOOD).unwrap();
    let (text, code) = said(&validate(&["-f", path(folder.path())], ""));
    assert_eq!((code, text.contains("1 objects, 0 findings")), (Some(0), true), "{text}");
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.yaml"), GOOD).unwrap();
    fs::write(folder.path().join("bad.yaml"), BAD).unwrap();
    let (text, code) = said(&validate(&["-f", path(folder.path())], ""));
    assert_eq!(code, Some(1), "{text}");
    for part in ["bad.yaml", "look-around", "1 findings"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

/// Who reads the second finding learns that the first one is why.
#[test]
fn a_route_of_a_refused_gateway_leads_to_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let route = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: routes, namespace: NS}\n\
                 spec: {hosts: [a.example.com], gateways: [GW], http: [{directResponse: {status: 200}}]}\n";
    for (namespace, gateway, refused) in
        [("default", "edge", true), ("web", "default/edge", true), ("web", "edge", false)]
    {
        fs::write(folder.path().join("gateway.yaml"), GOOD.replace("number: 80", "number: 80000")).unwrap();
        fs::write(folder.path().join("route.yaml"), route.replace("NS", namespace).replace("GW", gateway)).unwrap();
        let (text, code) = said(&validate(&["-f", path(folder.path())], ""));
        assert_eq!((code, text.contains("2 findings")), (Some(1), true), "{text}");
        assert_eq!(text.contains("Gateway default/edge was refused"), refused, "{text}");
        assert_eq!(text.contains("gateway.yaml:7:20 says of it: "), refused, "{text}");
        assert_eq!(text.contains("Gateway web/edge does not exist"), !refused, "{text}");
    }
}

#[test]
fn json_has_a_verdict_for_each_document() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.yaml");
    fs::write(&file, format!("{GOOD}---\n{BAD}")).unwrap();
    for (words, stdin) in [(["-f", path(&file), "-o", "json"], ""), (["-f", "-", "-o", "json"], BAD)] {
        let output = validate(&words, stdin);
        assert_eq!(output.status.code(), Some(1));
        let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = rows.as_array().unwrap();
        let bad = rows.last().unwrap();
        assert_eq!((&bad["kind"], &bad["valid"]), (&json!("VirtualService"), &json!(false)), "{bad:#}");
        let error = bad["errors"][0].as_str().unwrap();
        assert!(error.contains("spec.http[0].match[0].uri.regex"), "{error}");
        if stdin.is_empty() {
            assert_eq!((rows.len(), &rows[0]["valid"], &rows[0]["errors"]), (2, &json!(true), &json!([])));
        }
    }
    let output = validate(&["-f", "-", "-o", "json"], GOOD);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_cannot_be_read_is_named() {
    let (text, code) = said(&validate(&["-f", "no-such-folder"], ""));
    assert!(code != Some(0) && text.contains("no-such-folder"), "{code:?} {text}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.yaml"), "a: [").unwrap();
    let (text, code) = said(&validate(&["-f", path(folder.path())], ""));
    assert!(code == Some(1) && text.contains("broken.yaml"), "{code:?} {text}");
}

#[test]
fn a_pipe_that_nobody_reads_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.yaml"), GOOD).unwrap();
    let folder = path(folder.path());
    for words in [
        &["validate", "-f", folder][..],
        &["validate", "-f", folder, "-o", "json"],
        &["explain", "-f", folder, "GET", "http://a.example.com/"],
        &["completion", "bash"],
        &["kube-inject", "--kubeconfig", "/dev/null", "-f", folder],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
        let mut child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains("panicked") && !text.contains("Broken pipe"), "{words:?}: {text}");
    }
}

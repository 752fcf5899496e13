//! `lateen control --webhook` as an administrator runs it: what it prints, logs and answers, and how it refuses to start.
#![allow(clippy::unwrap_used)] // a test fails by it

use anyhow::{Context as _, Result, ensure};
use lateen_testkit::process::Signal;
use lateen_testkit::{Process, eventually};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

/// A folder with a certificate for localhost and its key.
fn folder() -> (TempDir, CertificateDer<'static>) {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("tls.crt"), cert.pem()).unwrap();
    fs::write(folder.path().join("tls.key"), signing_key.serialize_pem()).unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    (folder, cert.der().clone())
}

fn control(folder: &TempDir, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
    command.current_dir(folder.path()).args(["control", "--config", "config"]);
    command.args(["--grpc-address", "127.0.0.1:0", "--monitoring-address", "127.0.0.1:0"]).args(more);
    command
}

const WEBHOOK: [&str; 6] = ["--webhook", "127.0.0.1:0", "--webhook-cert", "tls.crt", "--webhook-key", "tls.key"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn connect(address: &str, root: &CertificateDer<'static>) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), "localhost".try_into()?)?, stream))
}

/// The address of the webhook, as the process tells it.
fn address(process: &Process) -> Result<String> {
    let said = line(process, "injection webhook on https://");
    let address = said.split_once("https://").and_then(|(_, rest)| rest.strip_suffix("/inject"));
    Ok(address.context(said.clone())?.to_owned())
}

/// An AdmissionReview and the head of a request with it.
fn review(more: &str) -> (String, String) {
    let pod = json!({
        "metadata": {"name": "cart-5"},
        "spec": {"containers": [{"name": "cart", "image": "registry.example/cart:1"}]},
    });
    let request = json!({"uid": "7", "namespace": "shop", "operation": "CREATE", "object": pod});
    let review =
        json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}).to_string();
    let head = format!(
        "POST /inject?timeout=10s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n",
        review.len()
    );
    (head, review)
}

#[test]
fn it_injects_with_lateens_own_templates_and_logs_each_decision() -> Result<()> {
    let (folder, root) = folder();
    let process = Process::start(control(&folder, &WEBHOOK))?;
    let (request, review) = review("");
    let mut stream = connect(&address(&process)?, &root)?;
    stream.write_all((request + &review).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("a whole answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(body)?;
    ensure!(body["response"]["allowed"] == true && body["response"]["patchType"] == "JSONPatch", "{body:#}");
    let line = line(&process, "cart-5");
    for part in ["namespace=\"shop\"", "decision=\"injected\"", "reason=", "took="] {
        ensure!(line.contains(part), "no {part} in {line}");
    }
    Ok(())
}

#[test]
fn told_to_end_it_first_answers_what_it_was_asked() -> Result<()> {
    let (folder, root) = folder();
    let mut process = Process::start(control(&folder, &WEBHOOK))?;
    let mut stream = connect(&address(&process)?, &root)?;
    let (request, review) = review("Expect: 100-continue\r\n");
    stream.write_all(request.as_bytes())?;
    let expected = "HTTP/1.1 100 Continue\r\n\r\n";
    let mut go_on = vec![0; expected.len()];
    stream.read_exact(&mut go_on)?;
    assert_eq!(String::from_utf8(go_on)?, expected);
    process.signal(Signal::SIGTERM)?;
    line(&process, "told to end");
    stream.write_all(review.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200") && answer.contains("JSONPatch"), "{answer}");
    ensure!(process.wait_exit(LIMIT)?.success(), "{}", process.output());
    Ok(())
}

/// Waits for a line of what the process wrote.
fn line(process: &Process, what: &str) -> String {
    eventually(LIMIT, what, || {
        let output = process.output();
        output.lines().find(|line| line.contains(what)).map(str::to_owned).ok_or(output)
    })
}

#[test]
fn without_good_files_it_does_not_start_and_says_which() {
    let (folder, _) = folder();
    fs::write(folder.path().join("bad.yaml"), "templates:\n  sidecar: '{{ if }}'\n").unwrap();
    fs::write(folder.path().join("empty.pem"), "").unwrap();
    let wrong_config = [&WEBHOOK[..], &["--injectConfigFile", "bad.yaml"]].concat();
    let no_values = [&WEBHOOK[..], &["--valuesFile", "absent.json"]].concat();
    for (words, parts) in [
        (&["--webhook", "127.0.0.1:0"][..], &["--webhook-cert", "--webhook-key"][..]),
        (&["--webhook-cert", "tls.crt"], &["--webhook "]),
        (
            &["--webhook", "127.0.0.1:0", "--webhook-cert", "empty.pem", "--webhook-key", "tls.key"],
            &["empty.pem", "no certificate"],
        ),
        (
            &["--webhook", "127.0.0.1:0", "--webhook-cert", "tls.crt", "--webhook-key", "gone"],
            &["gone", "no such file"],
        ),
        (&wrong_config, &["bad.yaml", "`sidecar`"]),
        (&no_values, &["absent.json", "no such file"]),
    ] {
        let output = control(&folder, words).output().unwrap();
        let text = said(&output);
        assert!(!output.status.success(), "{words:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{words:?}: no {part:?} in\n{text}");
        }
    }
}

#[test]
fn help_says_how_an_api_server_reaches_it() {
    let (folder, _) = folder();
    let text = said(&control(&folder, &["--help"]).output().unwrap());
    for part in ["--webhook", "--injectConfigFile", "url: https://HOST:15017/inject", "caBundle:"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

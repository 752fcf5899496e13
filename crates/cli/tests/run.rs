//! `lateen run` as a person uses it: a folder, curl, an editor.
//! Each test has a folder and ports of its own; the process ends with its test.
#![allow(clippy::unwrap_used)] // a test fails by it

use anyhow::{Context as _, ensure};
use lateen_testkit::process::Signal;
use lateen_testkit::{Process, eventually, request};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running `lateen run`.
struct Run {
    process: Process,
}

impl Run {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
        command.args(["run", "-o", "json", "--concurrency", "1"]).args(more).arg(folder);
        Self { process: Process::start(command).unwrap() }
    }

    /// The newest board, once it is as `wanted`.
    fn board(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let Self { process } = self;
        let mut last = String::new();
        let found = lateen_testkit::try_eventually(PATIENCE, || {
            last = process.output();
            let mut boards = last.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let newest = boards.rfind(|board| board["generation"].is_u64());
            newest.filter(&wanted).context("not yet")
        });
        found.unwrap_or_else(|_| panic!("no such board:\n{last}"))
    }
}

fn get(port: u16, host: &str, path: &str) -> anyhow::Result<lateen_testkit::Reply> {
    request(SocketAddr::from(([127, 0, 0, 1], port)), "GET", path, &[("host", host)], b"")
}

/// Status of a GET once it is `wanted`; a change needs a moment until it is live.
#[track_caller]
fn expect(port: u16, host: &str, path: &str, wanted: u16) {
    eventually(PATIENCE, &format!("{host}{path}"), || {
        let reply = get(port, host, path)?;
        ensure!(reply.status == wanted, "{} instead of {wanted}: {}", reply.status, reply.text());
        Ok(())
    });
}

fn gateway(name: &str, selector: &str, port: u16) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}}}\nspec:\n  \
         selector: {{istio: {selector}}}\n  servers:\n  - port: {{number: {port}, name: http, protocol: HTTP}}\n    hosts: ['*']\n---\n"
    )
}

fn route(gateway: &str, prefix: &str, action: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {gateway}}}\nspec:\n  hosts: ['*']\n  \
         gateways: [{gateway}]\n  http:\n  - match: [{{uri: {{prefix: {prefix}}}}}]\n    {action}\n---\n"
    )
}

const TO_WEB: &str = "route: [{destination: {host: web}}]";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  \
                       ports: [{name: http, port: 80}]\n---\n";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

#[test]
fn the_two_lines_of_the_readme() {
    let mut run = Run::start(&example("httpbin"), &[]);
    let board = run.board(|board| board["gateways"][0]["listeners"][0]["port"].is_u64());
    let port = board["gateways"][0]["listeners"][0]["port"].as_u64().unwrap() as u16;
    assert_eq!(port, 8080, "port 80 of a gateway is 8080 on a laptop: {board:#}");
    for (host, path, status) in [
        ("httpbin.example.com", "/status/200", 200),
        ("httpbin.example.com", "/status/418", 418),
        ("httpbin.example.com", "/delay/0", 200),
        ("httpbin.example.com", "/headers", 404),
        ("other.example.com", "/status/200", 404),
    ] {
        expect(port, host, path, status);
    }
    run.process.signal(Signal::SIGTERM).unwrap();
    assert!(run.process.wait_exit(PATIENCE).unwrap().success());
}

#[test]
fn an_edit_is_live_in_under_a_second_and_loses_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let port = 21180;
    let file = folder.path().join("all.yaml");
    let write = |answer: u16| {
        let body = gateway("edge", "edit", port)
            + SERVICE
            + &route("edge", "/version", &format!("directResponse: {{status: {answer}}}"))
            + &route("edge", "/", TO_WEB).replace("{name: edge}", "{name: web}");
        // As an editor does it: a new file in the place of the old one.
        let next = folder.path().join(".next");
        fs::write(&next, body).unwrap();
        fs::rename(&next, &file).unwrap();
    };
    write(231);
    let mut run = Run::start(folder.path(), &[]);
    run.board(|board| board["gateways"][0]["listeners"][0]["port"] == port);
    expect(port, "a", "/version", 231);
    expect(port, "a", "/status/200", 200);
    let (stop, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let reply = get(port, "a", "/status/200").expect("no request may fail");
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut slowest = Duration::ZERO;
        for answer in 232..252 {
            write(answer);
            let start = Instant::now();
            expect(port, "a", "/version", answer);
            slowest = slowest.max(start.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        assert!(slowest < Duration::from_secs(1), "a change took {slowest:?}");
        println!("20 edits, the slowest live after {slowest:?}");
    });
    println!("{} requests, none failed", requests.load(Ordering::Relaxed));
    assert!(requests.load(Ordering::Relaxed) > 100);
}

#[test]
fn a_folder_without_a_gateway_waits_for_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("service.yaml"), SERVICE).unwrap();
    let mut run = Run::start(folder.path(), &[]);
    let board = run.board(|board| board["gateways"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(board["stubs"][0]["services"][0], "default/web");
    fs::write(folder.path().join("gateway.yaml"), gateway("late", "late", 21181) + &route("late", "/", TO_WEB))
        .unwrap();
    run.board(|board| board["gateways"][0]["gateway"] == "istio-system/late");
    expect(21181, "a", "/status/200", 200);
    fs::remove_file(folder.path().join("gateway.yaml")).unwrap();
    eventually(PATIENCE, "the listener is gone", || {
        ensure!(get(21181, "a", "/status/200").is_err(), "still answers");
        Ok(())
    });
}

#[test]
fn a_broken_document_is_a_finding_and_the_rest_serves() {
    let folder = tempfile::tempdir().unwrap();
    let good = gateway("edge", "broken", 21182) + SERVICE + &route("edge", "/", TO_WEB);
    fs::write(folder.path().join("good.yaml"), &good).unwrap();
    fs::write(folder.path().join("bad.yaml"), route("other", "/", "rout: [{destination: {host: web}}]")).unwrap();
    let mut run = Run::start(folder.path(), &[]);
    let board = run.board(|board| board["gateways"][0]["listeners"][0]["port"] == 21182);
    let finding = &board["findings"][0];
    assert_eq!(finding["severity"], "error", "{board:#}");
    assert!(finding["file"].as_str().unwrap().ends_with("bad.yaml"), "{finding:#}");
    assert_eq!(finding["line"], 9, "{finding:#}");
    assert!(finding["path"].as_str().unwrap().contains("http[0]"), "{finding:#}");
    expect(21182, "a", "/status/200", 200);
    // What served before goes on serving when its document breaks.
    fs::write(folder.path().join("good.yaml"), good.replace("prefix: /", "prefixx: /")).unwrap();
    run.board(|board| board["findings"].as_array().is_some_and(|findings| findings.len() > 1));
    expect(21182, "a", "/status/200", 200);
}

#[test]
fn gateways_that_want_the_same_port_get_different_ones() {
    let folder = tempfile::tempdir().unwrap();
    let text = gateway("one", "first-edge", 21190)
        + &gateway("two", "second-edge", 21190)
        + &route("one", "/", "directResponse: {status: 231}")
        + &route("two", "/", "directResponse: {status: 232}");
    fs::write(folder.path().join("all.yaml"), text).unwrap();
    let mut run = Run::start(folder.path(), &[]);
    let board = run.board(|board| board["gateways"].as_array().is_some_and(|gateways| gateways.len() == 2));
    let port = |i: usize| board["gateways"][i]["listeners"][0]["port"].as_u64().unwrap() as u16;
    assert_eq!((port(0), port(1)), (21190, 21191), "{board:#}");
    expect(port(0), "a", "/", 231);
    expect(port(1), "a", "/", 232);
}

#[test]
fn without_stubs_a_service_has_no_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let text = gateway("edge", "nostubs", 21184) + SERVICE + &route("edge", "/", TO_WEB);
    fs::write(folder.path().join("all.yaml"), text).unwrap();
    let mut run = Run::start(folder.path(), &["--no-stubs"]);
    run.board(|board| board["gateways"][0]["listeners"][0]["port"] == 21184);
    expect(21184, "a", "/", 503);
}

#[test]
fn versions_of_a_sample_show_where_routes_go() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = |version: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{version}}}\nspec:\n  \
             selector: {{matchLabels: {{app: web, version: {version}}}}}\n  template:\n    \
             metadata: {{labels: {{app: web, version: {version}}}}}\n    spec: {{containers: [{{name: web, image: web}}]}}\n---\n"
        )
    };
    let rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: web}\nspec:\n  host: web\n  \
                subsets:\n  - {name: v1, labels: {version: v1}}\n  - {name: v2, labels: {version: v2}}\n---\n";
    let text = gateway("edge", "versions", 21185)
        + SERVICE
        + &deployment("v1")
        + &deployment("v2")
        + rule
        + &route("edge", "/one", "route: [{destination: {host: web, subset: v1}}]")
        + &route("edge", "/two", "route: [{destination: {host: web, subset: v2}}]")
            .replace("{name: edge}", "{name: two}");
    fs::write(folder.path().join("all.yaml"), text).unwrap();
    let mut run = Run::start(folder.path(), &[]);
    run.board(|board| board["gateways"][0]["listeners"][0]["port"] == 21185);
    for (path, version) in [("/one", "v1"), ("/two", "v2")] {
        expect(21185, "a", path, 200);
        let reply = get(21185, "a", path).unwrap();
        assert_eq!(reply.header("x-echo-version"), Some(version), "{path}");
    }
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_lateen")).args(["run", "no-such-folder"]).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no-such-folder"), "{text}");
}

//! The kit against itself: what a test relies on must itself be right.

use std::process::Command;
use std::time::Duration;

use lateen_testkit::{Envoy, Origin, Process, envoy_program, exchange, request};
use serde_json::json;

#[test]
fn an_origin_writes_down_what_it_got() {
    let origin = Origin::start().unwrap();
    let reply = request(origin.addr, "POST", "/a?b=c", &[("X-Odd-Case", "1")], b"hello").unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, "ok"));
    let chunked = b"PUT /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET";
    let mut stream = lateen_testkit::http1::connect(origin.addr).unwrap();
    std::io::Write::write_all(&mut stream, chunked).unwrap();
    assert_eq!(lateen_testkit::http1::read_reply(&mut stream, false).unwrap().status, 200);
    let seen = origin.take_seen();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("POST", "/a?b=c"));
    assert!(seen[0].headers.contains(&("X-Odd-Case".into(), "1".into())));
    assert_eq!(seen[0].body, b"hello");
    assert_eq!(seen[1].body, b"abc");
    assert!(origin.seen().is_empty());
}

#[test]
fn an_answer_in_chunks_is_joined_and_a_cut_one_is_an_error() {
    let chunked = Origin::answering(|_| {
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\na: b\r\n\r\n".to_vec()
    });
    let chunked = chunked.unwrap();
    assert_eq!(request(chunked.addr, "GET", "/", &[], b"").unwrap().body, b"abcd");
    let none = Origin::answering(|_| Vec::new()).unwrap();
    assert!(request(none.addr, "GET", "/", &[], b"").is_err());
    assert_eq!(exchange(none.addr, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap(), b"");
}

#[test]
fn a_process_ends_with_its_value() {
    let mut command = Command::new("sleep");
    command.arg("60");
    let mut process = Process::start(command).unwrap();
    assert!(process.is_running());
    let id = process.id();
    drop(process);
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
}

#[test]
fn the_output_of_a_program_that_ends_early_is_in_the_error() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such thing; exit 3"]);
    let mut process = Process::start(command).unwrap();
    assert_eq!(process.wait_exit(Duration::from_secs(10)).unwrap().code(), Some(3));
    let error = process.wait_until::<()>(Duration::from_secs(10), || anyhow::bail!("not yet")).unwrap_err();
    assert!(error.to_string().contains("no such thing"), "{error}");
}

#[test]
fn a_stock_envoy_starts_and_says_so() {
    if envoy_program().is_none() {
        eprintln!("skipped: no Envoy; `cargo xtask test` brings one");
        return;
    }
    let mut envoy = Envoy::start(json!({ "node": { "id": "a", "cluster": "b" } })).unwrap();
    envoy.wait_ready(Duration::from_secs(30)).unwrap();
    assert!(envoy.config_dump().unwrap()["configs"].is_array());
    assert_eq!(envoy.stat("server.live").unwrap(), 1);
}

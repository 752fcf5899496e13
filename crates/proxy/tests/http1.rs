//! HTTP/1.1 through workers on loopback: what clients and servers see.

#[path = "support/plane.rs"]
mod plane;

use plane::{Origin, Plane, cluster, forward, listener, routes};
use serde_json::json;

#[test]
fn requests_share_connections_on_both_sides() {
    let origin = Origin::answering("hello");
    let plane = Plane::with(1, plane::PATIENCE, &[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    for _ in 0..20 {
        let response = client.get("/");
        assert_eq!((response.status(), response.body.as_str()), (200, "hello"), "{response:?}");
    }
    assert_eq!(origin.connections(), 1);
    assert_eq!(plane.stat("http.main.downstream_rq_total"), 20);
    assert_eq!(plane.stat("cluster.origin.upstream_rq_200"), 20);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::mirror();
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    let all: String = (0..50).map(|n| format!("GET /{n} HTTP/1.1\r\nhost: test\r\n\r\n")).collect();
    client.write(&all);
    for n in 0..50 {
        let response = client.read_response();
        assert!(response.body.starts_with(&format!("GET /{n} HTTP/1.1\r\n")), "{n}: {response:?}");
    }
}

#[test]
fn what_is_answered_without_an_upstream() {
    let table = json!([
        {"match": {"path": "/direct"}, "direct_response": {"status": 418, "body": {"inline_string": "tea"}}},
        {"match": {"path": "/moved"}, "redirect": {"path_redirect": "/new"}},
        {"match": {"path": "/nowhere"}, "route": {"cluster": "missing"}},
    ]);
    let plane = Plane::start(&[listener(routes(table))], &[]);
    let mut client = plane.client();
    for (path, status, body) in [("/direct", 418, "tea"), ("/moved", 301, ""), ("/nowhere", 503, ""), ("/other", 404, "")] {
        let response = client.get(path);
        assert_eq!((response.status(), response.body.as_str()), (status, body), "{path}: {response:?}");
        assert_eq!(response.header("server"), Some("envoy"), "{path}");
        assert!(response.header("date").is_some(), "{path}");
    }
}

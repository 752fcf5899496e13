//! Endpoints that fail get no requests for a while, whichever worker has seen them fail.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;

use plane::{Origin, Plane, cluster, forward, listener, until};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn endpoints(addresses: &[SocketAddr]) -> Value {
    let all: Vec<Value> = addresses
        .iter()
        .map(|address| {
            json!({"endpoint": {"address": {"socket_address": {
                "address": address.ip().to_string(), "port_value": address.port()}}}})
        })
        .collect();
    json!({"cluster_name": "origin", "endpoints": [{"lb_endpoints": all}]})
}

/// Answers 503 while `bad`, and 200 otherwise.
fn moody(bad: &Arc<AtomicBool>) -> Origin {
    let bad = Arc::clone(bad);
    Origin::start(move |client| {
        while let Some(_request) = client.read_message() {
            let status = if bad.load(Ordering::SeqCst) { "503 Busy" } else { "200 OK" };
            client.write(&format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"));
        }
    })
}

#[test]
fn an_endpoint_that_fails_is_left_out_and_comes_back() {
    let bad = Arc::new(AtomicBool::new(true));
    let (good, moody) = (Origin::answering("ok"), moody(&bad));
    let fields = json!({
        "load_assignment": endpoints(&[good.address, moody.address]),
        "outlier_detection": {"consecutive_5xx": 3, "max_ejection_percent": 50,
            "interval": "0.02s", "base_ejection_time": "0.02s", "max_ejection_time": "0.02s"},
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(good.address, fields)]);
    let stat = |name: &str| plane.stat(&format!("cluster.origin.outlier_detection.{name}"));
    // Connections are spread over workers; each must come to know of it.
    until("it is ejected", || {
        plane.client().get("/");
        stat("ejections_enforced_consecutive_5xx") > 0
    });
    bad.store(false, Ordering::SeqCst);
    until("it is back", || {
        plane.client().get("/");
        stat("ejections_active") == 0
    });
    let before = moody.connections();
    until("it is used again", || {
        let answer = plane.client().get("/");
        answer.status() == 200 && answer.body.is_empty()
    });
    assert!(moody.connections() >= before);
}

#[test]
fn an_endpoint_that_is_out_gets_nothing_on_any_worker() {
    let good = Origin::answering("ok");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fields = json!({
        "load_assignment": endpoints(&[good.address, free]),
        "outlier_detection": {"consecutive_5xx": 2, "interval": "300s", "base_ejection_time": "300s"},
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(good.address, fields)]);
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(plane.client().get("/").status() == 503);
    }
    assert_eq!(failed, 2);
    assert_eq!(plane.stat("cluster.origin.outlier_detection.ejections_enforced_total"), 1);
    assert_eq!(plane.stat("cluster.origin.outlier_detection.ejections_active"), 1);
}

//! Upstreams that fail, are slow, or have closed: what the client is told and what is tried again.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;

use plane::{Origin, Plane, cluster, forward, listener};
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn plane(origin: &Origin, route: serde_json::Value) -> Plane {
    Plane::with(1, plane::PATIENCE, &[listener(forward(route))], &[cluster(origin.address, json!({}))])
}

#[test]
fn an_upstream_that_closes_before_its_head_is_503() {
    let origin = Origin::start(|client| {
        client.read_message();
    });
    let plane = plane(&origin, json!({}));
    let response = plane.client().get("/");
    assert_eq!(response.status(), 503);
    assert_eq!(
        response.body,
        "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
    );
    assert_eq!(plane.stat("cluster.origin.upstream_rq_503"), 1);
}

#[test]
fn an_upstream_that_speaks_no_http_is_502() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.write("SSH-2.0-x\r\n");
    });
    let response = plane(&origin, json!({})).client().get("/");
    assert_eq!(response.status(), 502);
    assert_eq!(
        response.body,
        "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
    );
}

#[test]
fn an_upstream_that_closes_inside_its_body_cuts_the_response() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    });
    let plane = plane(&origin, json!({}));
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    assert!(client.read_head().unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(client.read_exact(4).unwrap(), "half");
    assert!(client.is_ended());
}

#[test]
fn a_port_where_nobody_listens_is_503() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(free, json!({}))]);
    let response = plane.client().get("/");
    assert_eq!(response.status(), 503);
    assert!(
        response.body.starts_with(
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
        ),
        "{response:?}"
    );
    assert_eq!(plane.stat("cluster.origin.upstream_cx_connect_fail"), 1);
}

#[test]
fn a_connection_that_the_server_has_closed_is_not_used_again() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    let plane = plane(&origin, json!({}));
    let mut client = plane.client();
    for _ in 0..50 {
        assert_eq!(client.get("/").body, "ok");
    }
    assert_eq!(origin.connections(), 50);
}

#[test]
fn a_connection_that_is_idle_for_too_long_is_closed() {
    let origin = Origin::answering("ok");
    let fields = json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": "0.1s"},
        "explicit_http_config": {"http_protocol_options": {}}}}});
    let plane = Plane::with(1, plane::PATIENCE, &[listener(forward(json!({})))], &[cluster(origin.address, fields)]);
    assert_eq!(plane.client().get("/").body, "ok");
    plane::until("the connection is closed", || plane.stat("cluster.origin.upstream_cx_idle_timeout") == 1);
    assert_eq!(plane.client().get("/").body, "ok");
    assert_eq!(origin.connections(), 2);
}

#[test]
fn a_connection_that_is_too_old_takes_no_more_requests() {
    for (options, connections) in [(json!({}), 1), (json!({"max_connection_duration": "0.000001s"}), 3)] {
        let origin = Origin::answering("ok");
        let fields = json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "common_http_protocol_options": options,
            "explicit_http_config": {"http_protocol_options": {}}}}});
        let plane =
            Plane::with(1, plane::PATIENCE, &[listener(forward(json!({})))], &[cluster(origin.address, fields)]);
        let mut client = plane.client();
        for _ in 0..3 {
            assert_eq!(client.get("/").body, "ok");
        }
        assert_eq!(origin.connections(), connections, "{options}");
    }
}

#[test]
fn a_response_until_close_becomes_chunked() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.write("HTTP/1.1 200 OK\r\n\r\nas long as it lasts");
    });
    let plane = plane(&origin, json!({}));
    let mut client = plane.client();
    for _ in 0..2 {
        let response = client.get("/");
        assert_eq!(response.header("transfer-encoding"), Some("chunked"), "{response:?}");
        assert_eq!(response.body, "as long as it lasts");
    }
}

#[test]
fn a_request_is_tried_again_with_its_body() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let origin = Origin::start(move |client| {
        while let Some(request) = client.read_message() {
            assert_eq!(request.body, "the body");
            let answer = if count.fetch_add(1, Ordering::SeqCst) < 2 { "503 Busy" } else { "200 OK" };
            client.write(&format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n"));
        }
    });
    let plane = plane(
        &origin,
        json!({"retry_policy": {"retry_on": "5xx", "num_retries": 3,
        "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}}),
    );
    let mut client = plane.client();
    client.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 8\r\n\r\nthe body");
    assert_eq!(client.read_response().status(), 200);
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(plane.stat("cluster.origin.upstream_rq_retry"), 2);
    assert_eq!(plane.stat("cluster.origin.upstream_rq_retry_success"), 1);
}

#[test]
fn tries_end_and_the_last_answer_counts() {
    let origin = Origin::start(|client| {
        while client.read_message().is_some() {
            client.write("HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\nlast");
        }
    });
    let plane = plane(
        &origin,
        json!({"retry_policy": {"retry_on": "5xx", "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}}),
    );
    let response = plane.client().get("/");
    assert_eq!((response.status(), response.body.as_str()), (500, "last"));
    assert_eq!(plane.stat("cluster.origin.upstream_rq_total"), 3);
    assert_eq!(plane.stat("cluster.origin.upstream_rq_retry_limit_exceeded"), 1);
}

#[test]
fn a_slow_upstream_is_504() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.drain();
    });
    let plane = plane(&origin, json!({"timeout": "0.05s"}));
    let mut client = plane.client();
    let response = client.get("/");
    assert_eq!((response.status(), response.body.as_str()), (504, "upstream request timeout"));
    assert_eq!(plane.stat("cluster.origin.upstream_rq_timeout"), 1);
    // The client's connection goes on.
    assert_eq!(client.get("/").status(), 504);
}

#[test]
fn a_client_that_goes_away_takes_its_request_along() {
    let ended = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ended);
    let origin = Origin::start(move |client| {
        client.read_message();
        client.drain();
        count.fetch_add(1, Ordering::SeqCst);
    });
    let plane = plane(&origin, json!({"timeout": "0s"}));
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    plane::until("the request is there", || plane.stat("cluster.origin.upstream_rq_total") == 1);
    drop(client);
    plane::until("the upstream is let go", || ended.load(Ordering::SeqCst) == 1);
    plane::until("nothing is left", || {
        plane.stat("http.main.downstream_rq_active") == 0 && plane.fleet.active_connections() == 0
    });
}

#[test]
fn a_full_circuit_breaker_answers_at_once() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.drain();
    });
    let limits = json!({"circuit_breakers": {"thresholds": [{"max_requests": 1}]}});
    let plane = Plane::with(
        1,
        plane::PATIENCE,
        &[listener(forward(json!({"timeout": "0s"})))],
        &[cluster(origin.address, limits)],
    );
    let mut first = plane.client();
    first.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    plane::until("the request is there", || plane.stat("cluster.origin.upstream_rq_total") == 1);
    let response = plane.client().get("/");
    assert_eq!((response.status(), response.header("x-envoy-overloaded")), (503, Some("true")));
    assert!(response.body.ends_with("reset reason: overflow"), "{response:?}");
}

#[test]
fn requests_wait_for_the_only_connection() {
    let origin = Origin::answering("ok");
    let limits = json!({"circuit_breakers": {"thresholds": [{"max_connections": 1}]}});
    let plane = Plane::with(1, plane::PATIENCE, &[listener(forward(json!({})))], &[cluster(origin.address, limits)]);
    let mut clients: Vec<_> = (0..20).map(|_| plane.client()).collect();
    for client in &mut clients {
        client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.read_response().body, "ok");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_copy_goes_to_the_mirror_and_its_answer_nowhere() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let shadow = Origin::start(move |client| {
        while let Some(request) = client.read_message() {
            record.lock().unwrap().push((request.header("host").map(str::to_owned), request.body.clone()));
            client.write("HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\nshadow");
        }
    });
    let origin = Origin::answering("real");
    let mut copy = cluster(shadow.address, json!({}));
    copy["name"] = json!("copy");
    let route = json!({"request_mirror_policies": [{"cluster": "copy"}]});
    let plane = Plane::start(&[listener(forward(route))], &[cluster(origin.address, json!({})), copy]);
    let mut client = plane.client();
    client.write("POST / HTTP/1.1\r\nhost: test:8080\r\ncontent-length: 5\r\n\r\ntwice");
    assert_eq!(client.read_response().body, "real");
    assert_eq!(client.get("/").body, "real");
    plane::until("both copies are there", || seen.lock().unwrap().len() == 2);
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_by_key(|(_, body)| body.len());
    assert_eq!(seen[0].1, "");
    assert_eq!(seen[1], (Some("test-shadow:8080".to_owned()), "twice".to_owned()));
}

#[test]
fn a_line_is_written_for_each_request() {
    let origin = Origin::answering("hello");
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut manager = plane::routes(json!([
        {"match": {"path": "/up"}, "route": {"cluster": "origin"}},
        {"match": {"path": "/nowhere"}, "route": {"cluster": "missing"}},
    ]));
    manager["access_log"] = json!([{"name": "file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": file.path(),
        "log_format": {"text_format_source": {"inline_string":
            "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_SENT% %UPSTREAM_CLUSTER%\n"}}}}]);
    let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    for path in ["/up", "/nowhere", "/other"] {
        client.get(path);
    }
    client.write("nonsense\r\n\r\n");
    client.read_response();
    assert!(plane.logs.flush(plane::PATIENCE));
    let log = std::fs::read_to_string(file.path()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines,
        [
            "GET /up 200 - via_upstream 5 origin",
            "GET /nowhere 503 NC cluster_not_found 0 -",
            "GET /other 404 NR route_not_found 0 -",
            "- - 400 DPE http1.codec_error 11 -",
        ],
    );
}

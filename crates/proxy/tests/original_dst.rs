//! Clusters of type ORIGINAL_DST: bytes and requests go where the client was bound for before it was redirected.
//! The PROXY header says where that was, as no packet filter is at hand; Envoy 1.40 was measured in the same way.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;

use plane::{Client, Origin, Plane, named_listener, routes};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};

/// A cluster with these fields of `original_dst_lb_config`.
fn cluster(name: &str, config: Value) -> Value {
    json!({"name": name, "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "5s",
        "original_dst_lb_config": config})
}

/// The listener behind something that says where its clients were bound for.
fn behind_a_redirect(mut listener: Value) -> Value {
    listener["listener_filters"] = json!([{"name": "envoy.filters.listener.proxy_protocol", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"}}]);
    listener
}

fn bound_for(address: SocketAddr) -> String {
    format!("PROXY TCP4 203.0.113.7 {} 4444 {}\r\n", address.ip(), address.port())
}

#[test]
fn requests_go_where_the_client_was_bound_for() {
    let (first, second) = (Origin::answering("first"), Origin::answering("second"));
    let names = ["plain", "by-header", "by-own-header", "by-port"];
    let table: Vec<Value> =
        names.iter().map(|name| json!({"match": {"path": format!("/{name}")}, "route": {"cluster": name}})).collect();
    let clusters = [
        cluster("plain", json!({})),
        cluster("by-header", json!({"use_http_header": true})),
        cluster("by-own-header", json!({"use_http_header": true, "http_header_name": "X-To"})),
        cluster("by-port", json!({"upstream_port_override": second.address.port()})),
    ];
    let listener = behind_a_redirect(named_listener("main", 0, routes(json!(table))));
    let plane = Plane::with(1, plane::PATIENCE, &[listener], &clusters);
    let other = second.address.to_string();
    for (path, header, value, body) in [
        ("/plain", "x", "", "first"),
        ("/plain", "x-envoy-original-dst-host", &*other, "first"),
        ("/by-header", "x", "", "first"),
        ("/by-header", "x-envoy-original-dst-host", &other, "second"),
        ("/by-header", "x-envoy-original-dst-host", "nonsense", "first"),
        ("/by-header", "x-envoy-original-dst-host", "127.0.0.1", "first"),
        ("/by-header", "x-to", &other, "first"),
        ("/by-own-header", "x-to", &other, "second"),
        ("/by-own-header", "x-envoy-original-dst-host", &other, "first"),
        ("/by-port", "x", "", "second"),
    ] {
        let mut client = Client::connect(plane.address("main"));
        client.write(&bound_for(first.address));
        client.write(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n{header}: {value}\r\n\r\n"));
        let response = client.read_response();
        assert_eq!((response.status(), response.body.as_str()), (200, body), "{path} {header}: {value}: {response:?}");
    }
    assert_eq!((first.connections(), second.connections()), (3, 3), "one for each cluster: they are used again");
}

#[test]
fn a_client_that_was_not_redirected_is_503() {
    // Envoy 1.40: `no healthy upstream`, flag UH; a header that names a destination still counts.
    let origin = Origin::answering("origin");
    let table = json!([{"match": {"prefix": "/"}, "route": {"cluster": "by-header"}}]);
    let plane = Plane::start(
        &[named_listener("main", 0, routes(table))],
        &[cluster("by-header", json!({"use_http_header": true}))],
    );
    let mut client = plane.client();
    let response = client.get("/");
    assert_eq!((response.status(), response.body.as_str()), (503, "no healthy upstream"));
    client.write(&format!("GET / HTTP/1.1\r\nhost: a\r\nx-envoy-original-dst-host: {}\r\n\r\n", origin.address));
    assert_eq!(client.read_response().body, "origin");
}

#[test]
fn bytes_go_where_the_client_was_bound_for() {
    let (first, second) = (Origin::answering("first"), Origin::answering("second"));
    let mut listener = behind_a_redirect(named_listener("main", 0, routes(json!([]))));
    listener["filter_chains"] = json!([{"filters": [{"name": "tcp", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "tcp", "cluster": "plain"}}]}]);
    let plane = Plane::start(&[listener], &[cluster("plain", json!({}))]);
    for (origin, body) in [(&first, "first"), (&second, "second"), (&first, "first")] {
        let mut client = Client::connect(plane.address("main"));
        client.write(&bound_for(origin.address));
        assert_eq!(client.get("/").body, body);
    }
    // Nobody listens there; the own address is none that was redirected; and none is known.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let own = plane.address("main");
    for header in [bound_for(free), bound_for(own), "PROXY UNKNOWN\r\n".to_owned()] {
        let mut client = Client::connect(own);
        client.write(&header);
        assert!(client.is_ended(), "{header:?}");
    }
    assert_eq!(plane.stat("cluster.plain.upstream_cx_total"), 3);
    assert_eq!(plane.stat("cluster.plain.upstream_cx_none_healthy"), 2);
}

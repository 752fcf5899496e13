//! Bytes through listeners: plain, passed through by server name, under TLS, and with what a load balancer puts before.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;
#[path = "support/tls.rs"]
mod tls;

use plane::{Client, Origin, Plane, cluster, forward, named_listener};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use tls::{Authority, Dial, server};

/// A listener that passes bytes on to `origin`, with these fields of the proxy.
fn tcp(fields: Value) -> Value {
    let mut config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "tcp", "cluster": "origin",
    });
    for (key, value) in fields.as_object().unwrap() {
        config[key] = value.clone();
    }
    let mut listener = named_listener("main", 0, forward(json!({})));
    listener["filter_chains"] = json!([{"filters": [{"name": "tcp", "typed_config": config}]}]);
    listener
}

/// Bytes that are easy to tell apart.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Answers with what it was sent, once that has ended.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).unwrap();
                stream.write_all(&bytes).unwrap();
            });
        }
    });
    address
}

#[test]
fn both_directions_are_copied_and_ended_apart() {
    let plane = Plane::start(&[tcp(json!({}))], &[cluster(echo(), json!({}))]);
    // Small ones are copied, large ones spliced.
    for length in [0, 1, 70_000, 20_000_000] {
        let sent = pattern(length);
        let mut stream = TcpStream::connect(plane.address("main")).unwrap();
        stream.set_read_timeout(Some(plane::PATIENCE)).unwrap();
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        assert!(back == sent, "{length} bytes came back as {}", back.len());
    }
    assert_eq!(plane.stat("tcp.tcp.downstream_cx_rx_bytes_total"), 20_070_001);
}

#[test]
fn a_reader_that_is_slow_holds_the_writer_up() {
    let origin = Origin::start(|client| {
        let piece = "x".repeat(1 << 16);
        for _ in 0..2000 {
            client.write(&piece);
        }
        client.end();
    });
    let plane = Plane::start(&[tcp(json!({}))], &[cluster(origin.address, json!({}))]);
    let mut stream = TcpStream::connect(plane.address("main")).unwrap();
    stream.set_read_timeout(Some(plane::PATIENCE)).unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    let count = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    assert_eq!(count + 1, 2000 << 16);
}

#[test]
fn a_connection_without_a_byte_is_ended() {
    let plane = Plane::start(&[tcp(json!({"idle_timeout": "0.1s"}))], &[cluster(echo(), json!({}))]);
    assert!(Client::connect(plane.address("main")).is_ended());
    assert_eq!(plane.stat("tcp.tcp.idle_timeout"), 1);
}

#[test]
fn tls_is_passed_through_by_server_name() {
    let authority = Authority::new("root");
    let own = authority.sign(&["a.example"]);
    // The backend ends TLS itself.
    let mut backend = named_listener(
        "main",
        0,
        plane::routes(
            json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "backend"}}}]),
        ),
    );
    backend["filter_chains"][0]["transport_socket"] = server(json!({}), json!({"tls_certificates": [own.inline()]}));
    let backend = Plane::start(&[backend], &[]);
    let mut listener = tcp(json!({}));
    listener["filter_chains"][0]["filter_chain_match"] = json!({"server_names": ["a.example"]});
    let plane = Plane::start(&[listener], &[cluster(backend.address("main"), json!({}))]);
    let dial = Dial::trusting(&authority);
    assert_eq!(dial.certificate(plane.address("main"), "a.example"), own.der);
    assert_eq!(dial.get(plane.address("main"), "a.example"), Ok("backend".to_owned()));
    assert!(dial.dial(plane.address("main"), "b.example").is_err());
    assert!(Client::connect(plane.address("main")).is_refused("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
}

#[test]
fn a_load_balancer_names_the_client() {
    let origin = Origin::mirror();
    let mut manager = forward(json!({}));
    manager["use_remote_address"] = true.into();
    let mut listener = named_listener("main", 0, manager);
    listener["listener_filters"] = json!([{"name": "envoy.filters.listener.proxy_protocol", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"}}]);
    let plane = Plane::start(&[listener], &[cluster(origin.address, json!({}))]);
    let mut client = Client::connect(plane.address("main"));
    client.write("PROXY TCP4 203.0.113.7 10.0.0.1 4444 80\r\n");
    let answer = client.get("/");
    assert!(answer.body.contains("x-forwarded-for: 203.0.113.7"), "{}", answer.body);
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xcb\x00\x71\x09\x0a\0\0\x01\x11\x5c\0\x50".to_vec();
    v2.extend(b"\x04\0\0"); // a TLV
    let mut client = Client::connect(plane.address("main"));
    client.stream.write_all(&v2).unwrap();
    let answer = client.get("/");
    assert!(answer.body.contains("x-forwarded-for: 203.0.113.9"), "{}", answer.body);
    assert!(Client::connect(plane.address("main")).is_refused("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
}

#[test]
fn two_proxies_speak_mutual_tls_between_them() {
    let authority = Authority::new("root");
    let (inner, outer) = (authority.sign(&["inner.example"]), authority.sign(&["spiffe://td/outer"]));
    let ca = json!({"trusted_ca": {"inline_string": authority.pem}});
    let origin = Origin::answering("origin");
    let mut inbound = named_listener("main", 0, forward(json!({})));
    inbound["filter_chains"][0]["transport_socket"] = server(
        json!({"require_client_certificate": true}),
        json!({"tls_certificates": [inner.inline()], "validation_context": ca, "alpn_protocols": ["h2", "http/1.1"]}),
    );
    let inbound = Plane::start(&[inbound], &[cluster(origin.address, json!({}))]);
    let towards = |fields: Value, common: Value| {
        let mut context = json!({"sni": "inner.example"});
        for (key, value) in fields.as_object().unwrap() {
            context[key] = value.clone();
        }
        json!({"transport_socket": tls::client(context, common)})
    };
    let named = |name: &str| json!({"trusted_ca": {"inline_string": authority.pem}, "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": name}}]});
    let own = json!([outer.inline()]);
    for (socket, status) in [
        (towards(json!({}), json!({"tls_certificates": own, "validation_context": named("inner.example")})), 200),
        (
            towards(
                json!({"auto_sni_san_validation": true}),
                json!({"tls_certificates": own, "validation_context": ca}),
            ),
            200,
        ),
        (towards(json!({}), json!({"tls_certificates": own, "validation_context": named("other.example")})), 503),
        (towards(json!({}), json!({"validation_context": named("inner.example")})), 503),
        (towards(json!({}), json!({"tls_certificate_sds_secret_configs": [{"name": "lost"}]})), 503),
    ] {
        for http2 in [false, true] {
            let mut fields = socket.clone();
            if http2 {
                fields["typed_extension_protocol_options"] = plane::http2()["typed_extension_protocol_options"].clone();
            }
            let outbound = Plane::start(
                &[named_listener("main", 0, forward(json!({})))],
                &[cluster(inbound.address("main"), fields.clone())],
            );
            let mut client = outbound.client();
            for _ in 0..3 {
                let answer = client.get("/");
                assert_eq!(answer.status(), status, "{fields}: {}", answer.body);
            }
            if status == 200 {
                assert_eq!(outbound.stat("cluster.origin.ssl.handshake"), 1, "connections are kept: {fields}");
            }
        }
    }
}

#[test]
fn the_name_of_the_request_is_sent_where_the_cluster_says_so() {
    let authority = Authority::new("root");
    let chain = |name: &str| {
        let own = authority.sign(&[name]);
        let mut chain = named_listener("main", 0, plane::routes(json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": name}}}])))["filter_chains"][0].clone();
        chain["filter_chain_match"] = json!({"server_names": [name]});
        chain["transport_socket"] = server(json!({}), json!({"tls_certificates": [own.inline()]}));
        chain
    };
    let mut backend = named_listener("main", 0, forward(json!({})));
    backend["filter_chains"] = json!([chain("a.example"), chain("b.example")]);
    let backend = Plane::start(&[backend], &[]);
    let fields = json!({
        "transport_socket": tls::client(json!({}), json!({"validation_context": {"trusted_ca": {"inline_string": authority.pem}}})),
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "upstream_http_protocol_options": {"auto_sni": true, "auto_san_validation": true},
            "explicit_http_config": {"http_protocol_options": {}}}},
    });
    let plane =
        Plane::start(&[named_listener("main", 0, forward(json!({})))], &[cluster(backend.address("main"), fields)]);
    let mut client = plane.client();
    for _ in 0..2 {
        for (host, body) in [("a.example", "a.example"), ("b.example:80", "b.example")] {
            client.write(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"));
            assert_eq!(client.read_response().body, body);
        }
    }
    assert_eq!(plane.stat("cluster.origin.ssl.handshake"), 2, "one connection for each name");
}

#[test]
fn bytes_go_through_tls_on_both_sides() {
    let authority = Authority::new("root");
    let own = authority.sign(&["a.example"]);
    let mut inbound = tcp(json!({}));
    inbound["filter_chains"][0]["transport_socket"] = server(json!({}), json!({"tls_certificates": [own.inline()]}));
    let inbound = Plane::start(&[inbound], &[cluster(echo(), json!({}))]);
    let socket =
        tls::client(json!({}), json!({"validation_context": {"trusted_ca": {"inline_string": authority.pem}}}));
    let outbound =
        Plane::start(&[tcp(json!({}))], &[cluster(inbound.address("main"), json!({"transport_socket": socket}))]);
    let sent = pattern(5_000_000);
    let mut stream = TcpStream::connect(outbound.address("main")).unwrap();
    stream.set_read_timeout(Some(plane::PATIENCE)).unwrap();
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert!(back == sent);
    let mut session = Dial::trusting(&authority).dial(inbound.address("main"), "a.example").unwrap();
    session.write_all(b"hello").unwrap();
    session.conn.send_close_notify();
    session.flush().unwrap();
    let mut answer = String::new();
    session.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello", "the end of TLS ends one direction");
}

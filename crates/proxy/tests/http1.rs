//! HTTP/1.1 through workers on loopback: what clients and servers see.
#![allow(clippy::unwrap_used)] // a test fails by panicking

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
    for (path, status, body) in
        [("/direct", 418, "tea"), ("/moved", 301, ""), ("/nowhere", 503, ""), ("/other", 404, "")]
    {
        let response = client.get(path);
        assert_eq!((response.status(), response.body.as_str()), (status, body), "{path}: {response:?}");
        assert_eq!(response.header("server"), Some("envoy"), "{path}");
        assert!(response.header("date").is_some(), "{path}");
    }
}

#[test]
fn bodies_are_streamed_both_ways() {
    // The origin answers each chunk as it comes, so nothing may wait for the end of the request.
    let origin = Origin::start(|client| {
        while let Some(head) = client.read_head() {
            assert!(head.contains("transfer-encoding: chunked"), "{head}");
            client.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            loop {
                let size = client.read_head_line();
                if size == "0" {
                    client.read_head_line();
                    client.write("0\r\n\r\n");
                    break;
                }
                let size = usize::from_str_radix(&size, 16).unwrap();
                let data = client.read_exact(size + 2).unwrap();
                client.write(&format!("{size:x}\r\n{data}"));
            }
        }
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    for word in ["one", "twelve bytes"] {
        client.write(&format!("{:x}\r\n{word}\r\n", word.len()));
        if word == "one" {
            assert!(client.read_head().unwrap().starts_with("HTTP/1.1 200"));
        }
        assert_eq!(usize::from_str_radix(&client.read_head_line(), 16).unwrap(), word.len());
        assert_eq!(client.read_exact(word.len() + 2).unwrap(), format!("{word}\r\n"));
    }
    client.write("0\r\n\r\n");
    assert_eq!(client.read_head_line(), "0");
    assert_eq!(client.read_head_line(), "");
}

#[test]
fn trailers_pass_where_they_are_enabled() {
    let origin = Origin::start(|client| {
        while let Some(request) = client.read_message() {
            let seen = request.trailers.trim().replace(": ", "=");
            client.write(&format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-seen: {seen}\r\n\r\n"
            ));
        }
    });
    let mut manager = forward(json!({}));
    manager["http_protocol_options"] = json!({"enable_trailers": true});
    let options = json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}}}}});
    let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, options)]);
    let mut client = plane.client();
    client.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 7\r\n\r\n");
    let response = client.read_response();
    assert_eq!(response.body, "hi");
    assert_eq!(response.trailers, "x-seen: x-sum=7\r\n");
}

#[test]
fn head_and_bodiless_statuses_end_with_their_head() {
    let origin = Origin::start(|client| {
        while let Some(request) = client.read_message() {
            let answer = match request.head.split(' ').nth(1) {
                Some("/head") => "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n",
                Some("/204") => "HTTP/1.1 204 No Content\r\n\r\n",
                _ => "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\netag: x\r\n\r\n",
            };
            client.write(answer);
        }
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    for (method, path, status, length) in
        [("HEAD", "/head", 200, Some("12345")), ("GET", "/204", 204, None), ("GET", "/304", 304, Some("99"))]
    {
        client.write(&format!("{method} {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        let head = client.read_head().unwrap();
        let message = plane::Message { head, ..plane::Message::default() };
        assert_eq!((message.status(), message.header("content-length")), (status, length), "{message:?}");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_client_that_expects_100_is_told_to_go_on() {
    let origin = Origin::mirror();
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(client.read_head().unwrap(), "HTTP/1.1 100 Continue\r\n");
    client.write("body");
    let response = client.read_response();
    assert_eq!(response.status(), 200);
    assert!(response.body.ends_with("|body") && !response.body.contains("expect:"), "{response:?}");
}

#[test]
fn an_early_response_ends_the_connection_after_it() {
    let origin = Origin::start(|client| {
        client.read_head();
        client.write("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\n\r\nbig");
        client.drain();
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\nsome");
    let response = client.read_response();
    assert_eq!((response.status(), response.body.as_str()), (413, "big"));
    assert_eq!(response.header("connection"), Some("close"));
    assert!(client.is_ended());
}

#[test]
fn what_is_no_http_is_answered_and_the_connection_ends() {
    let plane = Plane::start(&[listener(routes(json!([])))], &[]);
    for (bytes, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("BREW / HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nhost: a\r\n\r\n", 426),
        ("GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", 400),
    ] {
        let mut client = plane.client();
        client.write(bytes);
        let response = client.read_response();
        assert_eq!(response.status(), status, "{bytes:?}: {response:?}");
        assert_eq!(response.header("connection"), Some("close"), "{bytes:?}");
        assert!(client.is_ended(), "{bytes:?}");
    }
    assert_eq!(plane.stat("http.main.downstream_cx_protocol_error"), 5);
}

#[test]
fn an_upgrade_becomes_a_tunnel_that_each_side_ends_alone() {
    let origin = Origin::start(|client| {
        let head = client.read_head().unwrap().to_lowercase();
        assert!(head.contains("upgrade: websocket") && head.contains("connection: upgrade"), "{head}");
        client.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\nhello");
        assert_eq!(client.read_exact(4).unwrap(), "ping");
        client.write("pong");
        assert_eq!(client.drain(), 0);
        client.write("after your end");
    });
    let mut manager = forward(json!({}));
    manager["upgrade_configs"] = json!([{"upgrade_type": "websocket"}]);
    let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    let head = client.read_head().unwrap();
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.to_lowercase().contains("upgrade: websocket"), "{head}");
    assert_eq!(client.read_exact(5).unwrap(), "hello");
    client.write("ping");
    assert_eq!(client.read_exact(4).unwrap(), "pong");
    client.end();
    assert_eq!(client.read_exact(14).unwrap(), "after your end");
    assert!(client.is_ended());
}

#[test]
fn an_upgrade_that_is_not_allowed_is_refused() {
    let origin = Origin::mirror();
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    assert_eq!(client.read_response().status(), 403);
    assert_eq!(origin.connections(), 0);
}

#[test]
fn an_https_url_without_tls_is_refused_at_the_edge() {
    // Envoy 1.40 answers 403 where the client's address is the peer's and no hop before it is trusted.
    let origin = Origin::answering("hello");
    for (fields, status) in [
        (json!({}), 200),
        (json!({"use_remote_address": true}), 403),
        (json!({"use_remote_address": true, "xff_num_trusted_hops": 1}), 200),
    ] {
        let mut manager = forward(json!({}));
        manager.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, json!({}))]);
        let mut client = plane.client();
        client.write("GET https://test/ HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(client.read_response().status(), status, "{fields}");
    }
}

#[test]
fn interim_responses_go_on_where_100_continue_does() {
    // Envoy 1.40: with `proxy_100_continue` the first interim response goes on, whichever it is; without it none does.
    let origin = Origin::start(|client| {
        while client.read_message().is_some() {
            client.write("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
            client.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    for forwards in [false, true] {
        let mut manager = forward(json!({}));
        manager["proxy_100_continue"] = json!(forwards);
        let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, json!({}))]);
        let mut client = plane.client();
        client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        if forwards {
            assert_eq!(client.read_head().unwrap(), "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n");
        }
        assert_eq!(client.read_response().status(), 200);
    }
}

#[test]
fn an_upstream_that_has_begun_to_answer_is_not_left_for_another_try() {
    // Envoy 1.40: after an interim response nothing is tried again, forwarded or not.
    let origin = Origin::start(|client| {
        while let Some(request) = client.read_message() {
            let interim = if request.head.contains("/early") { "HTTP/1.1 103 Early Hints\r\n\r\n" } else { "" };
            client.write(&format!("{interim}HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"));
        }
    });
    let route =
        json!({"retry_policy": {"retry_on": "5xx", "num_retries": 1, "retry_back_off": {"base_interval": "0.001s"}}});
    let plane = Plane::start(&[listener(forward(route))], &[cluster(origin.address, json!({}))]);
    for (path, tries) in [("/early", 1), ("/late", 3)] {
        assert_eq!(plane.client().get(path).status(), 503);
        assert_eq!(plane.stat("cluster.origin.upstream_rq_total"), tries, "{path}");
    }
}

#[test]
fn a_websocket_that_is_not_accepted_ends_after_the_head() {
    // Envoy 1.40: the head of an answer below 400 without its body (`websocket_handshake_unsuccessful`); an error whole.
    // Another protocol than WebSocket gets the whole answer in any case.
    let origin = Origin::start(|client| {
        let head = client.read_head().unwrap();
        let status = head.split(['/', ' ']).nth(2).unwrap().to_owned();
        client.write(&format!("HTTP/1.1 {status} Some\r\nx-origin: yes\r\ncontent-length: 4\r\n\r\nbody"));
        client.drain();
    });
    let mut manager = forward(json!({}));
    manager["upgrade_configs"] = json!([{"upgrade_type": "websocket"}, {"upgrade_type": "other"}]);
    let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, json!({}))]);
    for (protocol, status, body) in [
        ("websocket", 200, ""),
        ("websocket", 302, ""),
        ("websocket", 403, "body"),
        ("websocket", 503, "body"),
        ("other", 200, "body"),
    ] {
        let mut client = plane.client();
        let asks = format!("connection: upgrade\r\nupgrade: {protocol}");
        client.write(&format!("GET /{status} HTTP/1.1\r\nhost: test\r\n{asks}\r\n\r\n"));
        let response = client.read_response();
        let found = (response.status(), response.body.as_str(), response.header("connection"));
        assert_eq!(found, (status, body, Some("close")), "{protocol}: {response:?}");
        assert_eq!(response.header("x-origin"), Some("yes"), "{response:?}");
        assert!(client.is_ended());
    }
}

#[test]
fn http_1_0_is_served_where_it_is_allowed() {
    let origin = Origin::start(|client| {
        while client.read_message().is_some() {
            client.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        }
    });
    let mut manager = forward(json!({}));
    manager["http_protocol_options"] = json!({"accept_http_10": true});
    let plane = Plane::start(&[listener(manager)], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("GET / HTTP/1.0\r\nhost: test\r\n\r\n");
    let response = client.read_response();
    assert_eq!((response.status(), response.body.as_str()), (200, "hello"), "{response:?}");
    assert_eq!(response.header("transfer-encoding"), None);
    assert!(client.is_ended());
}

//! Listeners that come, change and go while others serve.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;

use plane::{Client, Origin, Plane, cluster, forward, named_listener, routes};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

fn answering(name: &str, port: u16, body: &str) -> Value {
    named_listener(
        name,
        port,
        routes(json!([
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": body}}}])),
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_changed_listener_loses_no_request() {
    let port = free_port();
    let plane = Plane::start(&[answering("main", port, "0")], &[]);
    let address = plane.address("main");
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                while !stop.load(Ordering::SeqCst) {
                    let response = client.get("/");
                    assert_eq!(response.status(), 200);
                    served.fetch_add(1, Ordering::SeqCst);
                    if response.header("connection") == Some("close") {
                        client = Client::connect(address);
                    }
                }
            })
        })
        .collect();
    for version in 1..=20 {
        let before = served.load(Ordering::SeqCst);
        assert!(plane.apply(&[answering("main", port, &version.to_string())], &[]).is_empty());
        plane::until("requests go on", || served.load(Ordering::SeqCst) > before + 20);
    }
    plane::until("the last version answers", || Client::connect(address).get("/").body == "20");
    stop.store(true, Ordering::SeqCst);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn listeners_come_and_go() {
    let (one, two) = (free_port(), free_port());
    let plane = Plane::with(2, Duration::from_millis(200), &[answering("one", one, "1")], &[]);
    assert!(plane.apply(&[answering("one", one, "1"), answering("two", two, "2")], &[]).is_empty());
    assert_eq!(Client::connect(plane.address("two")).get("/").body, "2");
    let address = plane.address("one");
    let mut old = Client::connect(address);
    assert_eq!(old.get("/").body, "1");
    assert!(plane.apply(&[answering("two", two, "2")], &[]).is_empty());
    assert!(old.is_ended(), "an idle connection of a removed listener is closed");
    plane::until("nobody listens there", || std::net::TcpStream::connect(address).is_err());
    assert_eq!(Client::connect(plane.address("two")).get("/").body, "2");
}

#[test]
fn an_address_of_somebody_else_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let plane = Plane::start(&[], &[]);
    let rejected = plane.apply(&[answering("main", port, "x"), answering("other", free_port(), "ok")], &[]);
    assert_eq!(rejected.len(), 1);
    assert_eq!(&*rejected[0].name, "main");
    assert!(rejected[0].error.to_string().contains("in use"), "{}", rejected[0].error);
    assert_eq!(Client::connect(plane.address("other")).get("/").body, "ok");
}

#[test]
fn a_drain_ends_idle_connections_and_lets_busy_ones_finish() {
    let release = Arc::new(AtomicBool::new(false));
    let go = Arc::clone(&release);
    let origin = Origin::start(move |client| {
        client.read_message();
        plane::until("the test lets go", || go.load(Ordering::SeqCst));
        client.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
        client.drain();
    });
    let main = named_listener("main", 0, forward(json!({"timeout": "0s"})));
    let plane = Plane::with(1, Duration::from_secs(2), &[main], &[cluster(origin.address, json!({}))]);
    let mut idle = plane.client();
    let mut busy = plane.client();
    busy.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    plane::until("the request is there", || plane.stat("cluster.origin.upstream_rq_total") == 1);
    plane.fleet.drain();
    assert!(idle.is_ended());
    release.store(true, Ordering::SeqCst);
    let response = busy.read_response();
    assert_eq!((response.body.as_str(), response.header("connection")), ("done", Some("close")));
    assert!(busy.is_ended());
    plane.fleet.stop_accepting();
    let address = plane.stat("listener.127.0.0.1_0.downstream_cx_total");
    assert!(address >= 2);
}

#[test]
fn a_connection_that_never_ends_is_cut_after_the_drain_time() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.drain();
    });
    let main = named_listener("main", 0, forward(json!({"timeout": "0s"})));
    let plane = Plane::with(1, Duration::from_millis(50), &[main], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    plane::until("the request is there", || plane.stat("cluster.origin.upstream_rq_total") == 1);
    plane.fleet.drain();
    assert!(client.is_ended());
    plane::until("all is gone", || plane.fleet.active_connections() == 0);
}

#[test]
fn tcp_is_passed_on_both_ways_and_each_side_ends_alone() {
    let origin = Origin::start(|client| {
        assert_eq!(client.read_exact(4).unwrap(), "ping");
        client.write("pong");
        assert_eq!(client.drain(), 0);
        client.write("bye");
    });
    let tcp = json!({
        "name": "main", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "tcp", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "t", "cluster": "origin"}}]}]});
    let plane = Plane::start(&[tcp], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("ping");
    assert_eq!(client.read_exact(4).unwrap(), "pong");
    client.end();
    assert_eq!(client.read_exact(3).unwrap(), "bye");
    assert!(client.is_ended());
}

/// A filter chain of bytes to the origin, or of answers, for clients at an address.
fn by_source(address: &str, what: Value) -> Value {
    let mut chain = what;
    chain["filter_chain_match"] = json!({"source_prefix_ranges": [{"address_prefix": address, "prefix_len": 32}]});
    chain
}

#[test]
fn connections_go_on_while_their_filter_chain_stays() {
    let origin = Origin::start(|client| {
        while let Some(line) = client.read_exact(4) {
            client.write(&line);
        }
    });
    let port = free_port();
    let tcp = json!({"filters": [{"name": "tcp", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "t", "cluster": "origin"}}], "metadata": {"filter_metadata": {"place": {"line": 1}}}});
    let http = |body: &str| answering("main", port, body)["filter_chains"][0].clone();
    let listener = |chains: Vec<Value>| {
        let mut listener = answering("main", port, "");
        listener["filter_chains"] = chains.into();
        listener
    };
    let forms = |body: &str, line: u32| {
        let mut tcp = by_source("127.0.0.1", tcp.clone());
        tcp["metadata"]["filter_metadata"]["place"]["line"] = line.into();
        vec![tcp, by_source("127.0.0.2", http(body)), by_source("127.0.0.3", http("third"))]
    };
    let clusters = [cluster(origin.address, json!({}))];
    let drain = Duration::from_millis(50);
    let plane = Plane::with(1, drain, &[listener(forms("first", 1))], &clusters);
    let address = plane.address("main");
    let mut bytes = Client::connect(address);
    bytes.write("ping");
    assert_eq!(bytes.read_exact(4).unwrap(), "ping");
    let (mut changed, mut third) =
        (Client::connect_from("127.0.0.2", address), Client::connect_from("127.0.0.3", address));
    assert_eq!((changed.get("/").body.as_str(), third.get("/").body.as_str()), ("first", "third"));

    // One chain changes, and where the others are written: its connections end, those of the others do not.
    for line in 2..5 {
        assert!(plane.apply(&[listener(forms("second", line))], &clusters).is_empty());
        if line == 2 {
            assert!(changed.is_ended());
        }
        assert_eq!(Client::connect_from("127.0.0.2", address).get("/").body, "second");
        bytes.write("pong");
        assert_eq!(bytes.read_exact(4).unwrap(), "pong");
        let reply = third.get("/");
        assert_eq!((reply.body.as_str(), reply.header("connection")), ("third", None));
    }
    // What a chain was through several forms of its listener it is no more when the last one does not have it.
    assert!(plane.apply(&[listener(forms("second", 5).split_off(1))], &clusters).is_empty());
    assert!(bytes.is_ended());
    assert_eq!(third.get("/").body, "third");
    // The listener itself changes.
    let mut other = listener(forms("second", 5).split_off(1));
    other["per_connection_buffer_limit_bytes"] = 10_000.into();
    assert!(plane.apply(&[other], &clusters).is_empty());
    assert!(third.is_ended());
}

#[test]
fn nobody_keeps_a_former_form_of_a_listener() {
    let port = free_port();
    let form = |body: &str| {
        let mut listener = answering("main", port, "");
        let chains = [("127.0.0.1", body), ("127.0.0.2", "second")]
            .map(|(source, body)| by_source(source, answering("main", port, body)["filter_chains"][0].clone()));
        listener["filter_chains"] = chains.to_vec().into();
        listener["listener_filters"] = json!([{"name": "tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}]);
        listener["listener_filters_timeout"] = "0s".into();
        listener
    };
    let first = Arc::new(plane::tables(&[form("open")], &[]));
    let former: Vec<_> = first.listeners.values().map(Arc::downgrade).collect();
    let plane = Plane::with(1, Duration::from_millis(50), &[], &[]);
    assert!(plane.fleet.apply(first).is_empty());
    let address = plane.address("main");
    let (mut silent, mut other) = (Client::connect(address), Client::connect_from("127.0.0.2", address));
    assert_eq!(other.get("/").body, "second");
    let waiting = format!("listener.127.0.0.1_{port}.downstream_pre_cx_active");
    plane::until("the silent client is there", || plane.stat(&waiting) == 1);

    assert!(plane.apply(&[form("closed")], &[]).is_empty());
    assert_eq!(Client::connect(address).get("/").body, "closed");
    // Who has waited is served by what is there now, as in Envoy, and goes on.
    for _ in 0..2 {
        assert_eq!(silent.get("/").body, "closed");
        assert_eq!(other.get("/").body, "second");
    }
    assert_eq!(former.len(), 1);
    plane::until("the former listener is freed", || former.iter().all(|form| form.upgrade().is_none()));
    // The connections were open all the time.
    drop((silent, other));
}

//! Large bodies: all of them arrive, and memory stays small although one side is slow.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;
#[path = "support/tls.rs"]
mod tls;

use plane::{Client, Origin, Plane, cluster, forward, listener, named_listener};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SIZE: u64 = 100 << 20;

fn write_all(client: &mut Client, mut left: u64, written: &AtomicU64) {
    let block = vec![b'x'; 1 << 16];
    while left > 0 {
        let part = left.min(block.len() as u64);
        if client.stream.write_all(&block[..part as usize]).is_err() {
            return;
        }
        left -= part;
        written.fetch_add(part, Ordering::SeqCst);
    }
}

#[test]
fn a_large_response_arrives_whole() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\nconnection: close\r\n\r\n"));
        write_all(client, SIZE, &AtomicU64::new(0));
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    assert!(client.read_head().unwrap().contains(&format!("content-length: {SIZE}")));
    assert_eq!(client.drain(), SIZE);
}

#[test]
fn a_large_request_arrives_whole() {
    let origin = Origin::start(|client| {
        client.read_head();
        let mut left = SIZE;
        while left > 0 {
            let part = left.min(1 << 20);
            client.read_exact(part as usize).unwrap();
            left -= part;
        }
        client.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write(&format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {SIZE}\r\n\r\n"));
    write_all(&mut client, SIZE, &AtomicU64::new(0));
    assert_eq!(client.read_response().body, "done");
}

#[test]
fn a_client_that_reads_nothing_stops_the_upstream() {
    let (written, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, end) = (Arc::clone(&written), Arc::clone(&over));
    let origin = Origin::start(move |client| {
        client.read_message();
        client.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n"));
        write_all(client, SIZE, &count);
        end.store(true, Ordering::SeqCst);
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    let mut client = plane.client();
    client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    // Nothing moves any more once all buffers are full.
    let mut before = u64::MAX;
    plane::until("the upstream is held back", || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let now = written.load(Ordering::SeqCst);
        std::mem::replace(&mut before, now) == now && now > 0
    });
    assert!(before < SIZE / 2, "{before} bytes were taken although nobody reads");
    client.read_head();
    let mut left = SIZE;
    while left > 0 {
        let part = left.min(1 << 20);
        client.read_exact(part as usize).unwrap();
        left -= part;
    }
    plane::until("the upstream is done", || over.load(Ordering::SeqCst));
}

/// Bodies of many sizes, so that the end of some meets a socket that is full.
const SIZES: std::ops::Range<usize> = 1..80;
const STEP: usize = 77_777;

/// A client that takes little at a time.
fn slow(address: std::net::SocketAddr) -> std::net::TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

#[test]
fn the_end_of_a_response_over_tls_arrives_though_the_client_is_slow() {
    let authority = tls::Authority::new("root");
    let origin = Origin::start(|client| {
        while let Some(head) = client.read_head() {
            let size: usize = head.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
            client.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n{}", "x".repeat(size)));
        }
    });
    let mut listener = listener(forward(json!({})));
    listener["filter_chains"][0]["transport_socket"] =
        tls::server(json!({}), json!({"tls_certificates": [authority.sign(&["a.example"]).inline()]}));
    let plane = Plane::start(&[listener], &[cluster(origin.address, json!({}))]);
    let dial = tls::Dial::trusting(&authority);
    let mut session = dial.dial_on(slow(plane.address("main")), "a.example").unwrap();
    for size in SIZES.map(|nth| nth * STEP) {
        write!(session, "GET /{size} HTTP/1.1\r\nhost: a.example\r\n\r\n").unwrap();
        let mut left = size;
        let mut bytes = [0; 2048];
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            session.read_exact(&mut bytes[..1]).unwrap();
            head.push(bytes[0]);
        }
        while left > 0 {
            let count = session.read(&mut bytes).unwrap_or_else(|error| panic!("{left} of {size} bytes: {error}"));
            assert!(count > 0, "{left} of {size} bytes are missing");
            left -= count;
        }
    }
}

#[test]
fn the_end_of_a_request_over_tls_arrives_though_the_upstream_is_slow() {
    let authority = tls::Authority::new("root");
    let origin = Origin::start(|client| {
        while let Some(head) = client.read_head() {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut left: usize = length.parse().unwrap();
            while left > 0 {
                let part = left.min(2048);
                client.read_exact(part).unwrap();
                left -= part;
            }
            client.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
        }
    });
    // The first listener is the client of the second.
    let mut inner = named_listener("inner", 0, forward(json!({})));
    inner["filter_chains"][0]["transport_socket"] =
        tls::server(json!({}), json!({"tls_certificates": [authority.sign(&["a.example"]).inline()]}));
    let inner = Plane::start(&[inner], &[cluster(origin.address, json!({}))]);
    let socket = tls::client(
        json!({"sni": "a.example"}),
        json!({"validation_context": {"trusted_ca": {"inline_string": authority.pem}}}),
    );
    let outer = cluster(inner.address("inner"), json!({"transport_socket": socket}));
    let plane = Plane::start(&[listener(forward(json!({})))], &[outer]);
    let mut client = plane.client();
    for size in SIZES.map(|nth| nth * STEP) {
        client.write(&format!("POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: {size}\r\n\r\n"));
        write_all(&mut client, size as u64, &AtomicU64::new(0));
        assert_eq!(client.read_response().body, "done", "{size} bytes");
    }
}

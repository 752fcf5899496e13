//! Large bodies: all of them arrive, and memory stays small although one side is slow.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;

use plane::{Client, Origin, Plane, cluster, forward, listener};
use serde_json::json;
use std::io::Write;
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

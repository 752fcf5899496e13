//! What a client of an echo workload notices, over real sockets on loopback.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use lateen_echo::{Echo, MAX_REPORTED_BYTES, serve};
use lateen_testkit::http1::{connect, read_reply, request};
use serde_json::Value;
use tokio::sync::oneshot;

/// A workload that runs in a thread of its own until it is dropped.
struct Workload {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Workload {
    fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let echo = Echo {
                    service: "reviews".into(),
                    version: "v2".into(),
                    pod: "reviews-v2-0".into(),
                    namespace: "shop".into(),
                };
                serve(listener, echo, async { stopped.await.unwrap_or(()) }).await;
            });
        });
        Self { addr, stop: Some(stop), thread: Some(thread) }
    }

    fn get(&self, path: &str) -> lateen_testkit::Reply {
        request(self.addr, "GET", path, &[], b"").unwrap()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).body).unwrap()
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        self.stop.take();
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn every_answer_names_the_workload() {
    let workload = Workload::start();
    for path in
        ["/", "/status/503", "/status/204", "/status/x", "/headers", "/bytes/3", "/stream/1", "/healthz", "/a/b"]
    {
        let reply = workload.get(path);
        let names =
            ["x-echo-service", "x-echo-version", "x-echo-pod", "x-echo-namespace"].map(|name| reply.header(name));
        assert_eq!(names, [Some("reviews"), Some("v2"), Some("reviews-v2-0"), Some("shop")], "{path}");
    }
    for path in ["/headers", "/anything", "/get", "/ip", "/user-agent", "/delay/0", "/stream/1"] {
        assert_eq!(workload.json(path)["echo"]["pod"], "reviews-v2-0", "{path}");
    }
}

#[test]
fn status_codes_are_as_asked_and_several_take_turns() {
    let workload = Workload::start();
    let cases =
        [("/status/200", 200), ("/status/404", 404), ("/status/204", 204), ("/status/304", 304), ("/status/599", 599)];
    for (path, want) in cases {
        assert_eq!(workload.get(path).status, want, "{path}");
    }
    for path in ["/status/1000", "/status/abc", "/delay/x", "/bytes/-1", "/bytes/200000000", "/stream/x"] {
        assert_eq!(workload.get(path).status, 400, "{path}");
    }
    let codes: Vec<_> = (0..4).map(|_| workload.get("/status/503,200").status).collect();
    assert!(codes == [503, 200, 503, 200] || codes == [200, 503, 200, 503], "{codes:?}");
}

#[test]
fn bodies_have_the_asked_size() {
    let workload = Workload::start();
    for size in [0, 1, 16384, 16385, 3_000_000] {
        let reply = workload.get(&format!("/bytes/{size}"));
        assert_eq!(reply.body.len(), size);
        assert_eq!(reply.header("content-length"), Some(size.to_string().as_str()));
    }
    let reply = workload.get("/stream/3");
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    let ids: Vec<Value> =
        reply.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids, [0, 1, 2]);
}

#[test]
fn anything_reports_the_request() {
    let workload = Workload::start();
    let headers = [("host", "shop.example.com"), ("x-one", "1"), ("x-forwarded-for", "10.1.2.3")];
    let reply = request(workload.addr, "PATCH", "/anything/x?a=1&a=2", &headers, br#"{"b":2}"#).unwrap();
    let report: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(report["method"], "PATCH");
    assert_eq!(report["url"], "http://shop.example.com/anything/x?a=1&a=2");
    assert_eq!(report["args"], serde_json::json!({ "a": ["1", "2"] }));
    assert_eq!(report["headers"]["X-One"], "1");
    assert_eq!(report["data"], r#"{"b":2}"#);
    assert_eq!(report["json"]["b"], 2);
    assert_eq!(report["origin"], "10.1.2.3");
    let long = vec![b'x'; MAX_REPORTED_BYTES + 1];
    assert_eq!(request(workload.addr, "POST", "/anything", &[], &long).unwrap().status, 413);
    assert_eq!(request(workload.addr, "POST", "/status/200", &[], &long).unwrap().status, 200);
}

#[test]
fn a_delay_delays() {
    let workload = Workload::start();
    let start = Instant::now();
    assert_eq!(workload.get("/delay/0.3").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn one_connection_carries_many_requests() {
    let workload = Workload::start();
    let mut stream = connect(workload.addr).unwrap();
    for body in ["", "abc"] {
        let head = format!("POST /status/201 HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(read_reply(&mut stream, false).unwrap().status, 201);
    }
}

#[test]
fn a_websocket_echoes() {
    let workload = Workload::start();
    let mut stream = connect(workload.addr).unwrap();
    // Key and answer are the pair of RFC 6455 section 1.3.
    stream
        .write_all(
            b"GET /chat HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
              sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let reply = read_reply(&mut stream, false).unwrap();
    assert_eq!(reply.status, 101);
    assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    // A masked text frame "Hello" (section 5.7) and the same unmasked.
    stream.write_all(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).unwrap();
    let mut frame = [0; 7];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
}

#[test]
fn http2_and_grpc_are_served_on_the_same_port() {
    let workload = Workload::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(workload.addr).await.unwrap();
        let executor = hyper_util::rt::TokioExecutor::new();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
        let connection = tokio::spawn(connection);

        use http_body_util::{BodyExt, Full};
        let message = bytes::Bytes::from_static(&[0, 0, 0, 0, 3, b'a', b'b', b'c']);
        let call = http::Request::post("http://reviews/some.Service/Method")
            .header("content-type", "application/grpc+proto")
            .header("te", "trailers")
            .body(Full::new(message.clone()))
            .unwrap();
        let answer = client.send_request(call).await.unwrap();
        assert_eq!(answer.headers()["x-echo-pod"], "reviews-v2-0");
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(body.to_bytes(), message);

        let plain = http::Request::get("http://reviews/status/418").body(Full::default()).unwrap();
        assert_eq!(client.send_request(plain).await.unwrap().status(), 418);
        drop(client);
        connection.await.unwrap().unwrap();
    });
}

#[test]
fn a_shutdown_answers_what_is_under_way_and_then_refuses() {
    let mut workload = Workload::start();
    let addr = workload.addr;
    let mut stream = connect(addr).unwrap();
    stream.write_all(b"GET /delay/0.3 HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    // The request is in when a second connection, accepted after it, has been answered.
    assert_eq!(workload.get("/healthz").status, 200);
    workload.stop.take();
    assert_eq!(read_reply(&mut stream, false).unwrap().status, 200);
    drop(workload);
    assert!(std::net::TcpStream::connect_timeout(&addr, Duration::from_secs(1)).is_err());
}

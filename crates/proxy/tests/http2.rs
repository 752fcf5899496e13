//! HTTP/2 on either side: gRPC with trailers, many streams at once, resets, GOAWAY.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use plane::{Origin, PATIENCE, Plane, cluster, forward, http2, listener, routes};
use serde_json::json;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Runs a test, but not for ever.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("the test takes too long") })
}

async fn connect(address: SocketAddr) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    (client, tokio::spawn(connection))
}

/// A server that does this with each connection.
async fn server<S: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> S + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// A server over HTTP/2 that sends back body and trailers of each request.
async fn echo() -> SocketAddr {
    server(|stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            tokio::spawn(async move {
                let path = request.uri().path().to_owned();
                match path.as_str() {
                    "/reset" => return respond.send_reset(Reason::INTERNAL_ERROR),
                    "/refused" => return respond.send_reset(Reason::REFUSED_STREAM),
                    "/trailers-only" => {
                        let head = Response::builder().header("grpc-status", "5").body(()).unwrap();
                        let _ = respond.send_response(head, true);
                        return;
                    }
                    _ => {}
                }
                let (body, trailers) = read(request.into_body()).await;
                let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
                let mut send = respond.send_response(head, false).unwrap();
                send.send_data(body.into(), false).unwrap();
                let mut end = trailers.unwrap_or_default();
                end.insert("grpc-status", "0".parse().unwrap());
                send.send_trailers(end).unwrap();
            });
        }
    })
    .await
}

async fn read(mut body: RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut all = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        all.extend_from_slice(&data);
    }
    (all, body.trailers().await.ok().flatten())
}

fn get(path: &str) -> Request<()> {
    Request::builder().uri(format!("http://test{path}")).body(()).unwrap()
}

fn post(path: &str) -> Request<()> {
    Request::builder().method("POST").uri(format!("http://test{path}")).body(()).unwrap()
}

#[test]
fn many_streams_share_a_connection_and_go_to_an_http_1_upstream() {
    let origin = Origin::mirror();
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    run(async {
        let (client, _connection) = connect(plane.address("main")).await;
        let requests = (0..200).map(|n| {
            let mut client = client.clone();
            async move {
                client = client.ready().await.unwrap();
                let (response, mut send) = client.send_request(post(&format!("/{n}")), false).unwrap();
                send.send_data(format!("body {n}").into(), true).unwrap();
                let response = response.await.unwrap();
                assert_eq!(response.status(), 200);
                let (body, _) = read(response.into_body()).await;
                let text = String::from_utf8(body).unwrap();
                assert!(text.starts_with(&format!("POST /{n} HTTP/1.1\r\nhost: test\r\n")), "{text}");
                assert!(text.ends_with(&format!("|body {n}")), "{text}");
            }
        });
        futures_util::future::join_all(requests).await;
    });
    assert_eq!(plane.stat("http.main.downstream_rq_http2_total"), 200);
}

/// A connection manager with gRPC-Web, and CORS before it.
fn browsers() -> serde_json::Value {
    let mut manager = forward(json!({}));
    manager["http_filters"] = json!([
        {"name": "envoy.filters.http.cors", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"}},
        {"name": "envoy.filters.http.grpc_web", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"}},
        {"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}},
    ]);
    manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = json!({
        "envoy.filters.http.cors": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
            "allow_origin_string_match": [{"exact": "https://app.example"}],
            "expose_headers": "grpc-status"}});
    manager
}

fn grpc_web(plane: &Plane, content_type: &str, accept: &str, body: &str) -> plane::Message {
    let mut client = plane.client();
    client.write(&format!(
        "POST /service/method HTTP/1.1\r\nhost: test\r\norigin: https://app.example\r\ncontent-type: {content_type}\r\n\
         accept: {accept}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    client.read_response()
}

#[test]
fn a_browser_calls_grpc_over_http_1() {
    // Outside of the runtime that the blocking client would hold up.
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        run(async {
            sender.send(echo().await).unwrap();
            tokio::time::sleep(PATIENCE / 2).await;
        });
    });
    let plane = Plane::with(1, PATIENCE, &[listener(browsers())], &[cluster(receiver.recv().unwrap(), http2())]);
    let binary = "application/grpc-web+proto";
    let text = "application/grpc-web-text";
    let cases = [
        (binary, "*/*", "\0\0\0\0\x02ab", "\0\0\0\0\x02ab\u{fffd}\0\0\0\x0fgrpc-status:0\r\n", binary),
        (text, text, "AAAAAAJhYg==", "AAAAAAJhYg==gAAAAA9ncnBjLXN0YXR1czowDQo=", "application/grpc-web-text+proto"),
    ];
    for (content_type, accept, sent, received, answered) in cases {
        let response = grpc_web(&plane, content_type, accept, sent);
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.body, received);
        assert_eq!(response.header("content-type"), Some(answered));
        assert_eq!(response.header("access-control-allow-origin"), Some("https://app.example"));
        assert_eq!(response.trailers, "");
    }
    let refused = grpc_web(&plane, text, text, "AA-AAAAA");
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.header("grpc-message"), Some("Bad gRPC-web request, invalid base64 data."));
    drop(plane);
    drop(server);
}

#[test]
fn a_browser_is_told_why_a_call_failed() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.write("HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 8\r\n\r\nnot here");
    });
    let plane = Plane::with(1, PATIENCE, &[listener(browsers())], &[cluster(origin.address, json!({}))]);
    let response = grpc_web(&plane, "application/grpc-web", "*/*", "");
    assert_eq!((response.status(), response.body.as_str()), (404, ""), "{response:?}");
    assert_eq!(response.header("grpc-message"), Some("not here"));
    assert_eq!(response.header("grpc-status"), Some("12"));
    // Without an upstream the answer is ours, and is told the same way.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plane = Plane::with(1, PATIENCE, &[listener(browsers())], &[cluster(free, json!({}))]);
    let response = grpc_web(&plane, "application/grpc-web", "*/*", "");
    assert_eq!((response.status(), response.header("grpc-status")), (503, Some("14")), "{response:?}");
}

#[test]
fn grpc_keeps_its_trailers_end_to_end() {
    run(async {
        let origin = echo().await;
        let plane = Plane::with(1, PATIENCE, &[listener(forward(json!({})))], &[cluster(origin, http2())]);
        let (mut client, _connection) = connect(plane.address("main")).await;
        for n in 0..5 {
            client = client.ready().await.unwrap();
            let (response, mut send) = client.send_request(post("/service/method"), false).unwrap();
            send.send_data(Bytes::from_static(b"message"), false).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-count", n.into());
            send.send_trailers(trailers).unwrap();
            let (body, trailers) = read(response.await.unwrap().into_body()).await;
            let trailers = trailers.unwrap();
            assert_eq!((body.as_slice(), trailers["grpc-status"].as_bytes()), (&b"message"[..], &b"0"[..]));
            assert_eq!(trailers["x-count"], n.to_string().as_str());
        }
        client = client.ready().await.unwrap();
        let (response, _) = client.send_request(get("/trailers-only"), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "5");
        assert!(response.into_body().is_end_stream());
        assert_eq!(plane.stat("cluster.origin.upstream_cx_http2_total"), 1);
    });
}

#[test]
fn a_stream_that_the_upstream_resets_is_503() {
    run(async {
        let origin = echo().await;
        let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin, http2())]);
        let (mut client, _connection) = connect(plane.address("main")).await;
        for (path, reason) in [("/reset", "remote reset"), ("/refused", "remote refused stream reset")] {
            client = client.ready().await.unwrap();
            let (response, _) = client.send_request(get(path), true).unwrap();
            let response = response.await.unwrap();
            assert_eq!(response.status(), 503);
            let (body, _) = read(response.into_body()).await;
            let text = String::from_utf8(body).unwrap();
            assert!(text.ends_with(&format!("reset reason: {reason}")), "{text}");
        }
    });
}

#[test]
fn interim_responses_of_an_upstream_go_on() {
    // Envoy 1.40: the first of them, to HTTP/1 and HTTP/2 alike, and none without `proxy_100_continue`.
    run(async {
        let origin = server(|stream| async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                for (status, link) in [(103, "<first>"), (103, "<second>")] {
                    let head = Response::builder().status(status).header("link", link).body(()).unwrap();
                    respond.send_informational(head).unwrap();
                }
                respond.send_response(Response::new(()), true).unwrap();
            }
        })
        .await;
        for forwards in [false, true] {
            let mut manager = forward(json!({}));
            manager["proxy_100_continue"] = json!(forwards);
            let plane = Plane::start(&[listener(manager)], &[cluster(origin, http2())]);
            let (client, _connection) = connect(plane.address("main")).await;
            let mut client = client.ready().await.unwrap();
            let (mut response, _) = client.send_request(get("/"), true).unwrap();
            let mut links = Vec::new();
            while let Some(interim) = std::future::poll_fn(|task| response.poll_informational(task)).await {
                let interim = interim.unwrap();
                assert_eq!(interim.status(), 103);
                links.push(interim.headers()["link"].clone());
            }
            assert_eq!(links, if forwards { vec!["<first>"] } else { vec![] });
            assert_eq!(response.await.unwrap().status(), 200);

            let address = plane.address("main");
            let asking = tokio::task::spawn_blocking(move || {
                let mut client = plane::Client::connect(address);
                client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
                if forwards {
                    assert_eq!(client.read_head().unwrap(), "HTTP/1.1 103 Early Hints\r\nlink: <first>\r\n");
                }
                assert_eq!(client.read_response().status(), 200);
            });
            asking.await.unwrap();
        }
    });
}

#[test]
fn a_websocket_goes_through_an_http_2_upstream() {
    // Envoy 1.40: an extended CONNECT (RFC 8441); 200 becomes 101 with its headers, any other status stays what it is.
    run(async {
        let origin = server(|stream| async move {
            let mut connection =
                h2::server::Builder::new().enable_connect_protocol().handshake::<_, Bytes>(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                assert_eq!(request.extensions().get::<h2::ext::Protocol>().unwrap().as_str(), "websocket");
                let status = request.uri().path().trim_start_matches('/').parse::<u16>().unwrap();
                let head = Response::builder().status(status).body(()).unwrap();
                let mut send = respond.send_response(head, false).unwrap();
                send.send_data("hello".into(), true).unwrap();
            }
        })
        .await;
        let mut manager = forward(json!({}));
        manager["upgrade_configs"] = json!([{"upgrade_type": "websocket"}]);
        let plane = Plane::start(&[listener(manager)], &[cluster(origin, http2())]);
        let address = plane.address("main");
        let asking = tokio::task::spawn_blocking(move || {
            for (path, status, upgrade) in [("/200", 101, Some("websocket")), ("/201", 201, None), ("/403", 403, None)]
            {
                let mut client = plane::Client::connect(address);
                let asks = "connection: upgrade\r\nupgrade: websocket";
                client.write(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n{asks}\r\n\r\n"));
                let response = client.read_response();
                assert_eq!((response.status(), response.header("upgrade")), (status, upgrade), "{response:?}");
                let connection = if status == 101 { "upgrade" } else { "close" };
                assert_eq!(response.header("connection"), Some(connection), "{response:?}");
                if status == 101 {
                    assert_eq!(client.read_exact(5).unwrap(), "hello");
                }
            }
        });
        asking.await.unwrap();
    });
}

#[test]
fn grpc_is_told_about_failures_in_its_own_way() {
    let plane = Plane::start(&[listener(routes(json!([])))], &[]);
    run(async {
        let (client, _connection) = connect(plane.address("main")).await;
        let mut client = client.ready().await.unwrap();
        let request = Request::builder()
            .method("POST")
            .uri("http://test/service/method")
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["grpc-status"]), (200, &"12".parse().unwrap()));
    });
}

#[test]
fn a_client_that_resets_a_stream_takes_its_request_along() {
    let origin = Origin::start(|client| {
        client.read_message();
        client.drain();
    });
    let plane = Plane::start(&[listener(forward(json!({"timeout": "0s"})))], &[cluster(origin.address, json!({}))]);
    run(async {
        let (client, _connection) = connect(plane.address("main")).await;
        let mut client = client.ready().await.unwrap();
        let (response, mut send) = client.send_request(post("/"), false).unwrap();
        while plane.stat("cluster.origin.upstream_rq_total") == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        send.send_reset(Reason::CANCEL);
        drop(response);
        while plane.stat("http.main.downstream_rq_active") > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
}

#[test]
fn a_large_body_passes_through_small_windows() {
    run(async {
        let origin = echo().await;
        let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin, http2())]);
        let (client, _connection) = connect(plane.address("main")).await;
        let mut client = client.ready().await.unwrap();
        let (response, mut send) = client.send_request(post("/"), false).unwrap();
        let sender = tokio::spawn(async move {
            for n in 0..512_u32 {
                let mut piece = Bytes::from(vec![n as u8; 16 << 10]);
                while !piece.is_empty() {
                    send.reserve_capacity(piece.len());
                    let room = std::future::poll_fn(|task| send.poll_capacity(task)).await.unwrap().unwrap();
                    send.send_data(piece.split_to(room.min(piece.len())), false).unwrap();
                }
            }
            send.send_data(Bytes::new(), true).unwrap();
        });
        let (body, _) = read(response.await.unwrap().into_body()).await;
        sender.await.unwrap();
        assert_eq!(body.len(), 512 * (16 << 10));
        assert!(body.chunks(16 << 10).enumerate().all(|(n, part)| part.iter().all(|byte| *byte == n as u8)));
    });
}

#[test]
fn a_drain_lets_streams_finish_and_says_goaway() {
    let origin = Origin::start(|client| {
        while client.read_message().is_some() {
            client.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
            std::thread::sleep(Duration::from_millis(200));
            client.write("1\r\nb\r\n0\r\n\r\n");
        }
    });
    let plane = Plane::start(&[listener(forward(json!({})))], &[cluster(origin.address, json!({}))]);
    run(async {
        let (client, connection) = connect(plane.address("main")).await;
        let mut client = client.ready().await.unwrap();
        let (response, _) = client.send_request(get("/"), true).unwrap();
        let response = response.await.unwrap();
        plane.fleet.drain();
        let (body, _) = read(response.into_body()).await;
        assert_eq!(body, b"ab");
        drop(client);
        connection.await.unwrap().unwrap();
    });
}

#[test]
fn a_connection_that_takes_no_more_streams_gives_its_place_to_the_next() {
    run(async {
        for options in [json!({"max_requests_per_connection": 1}), json!({"max_connection_duration": "0.000001s"})] {
            let origin = echo().await;
            let mut fields = http2();
            fields["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]["common_http_protocol_options"] =
                options.clone();
            fields["circuit_breakers"] = json!({"thresholds": [{"max_connections": 1}]});
            let plane = Plane::with(1, PATIENCE, &[listener(forward(json!({})))], &[cluster(origin, fields)]);
            let (mut client, _connection) = connect(plane.address("main")).await;
            for n in 0..5 {
                client = client.ready().await.unwrap();
                let (response, _) = client.send_request(get("/service/method"), true).unwrap();
                let response = response.await.unwrap();
                assert_eq!(response.status(), 200, "request {n} with {options}");
                read(response.into_body()).await;
            }
            assert_eq!(plane.stat("cluster.origin.upstream_cx_http2_total"), 5, "{options}");
        }
    });
}

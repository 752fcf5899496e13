//! A request that panics takes nothing down but itself.

#[path = "../../tests/support/plane.rs"]
mod plane;

use plane::{Client, Origin, Plane, cluster, forward, listener};
use serde_json::json;

/// The path at which `Exchange::run` panics.
pub const PANIC: &str = "/panic";

fn plane() -> Plane {
    let origin = Origin::answering("ok");
    // One worker, so that every connection is a neighbour of the one that panics.
    Plane::with(1, plane::PATIENCE, &[listener(forward(json!({})))], &[cluster(origin.address, json!({}))])
}

#[test]
fn a_panic_in_a_request_over_http1_ends_its_connection_alone() {
    let plane = plane();
    let mut neighbour = plane.client();
    assert_eq!(neighbour.get("/").body, "ok");
    for count in 1..=3 {
        let mut client = plane.client();
        client.write(&format!("GET {PANIC} HTTP/1.1\r\nhost: test\r\n\r\n"));
        assert!(client.is_ended());
        assert_eq!(neighbour.get("/").body, "ok");
        assert_eq!(plane.client().get("/").body, "ok");
        plane::until("the panic is counted", || plane.stat("http.main.downstream_rq_panic") == count);
        plane::until("the panic is counted", || plane.stat("listener.127.0.0.1_0.downstream_cx_panic") == count);
    }
    plane::until("all is given back", || plane.stat("http.main.downstream_rq_active") == 0);
}

#[test]
fn a_panic_in_a_request_over_http2_ends_its_stream_alone() {
    let plane = plane();
    let address = plane.address("main");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let statuses = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let (mut requests, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let mut statuses = Vec::new();
        for path in ["/", PANIC, "/"] {
            let request = http::Request::get(format!("http://test{path}")).body(()).expect("a request");
            let (response, _) = requests.send_request(request, true).expect("a stream");
            let response = tokio::time::timeout(plane::PATIENCE, response).await.expect("an end");
            statuses.push(response.map_or(0, |response| response.status().as_u16()));
        }
        driver.abort();
        statuses
    });
    assert_eq!(statuses, [200, 0, 200]);
    assert_eq!(plane.stat("http.main.downstream_rq_panic"), 1);
    assert_eq!(plane.stat("http.main.downstream_rq_active"), 0);
    assert_eq!(Client::connect(plane.address("main")).get("/").body, "ok");
}

//! The HTTP side of the control plane: readiness, version, metrics and debug pages.
//! In: GET requests. Out: text or JSON; nothing can be changed here.

use crate::provider::Worlds;
use crate::webhook;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What the pages tell about.
#[derive(Clone)]
pub(crate) struct Shown {
    pub worlds: Arc<Worlds>,
    /// The injection webhook's, where it is served.
    pub webhook: Option<Arc<webhook::Metrics>>,
    /// Whether the injection webhook answers, where it is served.
    pub webhook_ready: Option<watch::Receiver<bool>>,
    /// Whether the control plane is about to end.
    pub stopping: watch::Receiver<bool>,
}

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, shown: Shown) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a monitoring connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let shown = shown.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = answer(request.method(), request.uri().path(), &shown);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a monitoring connection ended");
            }
        });
    }
}

fn answer(method: &Method, path: &str, shown: &Shown) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed here\n");
    }
    match path {
        "/ready" if shown.worlds.world.load().generation == 0 => {
            text(StatusCode::SERVICE_UNAVAILABLE, "no configuration has been read yet\n")
        }
        "/ready" if *shown.stopping.borrow() => text(StatusCode::SERVICE_UNAVAILABLE, "about to end\n"),
        "/ready" if shown.webhook_ready.as_ref().is_some_and(|ready| !*ready.borrow()) => {
            text(StatusCode::SERVICE_UNAVAILABLE, "the cluster has not been read yet\n")
        }
        "/ready" => text(StatusCode::OK, "ready\n"),
        "/version" => text(StatusCode::OK, concat!(env!("CARGO_PKG_VERSION"), "\n")),
        "/metrics" => text(StatusCode::OK, metrics(shown)),
        "/debug/syncz" => json_text(&syncz(&shown.worlds)),
        _ => text(StatusCode::NOT_FOUND, "try /ready, /version, /metrics or /debug/syncz\n"),
    }
}

/// Every connected proxy with what it has answered and what it rejects.
fn syncz(worlds: &Worlds) -> serde_json::Value {
    let generation = worlds.world.load().generation;
    let clients = worlds.reports.clients();
    let rows = clients.iter().map(|client| {
        let rejected: Vec<_> = client
            .rejected
            .iter()
            .map(|((kind, name), message)| json!({"type": kind, "name": name, "message": message}))
            .collect();
        json!({
            "proxy": client.node,
            "generation": client.seen,
            "synced": client.seen == generation && client.waiting.is_empty() && !client.answered.is_empty(),
            "answered": client.answered,
            "waiting": client.waiting,
            "rejected": rejected,
        })
    });
    rows.collect()
}

/// Prometheus text, by istiod's names where it has them.
fn metrics(shown: &Shown) -> String {
    let worlds = &shown.worlds;
    let clients = worlds.reports.clients();
    let rejected: usize = clients.iter().map(|client| client.rejected.len()).sum();
    let rows = [
        ("pilot_xds", "Proxies that are connected.", clients.len() as u64),
        ("pilot_total_xds_rejects", "Resources that proxies reject just now.", rejected as u64),
        ("lateen_config_generation", "Number of the configuration that is served.", worlds.world.load().generation),
    ];
    let mut out = String::new();
    for (name, help, value) in rows {
        // Writing to a String cannot fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    }
    if let Some(webhook) = &shown.webhook {
        webhook.write(&mut out);
    }
    out
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body)
}

fn json_text(value: &serde_json::Value) -> Response<Full<Bytes>> {
    respond(StatusCode::OK, "application/json", format!("{value:#}\n"))
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

//! The HTTPS side of the webhook: connections, paths, status codes, the log line of each decision.
//! In: TCP connections of the API server. Out: answers; whoever stalls is let go.
//! Never here: what an AdmissionReview means.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::admit::{Admitted, Around, admit};
use super::body::{self, BodyError, Whole};
use super::cluster::Served;
use super::metrics::{End, Metrics};
use super::path;

/// Connections at once; one API server opens a few.
const CONNECTIONS: usize = 1024;
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A connection without a request for so long ends (istiod's `IdleTimeout`).
const IDLE: Duration = Duration::from_secs(90);
/// And so long it may take to end.
const GOODBYE: Duration = Duration::from_secs(10);
/// Whoever has connected when the webhook stops has so long for a first request.
const GREETING: Duration = Duration::from_secs(1);

/// What all connections share.
pub(crate) struct Shared {
    pub served: Arc<Served>,
    pub around: Around,
    /// Whether reviews are answered yet.
    pub ready: watch::Receiver<bool>,
    pub metrics: Arc<Metrics>,
    /// Bytes that bodies may hold together.
    budget: Arc<Semaphore>,
    /// Pods that are injected at the same time; more than processors would only make each slower.
    workers: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        served: Arc<Served>,
        around: Around,
        ready: watch::Receiver<bool>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let (budget, workers) = (Arc::new(Semaphore::new(body::BUDGET)), Arc::new(Semaphore::new(processors)));
        Arc::new(Self { served, around, ready, metrics, budget, workers })
    }
}

/// Serves until `stop` says true; then nobody new is let in, and it ends with the last request that runs. Dropped,
/// it ends at once and all connections with it.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let stopping = stop.clone();
    let mut begin = |accepted: std::io::Result<Accepted>| {
        let Accepted { stream, peer, place } = accepted?;
        // Answers are written whole; without it the last part may wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let (tls, shared, stop) = (tls.clone(), shared.clone(), stopping.clone());
        connections.spawn(async move {
            connection(stream, peer, tls, shared, stop).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
        Ok::<_, std::io::Error>(())
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = stopped(&mut stop) => break,
        };
        if let Err(error) = begin(accepted) {
            tracing::warn!(%error, "a connection to the webhook was not accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    // The kernel has accepted these already; closing the listener would reset them.
    while let Ok(accepted) = timeout(Duration::ZERO, accept(&listener, &room)).await {
        if begin(accepted).is_err() {
            break;
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A connection with its place among those that there may be at once.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let place = room.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok(Accepted { stream, peer, place })
}

/// Ready when the webhook is to stop. That nobody is left to say so is no reason.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

async fn connection<S>(
    stream: S,
    peer: SocketAddr,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            tracing::debug!(%peer, "a connection to the webhook ended before its TLS handshake");
            return;
        }
        Ok(Err(error)) => {
            tracing::info!(%peer, %error, "TLS handshake of the webhook failed");
            return;
        }
        Err(_) => {
            tracing::info!(%peer, "TLS handshake of the webhook took longer than {} s", HANDSHAKE.as_secs());
            return;
        }
    };
    let activity = Arc::new(Activity::default());
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, busy) = (shared.clone(), activity.begin());
        async move {
            let answer = answer(request, peer, &shared).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Ours is the watch over idle connections: the API server keeps them, and must not find one closed too soon.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(250);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    loop {
        let before = activity.begun.load(Relaxed);
        tokio::select! {
            ended = &mut serving => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "a connection to the webhook ended");
                }
                return;
            }
            () = stopped(&mut stop) => {
                if activity.begun.load(Relaxed) == 0 {
                    let first = timeout(GREETING, activity.first.notified());
                    tokio::select! {
                        biased;
                        _ = first => {}
                        _ = &mut serving => return,
                    }
                }
                serving.as_mut().graceful_shutdown();
                let _ = serving.await;
                return;
            }
            () = tokio::time::sleep(IDLE) => {
                if activity.running.load(Relaxed) > 0 || activity.begun.load(Relaxed) != before {
                    continue;
                }
                serving.as_mut().graceful_shutdown();
                let _ = timeout(GOODBYE, serving).await;
                return;
            }
        }
    }
}

/// Requests of one connection.
#[derive(Default)]
struct Activity {
    begun: AtomicUsize,
    running: AtomicUsize,
    /// Told with every request that begins.
    first: Notify,
}

impl Activity {
    fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Relaxed);
        self.running.fetch_add(1, Relaxed);
        self.first.notify_one();
        Busy(self.clone())
    }
}

/// A request that runs.
struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

async fn answer(request: Request<Incoming>, peer: SocketAddr, shared: &Arc<Shared>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    match (path, request.method()) {
        ("/ready", &Method::GET | &Method::HEAD) if !*shared.ready.borrow() => {
            text(StatusCode::SERVICE_UNAVAILABLE, "the cluster has not been read yet\n")
        }
        ("/ready", &Method::GET | &Method::HEAD) => text(StatusCode::OK, "ready\n"),
        ("/ready", _) => wrong_method("GET"),
        _ if !path::is_inject(path) => text(StatusCode::NOT_FOUND, "try /inject or /ready\n"),
        (_, &Method::POST) => inject(request, peer, shared).await,
        _ => wrong_method("POST"),
    }
}

/// A request that is no question: what its sender is told.
struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    fn bad(reason: impl Into<String>) -> Refusal {
        Refusal { status: StatusCode::BAD_REQUEST, reason: reason.into() }
    }
}

async fn inject(request: Request<Incoming>, peer: SocketAddr, shared: &Arc<Shared>) -> Response<Full<Bytes>> {
    let begun = Instant::now();
    shared.metrics.asked();
    let path = request.uri().path().to_owned();
    let decided = decide(request, &path, shared).await;
    let took = begun.elapsed();
    let end = decided.as_ref().map_or(End::Failed, |admitted| admitted.end);
    shared.metrics.answered(end, took);
    match decided {
        Ok(admitted) => {
            log(&admitted, &path, took);
            respond(StatusCode::OK, "application/json", admitted.body)
        }
        Err(Refusal { status, reason }) => {
            let status_code = status.as_u16();
            tracing::warn!(%peer, path, decision = "rejected", status_code, reason, ?took, "injection");
            text(status, format!("{reason}\n"))
        }
    }
}

async fn decide(request: Request<Incoming>, path: &str, shared: &Arc<Shared>) -> Result<Admitted, Refusal> {
    check_type(request.headers())?;
    let variables = path::variables(path).map_err(Refusal::bad)?;
    let whole = body::read(request.into_body(), &shared.budget).await.map_err(|error| match error {
        BodyError::Busy => Refusal { status: StatusCode::SERVICE_UNAVAILABLE, reason: error.to_string() },
        _ => Refusal::bad(error.to_string()),
    })?;
    // Whoever says so has ended when this fails; then there is nothing left to wait for.
    let _ = shared.ready.clone().wait_for(|ready| *ready).await;
    let injector = shared.served.injector();
    let injector = injector.map_err(|reason| Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, reason })?;
    // The semaphore is never closed.
    let worker = shared.workers.clone().acquire_owned().await.ok();
    let shared = shared.clone();
    let admitted = tokio::task::spawn_blocking(move || {
        let _worker = worker;
        let Whole { bytes, .. } = &whole;
        admit(bytes, variables, &injector, &shared.around)
    });
    match admitted.await {
        Ok(admitted) => admitted.map_err(|error| Refusal::bad(error.to_string())),
        Err(error) => {
            tracing::error!(%error, "the injector broke down over a pod; this is a defect of it");
            let reason = "the injector broke down over this pod; its log says where".to_owned();
            Err(Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, reason })
        }
    }
}

/// An AdmissionReview is JSON, and says so.
fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let shown = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let media = shown.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let found = shown.map_or_else(|| "there is no Content-Type".to_owned(), |shown| format!("Content-Type is {shown}"));
    let reason = format!("{found}, and an AdmissionReview comes as application/json");
    Err(Refusal { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, reason })
}

/// The line of a decision: who, what, why, how long.
fn log(admitted: &Admitted, path: &str, took: Duration) {
    let Admitted { end, reason, pod, namespace, uid, dry_run, warnings, .. } = admitted;
    match end {
        End::Failed => {
            tracing::error!(namespace, pod, decision = "refused", reason, path, uid, dry_run, ?took, "injection");
        }
        End::Injected => {
            tracing::info!(namespace, pod, decision = "injected", reason, path, uid, dry_run, ?took, "injection");
        }
        End::Skipped => {
            tracing::info!(namespace, pod, decision = "skipped", reason, path, uid, dry_run, ?took, "injection");
        }
    }
    for warning in warnings {
        tracing::warn!(namespace, pod, warning, "injection");
    }
}

fn wrong_method(allowed: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("only {allowed} is allowed here\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body)
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests;

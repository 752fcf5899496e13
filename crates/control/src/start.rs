//! Starts the control plane and keeps it going: changes in, pushes out.
//! In: addresses and changes. Out: a running ADS server; it ends when [`Control`] is dropped or stopped.

use crate::monitoring;
use crate::provider::Worlds;
use crate::report::Reports;
use crate::webhook::{Webhook, WebhookError, WebhookOptions};
use crate::world::{Change, World};
use lateen_xds::Debounce;
use lateen_xds::server::AdsServer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;

/// Settings of the control plane.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where ADS is served in plain text; Istio's port is 15010.
    pub grpc: SocketAddr,
    /// Where readiness, metrics and debug pages are served; Istio's port is 15014.
    pub monitoring: Option<SocketAddr>,
    /// Namespaces and domain.
    pub model: lateen_model::Options,
    /// How resources are written.
    pub translate: lateen_translate::Options,
    /// The injection webhook, where it is wanted.
    pub webhook: Option<WebhookOptions>,
}

/// Why the control plane does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or may not be bound.
    #[error("cannot listen on {address} for {what}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What it is for.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of the injection webhook is of no use.
    #[error("the injection webhook does not start: {0}")]
    Webhook(WebhookError),
}

/// A running control plane. Dropping it ends it.
pub struct Control {
    grpc: SocketAddr,
    monitoring: Option<SocketAddr>,
    webhook: Option<(SocketAddr, Webhook)>,
    stop: watch::Sender<bool>,
    changes: mpsc::UnboundedSender<(Change, Option<oneshot::Sender<()>>)>,
    worlds: Arc<Worlds>,
    _tasks: JoinSet<()>,
}

impl Control {
    /// Binds the ports and starts to serve; proxies get nothing before the first change.
    ///
    /// # Errors
    /// [`StartError`] when a port cannot be bound or a file of the webhook is of no use.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (listener, grpc) = listen(options.grpc, "xDS").await?;
        let empty = World::build(0, Change::default(), &options.model, None, None);
        let worlds = Arc::new(Worlds::new(empty, options.translate));
        let mut tasks = JoinSet::new();
        let ads = AdsServer::new(worlds.clone()).with_identifier(concat!("lateen-", env!("CARGO_PKG_VERSION")));
        let server = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .tcp_nodelay(true)
            .serve_with_incoming(ads.into_service(), TcpListenerStream::new(listener));
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the xDS server ended");
            }
        });
        let (stop, stopping) = watch::channel(false);
        let mut webhook = None;
        if let Some(options) = &options.webhook {
            let (listener, address) = listen(options.address, "the injection webhook").await?;
            let started = Webhook::start(listener, options, stopping.clone()).map_err(StartError::Webhook)?;
            webhook = Some((address, started));
        }
        let mut bound = None;
        if let Some(address) = options.monitoring {
            let (listener, address) = listen(address, "monitoring").await?;
            bound = Some(address);
            let metrics = webhook.as_ref().map(|(_, webhook)| webhook.metrics());
            let webhook_ready = webhook.as_ref().map(|(_, webhook)| webhook.ready());
            let shown = monitoring::Shown { worlds: worlds.clone(), webhook: metrics, webhook_ready, stopping };
            tasks.spawn(monitoring::serve(listener, shown));
        }
        let (changes, receiver) = mpsc::unbounded_channel();
        tasks.spawn(push(receiver, worlds.clone(), options.model));
        Ok(Self { grpc, monitoring: bound, webhook, stop, changes, worlds, _tasks: tasks })
    }

    /// Takes over a new state of the source; proxies get it when changes have been quiet for 10 ms, at the latest
    /// after 100 ms.
    pub fn change(&self, change: Change) {
        // The receiver lives as long as we do.
        let _ = self.changes.send((change, None));
    }

    /// As [`Control::change`], and waits until it is what proxies get.
    pub async fn change_and_wait(&self, change: Change) {
        let (sender, receiver) = oneshot::channel();
        if self.changes.send((change, Some(sender))).is_ok() {
            let _ = receiver.await;
        }
    }

    /// Where ADS is served.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where monitoring is served.
    pub fn monitoring_address(&self) -> Option<SocketAddr> {
        self.monitoring
    }

    /// Where the injection webhook is served, over HTTPS.
    pub fn webhook_address(&self) -> Option<SocketAddr> {
        self.webhook.as_ref().map(|(address, _)| *address)
    }

    /// Ends it without losing a request: it is not ready any more, the injection webhook takes no new connection, and
    /// reviews that run are answered, for at most `grace`. Proxies keep what they have and connect elsewhere.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.send_replace(true);
        if let Some((_, webhook)) = &mut self.webhook {
            tracing::info!("told to end; the reviews that run are answered first");
            webhook.ended(grace).await;
        }
    }

    /// What is served just now.
    pub fn world(&self) -> Arc<World> {
        self.worlds.world.load_full()
    }

    /// Changes with every world.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.worlds.generation.subscribe()
    }

    /// What the proxies say.
    pub fn reports(&self) -> &Reports {
        &self.worlds.reports
    }
}

async fn listen(address: SocketAddr, what: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let error = |source| StartError::Listen { address, what, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    Ok((listener, bound))
}

/// Joins bursts of changes and publishes one world for each.
async fn push(
    mut changes: mpsc::UnboundedReceiver<(Change, Option<oneshot::Sender<()>>)>,
    worlds: Arc<Worlds>,
    options: lateen_model::Options,
) {
    let mut debounce = Debounce::default();
    let mut latest = None;
    let mut waiting = Vec::new();
    let mut generation = 0;
    loop {
        let due = debounce.deadline();
        let pause = async {
            match due {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            change = changes.recv() => {
                let Some((change, waiter)) = change else { return };
                latest = Some(change);
                waiting.extend(waiter);
                debounce.on_change(Instant::now());
            }
            () = pause => {}
        }
        if !debounce.fire(Instant::now()) {
            continue;
        }
        let Some(change) = latest.take() else { continue };
        generation += 1;
        let options = options.clone();
        let previous = Some(worlds.world.load().snapshot.clone());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|age| i64::try_from(age.as_secs()).ok());
        match tokio::task::spawn_blocking(move || World::build(generation, change, &options, previous, now)).await {
            Ok(world) => worlds.publish(world),
            Err(error) => tracing::error!(%error, "the configuration could not be put together; the last one is kept"),
        }
        for waiter in waiting.drain(..) {
            // Who does not wait any more need not be told.
            let _: Result<(), ()> = waiter.send(());
        }
    }
}

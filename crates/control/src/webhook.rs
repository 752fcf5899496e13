//! The injection webhook: HTTPS for the API server, with a certificate from watched files and an injector from watched
//! files or a cluster that somebody follows.
//! In: AdmissionReviews on `/inject` and `/inject/KEY/VALUE/…`. Out: JSON patches of pods, and reasons.
//! Never here: how a pod is injected (crate `inject`), nor anything about traffic.

mod admit;
mod body;
mod cluster;
mod files;
mod metrics;
mod path;
mod review;
mod server;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lateen_inject::{ClusterState, ConfigError, NativeSidecars};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

pub use files::FileError;
pub(crate) use metrics::Metrics;

use admit::Around;
use cluster::Served;
use files::Follow;
use metrics::Watched;
use server::Shared;

/// Settings of the injection webhook. Every file is followed: a change is taken without a restart, and one that
/// is of no use is logged and leaves the last good one in place.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// Where HTTPS is served; Istio's port is 15017.
    pub address: SocketAddr,
    /// The certificate chain in PEM, the webhook's own certificate first.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
    /// The injector's configuration (ConfigMap `istio-sidecar-injector`, key `config`); none for lateen's own.
    pub config: Option<PathBuf>,
    /// The values of templates (the same ConfigMap, key `values`); none for lateen's own.
    pub values: Option<PathBuf>,
    /// The mesh configuration (ConfigMap `istio`, key `mesh`); none for Istio's defaults.
    pub mesh: Option<PathBuf>,
    /// The revision of the control plane; empty for the default one.
    pub revision: String,
    /// What templates read with `env`.
    pub environment: BTreeMap<String, String>,
    /// The cluster whose API server asks, followed; none to work from files alone. Its ConfigMaps give what no file
    /// gives.
    pub cluster: Option<watch::Receiver<ClusterState>>,
    /// How long reviews wait for the first reading of the cluster; afterwards they are answered with what is known.
    pub cluster_wait: Duration,
    /// Time between two looks at the files; a change counts when two looks saw it.
    pub look_every: Duration,
}

/// Why the webhook does not start.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The certificate or its key are of no use.
    #[error("{}, {}: {reason}", certificate.display(), key.display())]
    Certificate {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A ConfigMap is of no use.
    #[error("{0}")]
    ConfigMap(String),
    /// The injector's configuration is of no use.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A webhook that serves. Dropping it ends it at once.
pub(crate) struct Webhook {
    metrics: Arc<Metrics>,
    ready: watch::Receiver<bool>,
    serving: JoinSet<()>,
    _followers: JoinSet<()>,
}

impl Webhook {
    /// Reads the files and serves, until `stop` says true.
    ///
    /// # Errors
    /// [`WebhookError`] when a file is of no use; nothing is served then.
    pub(crate) fn start(
        listener: TcpListener,
        options: &WebhookOptions,
        stop: watch::Receiver<bool>,
    ) -> Result<Webhook, WebhookError> {
        let (mut serving, mut followers) = (JoinSet::new(), JoinSet::new());
        let metrics = Arc::new(Metrics::default());
        let tls = certificate(options, &metrics, &mut followers)?;
        let served = injector(options, &metrics, &mut followers)?;
        let (sender, ready) = watch::channel(options.cluster.is_none());
        if let Some(cluster) = options.cluster.clone() {
            let wait = options.cluster_wait;
            followers.spawn(cluster::follow(served.clone(), cluster, wait, sender, metrics.clone()));
        }
        let shared = Shared::new(served, around(options), ready.clone(), metrics.clone());
        serving.spawn(server::serve(listener, tls, shared, stop));
        Ok(Webhook { metrics, ready, serving, _followers: followers })
    }

    /// Whether it answers; before, reviews wait for the cluster.
    pub(crate) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.clone()
    }

    /// What it counts.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// Waits until every request that ran when `stop` was said is answered, for at most `grace`.
    pub(crate) async fn ended(&mut self, grace: Duration) {
        let all = async { while self.serving.join_next().await.is_some() {} };
        if timeout(grace, all).await.is_err() {
            tracing::warn!(?grace, "requests of the webhook still run after the time that they have; they are cut off");
        }
    }
}

/// Reads `ENABLE_NATIVE_SIDECARS`, `CLUSTER_ID` and `PLATFORM`, and says once what cannot be known.
fn around(options: &WebhookOptions) -> Around {
    let setting = options.environment.get("ENABLE_NATIVE_SIDECARS").map(String::as_str);
    let (native_sidecars, warning) = NativeSidecars::from_setting(setting);
    if native_sidecars == NativeSidecars::Auto && options.cluster.is_none() {
        tracing::warn!(
            "versions of nodes are not known, so proxies are ordinary containers; \
             ENABLE_NATIVE_SIDECARS=true or annotation sidecar.istio.io/nativeSidecar says otherwise"
        );
    }
    if let Some(warning) = warning {
        tracing::warn!(warning, "native sidecars");
    }
    let cluster = options.environment.get("CLUSTER_ID").filter(|cluster| !cluster.is_empty());
    Around {
        cluster: cluster.map_or(admit::DEFAULT_CLUSTER, String::as_str).to_owned(),
        native_sidecars,
        openshift: options.environment.get("PLATFORM").is_some_and(|platform| platform == "openshift"),
        state: options.cluster.clone(),
    }
}

fn certificate(
    options: &WebhookOptions,
    metrics: &Arc<Metrics>,
    tasks: &mut JoinSet<()>,
) -> Result<TlsAcceptor, WebhookError> {
    let (certificate, key) = (options.certificate.clone(), options.key.clone());
    let paths = vec![certificate.clone(), key.clone()];
    let place = format!("{}, {}", certificate.display(), key.display());
    let wrong = |reason| WebhookError::Certificate { certificate, key, reason };
    let first = files::read(&paths)?;
    let current = match first.as_slice() {
        [chain, key] => tls::Current::new(chain, key).map(Arc::new),
        _ => Err("two files are wanted".to_owned()),
    };
    let ready = current.and_then(|current| match current.server_config() {
        Ok(config) => Ok((current, config)),
        Err(error) => Err(error.to_string()),
    });
    let (current, config) = ready.map_err(wrong)?;
    let load = move |contents: &[Vec<u8>]| match contents {
        [chain, key] => current.swap(chain, key).map_err(|reason| format!("{place}: {reason}")),
        _ => Err("two files are wanted".to_owned()),
    };
    let follow = Follow { what: Watched::Certificate, paths, first, every: options.look_every, load };
    tasks.spawn(files::follow(follow, metrics.clone()));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn injector(
    options: &WebhookOptions,
    metrics: &Arc<Metrics>,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Served>, WebhookError> {
    let paths: Vec<_> = [&options.config, &options.values, &options.mesh].into_iter().flatten().cloned().collect();
    let first = files::read(&paths)?;
    let served = Served::new(options, first.clone())?;
    if paths.is_empty() {
        return Ok(served);
    }
    let (taker, every) = (served.clone(), options.look_every);
    let load = move |contents: &[Vec<u8>]| taker.take_files(contents);
    tasks.spawn(files::follow(Follow { what: Watched::Injector, paths, first, every, load }, metrics.clone()));
    Ok(served)
}

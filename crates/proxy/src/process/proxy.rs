//! A running proxy, for whoever started it.
//! In: options. Out: a handle; threads for the workers and for control behind it.

use super::bootstrap::static_resources;
use super::control::{self, Order};
use super::discovery::Discovery;
use super::options::{Options, Source};
use super::phase::Phase;
use super::publish::{BoundListener, Publish};
use super::state::{Parts, Shared, State};
use crate::admin;
use crate::ads::{self, Target, TargetError};
use crate::identity::Identity;
use crate::logging::AccessLogs;
use crate::stats::Registry;
use crate::worker::{Fleet, FleetOptions};
use lateen_envoy_api::{Bootstrap, v3};
use lateen_proxy_core::bootstrap::{self as core_bootstrap, Static};
use lateen_proxy_core::ir::{Features, Tables};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StartError {
    #[error("{}", .0.join("\n"))]
    Bootstrap(Vec<String>),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("cannot bind the {what} port on {address}: {source}")]
    Bind { what: &'static str, address: SocketAddr, source: io::Error },
    #[error("cannot start the {what}: {source}")]
    Thread { what: &'static str, source: io::Error },
}

/// A resource that was refused, or a listener that could not be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceError {
    /// Type url.
    pub type_url: String,
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A running proxy. Dropping it stops it at once.
pub struct Proxy {
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
    ended: watch::Receiver<bool>,
    admin: Option<SocketAddr>,
    health: Option<SocketAddr>,
    prometheus: Option<SocketAddr>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Starts a proxy: decodes the bootstrap, starts the workers, binds every address, connects to discovery.
    ///
    /// # Errors
    /// When the bootstrap has something that cannot be done, or an address cannot be bound.
    pub fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with(options, |fleet| {
            let fleet = Fleet::start(fleet).map_err(|source| StartError::Thread { what: "workers", source })?;
            Ok(Arc::new(fleet))
        })
    }

    pub(super) fn start_with(
        mut options: Options,
        start_fleet: impl FnOnce(FleetOptions) -> Result<Arc<dyn Publish>, StartError>,
    ) -> Result<Self, StartError> {
        if matches!(options.source, Source::Ads { .. }) {
            ads::node::as_agent(&mut options.node);
        }
        let nothing = Source::Ads { uri: String::new() };
        let (mut bootstrap, decoded, target) = configuration(std::mem::replace(&mut options.source, nothing))?;
        if options.admin.is_none() {
            options.admin = decoded.admin;
        }
        let admin = socket("admin", options.admin)?;
        let health = socket("health", options.health)?;
        let prometheus = socket("prometheus", options.prometheus)?;
        let access_logs = match options.access_logs.take() {
            Some(access_logs) => access_logs,
            None => AccessLogs::start().map_err(|source| StartError::Thread { what: "access log writer", source })?,
        };
        let concurrency = options.concurrency.unwrap_or_else(processors).max(1);
        let stats = Registry::new();
        let publish = start_fleet(FleetOptions {
            concurrency,
            drain_time: options.drain_time,
            stats: Arc::clone(&stats),
            access_logs: Arc::clone(&access_logs),
        })?;
        let node = ads::node::complete(decoded.node, &options.node);
        let identity = Identity::new(options.identity, node.clone());
        let now = Instant::now();
        let discovery = target
            .as_ref()
            .map_or_else(Discovery::default, |target| Discovery::new(target.clusters, target.listeners, now));
        let resources = static_resources(&mut bootstrap);
        let mut state = State::new(bootstrap.whole, node.clone(), discovery);
        state.runtime = decoded.runtime;
        state.add_static(decoded.tables, resources);
        let (shared, orders) = Shared::new(Parts {
            stats,
            access_logs,
            log: options.log,
            publish,
            concurrency,
            drain_time: options.drain_time,
            command_line: options.command_line,
            state,
        });
        shared.advance(now);
        let unbound: Vec<String> =
            shared.state().bind_failures.iter().map(|(name, why)| format!("listener '{name}': {why}")).collect();
        if !unbound.is_empty() {
            shared.publish.shutdown();
            return Err(StartError::Bootstrap(unbound));
        }
        let addresses = [&admin, &health, &prometheus].map(|socket| socket.as_ref().map(|(_, address)| *address));
        let (ended_sender, ended) = watch::channel(false);
        let control = Control {
            shared: Arc::clone(&shared),
            orders,
            sockets: [(admin, admin::admin as _), (health, admin::health as _), (prometheus, admin::prometheus as _)],
            target: target.map(|target| (target, node)),
            identity,
            minimum_drain: options.minimum_drain,
            ended: ended_sender,
        };
        let phase = shared.phase.subscribe();
        let thread = control.start().inspect_err(|_| shared.publish.shutdown())?;
        let [admin, health, prometheus] = addresses;
        Ok(Self { shared, phase, ended, admin, health, prometheus, thread: Mutex::new(Some(thread)) })
    }

    /// Whether the first configuration serves.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.phase.borrow() == Phase::Live
    }

    /// Waits for the first configuration to serve. False when the proxy ended before.
    pub async fn ready(&self) -> bool {
        let mut phase = self.phase.clone();
        let found = phase.wait_for(|phase| matches!(phase, Phase::Live | Phase::Draining)).await;
        found.is_ok_and(|phase| *phase == Phase::Live)
    }

    /// Where in its life it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.shared.phase()
    }

    /// The admin interface, as bound.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The health port, as bound.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health
    }

    /// The metrics port, as bound.
    #[must_use]
    pub fn prometheus_address(&self) -> Option<SocketAddr> {
        self.prometheus
    }

    /// Listeners and their addresses, as bound.
    #[must_use]
    pub fn listeners(&self) -> Vec<BoundListener> {
        self.shared.publish.listeners()
    }

    /// Everything that is refused or not bound now.
    #[must_use]
    pub fn errors(&self) -> Vec<ResourceError> {
        let failures = self.shared.state().failures();
        failures.into_iter().map(|(type_url, name, reason)| ResourceError { type_url, name, reason }).collect()
    }

    /// What is wrong with certificates now: which context, of which secrets and files, and why.
    #[must_use]
    pub fn certificate_problems(&self) -> Vec<String> {
        let certificates = self.shared.publish.certificates().into_iter();
        certificates.filter_map(|one| Some(format!("{}: {}", one.sources.join(", "), one.problem?))).collect()
    }

    /// All statistics of this proxy.
    #[must_use]
    pub fn stats(&self) -> &Arc<Registry> {
        &self.shared.stats
    }

    /// Opens the files of access logs again.
    pub fn reopen_logs(&self) {
        self.shared.access_logs.reopen();
    }

    /// Drains: see [`Options::drain_time`]. Called again, it ends at once. [`Proxy::ended`] tells when it is over.
    pub fn drain(&self) {
        // Without a control task it has ended already.
        let _ = self.shared.orders.send(Order::Drain);
    }

    /// Waits until the proxy has ended.
    pub async fn ended(&self) {
        // An error means that the sender is gone, and the control thread with it.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Ends at once and waits for the threads. False when the control thread had failed.
    pub fn stop(&self) -> bool {
        // Without a control task it has ended already.
        let _ = self.shared.orders.send(Order::Quit);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let failed = thread.is_some_and(|thread| thread.join().is_err());
        if failed {
            tracing::error!(target: "lateen_proxy::main", "the control thread failed");
        }
        !failed
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a configuration could be served.
///
/// # Errors
/// What cannot.
pub(super) fn validate(options: Options) -> Result<(), StartError> {
    configuration(options.source).map(drop)
}

type Configuration = (Bootstrap, Static, Option<Target>);

fn configuration(source: Source) -> Result<Configuration, StartError> {
    match source {
        Source::Ads { uri } => {
            // What Istio's bootstrap sets.
            let runtime = [("envoy.reloadable_features.http_reject_path_with_fragment", "false")];
            let runtime = runtime.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let tables = Tables { features: Features::of(&runtime), ..Tables::default() };
            let decoded = Static { runtime, tables, ..Static::default() };
            Ok((v3::bootstrap::Bootstrap::default().into(), decoded, Some(Target::of_uri(&uri)?)))
        }
        Source::Bootstrap(bootstrap) => {
            let decoded = core_bootstrap::decode(&bootstrap);
            let errors = decoded.errors.iter().map(ToString::to_string);
            let rejected = decoded.rejected.iter().map(|rejected| rejected.error.to_string());
            let errors: Vec<String> = errors.chain(rejected).collect();
            if !errors.is_empty() {
                return Err(StartError::Bootstrap(errors));
            }
            for field in &decoded.ignored {
                tracing::warn!(target: "lateen_proxy::config", field, "has no effect");
            }
            let target = decoded.ads.as_ref().map(|ads| Target::of_bootstrap(&bootstrap, ads)).transpose()?;
            Ok((*bootstrap, decoded, target))
        }
    }
}

type Socket = Option<(TcpListener, SocketAddr)>;

fn socket(what: &'static str, address: Option<SocketAddr>) -> Result<Socket, StartError> {
    let bind = |address| admin::bind(address).map_err(|source| StartError::Bind { what, address, source });
    address.map(bind).transpose()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

type Respond = fn(&Shared, &http::Method, &str) -> admin::Answer;

/// What the control thread is made of.
struct Control {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedReceiver<Order>,
    sockets: [(Socket, Respond); 3],
    target: Option<(Target, v3::core::Node)>,
    identity: Identity,
    minimum_drain: Duration,
    ended: watch::Sender<bool>,
}

impl Control {
    fn start(self) -> Result<JoinHandle<()>, StartError> {
        let failed = |source| StartError::Thread { what: "control thread", source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Lookups that hang must not take a thread each.
            .max_blocking_threads(4)
            .thread_keep_alive(Duration::from_secs(1))
            .build()
            .map_err(failed)?;
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                runtime.block_on(self.run());
                // A lookup that hangs is not waited for.
                runtime.shutdown_background();
            })
            .map_err(failed)
    }

    async fn run(self) {
        for (socket, respond) in self.sockets {
            if let Some((socket, _)) = socket {
                tokio::spawn(admin::serve(Arc::clone(&self.shared), socket, respond));
            }
        }
        if let Some((target, node)) = self.target {
            tokio::spawn(ads::follow(Arc::clone(&self.shared), target, node));
        }
        control::run(self.shared, self.orders, self.identity, self.minimum_drain, self.ended).await;
    }
}

//! What the process knows: every resource, what is accepted, what serves.
//! In: discovery updates, looked-up names, the time. Out: tables for the workers, rejections with their reasons.
//! The lock is held for decoding and publishing only, by the control thread; the admin interface reads in between.

use super::control::Order;
use super::discovery::{Discovery, Update};
use super::phase::Phase;
use super::publish::Publish;
use super::resources::{Form, Resources};
use super::warming::{PATIENCE, Warming};
use crate::logging::{AccessLogs, LogHandle};
use crate::stats::Registry;
use lateen_envoy_api::{Any, type_url, v3};
use lateen_proxy_core::decode;
use lateen_proxy_core::ir::{Endpoints, Tables};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, mpsc, watch};

/// What all threads of a proxy share.
pub(crate) struct Shared {
    pub stats: Arc<Registry>,
    pub access_logs: Arc<AccessLogs>,
    pub log: LogHandle,
    pub publish: Arc<dyn Publish>,
    pub started: Instant,
    pub concurrency: usize,
    pub drain_time: Duration,
    pub command_line: v3::admin::CommandLineOptions,
    /// `/healthcheck/fail` was called.
    pub health_failed: AtomicBool,
    pub orders: mpsc::UnboundedSender<Order>,
    /// Wakes the control task after a change.
    pub changed: Notify,
    pub phase: watch::Sender<Phase>,
    state: Mutex<State>,
}

/// What changes while the process runs.
pub(crate) struct State {
    /// Packed: as a message a large one takes several times the memory.
    pub bootstrap: Any,
    pub bootstrap_at: SystemTime,
    pub node: v3::core::Node,
    pub runtime: BTreeMap<String, String>,
    pub resources: Resources,
    /// Everything that was accepted.
    pub accepted: Tables,
    /// What the workers have.
    pub serving: Arc<Tables>,
    /// Addresses of DNS clusters.
    pub resolved: HashMap<Arc<str>, Arc<Endpoints>>,
    pub warming: Warming,
    pub bind_failures: BTreeMap<Arc<str>, String>,
    pub discovery: Discovery,
    phase: Phase,
}

impl State {
    /// From a bootstrap's static part.
    pub fn new(bootstrap: Any, node: v3::core::Node, discovery: Discovery) -> Self {
        Self {
            bootstrap,
            bootstrap_at: SystemTime::now(),
            node,
            runtime: BTreeMap::new(),
            resources: Resources::default(),
            accepted: Tables::default(),
            serving: Arc::default(),
            resolved: HashMap::new(),
            warming: Warming::default(),
            bind_failures: BTreeMap::new(),
            discovery,
            phase: Phase::PreInitializing,
        }
    }

    /// Takes in an update: what is good counts, the last good form of what is bad stays.
    /// Returns names and reasons of what was rejected.
    pub fn update(&mut self, update: &Update, at: SystemTime) -> Vec<(String, String)> {
        let added: Vec<decode::Resource<'_>> = update
            .added
            .iter()
            .filter(|(name, _)| !self.is_static(&update.type_url, name))
            .map(|(name, body)| decode::Resource { name, version: decode::version_of(body), body })
            .collect();
        let removed = update.removed.iter().filter(|name| !self.is_static(&update.type_url, name));
        let removed: Vec<String> = removed.cloned().collect();
        let change = decode::Update { type_url: &update.type_url, added: &added, removed: &removed };
        let applied = decode::apply(&self.accepted, change);
        self.accepted = applied.tables;
        let rejected: Vec<(String, String)> =
            applied.rejected.into_iter().map(|one| (one.name, one.error.to_string())).collect();
        self.note(update, &rejected, at);
        self.forget_unused(&update.type_url);
        self.discovery.received(&update.type_url);
        rejected
    }

    /// As in Envoy, discovery does not replace what stands in the bootstrap.
    fn is_static(&self, type_url: &str, name: &str) -> bool {
        let kind = self.resources.kind(type_url);
        kind.and_then(|kind| kind.entries.get(name)).is_some_and(|entry| entry.is_static)
    }

    /// Takes in what the bootstrap holds, decoded already.
    pub fn add_static(&mut self, tables: Tables, resources: impl Iterator<Item = (String, Any)>) {
        self.accepted = tables;
        let at = self.bootstrap_at;
        for (name, body) in resources {
            let type_url = body.type_url.clone();
            let form = Form { body, version: String::new(), at };
            self.resources.kind_mut(&type_url).accept(&name, form, true);
        }
    }

    /// Keeps the resources as they came.
    fn note(&mut self, update: &Update, rejected: &[(String, String)], at: SystemTime) {
        let kind = self.resources.kind_mut(&update.type_url);
        kind.version.clone_from(&update.version);
        for (name, body) in &update.added {
            if kind.entries.get(name).is_some_and(|entry| entry.is_static) {
                continue;
            }
            let form = Form { body: body.clone(), version: update.version.clone(), at };
            match rejected.iter().find(|(bad, _)| bad == name) {
                Some((_, reason)) => kind.reject(name, form, reason.clone()),
                None => {
                    // The same bytes again are no update.
                    let former = kind.entries.get(name).and_then(|entry| entry.accepted.as_ref());
                    let at = former.filter(|former| former.body == *body).map_or(at, |former| former.at);
                    kind.accept(name, Form { at, ..form }, false);
                }
            }
        }
        for name in &update.removed {
            kind.remove(name);
        }
    }

    /// What nothing names any more is not subscribed to, so nobody says that it is gone.
    fn forget_unused(&mut self, changed: &str) {
        fn unused<T>(table: &HashMap<Arc<str>, Arc<T>>, used: &BTreeSet<&str>) -> Vec<Arc<str>> {
            table.keys().filter(|name| !used.contains(&***name)).cloned().collect()
        }
        let Self { discovery, accepted, serving, resources, .. } = &mut *self;
        if !matches!(changed, type_url::CLUSTER | type_url::LISTENER) {
            return;
        }
        let mut gone = Vec::new();
        if changed == type_url::CLUSTER {
            let names = unused(&accepted.endpoints, &discovery.endpoint_names(accepted, serving));
            gone.extend(names.into_iter().map(|name| (type_url::ENDPOINT, name)));
        } else {
            let names = unused(&accepted.routes, &discovery.route_names(accepted, serving));
            gone.extend(names.into_iter().map(|name| (type_url::ROUTE, name)));
        }
        if !accepted.secrets.is_empty() {
            let used = discovery.secrets(accepted, serving);
            let names = unused(&accepted.secrets, &used.iter().map(|secret| &*secret.name).collect());
            gone.extend(names.into_iter().map(|name| (type_url::SECRET, name)));
        }
        for (type_url, name) in gone {
            let is_static = |entry: &super::Entry| entry.is_static;
            let kind = resources.kind_mut(type_url);
            if kind.entries.get(&*name).is_some_and(is_static) {
                continue;
            }
            kind.remove(&name);
            match type_url {
                type_url::ENDPOINT => drop(accepted.endpoints.remove(&name)),
                type_url::ROUTE => drop(accepted.routes.remove(&name)),
                _ => drop(accepted.secrets.remove(&name)),
            }
        }
    }

    /// Everything that is refused or could not be bound: type url, name, reason.
    pub fn failures(&self) -> Vec<(String, String, String)> {
        let refused = self.resources.failures().map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        let unbound = self.bind_failures.iter();
        let unbound = unbound.map(|(name, why)| (type_url::LISTENER.to_owned(), name.to_string(), why.clone()));
        refused.chain(unbound).collect()
    }

    /// When [`Shared::advance`] has something to do although nothing changes.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        [self.warming.deadline(), self.discovery.deadline(now)].into_iter().flatten().min()
    }

    fn next_phase(&self, now: Instant) -> Phase {
        match self.phase {
            // Never back: what is live stays live while new resources warm.
            Phase::Live | Phase::Draining => self.phase,
            Phase::PreInitializing | Phase::Initializing => {
                if self.discovery.awaits(type_url::CLUSTER, now) || self.warming.clusters().next().is_some() {
                    Phase::PreInitializing
                } else if self.discovery.awaits(type_url::LISTENER, now) || self.warming.listeners().next().is_some() {
                    Phase::Initializing
                } else {
                    Phase::Live
                }
            }
        }
    }
}

/// What [`Shared`] is made of.
pub(crate) struct Parts {
    pub stats: Arc<Registry>,
    pub access_logs: Arc<AccessLogs>,
    pub log: LogHandle,
    pub publish: Arc<dyn Publish>,
    pub concurrency: usize,
    pub drain_time: Duration,
    pub command_line: v3::admin::CommandLineOptions,
    pub state: State,
}

impl Shared {
    /// And the orders that come in.
    pub fn new(parts: Parts) -> (Arc<Self>, mpsc::UnboundedReceiver<Order>) {
        let (orders, received) = mpsc::unbounded_channel();
        let shared = Self {
            stats: parts.stats,
            access_logs: parts.access_logs,
            log: parts.log,
            publish: parts.publish,
            started: Instant::now(),
            concurrency: parts.concurrency,
            drain_time: parts.drain_time,
            command_line: parts.command_line,
            health_failed: AtomicBool::new(false),
            orders,
            changed: Notify::new(),
            phase: watch::Sender::new(Phase::PreInitializing),
            state: Mutex::new(parts.state),
        };
        (Arc::new(shared), received)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As `/ready` and `/server_info` say it.
    pub fn phase(&self) -> Phase {
        let phase = *self.phase.borrow();
        if self.health_failed.load(Ordering::Relaxed) && phase == Phase::Live { Phase::Draining } else { phase }
    }

    /// Takes in an update and publishes. Returns names and reasons of what was rejected.
    pub fn update(&self, update: &Update, now: Instant) -> Vec<(String, String)> {
        let mut state = self.state();
        let mut rejected = state.update(update, SystemTime::now());
        for (name, reason) in &rejected {
            tracing::warn!(target: "lateen_proxy::ads", type_url = %update.type_url, name, "rejected: {reason}");
        }
        self.publish(&mut state, now);
        if update.type_url == type_url::LISTENER {
            for (name, _) in &update.added {
                let refused = rejected.iter().any(|(refused, _)| refused == name);
                if let (Some(reason), false) = (state.bind_failures.get(name.as_str()), refused) {
                    rejected.push((name.clone(), reason.clone()));
                }
            }
        }
        super::discovery::count(&self.stats.server, update, rejected.len());
        rejected
    }

    /// Addresses of a DNS cluster were looked up; without any when the first lookup failed.
    pub fn resolved(&self, cluster: &Arc<str>, endpoints: Arc<Endpoints>, now: Instant) {
        let mut state = self.state();
        if !state.accepted.clusters.contains_key(cluster) {
            return;
        }
        let first = state.resolved.insert(Arc::clone(cluster), Arc::clone(&endpoints)).is_none();
        self.publish.set_resolved(Arc::clone(cluster), endpoints);
        if first {
            self.publish(&mut state, now);
        }
    }

    /// Lets go what has waited long enough.
    pub fn advance(&self, now: Instant) {
        let mut state = self.state();
        self.publish(&mut state, now);
    }

    /// The process ends.
    pub fn start_draining(&self) {
        self.state().phase = Phase::Draining;
        self.phase.send_replace(Phase::Draining);
    }

    fn publish(&self, state: &mut State, now: Instant) {
        let State { warming, accepted, serving, resolved, .. } = &mut *state;
        let next = Arc::new(warming.advance(accepted, serving, &|name| resolved.contains_key(name), now));
        for (name, cluster) in &state.serving.clusters {
            if !next.clusters.contains_key(name) {
                self.stats.forget_cluster(&cluster.stat_name);
                state.resolved.remove(name);
            }
        }
        let failures = self.publish.apply(Arc::clone(&next));
        let failures: BTreeMap<_, _> = failures.into_iter().map(|one| (one.listener, one.reason)).collect();
        for (name, reason) in &failures {
            if state.bind_failures.get(name) != Some(reason) {
                tracing::error!(target: "lateen_proxy::listener", listener = %name, "{reason}");
            }
        }
        state.bind_failures = failures;
        state.serving = next;
        let before = state.phase;
        state.phase = state.next_phase(now);
        if before != state.phase {
            tracing::info!(target: "lateen_proxy::main", "state is {}", state.phase.name());
        }
        self.gauges(state);
        self.phase.send_replace(state.phase);
        self.changed.notify_one();
    }

    fn gauges(&self, state: &State) {
        let server = &self.stats.server;
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let bound = state.serving.listeners.len().saturating_sub(state.bind_failures.len());
        server.total_listeners_active.set(number(bound));
        server.total_listeners_warming.set(number(state.warming.listeners().count()));
        server.active_clusters.set(number(state.serving.clusters.len()));
        server.warming_clusters.set(number(state.warming.clusters().count()));
        server.concurrency.set(number(self.concurrency));
        server.workers_started.set(1);
    }

    /// What only changes with time, before statistics are read.
    pub fn refresh_gauges(&self) {
        let server = &self.stats.server;
        let phase = self.phase();
        server.live.set(u64::from(phase == Phase::Live));
        server.state.set(phase.number());
        server.uptime.set(self.started.elapsed().as_secs());
        server.total_connections.set(u64::try_from(self.publish.active_connections()).unwrap_or(u64::MAX));
        let dropped = self.access_logs.dropped();
        server.access_log_dropped.add(dropped.saturating_sub(server.access_log_dropped.get()));
        let resident = crate::admin::resident_bytes();
        server.memory_allocated.set(resident);
        server.memory_physical_size.set(resident);
    }
}

/// How long the first clusters and listeners are waited for.
pub(crate) const FIRST_FETCH: Duration = PATIENCE;

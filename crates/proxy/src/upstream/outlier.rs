//! Outlier detection of a cluster, shared by all workers.
//! In: outcomes. Out: who is out, for the balancer of each worker.
//! Endpoints are as healthy for one worker as for another, as in Envoy: otherwise each worker would have to see the
//! failures for itself, and the share that may be out would be a share of each. What they share is read without a
//! lock and written only at a failure; the detector behind the lock is for ejections and the end of an interval.

use crate::stats::OutlierStats;
use crate::worker::Context;
use lateen_proxy_core::ir::{Cluster, Endpoints, OutlierDetection};
use lateen_proxy_core::outlier::{Detector, Event, Monitor, Outcome, Rule};
use std::cell::Cell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// Detectors of all clusters that have one, by name, while a worker holds them.
#[derive(Default)]
pub struct AllOutliers(Mutex<HashMap<Arc<str>, Known>>);

/// The version of a cluster, and its detector as long as a worker holds it.
type Known = (u64, Weak<Shared>);

struct Shared {
    settings: OutlierDetection,
    base: Instant,
    /// Milliseconds after `base`.
    next_tick: AtomicU64,
    /// Grows with every ejection and return.
    changes: AtomicU64,
    state: Mutex<State>,
}

struct State {
    detector: Detector,
    /// Generation of the endpoints, so that a worker that is behind does not bring old ones back.
    generation: u64,
}

impl AllOutliers {
    /// That of one version of a cluster.
    fn of(&self, cluster: &Cluster, settings: &OutlierDetection) -> Arc<Shared> {
        let mut all = lock(&self.0);
        if let Some((version, known)) = all.get(&cluster.name)
            && *version == cluster.version
            && let Some(known) = known.upgrade()
        {
            return known;
        }
        all.retain(|_, (_, known)| known.strong_count() > 0);
        let base = Instant::now();
        let detector = Detector::new(settings.clone(), base);
        let fresh = Arc::new(Shared {
            settings: settings.clone(),
            base,
            next_tick: AtomicU64::new(millis(base, detector.next_tick())),
            changes: AtomicU64::new(0),
            state: Mutex::new(State { detector, generation: 0 }),
        });
        all.insert(Arc::clone(&cluster.name), (cluster.version, Arc::downgrade(&fresh)));
        fresh
    }
}

/// The detector of a cluster as one worker sees it.
pub struct Outlier {
    shared: Arc<Shared>,
    seen: Cell<u64>,
    stats: Arc<OutlierStats>,
}

impl Outlier {
    /// For a cluster that has outlier detection.
    pub fn new(context: &Context, cluster: &Cluster) -> Option<Self> {
        let settings = cluster.outlier.as_ref()?;
        Some(Self {
            shared: context.shared.outliers.of(cluster, settings),
            seen: Cell::new(0),
            stats: context.stats.outlier(&cluster.stat_name),
        })
    }

    /// Takes the endpoints of a generation of the tables.
    pub fn set_endpoints(&self, endpoints: &Endpoints, generation: u64) {
        let mut state = lock(&self.shared.state);
        if state.generation >= generation {
            return;
        }
        state.generation = generation;
        let all = endpoints.localities.iter().flat_map(|locality| &locality.endpoints);
        let events = state.detector.set_hosts(all.map(|endpoint| endpoint.address));
        self.happened(&state, &events);
    }

    /// Counts of an endpoint.
    pub fn monitor(&self, address: SocketAddr) -> Option<Arc<Monitor>> {
        lock(&self.shared.state).detector.monitor(address)
    }

    /// Counts what came of a request.
    pub fn observe(&self, context: &Context, address: SocketAddr, monitor: &Monitor, outcome: Outcome) {
        monitor.observe(&self.shared.settings, outcome, &mut |rule| self.met(context, address, rule));
    }

    fn met(&self, context: &Context, address: SocketAddr, rule: Rule) {
        let mut state = lock(&self.shared.state);
        let events = state.detector.met(address, rule, Instant::now(), &mut || context.random());
        self.happened(&state, &events);
    }

    /// Calls `eject` for each address when somebody went out or came back since the last call.
    pub fn refresh(&self, context: &Context, mut eject: impl FnMut(&dyn Fn(SocketAddr) -> bool)) {
        let now = Instant::now();
        let since = u64::try_from(now.duration_since(self.shared.base).as_millis()).unwrap_or(u64::MAX);
        if since >= self.shared.next_tick.load(Ordering::Relaxed) {
            let mut state = lock(&self.shared.state);
            let events = state.detector.tick(now, &mut || context.random());
            self.happened(&state, &events);
            self.shared.next_tick.store(millis(self.shared.base, state.detector.next_tick()), Ordering::Relaxed);
        }
        let changes = self.shared.changes.load(Ordering::Acquire);
        if changes != self.seen.replace(changes) {
            let state = lock(&self.shared.state);
            eject(&|address| state.detector.is_ejected(address));
        }
    }

    fn happened(&self, _state: &State, events: &[Event]) {
        for event in events {
            self.stats.count(*event);
        }
        if events.iter().any(|event| matches!(event, Event::Ejected(_) | Event::Returned)) {
            self.shared.changes.fetch_add(1, Ordering::Release);
        }
    }
}

/// Rounded up, so that a tick is never asked for too early.
fn millis(base: Instant, at: Instant) -> u64 {
    u64::try_from(at.duration_since(base).as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

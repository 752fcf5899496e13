//! What every task of one worker shares.
//! In: the tables of the fleet. Out: the worker's own view of them, random numbers, the date, upstreams.
//! Never here: a lock that another thread may hold for longer than a pointer swap.

use super::clock::HttpDate;
use crate::logging::{AccessLogs, AccessWriter};
use crate::stats::WorkerStats;
use crate::tls::Contexts;
use crate::upstream::{AllCounts, AllOutliers, Upstreams};
use arc_swap::ArcSwap;
use lateen_proxy_core::ir::{Cluster, Endpoints, Tables};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What the fleet publishes for all workers.
pub struct Shared {
    pub(super) state: ArcSwap<Published>,
    pub(super) generation: AtomicU64,
    /// Downstream connections of all workers.
    pub connections: AtomicUsize,
    /// Time between the begin of draining and the hard end of a connection.
    pub drain_time: Duration,
    /// Circuit breakers over all workers.
    pub(crate) counts: AllCounts,
    /// Outlier detection over all workers.
    pub(crate) outliers: AllOutliers,
}

/// Tables, and the endpoints that DNS has given.
#[derive(Clone, Default)]
pub(super) struct Published {
    pub(super) tables: Arc<Tables>,
    pub(super) resolved: Arc<HashMap<Arc<str>, Arc<Endpoints>>>,
    pub(super) tls: Arc<Contexts>,
}

impl Shared {
    pub(super) fn new(drain_time: Duration) -> Self {
        Self {
            state: ArcSwap::default(),
            generation: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            drain_time,
            counts: AllCounts::default(),
            outliers: AllOutliers::default(),
        }
    }
}

/// What a request sees of the tables, from its first decision to its last.
pub struct View {
    /// Grows with every change.
    pub generation: u64,
    /// Every accepted resource.
    pub tables: Arc<Tables>,
    /// TLS contexts of the tables.
    pub tls: Arc<Contexts>,
    resolved: Arc<HashMap<Arc<str>, Arc<Endpoints>>>,
}

impl View {
    /// Endpoints of a cluster, also of one that DNS resolves; `None` before they are known.
    pub fn endpoints<'a>(&'a self, cluster: &'a Cluster) -> Option<&'a Arc<Endpoints>> {
        self.tables.endpoints_of(cluster).or_else(|| self.resolved.get(&cluster.name))
    }
}

/// What every task of one worker shares.
pub struct Context {
    pub(crate) shared: Arc<Shared>,
    view: RefCell<Rc<View>>,
    random: RefCell<StdRng>,
    /// Value of `date` headers.
    pub date: HttpDate,
    /// This worker's statistics.
    pub stats: WorkerStats,
    /// Where access logs go.
    pub access_logs: RefCell<AccessWriter>,
    /// Clusters and their connections.
    pub upstreams: Upstreams,
    /// Whether the whole proxy drains.
    pub draining: Cell<bool>,
}

impl Context {
    pub(super) fn new(shared: Arc<Shared>, stats: WorkerStats, access_logs: &AccessLogs) -> Self {
        let view = Rc::new(View::of(&shared));
        Self {
            shared,
            view: RefCell::new(view),
            random: RefCell::new(StdRng::from_os_rng()),
            date: HttpDate::default(),
            stats,
            access_logs: RefCell::new(access_logs.worker()),
            upstreams: Upstreams::default(),
            draining: Cell::new(false),
        }
    }

    /// The tables of now.
    pub fn view(&self) -> Rc<View> {
        let mut view = self.view.borrow_mut();
        if view.generation != self.shared.generation.load(Ordering::Acquire) {
            *view = Rc::new(View::of(&self.shared));
        }
        Rc::clone(&view)
    }

    /// A random number.
    pub fn random(&self) -> u64 {
        self.random.borrow_mut().next_u64()
    }
}

impl View {
    fn of(shared: &Shared) -> Self {
        // The generation is read first: a change in between only leads to one more reload.
        let generation = shared.generation.load(Ordering::Acquire);
        let state = shared.state.load();
        Self {
            generation,
            tables: Arc::clone(&state.tables),
            tls: Arc::clone(&state.tls),
            resolved: Arc::clone(&state.resolved),
        }
    }
}

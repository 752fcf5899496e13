//! Who has which block, and the sums.
//! In: requests for blocks by the workers, outside the path of a request. Out: samples by name, sorted.
//! Never here: a value that is written by two threads.

use super::families::{
    ClusterStats, Family, Field, HostStats, HttpStats, ListenerStats, OutlierStats, ServerStats, TcpStats,
};
use super::metric::HistogramSum;
use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which family, and thus how a name is built and labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `cluster.<name>.`
    Cluster,
    /// `http.<stat_prefix>.`
    Http,
    /// `listener.<address>.`
    Listener,
    /// `tcp.<stat_prefix>.`
    Tcp,
    /// The names are whole.
    Server,
}

impl Scope {
    /// First part of a name.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Http => "http",
            Self::Listener => "listener",
            Self::Tcp => "tcp",
            Self::Server => "",
        }
    }
}

/// A summed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Only grows.
    Counter(u64),
    /// Grows and shrinks.
    Gauge(u64),
    /// Times.
    Histogram(Box<HistogramSum>),
}

/// One statistic at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Family.
    pub scope: Scope,
    /// Cluster, prefix or address; empty for [`Scope::Server`].
    pub owner: Arc<str>,
    /// Rest of the name, such as `upstream_rq_total`.
    pub name: String,
    /// The sum.
    pub value: Value,
}

impl Sample {
    /// The whole name, such as `cluster.a.upstream_rq_total`.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self.scope {
            Scope::Server => self.name.clone(),
            scope => format!("{}.{}.{}", scope.prefix(), self.owner, self.name),
        }
    }
}

type Key = (Scope, Arc<str>);
type PerWorker<T> = Vec<(usize, Arc<T>)>;

#[derive(Default)]
struct Blocks {
    families: BTreeMap<Key, Vec<Entry>>,
    hosts: BTreeMap<(Arc<str>, SocketAddr), PerWorker<HostStats>>,
    workers: usize,
}

struct Entry {
    worker: usize,
    family: Arc<dyn Family>,
    /// The same block, to hand out again.
    any: Arc<dyn Any + Send + Sync>,
}

/// All blocks of a proxy.
#[derive(Default)]
pub struct Registry {
    blocks: Mutex<Blocks>,
    /// Written by the control thread only.
    pub server: Arc<ServerStats>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The door of one more worker.
    #[must_use]
    pub fn worker(self: &Arc<Self>) -> WorkerStats {
        let mut blocks = self.lock();
        let index = blocks.workers;
        blocks.workers += 1;
        WorkerStats { registry: Arc::clone(self), index }
    }

    /// A removed cluster has no statistics any more.
    pub fn forget_cluster(&self, stat_name: &str) {
        let name = sanitize(stat_name);
        let mut blocks = self.lock();
        blocks.families.remove(&(Scope::Cluster, Arc::clone(&name)));
        blocks.hosts.retain(|(cluster, _), _| *cluster != name);
    }

    /// Sums over all workers, sorted by family, owner and name.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        let blocks = self.lock();
        for ((scope, owner), entries) in &blocks.families {
            let families: Vec<&dyn Family> = entries.iter().map(|entry| &*entry.family).collect();
            sum(*scope, owner, &families, &mut samples);
        }
        drop(blocks);
        sum(Scope::Server, &Arc::from(""), &[&*self.server], &mut samples);
        samples
    }

    /// Values of one endpoint, summed: name and value, counters before gauges.
    #[must_use]
    pub fn host(&self, cluster: &str, address: SocketAddr) -> Vec<(&'static str, Value)> {
        let blocks = self.lock();
        let none = HostStats::default();
        let entries = blocks.hosts.get(&(sanitize(cluster), address));
        let families: Vec<&dyn Family> = match entries {
            Some(entries) => entries.iter().map(|(_, block)| &**block as &dyn Family).collect(),
            None => vec![&none],
        };
        let mut values: BTreeMap<&'static str, Value> = BTreeMap::new();
        for family in families {
            family.visit(&mut |name, field| add(values.entry(name).or_insert_with(|| zero(&field)), &field));
        }
        values.into_iter().collect()
    }

    /// Sets every counter to 0, as `/reset_counters` does. A count by a worker at this very moment may survive.
    pub fn reset_counters(&self) {
        let reset = |family: &dyn Family| {
            family.visit(&mut |_, field| {
                if let Field::Counter(counter) = field {
                    counter.reset();
                }
            });
            if let Some((_, codes)) = family.codes() {
                codes.reset();
            }
        };
        let blocks = self.lock();
        for entry in blocks.families.values().flatten() {
            reset(&*entry.family);
        }
        for (_, host) in blocks.hosts.values().flatten() {
            reset(&**host);
        }
        reset(&*self.server);
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn block<T: Family + Default + 'static>(&self, scope: Scope, owner: &str, worker: usize) -> Arc<T> {
        let mut blocks = self.lock();
        let entries = blocks.families.entry((scope, sanitize(owner))).or_default();
        let mut own = entries.iter().filter(|entry| entry.worker == worker);
        if let Some(block) = own.find_map(|entry| Arc::clone(&entry.any).downcast::<T>().ok()) {
            return block;
        }
        let block = Arc::new(T::default());
        entries.push(Entry { worker, family: block.clone(), any: block.clone() });
        block
    }
}

/// What one worker asks for its blocks. Each call takes a lock: keep what comes back.
#[derive(Debug, Clone)]
pub struct WorkerStats {
    registry: Arc<Registry>,
    index: usize,
}

impl WorkerStats {
    /// Number of the worker, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Of a cluster, by its `stat_name`.
    #[must_use]
    pub fn cluster(&self, stat_name: &str) -> Arc<ClusterStats> {
        self.registry.block(Scope::Cluster, stat_name, self.index)
    }

    /// Of the outlier detection of a cluster, by the cluster's `stat_name`.
    #[must_use]
    pub fn outlier(&self, stat_name: &str) -> Arc<OutlierStats> {
        self.registry.block(Scope::Cluster, stat_name, self.index)
    }

    /// Of an endpoint of a cluster, by the cluster's `stat_name`.
    #[must_use]
    pub fn host(&self, stat_name: &str, address: SocketAddr) -> Arc<HostStats> {
        let mut blocks = self.registry.lock();
        let entries = blocks.hosts.entry((sanitize(stat_name), address)).or_default();
        if let Some((_, block)) = entries.iter().find(|(worker, _)| *worker == self.index) {
            return Arc::clone(block);
        }
        let block = Arc::new(HostStats::default());
        entries.push((self.index, Arc::clone(&block)));
        block
    }

    /// Drops what this worker has counted of an endpoint that is none any more.
    pub fn forget_host(&self, stat_name: &str, address: SocketAddr) {
        let mut blocks = self.registry.lock();
        let key = (sanitize(stat_name), address);
        if let Some(entries) = blocks.hosts.get_mut(&key) {
            entries.retain(|(worker, _)| *worker != self.index);
            if entries.is_empty() {
                blocks.hosts.remove(&key);
            }
        }
    }

    /// Of connection managers with this prefix.
    #[must_use]
    pub fn http(&self, stat_prefix: &str) -> Arc<HttpStats> {
        self.registry.block(Scope::Http, stat_prefix, self.index)
    }

    /// Of a listener, by its first address (`0.0.0.0:8080`).
    #[must_use]
    pub fn listener(&self, address: &str) -> Arc<ListenerStats> {
        self.registry.block(Scope::Listener, address, self.index)
    }

    /// Of TCP proxies with this prefix.
    #[must_use]
    pub fn tcp(&self, stat_prefix: &str) -> Arc<TcpStats> {
        self.registry.block(Scope::Tcp, stat_prefix, self.index)
    }
}

/// Envoy writes `_` for `:` in names of statistics.
fn sanitize(name: &str) -> Arc<str> {
    if name.contains(':') { name.replace(':', "_").into() } else { name.into() }
}

fn zero(field: &Field<'_>) -> Value {
    match field {
        Field::Counter(_) => Value::Counter(0),
        Field::Gauge(_) => Value::Gauge(0),
        Field::Histogram(_) => Value::Histogram(Box::default()),
    }
}

fn add(sum: &mut Value, field: &Field<'_>) {
    match (sum, field) {
        (Value::Counter(sum), Field::Counter(counter)) => *sum = sum.wrapping_add(counter.get()),
        (Value::Gauge(sum), Field::Gauge(gauge)) => {
            // Summed as signed: a connection may be counted up by one worker and down by another.
            *sum = (*sum as i64).wrapping_add(gauge.get()) as u64;
        }
        (Value::Histogram(sum), Field::Histogram(histogram)) => histogram.add_to(sum),
        _ => {}
    }
}

fn sum(scope: Scope, owner: &Arc<str>, families: &[&dyn Family], samples: &mut Vec<Sample>) {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for family in families {
        family.visit(&mut |name, field| match values.get_mut(name) {
            Some(value) => add(value, &field),
            None => {
                let mut value = zero(&field);
                add(&mut value, &field);
                values.insert(name.to_owned(), value);
            }
        });
        if let Some((prefix, codes)) = family.codes() {
            codes.visit(&mut |status, count| {
                let value = values.entry(format!("{prefix}_{status}")).or_insert(Value::Counter(0));
                if let Value::Counter(sum) = value {
                    *sum += count;
                }
            });
        }
    }
    samples.extend(values.into_iter().map(|(name, value)| {
        let value = match value {
            Value::Gauge(sum) if (sum as i64) < 0 => Value::Gauge(0),
            value => value,
        };
        Sample { scope, owner: Arc::clone(owner), name, value }
    }));
}

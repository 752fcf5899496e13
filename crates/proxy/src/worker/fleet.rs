//! The handle of all workers.
//! In: tables and orders from the control thread. Out: bound sockets, handed to the workers, or what failed.
//! An address that stays keeps its sockets, so no connection is refused while a listener changes.

use super::command::Command;
use super::context::{Published, Shared};
use super::thread;
use crate::listener::socket::{self, BindError};
use crate::logging::AccessLogs;
use crate::stats::Registry;
use crate::tls::CertificateStatus;
use lateen_proxy_core::ir::{Endpoints, Listener, Tables};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How workers are set up.
pub struct FleetOptions {
    /// Number of worker threads.
    pub concurrency: usize,
    /// Time from the begin of draining to the hard end of a connection.
    pub drain_time: Duration,
    /// All statistics.
    pub stats: Arc<Registry>,
    /// Where access logs go.
    pub access_logs: Arc<AccessLogs>,
}

/// A listener that could not be served; the rest of the tables is.
#[derive(Debug)]
pub struct ListenerRejected {
    /// Name of the listener.
    pub name: Arc<str>,
    /// Address that failed.
    pub address: SocketAddr,
    /// Why.
    pub error: BindError,
}

/// A listener that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerStatus {
    /// Name of the listener.
    pub name: Arc<str>,
    /// Address as bound, with the port that the system chose for port 0.
    pub addresses: Vec<SocketAddr>,
}

/// All workers. Clones are the same fleet.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    workers: Vec<UnboundedSender<Command>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// By address as configured.
    bound: Mutex<BTreeMap<SocketAddr, Bound>>,
    publishing: Mutex<()>,
}

struct Bound {
    listener: Arc<Listener>,
    actual: SocketAddr,
}

impl Fleet {
    /// Starts the worker threads.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn start(options: FleetOptions) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(options.drain_time));
        let mut workers = Vec::new();
        let mut threads = Vec::new();
        for index in 0..options.concurrency.max(1) {
            let (sender, handle) =
                thread::start(index, Arc::clone(&shared), options.stats.worker(), Arc::clone(&options.access_logs))?;
            workers.push(sender);
            threads.push(handle);
        }
        let inner = Inner {
            shared,
            workers,
            threads: Mutex::new(threads),
            bound: Mutex::default(),
            publishing: Mutex::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Puts new tables in force. What cannot be bound is returned; everything else is served.
    pub fn apply(&self, tables: Arc<Tables>) -> Vec<ListenerRejected> {
        let mut bound = lock(&self.0.bound);
        let (desired, mut rejected) = desired(&tables);
        let tls = Arc::new(self.0.shared.state.load().tls.next(&tables));
        self.publish(|state| (state.tables, state.tls) = (tables, Arc::clone(&tls)));
        let gone: Vec<SocketAddr> = bound.keys().filter(|address| !desired.contains_key(*address)).copied().collect();
        let ours: Vec<SocketAddr> = bound.keys().copied().collect();
        for address in gone {
            bound.remove(&address);
            self.tell(|| Command::Remove { address });
        }
        for (address, listener) in desired {
            if let Some(old) = bound.get_mut(&address) {
                if !same(&old.listener, &listener) {
                    old.listener = Arc::clone(&listener);
                    self.tell(|| Command::Replace { address, listener: Arc::clone(&listener), tls: Arc::clone(&tls) });
                }
                continue;
            }
            match socket::bind(address, self.0.workers.len(), listener.backlog, &ours) {
                Ok((actual, sockets)) => {
                    for (worker, socket) in self.0.workers.iter().zip(sockets) {
                        // A worker that is gone serves nothing; there is no one to tell.
                        let (listener, tls) = (Arc::clone(&listener), Arc::clone(&tls));
                        let _ = worker.send(Command::Add { address, socket, listener, tls });
                    }
                    bound.insert(address, Bound { listener, actual });
                }
                Err(error) => rejected.push(ListenerRejected { name: Arc::clone(&listener.name), address, error }),
            }
        }
        drop(bound);
        self.tell(|| Command::Tables);
        rejected
    }

    /// Reads again the files of certificates that have changed.
    pub fn look_at_files(&self) {
        self.0.shared.state.load().tls.look_at_files();
    }

    /// Certificates in use and what is wrong with others.
    pub fn certificates(&self) -> Vec<CertificateStatus> {
        self.0.shared.state.load().tls.status()
    }

    /// Endpoints of a cluster that DNS has resolved.
    pub fn set_resolved(&self, cluster: Arc<str>, endpoints: Arc<Endpoints>) {
        self.publish(|state| {
            let mut resolved = HashMap::clone(&state.resolved);
            resolved.retain(|name, _| state.tables.clusters.contains_key(name) || *name == cluster);
            resolved.insert(cluster, endpoints);
            state.resolved = Arc::new(resolved);
        });
        self.tell(|| Command::Tables);
    }

    /// Tables in force.
    pub fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.0.shared.state.load().tables)
    }

    /// Endpoints of a cluster that DNS has resolved, if it has.
    pub fn resolved(&self, cluster: &str) -> Option<Arc<Endpoints>> {
        self.0.shared.state.load().resolved.get(cluster).cloned()
    }

    /// From now on connections end after their next response; idle ones are closed.
    pub fn drain(&self) {
        self.tell(|| Command::Drain);
    }

    /// Takes what waits in the accept queues, then closes the listening sockets.
    pub fn stop_accepting(&self) {
        lock(&self.0.bound).clear();
        self.tell(|| Command::StopAccepting);
    }

    /// Downstream connections of all workers.
    pub fn active_connections(&self) -> usize {
        self.0.shared.connections.load(Ordering::Relaxed)
    }

    /// Listeners that are served.
    pub fn listeners(&self) -> Vec<ListenerStatus> {
        let mut by_name: BTreeMap<Arc<str>, Vec<SocketAddr>> = BTreeMap::new();
        for bound in lock(&self.0.bound).values() {
            by_name.entry(Arc::clone(&bound.listener.name)).or_default().push(bound.actual);
        }
        by_name.into_iter().map(|(name, addresses)| ListenerStatus { name, addresses }).collect()
    }

    /// Ends all workers, whatever they do, and waits for them.
    pub fn shutdown(&self) {
        self.tell(|| Command::Shutdown);
        for thread in lock(&self.0.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a worker ended with a panic");
            }
        }
    }

    fn tell(&self, command: impl Fn() -> Command) {
        for worker in &self.0.workers {
            // A worker that is gone needs no order.
            let _ = worker.send(command());
        }
    }

    /// Writers take turns, so that none undoes what another has published.
    fn publish(&self, change: impl FnOnce(&mut Published)) {
        let _turn = lock(&self.0.publishing);
        let mut state = Published::clone(&self.0.shared.state.load());
        change(&mut state);
        self.0.shared.state.store(Arc::new(state));
        self.0.shared.generation.fetch_add(1, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn same(old: &Arc<Listener>, new: &Arc<Listener>) -> bool {
    Arc::ptr_eq(old, new) || (old.version == new.version && old.name == new.name)
}

/// Which listener each address is for; an address that two want goes to the first by name.
fn desired(tables: &Tables) -> (BTreeMap<SocketAddr, Arc<Listener>>, Vec<ListenerRejected>) {
    let mut by_name: Vec<&Arc<Listener>> = tables.listeners.values().filter(|l| l.bind_to_port).collect();
    by_name.sort_by(|a, b| a.name.cmp(&b.name));
    let mut desired: BTreeMap<SocketAddr, Arc<Listener>> = BTreeMap::new();
    let mut rejected = Vec::new();
    for listener in by_name {
        for &address in &listener.addresses {
            match desired.get(&address) {
                Some(first) if address.port() != 0 => rejected.push(ListenerRejected {
                    name: Arc::clone(&listener.name),
                    address,
                    error: BindError::Duplicate { other: Arc::clone(&first.name) },
                }),
                _ => {
                    desired.insert(address, Arc::clone(listener));
                }
            }
        }
    }
    (desired, rejected)
}

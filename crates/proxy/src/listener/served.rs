//! A listener as one worker serves it, with the connections that came in by it.
//! In: the listener of the tables. Out: its chains ready for use, and a way to reach its connections.
//! Never here: sockets.

use super::chain::{self, Chain, Prepared};
use crate::stats::ListenerStats;
use crate::tls::Contexts;
use crate::worker::Context;
use lateen_proxy_core::ir::{FilterChain, Listener, ListenerFilter};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

/// Longest idle time of a connection whose listener drains.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// A listener of this worker. Connections hold it, so it lives as long as they do.
///
/// It stays the same one while only its filter chains change. A chain that is gone lives as long as its connections.
pub struct Served {
    /// `listener.<address>.`
    pub stats: Arc<ListenerStats>,
    listener: RefCell<Arc<Listener>>,
    /// What looks at the first bytes, with what the filter chains need of it.
    filters: RefCell<Vec<ListenerFilter>>,
    chains: RefCell<Vec<Rc<Ready>>>,
    draining: Cell<Option<Instant>>,
    /// Idle time after which a connection is closed while the listener drains.
    patience: Duration,
    connections: RefCell<Vec<Option<Entry>>>,
    free: RefCell<Vec<usize>>,
}

/// A filter chain of a listener.
pub struct Ready {
    /// What connections meet.
    pub prepared: Prepared,
    /// As it stands in the listener of now, or stood in the last one that had it.
    chain: RefCell<Arc<FilterChain>>,
    /// Since when it is not what the address is served by any more.
    draining: Cell<Option<Instant>>,
}

#[derive(Default)]
struct Entry {
    waker: Option<Waker>,
    abort: Option<AbortHandle>,
    /// Its chain, once that is chosen.
    chain: Option<Rc<Ready>>,
}

impl Served {
    /// Makes the chains ready.
    pub fn new(listener: Arc<Listener>, address: SocketAddr, tls: &Contexts, context: &Context) -> Rc<Self> {
        Rc::new(Self {
            stats: context.stats.listener(&address.to_string()),
            filters: RefCell::new(filters(&listener)),
            chains: RefCell::new(ready(&listener, HashMap::new(), tls, context)),
            listener: RefCell::new(listener),
            draining: Cell::new(context.draining.get().then(Instant::now)),
            patience: (context.shared.drain_time / 2).min(DRAIN_PATIENCE),
            connections: RefCell::default(),
            free: RefCell::default(),
        })
    }

    /// The configuration of now. Who waits for a client does not keep it.
    pub fn listener(&self) -> Arc<Listener> {
        Arc::clone(&self.listener.borrow())
    }

    /// One of the listener filters of now. A change of filter chains adds or takes the last one at most.
    pub fn filter(&self, at: usize) -> Option<ListenerFilter> {
        self.filters.borrow().get(at).cloned()
    }

    /// Since when the connections of a chain are to end.
    fn draining(&self, chain: Option<&Ready>) -> Option<Instant> {
        self.draining.get().or_else(|| chain?.draining.get())
    }

    /// Counts a new connection.
    pub fn register(self: &Rc<Self>, context: &Rc<Context>) -> Registration {
        let mut connections = self.connections.borrow_mut();
        let key = self.free.borrow_mut().pop().unwrap_or(connections.len());
        if key == connections.len() {
            connections.push(None);
        }
        connections[key] = Some(Entry::default());
        self.stats.downstream_cx_total.inc();
        self.stats.downstream_cx_active.inc();
        context.shared.connections.fetch_add(1, Ordering::Relaxed);
        let since = Instant::now();
        Registration { served: Rc::clone(self), key, chain: OnceCell::new(), context: Rc::clone(context), since }
    }

    /// Remembers how the task of a connection is ended.
    pub fn started(&self, key: usize, abort: AbortHandle) {
        if let Some(Some(entry)) = self.connections.borrow_mut().get_mut(key) {
            entry.abort = Some(abort);
        }
    }

    /// Ends idle connections soon, busy ones after their response, and all of them after the drain time.
    pub fn drain(self: &Rc<Self>, context: &Rc<Context>) {
        if self.draining.replace(self.draining.get().or_else(|| Some(Instant::now()))).is_none() {
            self.end(context, |_| true);
        }
    }

    /// Takes the filter chains of `next`, as Envoy does when nothing else has changed: connections whose chain it has
    /// go on as if nothing had happened, those of the others drain, and who has no chain yet gets one of `next`.
    /// False when more has changed, and nothing is taken.
    pub fn update(self: &Rc<Self>, next: &Arc<Listener>, tls: &Contexts, context: &Rc<Context>) -> bool {
        if next.frame != self.listener.borrow().frame {
            return false;
        }
        let former = self.chains.borrow().clone();
        let known = former.iter().map(|ready| (ready.chain.borrow().version, Rc::clone(ready))).collect();
        let chains = ready(next, known, tls, context);
        let now = Instant::now();
        let stays: HashSet<*const Ready> = chains.iter().map(Rc::as_ptr).collect();
        for ready in former.iter().filter(|ready| !stays.contains(&Rc::as_ptr(ready))) {
            ready.draining.set(Some(now));
        }
        self.chains.replace(chains);
        self.filters.replace(filters(next));
        self.listener.replace(Arc::clone(next));
        let meant = move |entry: &Entry| entry.chain.as_ref().is_some_and(|chain| chain.draining.get() == Some(now));
        let anybody = self.connections.borrow().iter().flatten().any(meant);
        if anybody {
            self.end(context, meant);
        }
        true
    }

    fn end(self: &Rc<Self>, context: &Rc<Context>, meant: impl Fn(&Entry) -> bool + 'static) {
        let connections = self.connections.borrow();
        let meant_now = connections.iter().flatten().filter(|entry| meant(entry));
        let wakers: Vec<Waker> = meant_now.filter_map(|entry| entry.waker.clone()).collect();
        drop(connections);
        for waker in wakers {
            waker.wake();
        }
        let served = Rc::downgrade(self);
        let drain_time = context.shared.drain_time;
        tokio::task::spawn_local(async move {
            tokio::time::sleep(drain_time).await;
            if let Some(served) = served.upgrade() {
                for entry in served.connections.borrow().iter().flatten().filter(|entry| meant(entry)) {
                    if let Some(abort) = &entry.abort {
                        abort.abort();
                    }
                }
            }
        });
    }
}

/// The chains of a listener in its order, those that are known already as they are.
fn ready(
    listener: &Arc<Listener>,
    mut known: HashMap<u64, Rc<Ready>>,
    tls: &Contexts,
    context: &Context,
) -> Vec<Rc<Ready>> {
    let ready = |chain: &Arc<FilterChain>| match known.remove(&chain.version) {
        Some(ready) => {
            ready.chain.replace(Arc::clone(chain));
            if let Chain::Http(manager) = &ready.prepared.chain {
                manager.moved(chain, listener);
            }
            ready
        }
        None => Rc::new(Ready {
            prepared: chain::prepare(chain, listener, tls, context),
            chain: RefCell::new(Arc::clone(chain)),
            draining: Cell::default(),
        }),
    };
    listener.filter_chains.iter().chain(&listener.default_filter_chain).map(ready).collect()
}

/// A listener whose chains ask for what only the TLS inspector knows gets one, as in Envoy.
fn filters(listener: &Listener) -> Vec<ListenerFilter> {
    let mut filters = listener.listener_filters.clone();
    let asks = listener.filter_chains.iter().any(|chain| {
        let matches = &chain.matches;
        !matches.server_names.is_empty()
            || matches.transport_protocol == "tls"
            || (!matches.application_protocols.is_empty() && !filters.contains(&ListenerFilter::HttpInspector))
    });
    if asks && !filters.contains(&ListenerFilter::TlsInspector) {
        filters.push(ListenerFilter::TlsInspector);
    }
    filters
}

/// A connection's place at its listener; dropping it takes the connection off the books.
pub struct Registration {
    /// The listener.
    pub served: Rc<Served>,
    key: usize,
    chain: OnceCell<Rc<Ready>>,
    context: Rc<Context>,
    since: Instant,
}

/// Whether a connection is to end because its listener or filter chain drains.
pub struct Ending {
    served: Rc<Served>,
    chain: Option<Rc<Ready>>,
}

impl Ending {
    /// Whether the connection is to end after its next response.
    pub fn is_draining(&self) -> bool {
        self.served.draining(self.chain.as_deref()).is_some()
    }
}

impl Registration {
    /// Number of the connection at its listener.
    pub fn key(&self) -> usize {
        self.key
    }

    /// When the connection was accepted.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Takes a filter chain of the listener of now, and says what it does.
    pub fn choose(&self, wanted: &Arc<FilterChain>) -> Option<&Ready> {
        let chains = self.served.chains.borrow();
        let ready = chains.iter().find(|ready| Arc::ptr_eq(&ready.chain.borrow(), wanted))?;
        if let Some(Some(entry)) = self.served.connections.borrow_mut().get_mut(self.key) {
            entry.chain = Some(Rc::clone(ready));
        }
        Some(self.chain.get_or_init(|| Rc::clone(ready)))
    }

    /// What ends the connection early.
    pub fn ending(&self) -> Ending {
        Ending { served: Rc::clone(&self.served), chain: self.chain.get().cloned() }
    }

    /// [`Ending::is_draining`]
    pub fn is_draining(&self) -> bool {
        self.served.draining(self.chain.get().map(|chain| &**chain)).is_some()
    }

    /// When the connection, idle since `idle_since`, is closed because its listener or chain drains.
    ///
    /// Not at once: the client may be sending a request at this very moment.
    pub fn idle_end(&self, idle_since: Instant) -> Option<Instant> {
        self.served
            .draining(self.chain.get().map(|chain| &**chain))
            .map(|since| since.max(idle_since) + self.served.patience)
    }

    /// The task that is to be woken when draining begins.
    pub fn wake_with(&self, waker: &Waker) {
        if let Some(Some(entry)) = self.served.connections.borrow_mut().get_mut(self.key) {
            entry.waker = Some(waker.clone());
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(place) = self.served.connections.borrow_mut().get_mut(self.key) {
            *place = None;
            self.served.free.borrow_mut().push(self.key);
        }
        let stats = &self.served.stats;
        stats.downstream_cx_active.dec();
        stats.downstream_cx_destroy.inc();
        stats.downstream_cx_length_ms.record(self.since.elapsed());
        self.context.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

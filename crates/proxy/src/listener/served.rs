//! A listener as one worker serves it, with the connections that came in by it.
//! In: the listener of the tables. Out: its chains ready for use, and a way to reach its connections.
//! Never here: sockets.

use super::chain::{self, Prepared};
use crate::stats::ListenerStats;
use crate::tls::Contexts;
use crate::worker::Context;
use lateen_proxy_core::ir::{FilterChain, Listener, ListenerFilter};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
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
pub struct Served {
    /// The configuration.
    pub listener: Arc<Listener>,
    /// `listener.<address>.`
    pub stats: Arc<ListenerStats>,
    /// What looks at the first bytes, with what the filter chains need of it.
    pub filters: Vec<ListenerFilter>,
    chains: Vec<Ready>,
    draining: Cell<Option<Instant>>,
    /// Idle time after which a connection is closed while the listener drains.
    patience: Duration,
    connections: RefCell<Vec<Option<Entry>>>,
    free: RefCell<Vec<usize>>,
}

/// A filter chain of a listener.
struct Ready {
    chain: Arc<FilterChain>,
    prepared: Prepared,
    /// Since when it is not what the address is served by any more.
    draining: Cell<Option<Instant>>,
}

#[derive(Default)]
struct Entry {
    waker: Option<Waker>,
    abort: Option<AbortHandle>,
    /// Place of its chain, once that is chosen.
    chain: Option<usize>,
}

impl Served {
    /// Makes the chains ready.
    pub fn new(listener: Arc<Listener>, address: SocketAddr, tls: &Contexts, context: &Context) -> Rc<Self> {
        let all = listener.filter_chains.iter().chain(&listener.default_filter_chain);
        let ready = |chain: &Arc<FilterChain>| Ready {
            chain: Arc::clone(chain),
            prepared: chain::prepare(chain, &listener, tls, context),
            draining: Cell::default(),
        };
        let chains = all.map(ready).collect();
        Rc::new(Self {
            stats: context.stats.listener(&address.to_string()),
            filters: filters(&listener),
            listener,
            chains,
            draining: Cell::new(context.draining.get().then(Instant::now)),
            patience: (context.shared.drain_time / 2).min(DRAIN_PATIENCE),
            connections: RefCell::default(),
            free: RefCell::default(),
        })
    }

    /// Since when the connections of a chain are to end.
    fn draining(&self, chain: Option<usize>) -> Option<Instant> {
        self.draining.get().or_else(|| self.chains.get(chain?)?.draining.get())
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
        Registration { served: Rc::clone(self), key, chain: Cell::default(), context: Rc::clone(context), since }
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

    /// The same for connections whose chain `next` does not have: those of the others go on as if nothing had
    /// happened. False when nobody is left to whom this matters.
    pub fn give_way(self: &Rc<Self>, next: &Listener, context: &Rc<Context>) -> bool {
        if self.draining.get().is_some() {
            return false;
        }
        if next.frame != self.listener.frame {
            self.drain(context);
            return false;
        }
        let stay: HashSet<u64> =
            next.filter_chains.iter().chain(&next.default_filter_chain).map(|chain| chain.version).collect();
        let goes = |ready: &Ready| ready.draining.get().is_none() && !stay.contains(&ready.chain.version);
        let gone: HashSet<usize> = (0..).zip(&self.chains).filter(|(_, ready)| goes(ready)).map(|(at, _)| at).collect();
        for ready in gone.iter().filter_map(|at| self.chains.get(*at)) {
            ready.draining.set(Some(Instant::now()));
        }
        if !gone.is_empty() {
            self.end(context, move |entry| entry.chain.is_some_and(|at| gone.contains(&at)));
        }
        true
    }

    fn end(self: &Rc<Self>, context: &Rc<Context>, meant: impl Fn(&Entry) -> bool + 'static) {
        let connections = self.connections.borrow();
        if connections.iter().flatten().next().is_none() {
            return;
        }
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
    chain: Cell<Option<usize>>,
    context: Rc<Context>,
    since: Instant,
}

/// Whether a connection is to end because its listener or filter chain drains.
pub struct Ending {
    served: Rc<Served>,
    chain: Option<usize>,
}

impl Ending {
    /// Whether the connection is to end after its next response.
    pub fn is_draining(&self) -> bool {
        self.served.draining(self.chain).is_some()
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

    /// Takes a filter chain, and says what it does.
    pub fn choose(&self, wanted: &Arc<FilterChain>) -> Option<&Prepared> {
        let at = self.served.chains.iter().position(|ready| Arc::ptr_eq(&ready.chain, wanted))?;
        self.chain.set(Some(at));
        if let Some(Some(entry)) = self.served.connections.borrow_mut().get_mut(self.key) {
            entry.chain = Some(at);
        }
        self.served.chains.get(at).map(|ready| &ready.prepared)
    }

    /// What ends the connection early.
    pub fn ending(&self) -> Ending {
        Ending { served: Rc::clone(&self.served), chain: self.chain.get() }
    }

    /// [`Ending::is_draining`]
    pub fn is_draining(&self) -> bool {
        self.served.draining(self.chain.get()).is_some()
    }

    /// When the connection, idle since `idle_since`, is closed because its listener or chain drains.
    ///
    /// Not at once: the client may be sending a request at this very moment.
    pub fn idle_end(&self, idle_since: Instant) -> Option<Instant> {
        self.served.draining(self.chain.get()).map(|since| since.max(idle_since) + self.served.patience)
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

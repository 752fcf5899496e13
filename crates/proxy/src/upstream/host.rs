//! One endpoint of a cluster on one worker, with its connections.
//! In: connections that have become idle. Out: the one that was used last, if the server has not closed it.
//! Never here: how a connection is made.

use super::limits::{Limit, Permit};
use crate::http1::ClientConnection;
use crate::http2::ClientSession;
use crate::stats::{ClusterStats, HostStats, WorkerStats};
use lateen_proxy_core::ir::{Cluster, Endpoint};
use lateen_proxy_core::outlier::Monitor;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a waiting request is given.
pub enum Handed {
    /// An idle connection.
    Connection(Box<ClientConnection>),
    /// Leave to open one.
    Leave(Leave),
}

/// Leave to open a connection. One that is not used is passed on to the next in line.
pub struct Leave(Option<Weak<Host>>);

impl Leave {
    /// The holder opens a connection now.
    pub fn used(mut self) {
        self.0 = None;
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(host) = self.0.take().and_then(|host| host.upgrade()) {
            host.pass_leave();
        }
    }
}

/// One endpoint.
pub struct Host {
    /// Where it is.
    pub address: SocketAddr,
    /// What outlier detection counts of it.
    pub(super) monitor: RefCell<Option<Arc<Monitor>>>,
    endpoint: RefCell<Arc<Endpoint>>,
    stat_name: Arc<str>,
    worker_stats: WorkerStats,
    stats: OnceCell<Arc<HostStats>>,
    cluster_stats: Arc<ClusterStats>,
    active: Cell<u64>,
    connections: Cell<usize>,
    /// Boxed as they go to a request and back, so that only a pointer moves.
    #[allow(clippy::vec_box)]
    idle: RefCell<Vec<Box<ClientConnection>>>,
    /// HTTP/2 connections that take more streams.
    pub sessions: RefCell<Vec<Rc<ClientSession>>>,
    /// Held by the one request that opens an HTTP/2 connection.
    pub opening: Rc<tokio::sync::Semaphore>,
    waiting: RefCell<VecDeque<oneshot::Sender<Handed>>>,
    retired: Cell<bool>,
}

impl Host {
    pub(super) fn new(
        endpoint: &Arc<Endpoint>,
        cluster: &Cluster,
        cluster_stats: &Arc<ClusterStats>,
        worker_stats: WorkerStats,
    ) -> Rc<Self> {
        Rc::new(Self {
            address: endpoint.address,
            monitor: RefCell::default(),
            endpoint: RefCell::new(Arc::clone(endpoint)),
            stat_name: Arc::clone(&cluster.stat_name),
            worker_stats,
            stats: OnceCell::new(),
            cluster_stats: Arc::clone(cluster_stats),
            active: Cell::new(0),
            connections: Cell::new(0),
            idle: RefCell::default(),
            sessions: RefCell::default(),
            opening: Rc::new(tokio::sync::Semaphore::new(1)),
            waiting: RefCell::default(),
            retired: Cell::new(false),
        })
    }

    /// The resource, which may have changed since the last request.
    pub fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint.borrow())
    }

    pub(super) fn set_endpoint(&self, endpoint: &Arc<Endpoint>) {
        *self.endpoint.borrow_mut() = Arc::clone(endpoint);
    }

    pub(super) fn set_monitor(&self, monitor: Option<Arc<Monitor>>) {
        *self.monitor.borrow_mut() = monitor;
    }

    /// Counters of the endpoint.
    pub fn stats(&self) -> &Arc<HostStats> {
        self.stats.get_or_init(|| self.worker_stats.host(&self.stat_name, self.address))
    }

    /// Whether a connection to it is open or being opened.
    pub(super) fn has_connections(&self) -> bool {
        self.connections.get() > 0
    }

    /// Takes its counters out of the statistics: it is no endpoint any more.
    pub(super) fn forget_stats(&self) {
        if self.stats.get().is_some() {
            self.worker_stats.forget_host(&self.stat_name, self.address);
        }
    }

    /// Requests going on.
    pub fn active(&self) -> u64 {
        self.active.get()
    }

    /// Counts a request until the guard is dropped.
    pub fn begin_request(self: &Rc<Self>) -> ActiveRequest {
        self.active.set(self.active.get() + 1);
        self.stats().rq_total.inc();
        self.stats().rq_active.inc();
        ActiveRequest(Rc::clone(self))
    }

    /// An idle connection that the server has not closed, greeted by this name.
    pub fn take_idle(&self, name: Option<&str>) -> Option<Box<ClientConnection>> {
        loop {
            let mut idle = self.idle.borrow_mut();
            let at = idle.iter().rposition(|connection| connection.name() == name)?;
            let mut connection = idle.swap_remove(at);
            drop(idle);
            if !connection.is_old(Instant::now()) && connection.is_fresh() {
                return Some(connection);
            }
        }
    }

    /// Takes a connection back whose request is over.
    pub fn release(&self, mut connection: Box<ClientConnection>) {
        if self.retired.get() {
            return;
        }
        loop {
            let Some(waiter) = self.waiting.borrow_mut().pop_front() else { break };
            match waiter.send(Handed::Connection(connection)) {
                Ok(()) => return,
                Err(Handed::Connection(back)) => connection = back,
                Err(Handed::Leave(_)) => return,
            }
        }
        self.idle.borrow_mut().push(connection);
    }

    /// Waits in line for a connection of somebody else, or leave to open one.
    pub fn wait(&self) -> oneshot::Receiver<Handed> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        receiver
    }

    /// Takes the place of one more connection. Each endpoint gets at least one, whatever the limit says.
    pub fn open_slot(self: &Rc<Self>, limit: &Rc<Limit>) -> Option<Slot> {
        let permit = match limit.acquire() {
            Some(permit) => permit,
            None => {
                self.cluster_stats.upstream_cx_overflow.inc();
                if self.connections.get() > 0 {
                    return None;
                }
                limit.force()
            }
        };
        self.connections.set(self.connections.get() + 1);
        Some(Slot {
            host: Rc::downgrade(self),
            stats: Arc::clone(&self.cluster_stats),
            opened: Cell::new(None),
            remote: Cell::new(false),
            permit: Some(permit),
        })
    }

    /// The endpoint is gone: connections close after their request.
    pub(super) fn retire(&self) {
        self.retired.set(true);
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        drop(idle);
        for session in self.sessions.borrow_mut().drain(..) {
            session.close_after_streams();
        }
    }

    /// Lets HTTP/2 connections go that take no more streams, each when its last stream has ended.
    pub(super) fn part_with_spent(&self, now: Instant) {
        self.sessions.borrow_mut().retain(|session| {
            if session.is_used_up() {
                self.cluster_stats.upstream_cx_max_requests.inc();
            }
            if session.is_used_up() || session.is_old(now) {
                session.close_after_streams();
            }
            session.is_open()
        });
    }

    /// Whether connections are about to end or to be handed on, and no other has a place here.
    pub(super) fn is_parting(&self) -> bool {
        self.sessions.borrow().is_empty() && self.idle.borrow().is_empty()
    }

    pub(super) fn sweep(&self, now: Instant, idle_timeout: Option<Duration>) {
        let mut idle = std::mem::take(&mut *self.idle.borrow_mut());
        let expired = |since: Instant| idle_timeout.is_some_and(|limit| now.duration_since(since) >= limit);
        idle.retain_mut(|connection| {
            if expired(connection.idle_since()) {
                self.cluster_stats.upstream_cx_idle_timeout.inc();
                return false;
            }
            !connection.is_old(now) && connection.is_fresh()
        });
        let mut added = self.idle.replace(idle);
        self.idle.borrow_mut().append(&mut added);
        self.sessions.borrow_mut().retain(|session| {
            let idle = session.idle_since().is_some_and(expired);
            if idle {
                self.cluster_stats.upstream_cx_idle_timeout.inc();
                session.close_after_streams();
            }
            session.is_open()
        });
        self.part_with_spent(now);
    }

    fn closed(self: &Rc<Self>) {
        self.connections.set(self.connections.get().saturating_sub(1));
        self.pass_leave();
    }

    /// Tells the first in line that it may open a connection. One that has gone passes it on when dropped.
    fn pass_leave(self: &Rc<Self>) {
        let Some(waiter) = self.waiting.borrow_mut().pop_front() else { return };
        drop(waiter.send(Handed::Leave(Leave(Some(Rc::downgrade(self))))));
    }
}

/// A request going on at an endpoint.
pub struct ActiveRequest(Rc<Host>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get() - 1);
        self.0.stats().rq_active.dec();
    }
}

/// The place of one connection in all counts; given back when dropped.
pub struct Slot {
    host: Weak<Host>,
    stats: Arc<ClusterStats>,
    opened: Cell<Option<Instant>>,
    remote: Cell<bool>,
    permit: Option<Permit>,
}

impl Slot {
    /// The connection is there.
    pub fn opened(&self) {
        self.opened.set(Some(Instant::now()));
        self.stats.upstream_cx_total.inc();
        self.stats.upstream_cx_active.inc();
        if let Some(host) = self.host.upgrade() {
            host.stats().cx_total.inc();
            host.stats().cx_active.inc();
        }
    }

    /// The server has ended the connection, not we.
    pub fn closed_by_peer(&self) {
        self.remote.set(true);
    }

    /// The endpoint, while it is one.
    pub fn host(&self) -> Option<Rc<Host>> {
        self.host.upgrade()
    }

    /// `cluster.<name>.`
    pub fn stats(&self) -> &ClusterStats {
        &self.stats
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // First the place, then the word that it is free.
        drop(self.permit.take());
        let host = self.host.upgrade();
        if let Some(since) = self.opened.get() {
            self.stats.upstream_cx_active.dec();
            self.stats.upstream_cx_destroy.inc();
            if self.remote.get() {
                self.stats.upstream_cx_destroy_remote.inc();
            } else {
                self.stats.upstream_cx_destroy_local.inc();
            }
            self.stats.upstream_cx_length_ms.record(since.elapsed());
            if let Some(host) = &host {
                host.stats().cx_active.dec();
            }
        }
        if let Some(host) = host {
            host.closed();
        }
    }
}

//! Circuit breakers: how many connections, waiting requests, requests and retries a cluster may have.
//! In: `CircuitBreakers.Thresholds`. Out: permits that give their place back when dropped.
//! A limit is for all workers together, so it is counted together, unless it is so high that it never counts.

use lateen_proxy_core::ir::CircuitBreakers;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Limits from here on are not shared between workers: no machine gets there.
const NEVER_REACHED: u32 = 1 << 20;

/// Counts of one cluster over all workers.
#[derive(Debug, Default)]
pub struct Counts {
    connections: AtomicU64,
    pending: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
}

/// Counts of all clusters over all workers, by name.
#[derive(Debug, Default)]
pub struct AllCounts(Mutex<HashMap<Arc<str>, std::sync::Weak<Counts>>>);

impl AllCounts {
    /// Those of one cluster; they live as long as somebody holds them.
    pub fn of(&self, cluster: &Arc<str>) -> Arc<Counts> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = all.get(cluster).and_then(std::sync::Weak::upgrade) {
            return counts;
        }
        all.retain(|_, counts| counts.strong_count() > 0);
        let counts = Arc::new(Counts::default());
        all.insert(Arc::clone(cluster), Arc::downgrade(&counts));
        counts
    }
}

/// Circuit breakers of one cluster, as a worker holds them.
pub struct Breakers {
    /// `cx_open`
    pub connections: Rc<Limit>,
    /// `rq_pending_open`
    pub pending: Rc<Limit>,
    /// `rq_open`
    pub requests: Rc<Limit>,
    /// `rq_retry_open`
    pub retries: Rc<Limit>,
}

/// Which number of [`Counts`] is meant.
type Pick = fn(&Counts) -> &AtomicU64;

/// One limit.
pub struct Limit {
    max: u32,
    count: Count,
}

enum Count {
    Own(Cell<u64>),
    Shared(Arc<Counts>, Pick),
}

impl Breakers {
    /// Limits of a cluster, counted together with the other workers.
    pub fn new(limits: &CircuitBreakers, counts: &Arc<Counts>) -> Self {
        let limit = |max: u32, pick: Pick| {
            let count =
                if max >= NEVER_REACHED { Count::Own(Cell::new(0)) } else { Count::Shared(Arc::clone(counts), pick) };
            Rc::new(Limit { max, count })
        };
        // A retry budget replaces the fixed limit.
        let retries = if limits.retry_budget.is_some() { u32::MAX } else { limits.max_retries };
        Self {
            connections: limit(limits.max_connections, |counts| &counts.connections),
            pending: limit(limits.max_pending_requests, |counts| &counts.pending),
            requests: limit(limits.max_requests, |counts| &counts.requests),
            retries: limit(retries, |counts| &counts.retries),
        }
    }
}

impl Limit {
    /// How many there are now.
    pub fn count(&self) -> u64 {
        match &self.count {
            Count::Own(count) => count.get(),
            Count::Shared(counts, pick) => pick(counts).load(Ordering::Relaxed),
        }
    }

    /// Takes a place if one is free.
    pub fn acquire(self: &Rc<Self>) -> Option<Permit> {
        let taken = self.take();
        if taken > u64::from(self.max) {
            self.give_back();
            return None;
        }
        Some(Permit(Rc::clone(self)))
    }

    /// Takes a place even if none is free.
    pub fn force(self: &Rc<Self>) -> Permit {
        self.take();
        Permit(Rc::clone(self))
    }

    fn take(&self) -> u64 {
        match &self.count {
            Count::Own(count) => {
                count.set(count.get() + 1);
                count.get()
            }
            Count::Shared(counts, pick) => pick(counts).fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    fn give_back(&self) {
        match &self.count {
            Count::Own(count) => count.set(count.get() - 1),
            Count::Shared(counts, pick) => {
                pick(counts).fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

/// A place, given back when dropped.
pub struct Permit(Rc<Limit>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

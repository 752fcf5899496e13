//! Counters, gauges and histograms with one writer and any number of readers.
//! In: additions by the owning worker. Out: values that may be a moment old.
//! Never here: an atomic read-modify-write; one writer makes plain loads and stores enough.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A number that only grows (until `/reset_counters`).
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn reset(&self) {
        self.0.store(0, Relaxed);
    }
}

/// A number that grows and shrinks. A reader sees the sum of all workers, and never less than 0.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// One less.
    pub fn dec(&self) {
        self.add(-1);
    }

    /// `n` more; less when negative.
    pub fn add(&self, n: i64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Exactly this.
    pub fn set(&self, value: u64) {
        self.0.store(i64::try_from(value).unwrap_or(i64::MAX), Relaxed);
    }

    /// Now.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Upper bounds of Envoy's default buckets, milliseconds; one more bucket has no bound.
pub const BUCKETS_MS: [f64; 19] = [
    0.5,
    1.0,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    2500.0,
    5000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    300_000.0,
    600_000.0,
    1_800_000.0,
    3_600_000.0,
];

/// Times in milliseconds; takes memory from its first value on.
#[derive(Debug, Default)]
pub struct Histogram(OnceLock<Box<Buckets>>);

#[derive(Debug, Default)]
struct Buckets {
    counts: [Counter; BUCKETS_MS.len() + 1],
    /// Microseconds.
    sum: Counter,
}

impl Histogram {
    /// One time.
    pub fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Bounds are inclusive, as `le` says.
        let at = BUCKETS_MS.partition_point(|bound| bound * 1000.0 < micros as f64);
        let buckets = self.0.get_or_init(Box::default);
        if let Some(bucket) = buckets.counts.get(at) {
            bucket.inc();
        }
        buckets.sum.add(micros);
    }

    pub(super) fn add_to(&self, sum: &mut HistogramSum) {
        if let Some(buckets) = self.0.get() {
            for (total, count) in sum.counts.iter_mut().zip(&buckets.counts) {
                *total += count.get();
            }
            sum.micros += buckets.sum.get();
        }
    }
}

/// The sum of the same histogram over all workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistogramSum {
    /// Number of values in each bucket of [`BUCKETS_MS`], and above the last.
    pub counts: [u64; BUCKETS_MS.len() + 1],
    /// Sum of all values, microseconds.
    pub micros: u64,
}

impl HistogramSum {
    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// About the value below which a share of the values lies, milliseconds; linear inside a bucket.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * total as f64;
        let (mut before, mut lower) = (0.0, 0.0);
        for (index, count) in self.counts.iter().enumerate() {
            let upper = BUCKETS_MS.get(index).copied().unwrap_or(lower);
            let here = *count as f64;
            if here > 0.0 && before + here >= wanted {
                return Some(lower + (upper - lower) * ((wanted - before) / here).clamp(0.0, 1.0));
            }
            before += here;
            lower = upper;
        }
        Some(lower)
    }
}

/// Counts by HTTP status. A slot holds the status in its upper 16 bits and the count below.
#[derive(Debug, Default)]
pub struct Codes {
    slots: [AtomicU64; 4],
    more: OnceLock<Box<Codes>>,
}

const COUNT_BITS: u32 = 48;

impl Codes {
    /// One more of this status.
    pub fn inc(&self, status: u16) {
        for slot in &self.slots {
            let value = slot.load(Relaxed);
            let code = value >> COUNT_BITS;
            if code == 0 || code == u64::from(status) {
                let count = (value & ((1 << COUNT_BITS) - 1)) + 1;
                slot.store((u64::from(status) << COUNT_BITS) | count, Relaxed);
                return;
            }
        }
        self.more.get_or_init(Box::default).inc(status);
    }

    pub(super) fn visit(&self, f: &mut dyn FnMut(u16, u64)) {
        for slot in &self.slots {
            let value = slot.load(Relaxed);
            if value != 0 {
                f((value >> COUNT_BITS) as u16, value & ((1 << COUNT_BITS) - 1));
            }
        }
        if let Some(more) = self.more.get() {
            more.visit(f);
        }
    }

    pub(super) fn reset(&self) {
        for slot in &self.slots {
            let code = slot.load(Relaxed) >> COUNT_BITS;
            slot.store(code << COUNT_BITS, Relaxed);
        }
        if let Some(more) = self.more.get() {
            more.reset();
        }
    }
}

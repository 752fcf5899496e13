//! How many requests of an interval went well.

use crate::ir::OutlierDetection;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Requests of one endpoint since the last interval.
#[derive(Debug, Default)]
pub struct Rate {
    total: AtomicU32,
    good: AtomicU32,
}

impl Rate {
    /// Counts one.
    pub fn add(&self, settings: &OutlierDetection, good: bool) {
        if settings.counts_rates() {
            self.total.fetch_add(1, Relaxed);
            if good {
                self.good.fetch_add(1, Relaxed);
            }
        }
    }

    /// Number of requests and the percentage that went well, and begins again; `None` without a request.
    pub fn take(&self) -> Option<(u32, f64)> {
        let good = self.good.swap(0, Relaxed);
        let total = self.total.swap(0, Relaxed);
        // A request may be counted between the two; it never makes more than all of them good.
        (total > 0).then(|| (total, f64::from(good.min(total)) * 100.0 / f64::from(total)))
    }
}

/// The mean minus `factor` standard deviations.
pub fn threshold(values: &[f64], factor: f64) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    mean - factor * variance.sqrt()
}

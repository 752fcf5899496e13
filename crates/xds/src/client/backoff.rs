//! How long to wait before the next attempt to connect.
//!
//! In: failures and random numbers. Out: durations. Pure.

use std::time::Duration;

/// Exponential back-off with jitter, so that a fleet of clients does not come
/// back all at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    failures: u32,
}

impl Default for Backoff {
    /// 50 ms to 10 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(50), Duration::from_secs(10))
    }
}

impl Backoff {
    /// Waits `base` at least and `max` at most.
    #[must_use]
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max: max.max(base), failures: 0 }
    }

    /// The wait after one more failure: between `base` and a bound that doubles
    /// with each failure. `random` is uniform in 0..1.
    pub fn next(&mut self, random: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let factor = 1_u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX);
        let bound = self.base.saturating_mul(factor).min(self.max);
        let share = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.5 };
        self.base + (bound - self.base).mul_f64(share)
    }

    /// A connection worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_bound_and_start_over() {
        let ms = |backoff: &mut Backoff, random| backoff.next(random).as_millis();
        let mut backoff = Backoff::default();
        let longest: Vec<_> = (0..10).map(|_| ms(&mut backoff, 1.0)).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
        assert_eq!(ms(&mut backoff, 0.0), 50);
        assert_eq!((0..10_000).map(|_| ms(&mut backoff, 0.5)).max(), Some(5025));
        backoff.reset();
        assert_eq!(ms(&mut backoff, 0.5), 75);
        assert_eq!(ms(&mut backoff, f64::NAN), 125);
    }
}

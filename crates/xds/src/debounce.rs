//! Joins a burst of changes into one push.
//!
//! In: the times of changes. Out: when to push. Pure: whoever owns the clock
//! waits for [`Debounce::deadline`] and calls [`Debounce::fire`].

use std::time::{Duration, Instant};

/// Waits until changes have been quiet for a while, but not for ever under a
/// steady stream of them.
///
/// ```
/// use lateen_xds::Debounce;
/// use std::time::{Duration, Instant};
/// let ms = Duration::from_millis;
/// let start = Instant::now();
/// let mut debounce = Debounce::default();
/// debounce.on_change(start);
/// assert_eq!(debounce.deadline(), Some(start + ms(10)));
/// assert!(!debounce.fire(start + ms(9)));
/// assert!(debounce.fire(start + ms(10)));
/// assert_eq!(debounce.deadline(), None);
/// ```
#[derive(Debug, Clone)]
pub struct Debounce {
    quiet: Duration,
    max: Duration,
    burst: Option<Burst>,
}

#[derive(Debug, Clone, Copy)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Default for Debounce {
    /// 10 ms of quiet, 100 ms at most.
    fn default() -> Self {
        Self::new(Duration::from_millis(10), Duration::from_millis(100))
    }
}

impl Debounce {
    /// `quiet`: how long no change may come before a push; `max`: the longest
    /// that the first change of a burst waits.
    #[must_use]
    pub fn new(quiet: Duration, max: Duration) -> Self {
        Self { quiet, max, burst: None }
    }

    /// Something changed.
    pub fn on_change(&mut self, now: Instant) {
        let first = self.burst.map_or(now, |burst| burst.first);
        self.burst = Some(Burst { first, last: now });
    }

    /// When to call [`Debounce::fire`]; `None` while nothing changed.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.burst.map(|burst| (burst.last + self.quiet).min(burst.first + self.max))
    }

    /// Whether it is time to push. The burst ends when it is.
    pub fn fire(&mut self, now: Instant) -> bool {
        let due = self.deadline().is_some_and(|deadline| now >= deadline);
        if due {
            self.burst = None;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_waits_for_quiet_and_at_most_for_the_bound() {
        // (changes at ms, pushes at ms)
        let cases: [(&[u64], &[u64]); 4] = [
            (&[0], &[10]),
            (&[0, 5, 9], &[19]),
            (&[0, 10, 20], &[10, 20, 30]),
            // One change each 5 ms for 150 ms.
            (
                &[
                    0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115,
                    120,
                ],
                &[100, 130],
            ),
        ];
        for (changes, pushes) in cases {
            let start = Instant::now();
            let mut debounce = Debounce::default();
            let mut pushed = Vec::new();
            for ms in 0..300 {
                let now = start + Duration::from_millis(ms);
                if debounce.fire(now) {
                    pushed.push(ms);
                }
                if changes.contains(&ms) {
                    debounce.on_change(now);
                }
            }
            assert_eq!(pushed, pushes, "{changes:?}");
        }
    }
}

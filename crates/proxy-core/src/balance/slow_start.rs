//! Slow start: an endpoint that is new takes less than its share at first (`SlowStartConfig`).
//! In: since when each endpoint is known, the time. Out: the factor of its weight.
//! Never here: a clock; time is an argument.

use crate::ir::SlowStart;
use std::time::{Duration, Instant};

/// Since when the endpoints of a balancer are known.
#[derive(Debug, Default)]
pub(super) struct Ages {
    settings: Option<SlowStart>,
    since: Vec<Instant>,
    /// The newest of them, after whose window no factor is worked out any more.
    newest: Option<Instant>,
}

impl Ages {
    pub(super) fn new(settings: Option<SlowStart>) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Since when an endpoint is known.
    pub(super) fn of(&self, index: usize) -> Option<Instant> {
        self.since.get(index).copied()
    }

    pub(super) fn set(&mut self, since: Vec<Instant>) {
        self.newest = since.iter().max().copied();
        self.since = since;
    }

    /// The factors at a time; none when every endpoint takes its full share.
    pub(super) fn at(&self, now: impl FnOnce() -> Instant) -> Option<Factors<'_>> {
        let settings = self.settings.as_ref()?;
        let newest = self.newest?;
        let now = now();
        (now.saturating_duration_since(newest) < settings.window).then_some(Factors { settings, ages: self, now })
    }
}

/// Factors of weights at one moment.
pub(super) struct Factors<'a> {
    settings: &'a SlowStart,
    ages: &'a Ages,
    now: Instant,
}

impl Factors<'_> {
    /// Between the least share and 1.
    pub(super) fn of(&self, index: usize) -> f64 {
        let Some(since) = self.ages.of(index) else { return 1.0 };
        let age = self.now.saturating_duration_since(since);
        if age >= self.settings.window {
            return 1.0;
        }
        let part = age.max(Duration::from_millis(1)).as_secs_f64() / self.settings.window.as_secs_f64();
        part.min(1.0).powf(1.0 / self.settings.aggression).max(self.settings.least)
    }
}

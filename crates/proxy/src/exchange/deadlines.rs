//! The time limits of one request.
//! In: limits of the route, and what has happened so far. Out: which limit is next, and when.
//! Never here: waiting.

use lateen_proxy_core::route::Timeouts;
use std::time::{Duration, Instant};

/// A limit that can be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The whole request must be in (`request_timeout`).
    Request,
    /// The response must be complete, over all tries.
    Overall,
    /// This try must be complete.
    PerTry,
    /// Something must come in this try.
    PerTryIdle,
    /// Some byte must go through the stream.
    Idle,
    /// The stream must be over.
    Duration,
}

/// Limits as points in time.
#[derive(Debug, Default, Clone, Copy)]
pub struct Deadlines {
    limits: Timeouts,
    request: Option<Instant>,
    overall: Option<Instant>,
    per_try: Option<Instant>,
    per_try_idle: bool,
    duration: Option<Instant>,
    active: Option<Instant>,
}

impl Deadlines {
    /// At the begin of a request, before its route is known.
    pub fn start(now: Instant, request: Option<Duration>, idle: Option<Duration>, duration: Option<Duration>) -> Self {
        Self {
            limits: Timeouts { idle, max_duration: duration, ..Timeouts::default() },
            request: request.map(|limit| now + limit),
            duration: duration.map(|limit| now + limit),
            active: Some(now),
            ..Self::default()
        }
    }

    /// Once the route is known.
    pub fn routed(&mut self, limits: Timeouts, start: Instant) {
        self.limits = limits;
        self.duration = limits.max_duration.map(|limit| start + limit);
    }

    /// The last byte of the request is in.
    pub fn request_ended(&mut self, now: Instant) {
        self.request = None;
        if self.overall.is_none() {
            self.overall = self.limits.overall.map(|limit| now + limit);
        }
    }

    /// A try begins.
    pub fn try_begins(&mut self, now: Instant) {
        self.per_try = self.limits.per_try.map(|limit| now + limit);
        self.per_try_idle = self.limits.per_try_idle.is_some();
    }

    /// The response that will be sent has begun; it is too late for another try.
    pub fn response_begins(&mut self) {
        self.per_try = None;
        self.per_try_idle = false;
    }

    /// Bytes have moved.
    pub fn moved(&mut self, now: Instant) {
        self.active = Some(now);
    }

    /// An upgraded connection has no limit for the whole.
    pub fn upgraded(&mut self) {
        self.overall = None;
        self.limits.overall = None;
        self.per_try = None;
    }

    /// The limit that is next.
    pub fn next(&self) -> Option<(Instant, Limit)> {
        let since_active = |limit: Option<Duration>| Some(self.active? + limit?);
        let per_try_idle = self.limits.per_try_idle.filter(|_| self.per_try_idle);
        [
            (self.request, Limit::Request),
            (self.overall, Limit::Overall),
            (self.per_try, Limit::PerTry),
            (since_active(per_try_idle), Limit::PerTryIdle),
            (since_active(self.limits.idle), Limit::Idle),
            (self.duration, Limit::Duration),
        ]
        .into_iter()
        .filter_map(|(at, limit)| Some((at?, limit)))
        .min_by_key(|(at, _)| *at)
    }
}

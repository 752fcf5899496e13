//! Passive health checks: which endpoints are taken out for what they answered, and when they come back.
//! In: settings, the outcome of each request, the time, random numbers. Out: events, and who is out.
//! Outcomes are counted without a lock; the rare event goes to the one [`Detector`] of a cluster.
//! Never here: a clock, the balancer, statistics.

mod rate;
#[cfg(test)]
mod tests;

use crate::headers::{Headers, ResponseHead};
use crate::ir::{Consecutive, OutlierDetection};
use crate::local_reply::is_grpc;
use rate::Rate;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What came of a request or connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A response with this status; that of gRPC in a head without a body is translated before.
    Response(u16),
    /// No connection, or the stream was reset.
    Failed,
    /// A response took too long.
    TimedOut,
    /// A connection was made; more will be reported of it.
    Connected,
    /// A connection was made; nothing else will be known of it (TCP proxy).
    ConnectedOnly,
}

/// Which rule took an endpoint out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Rule {
    Consecutive5xx,
    ConsecutiveGatewayFailure,
    ConsecutiveLocalOriginFailure,
    SuccessRate,
    LocalOriginSuccessRate,
    FailurePercentage,
    LocalOriginFailurePercentage,
}

/// What has happened, for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A rule was met.
    Detected(Rule),
    /// The endpoint is out.
    Ejected(Rule),
    /// Too many are out already.
    Overflow,
    /// An endpoint is in again, or gone while it was out.
    Returned,
}

/// Counts of one endpoint, shared by all who send to it.
#[derive(Debug, Default)]
pub struct Monitor {
    consecutive_5xx: AtomicU32,
    consecutive_gateway: AtomicU32,
    consecutive_local: AtomicU32,
    external: Rate,
    local: Rate,
}

/// Endpoints of a cluster, and who of them is out.
#[derive(Debug)]
pub struct Detector {
    settings: OutlierDetection,
    hosts: HashMap<SocketAddr, Host>,
    out: usize,
    next: Instant,
}

#[derive(Debug, Default)]
struct Host {
    monitor: Arc<Monitor>,
    /// Since when it is out, and for how much longer than it should.
    ejected: Option<(Instant, Duration)>,
    /// Ejections that still count.
    back_off: u32,
}

impl Outcome {
    /// That of a response. A gRPC status counts where it stands in the head; the one in trailers comes too late.
    #[must_use]
    pub fn of(request: &Headers, response: &ResponseHead) -> Self {
        let status = response.headers.get_str("grpc-status").filter(|_| is_grpc(request));
        match status.and_then(|status| status.trim().parse().ok()) {
            Some(status) => Self::Response(http_status_of_grpc(status)),
            None => Self::Response(response.status),
        }
    }
}

/// The HTTP status that says about the same.
fn http_status_of_grpc(status: u32) -> u16 {
    match status {
        0 => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

impl Monitor {
    /// Counts an outcome; `met` is called for each rule that is met by it.
    pub fn observe(&self, settings: &OutlierDetection, outcome: Outcome, met: &mut dyn FnMut(Rule)) {
        let split = settings.split_external_local_origin_errors;
        match outcome {
            Outcome::Response(status) => self.status(settings, status, met),
            Outcome::Failed | Outcome::TimedOut if split => {
                self.local.add(settings, false);
                if reached(&self.consecutive_local, settings.consecutive_local_origin_failure) {
                    met(Rule::ConsecutiveLocalOriginFailure);
                }
            }
            Outcome::Connected | Outcome::ConnectedOnly if split => {
                self.local.add(settings, true);
                clear(&self.consecutive_local);
            }
            Outcome::Failed => self.status(settings, 503, met),
            Outcome::TimedOut => self.status(settings, 504, met),
            Outcome::ConnectedOnly => self.status(settings, 200, met),
            Outcome::Connected => {}
        }
    }

    fn status(&self, settings: &OutlierDetection, status: u16, met: &mut dyn FnMut(Rule)) {
        self.external.add(settings, status < 500);
        if status < 500 {
            clear(&self.consecutive_5xx);
            clear(&self.consecutive_gateway);
            return;
        }
        if matches!(status, 502..=504) {
            if reached(&self.consecutive_gateway, settings.consecutive_gateway_failure) {
                met(Rule::ConsecutiveGatewayFailure);
            }
        } else {
            clear(&self.consecutive_gateway);
        }
        if reached(&self.consecutive_5xx, settings.consecutive_5xx) {
            met(Rule::Consecutive5xx);
        }
    }

    fn counter(&self, rule: Rule) -> Option<&AtomicU32> {
        match rule {
            Rule::Consecutive5xx => Some(&self.consecutive_5xx),
            Rule::ConsecutiveGatewayFailure => Some(&self.consecutive_gateway),
            Rule::ConsecutiveLocalOriginFailure => Some(&self.consecutive_local),
            _ => None,
        }
    }
}

/// One more; whether that are as many as the rule wants.
fn reached(counter: &AtomicU32, rule: Consecutive) -> bool {
    counter.fetch_add(1, Relaxed).wrapping_add(1) == rule.count
}

/// Written only where needed: while all is well, workers only read what they share.
fn clear(counter: &AtomicU32) {
    if counter.load(Relaxed) != 0 {
        counter.store(0, Relaxed);
    }
}

impl Detector {
    /// For a cluster without endpoints yet.
    #[must_use]
    pub fn new(settings: OutlierDetection, now: Instant) -> Self {
        Self { next: now + settings.interval, settings, hosts: HashMap::new(), out: 0 }
    }

    /// Takes the endpoints of the cluster; those that stay keep their counts. One event for each that goes while out.
    pub fn set_hosts(&mut self, addresses: impl Iterator<Item = SocketAddr>) -> Vec<Event> {
        let mut former = std::mem::take(&mut self.hosts);
        self.hosts = addresses.map(|address| (address, former.remove(&address).unwrap_or_default())).collect();
        let gone = former.values().filter(|host| host.ejected.is_some()).count();
        self.out -= gone;
        vec![Event::Returned; gone]
    }

    /// Counts of an endpoint.
    #[must_use]
    pub fn monitor(&self, address: SocketAddr) -> Option<Arc<Monitor>> {
        self.hosts.get(&address).map(|host| Arc::clone(&host.monitor))
    }

    /// Whether an endpoint is out.
    #[must_use]
    pub fn is_ejected(&self, address: SocketAddr) -> bool {
        self.hosts.get(&address).is_some_and(|host| host.ejected.is_some())
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn next_tick(&self) -> Instant {
        self.next
    }

    /// A rule of consecutive failures was met.
    pub fn met(
        &mut self,
        address: SocketAddr,
        rule: Rule,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        if self.hosts.get(&address).is_some_and(|host| host.ejected.is_none()) {
            self.detected(address, rule, now, random, &mut events);
            if let Some(counter) = self.hosts.get(&address).and_then(|host| host.monitor.counter(rule)) {
                counter.store(0, Relaxed);
            }
        }
        events
    }

    /// An interval is over: lets endpoints in again, and compares what each has answered in it.
    pub fn tick(&mut self, now: Instant, random: &mut dyn FnMut() -> u64) -> Vec<Event> {
        let mut events = Vec::new();
        if now < self.next {
            return events;
        }
        self.next = now + self.settings.interval;
        for host in self.hosts.values_mut() {
            match host.ejected {
                None => host.back_off = host.back_off.saturating_sub(1),
                Some((since, jitter)) => {
                    let time = self.settings.base_ejection_time.saturating_mul(host.back_off);
                    if now.duration_since(since) >= time.min(self.settings.max_ejection_time) + jitter {
                        host.ejected = None;
                        self.out -= 1;
                        clear(&host.monitor.consecutive_5xx);
                        clear(&host.monitor.consecutive_gateway);
                        clear(&host.monitor.consecutive_local);
                        events.push(Event::Returned);
                    }
                }
            }
        }
        self.compare(false, now, random, &mut events);
        self.compare(true, now, random, &mut events);
        events
    }

    /// Success rates and failure percentages of the interval.
    fn compare(&mut self, local: bool, now: Instant, random: &mut dyn FnMut() -> u64, events: &mut Vec<Event>) {
        let rates: Vec<(SocketAddr, u32, f64)> = self
            .hosts
            .iter()
            .filter_map(|(address, host)| {
                let rate = if local { &host.monitor.local } else { &host.monitor.external };
                let (total, percent) = rate.take()?;
                host.ejected.is_none().then_some((*address, total, percent))
            })
            .collect();
        let rules = &self.settings;
        let mut found = Vec::new();
        let deviation = &rules.success_rate;
        let enough: Vec<_> = rates.iter().filter(|(_, total, _)| *total >= deviation.request_volume).collect();
        if !enough.is_empty() && enough.len() >= deviation.minimum_hosts as usize {
            let values: Vec<f64> = enough.iter().map(|(_, _, percent)| *percent).collect();
            let threshold = rate::threshold(&values, f64::from(deviation.stdev_factor) / 1000.0);
            let rule = if local { Rule::LocalOriginSuccessRate } else { Rule::SuccessRate };
            found.extend(enough.iter().filter(|(_, _, percent)| *percent < threshold).map(|one| (one.0, rule)));
        }
        let share = &rules.failure_percentage;
        let enough: Vec<_> = rates.iter().filter(|(_, total, _)| *total >= share.request_volume).collect();
        if !enough.is_empty() && enough.len() >= share.minimum_hosts as usize {
            let rule = if local { Rule::LocalOriginFailurePercentage } else { Rule::FailurePercentage };
            let fails = |percent: f64| 100.0 - percent >= f64::from(share.threshold);
            found.extend(enough.iter().filter(|(_, _, percent)| fails(*percent)).map(|one| (one.0, rule)));
        }
        for (address, rule) in found {
            self.detected(address, rule, now, random, events);
        }
    }

    fn detected(
        &mut self,
        address: SocketAddr,
        rule: Rule,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        events: &mut Vec<Event>,
    ) {
        let total = self.hosts.len();
        let settings = &self.settings;
        let Some(host) = self.hosts.get_mut(&address) else { return };
        events.push(Event::Detected(rule));
        let share = self.out as f64 * 100.0 / total as f64;
        if !(share < f64::from(settings.max_ejection_percent) || self.out == 0 && settings.always_eject_one_host) {
            events.push(Event::Overflow);
            return;
        }
        if host.ejected.is_some() || random() % 100 >= u64::from(settings.enforcing(rule)) {
            return;
        }
        let jitter = u64::try_from(settings.max_ejection_time_jitter.as_millis()).unwrap_or(u64::MAX);
        let jitter = if jitter == 0 { 0 } else { random() % jitter.saturating_add(1) };
        // Counts on only as long as that makes the ejection longer.
        let time = settings.base_ejection_time.saturating_mul(host.back_off);
        if time < settings.max_ejection_time.saturating_add(settings.base_ejection_time) {
            host.back_off += 1;
        }
        host.ejected = Some((now, Duration::from_millis(jitter)));
        self.out += 1;
        events.push(Event::Ejected(rule));
    }
}

impl OutlierDetection {
    /// Chance that a rule has consequences, percent.
    fn enforcing(&self, rule: Rule) -> u32 {
        match rule {
            Rule::Consecutive5xx => self.consecutive_5xx.enforcing,
            Rule::ConsecutiveGatewayFailure => self.consecutive_gateway_failure.enforcing,
            Rule::ConsecutiveLocalOriginFailure => self.consecutive_local_origin_failure.enforcing,
            Rule::SuccessRate => self.success_rate.enforcing,
            Rule::LocalOriginSuccessRate => self.success_rate.enforcing_local_origin,
            Rule::FailurePercentage => self.failure_percentage.enforcing,
            Rule::LocalOriginFailurePercentage => self.failure_percentage.enforcing_local_origin,
        }
    }

    /// Whether rates are worth counting: without consequences they would only cost.
    fn counts_rates(&self) -> bool {
        let (deviation, share) = (&self.success_rate, &self.failure_percentage);
        deviation.enforcing > 0
            || share.enforcing > 0
            || self.split_external_local_origin_errors
                && (deviation.enforcing_local_origin > 0 || share.enforcing_local_origin > 0)
    }
}

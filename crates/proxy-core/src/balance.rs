//! Which endpoint takes a request.
//! In: a cluster's settings, its endpoints, counters of active requests, random numbers. Out: an endpoint.
//! One balancer for each worker, as in Envoy. Never here: connections, a clock.

mod edf;
mod hashing;
mod priority;
mod slow_start;
mod source;
#[cfg(test)]
mod tests;

use crate::ir::{Cluster, Endpoint, Endpoints, Health, LbPolicy, Locality};
use edf::Edf;
use hashing::Table;
use priority::{Counts, Loads};
use slow_start::Ages;
use source::Source;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// What is known when an endpoint is chosen.
pub struct BalanceContext<'a> {
    /// Uniform numbers.
    pub random: &'a mut dyn FnMut() -> u64,
    /// Hash of the request for consistent hashing.
    pub hash: Option<u64>,
    /// Requests going on at an endpoint, by its index in [`LoadBalancer::endpoints`].
    pub active: &'a dyn Fn(usize) -> u64,
    /// Endpoints that were tried before (their indexes); looked around for as often as `host_attempts` says.
    pub avoid: &'a [usize],
    /// How many choices are made to find one that is not in `avoid` (`RetryState::host_attempts`, 1 for one choice).
    pub host_attempts: u32,
    /// The time; asked for only while an endpoint is in slow start.
    pub now: &'a dyn Fn() -> Instant,
}

/// A chosen endpoint.
#[derive(Debug, Clone)]
pub struct Chosen<'b> {
    /// Index in [`LoadBalancer::endpoints`].
    pub index: usize,
    /// The endpoint.
    pub endpoint: &'b Arc<Endpoint>,
    /// Where it is.
    pub locality: &'b Locality,
    /// Its priority.
    pub priority: u32,
    /// Whether it was taken although it is unhealthy.
    pub in_panic: bool,
}

/// The balancer of one cluster.
#[derive(Debug)]
pub struct LoadBalancer {
    settings: Settings,
    hosts: Vec<Arc<Endpoint>>,
    ejected: Vec<bool>,
    ages: Ages,
    /// When endpoints came last.
    now: Option<Instant>,
    /// Locality of each host, by place in `groups`.
    group_of: Vec<usize>,
    groups: Vec<Group>,
    overprovisioning: u32,
    levels: Vec<Level>,
    loads: Loads,
}

/// What of a cluster matters here.
#[derive(Debug, Clone)]
struct Settings {
    policy: LbPolicy,
    panic_threshold_percent: f64,
    locality_weighted: bool,
    hash_by_hostname: bool,
    seed: u64,
}

/// One locality at one priority.
#[derive(Debug)]
struct Group {
    locality: Locality,
    priority: u32,
    weight: u32,
    hosts: Vec<usize>,
}

/// One priority.
#[derive(Debug)]
struct Level {
    all: Source,
    healthy: Pick,
    degraded: Pick,
    /// For consistent hashing; over all hosts when the level is in panic.
    table: Option<Table>,
}

/// Hosts of one health, all together and by locality.
#[derive(Debug)]
struct Pick {
    all: Source,
    /// Chooses a locality by weight, when that is wanted and possible.
    localities: Option<(Edf, Vec<Source>)>,
}

impl LoadBalancer {
    /// A balancer without endpoints. `seed` decides where round robin begins.
    #[must_use]
    pub fn new(cluster: &Cluster, seed: u64) -> Self {
        let settings = Settings {
            policy: cluster.policy.clone(),
            panic_threshold_percent: cluster.panic_threshold_percent,
            locality_weighted: cluster.locality_weighted,
            hash_by_hostname: cluster.hash_by_hostname,
            seed,
        };
        Self {
            settings,
            hosts: Vec::new(),
            ejected: Vec::new(),
            ages: Ages::new(cluster.slow_start),
            now: None,
            group_of: Vec::new(),
            groups: Vec::new(),
            overprovisioning: 140,
            levels: Vec::new(),
            loads: Loads::default(),
        }
    }

    /// Takes new endpoints. Round robin goes on where it was; ejections are kept for addresses that stay, and so is
    /// since when they are known.
    pub fn rebuild(&mut self, endpoints: &Endpoints, now: Instant) {
        let known: HashMap<SocketAddr, Instant> = (self.hosts.iter().enumerate())
            .filter_map(|(index, host)| Some((host.address, self.ages.of(index)?)))
            .collect();
        let ejected: Vec<SocketAddr> =
            self.hosts.iter().zip(&self.ejected).filter(|(_, out)| **out).map(|(host, _)| host.address).collect();
        self.hosts.clear();
        self.group_of.clear();
        self.groups.clear();
        self.overprovisioning =
            if endpoints.overprovisioning_factor == 0 { 140 } else { endpoints.overprovisioning_factor };
        for given in &endpoints.localities {
            let first = self.hosts.len();
            self.hosts.extend(given.endpoints.iter().cloned());
            self.group_of.resize(self.hosts.len(), self.groups.len());
            self.groups.push(Group {
                locality: given.locality.clone(),
                priority: given.priority,
                // A locality without a weight gets no traffic where localities are weighted.
                weight: given.weight.unwrap_or(0),
                hosts: (first..self.hosts.len()).collect(),
            });
        }
        self.ejected = self.hosts.iter().map(|host| ejected.contains(&host.address)).collect();
        self.ages.set(self.hosts.iter().map(|host| known.get(&host.address).copied().unwrap_or(now)).collect());
        self.now = Some(now);
        self.refresh();
    }

    /// All endpoints, healthy or not, in a fixed order until the next `rebuild`.
    #[must_use]
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.hosts
    }

    /// Takes an endpoint out (outlier detection), or in again.
    pub fn eject(&mut self, index: usize, ejected: bool) {
        if let Some(place) = self.ejected.get_mut(index)
            && *place != ejected
        {
            *place = ejected;
            self.refresh();
        }
    }

    /// The endpoint for a request; `None` when there is none (503, flag `UH`).
    pub fn choose(&mut self, context: &mut BalanceContext<'_>) -> Option<Chosen<'_>> {
        let attempts = context.host_attempts.max(1);
        let mut found = None;
        for attempt in 0..attempts {
            found = self.choose_once(context, attempt);
            match found {
                Some((index, _)) if context.avoid.contains(&index) => {}
                _ => break,
            }
        }
        let (index, in_panic) = found?;
        let group = self.groups.get(*self.group_of.get(index)?)?;
        let endpoint = self.hosts.get(index)?;
        Some(Chosen { index, endpoint, locality: &group.locality, priority: group.priority, in_panic })
    }

    fn choose_once(&mut self, context: &mut BalanceContext<'_>, attempt: u32) -> Option<(usize, bool)> {
        let hashing = matches!(self.settings.policy, LbPolicy::RingHash { .. } | LbPolicy::Maglev { .. });
        let random = match context.hash.filter(|_| hashing) {
            Some(hash) => hash,
            None => (context.random)(),
        };
        let (level, degraded) = self.loads.choose(random)?;
        let in_panic = self.loads.in_panic(level);
        let level = self.levels.get_mut(level)?;
        if let Some(table) = &level.table {
            return table.choose(random, attempt).map(|index| (index, in_panic));
        }
        let source = if in_panic {
            &mut level.all
        } else {
            let pick = if degraded { &mut level.degraded } else { &mut level.healthy };
            match &mut pick.localities {
                Some((edf, sources)) => sources.get_mut(edf.next()?)?,
                None => &mut pick.all,
            }
        };
        source.choose(&self.settings.policy, &self.ages, context).map(|index| (index, in_panic))
    }

    fn health(&self, index: usize) -> Health {
        if self.ejected.get(index).copied().unwrap_or(false) {
            return Health::Unhealthy;
        }
        self.hosts.get(index).map_or(Health::Unhealthy, |host| host.health)
    }

    /// Works out again what depends on who is healthy.
    fn refresh(&mut self) {
        let count = self.groups.iter().map(|group| group.priority as usize + 1).max().unwrap_or(0);
        let former = std::mem::take(&mut self.levels);
        let counts: Vec<Counts> = (0..count).map(|priority| self.counts(priority)).collect();
        self.loads = Loads::new(&counts, self.overprovisioning, self.settings.panic_threshold_percent);
        for priority in 0..count {
            let mut level = self.level(priority);
            match former.get(priority) {
                Some(known) => {
                    level.all.go_on_from(&known.all);
                    level.healthy.all.go_on_from(&known.healthy.all);
                    level.degraded.all.go_on_from(&known.degraded.all);
                }
                None => {
                    level.all.start_at(self.settings.seed);
                    level.healthy.all.start_at(self.settings.seed);
                    level.degraded.all.start_at(self.settings.seed);
                }
            }
            self.levels.push(level);
        }
    }

    fn counts(&self, priority: usize) -> Counts {
        let mut counts = Counts::default();
        for index in self.members(priority) {
            counts.total += 1;
            match self.health(index) {
                Health::Healthy => counts.healthy += 1,
                Health::Degraded => counts.degraded += 1,
                Health::Draining | Health::Unhealthy => {}
            }
        }
        counts
    }

    fn members(&self, priority: usize) -> impl Iterator<Item = usize> + '_ {
        self.groups
            .iter()
            .filter(move |group| group.priority as usize == priority)
            .flat_map(|group| group.hosts.iter().copied())
    }

    fn level(&self, priority: usize) -> Level {
        let all: Vec<usize> = self.members(priority).collect();
        Level {
            healthy: self.pick(priority, Health::Healthy),
            degraded: self.pick(priority, Health::Degraded),
            table: self.table(priority, &all),
            all: self.source(all),
        }
    }

    fn source(&self, hosts: Vec<usize>) -> Source {
        let factors = self.now.and_then(|now| self.ages.at(|| now));
        Source::new(hosts, &self.hosts, factors.as_ref(), &self.settings.policy, self.settings.seed)
    }

    fn pick(&self, priority: usize, health: Health) -> Pick {
        let of = |group: &Group| -> Vec<usize> {
            group.hosts.iter().copied().filter(|index| self.health(*index) == health).collect()
        };
        let groups: Vec<&Group> = self.groups.iter().filter(|group| group.priority as usize == priority).collect();
        let all = groups.iter().flat_map(|group| of(group)).collect();
        let localities = self.settings.locality_weighted.then(|| {
            let mut weights = Vec::new();
            let mut sources = Vec::new();
            for group in &groups {
                let hosts = of(group);
                let weight = self.effective_weight(group, hosts.len());
                if weight > 0.0 {
                    weights.push(weight);
                    sources.push(self.source(hosts));
                }
            }
            (Edf::new(weights, |_| 1.0), sources)
        });
        // Without any weight localities do not count.
        Pick { all: self.source(all), localities: localities.filter(|(_, sources)| !sources.is_empty()) }
    }

    /// The weight of a locality, less when too few of its hosts are there.
    fn effective_weight(&self, group: &Group, available: usize) -> f64 {
        if group.hosts.is_empty() || available == 0 {
            return 0.0;
        }
        let ratio = available as f64 / group.hosts.len() as f64;
        f64::from(group.weight) * (ratio * f64::from(self.overprovisioning) / 100.0).min(1.0)
    }

    /// The table for consistent hashing over the hosts that may be chosen.
    fn table(&self, priority: usize, all: &[usize]) -> Option<Table> {
        if !matches!(self.settings.policy, LbPolicy::RingHash { .. } | LbPolicy::Maglev { .. }) {
            return None;
        }
        let panic = self.loads.in_panic(priority);
        let healthy = |index: &usize| panic || self.health(*index) == Health::Healthy;
        let mut usable: Vec<usize> = all.iter().copied().filter(healthy).collect();
        if usable.is_empty() {
            usable = all.iter().copied().filter(|index| self.health(*index) == Health::Degraded).collect();
        }
        let weighted: Vec<(usize, f64)> = if self.settings.locality_weighted && !panic {
            self.weighted_by_locality(&usable)
        } else {
            usable.iter().map(|index| (*index, f64::from(self.hosts[*index].weight))).collect()
        };
        let keyed: Vec<(usize, String, f64)> =
            weighted.into_iter().map(|(index, weight)| (index, self.key(index), weight)).collect();
        Some(Table::new(&self.settings.policy, keyed))
    }

    fn key(&self, index: usize) -> String {
        let host = &self.hosts[index];
        if self.settings.hash_by_hostname && !host.hostname.is_empty() {
            return host.hostname.to_string();
        }
        host.address.to_string()
    }

    /// A host's share of its locality times the locality's weight.
    fn weighted_by_locality(&self, usable: &[usize]) -> Vec<(usize, f64)> {
        let mut weighted = Vec::with_capacity(usable.len());
        for (place, group) in self.groups.iter().enumerate() {
            let members: Vec<usize> = usable.iter().copied().filter(|index| self.group_of[*index] == place).collect();
            let total: f64 = members.iter().map(|index| f64::from(self.hosts[*index].weight)).sum();
            let share = self.effective_weight(group, members.len());
            if total > 0.0 && share > 0.0 {
                let weight = |index: &usize| (*index, f64::from(self.hosts[*index].weight) / total * share);
                weighted.extend(members.iter().map(weight));
            }
        }
        weighted
    }
}

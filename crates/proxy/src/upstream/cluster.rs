//! One cluster of one worker.
//! In: the resource and its endpoints, which may change. Out: the endpoint for a request.
//! An endpoint that stays keeps its connections; those of one that goes are closed after their request.

use super::host::Host;
use super::limits::Breakers;
use super::outlier::Outlier;
use crate::stats::ClusterStats;
use crate::tls::ClientEntry;
use crate::worker::{Context, View};
use lateen_proxy_core::balance::{BalanceContext, LoadBalancer};
use lateen_proxy_core::headers::Headers;
use lateen_proxy_core::ir::{Cluster, Discovery, Endpoint, Endpoints, Health, Metadata, UpstreamTls};
use lateen_proxy_core::outlier::Outcome;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// One cluster of one worker.
pub struct UpstreamCluster {
    /// The resource.
    pub cluster: Arc<Cluster>,
    /// `cluster.<name>.`
    pub stats: Arc<ClusterStats>,
    /// Circuit breakers at default priority.
    pub breakers: Breakers,
    balancing: RefCell<Balancing>,
    /// Destinations of ORIGINAL_DST, while they are in use.
    destinations: RefCell<HashMap<SocketAddr, Rc<Host>>>,
    outlier: Option<Outlier>,
    generation: Cell<u64>,
    tls: Vec<(u64, Arc<ClientEntry>)>,
}

/// Where a client was bound for, as far as clusters of type ORIGINAL_DST ask for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bound<'a> {
    /// Where its connection went before it was redirected.
    pub original: Option<SocketAddr>,
    /// Headers of the request, if it is one.
    pub headers: Option<&'a Headers>,
}

struct Balancing {
    endpoints: Option<Arc<Endpoints>>,
    balancer: LoadBalancer,
    /// In the order of the balancer's endpoints.
    hosts: Vec<Rc<Host>>,
}

impl UpstreamCluster {
    pub(super) fn new(context: &Context, cluster: &Arc<Cluster>) -> Self {
        let counts = context.shared.counts.of(&cluster.name);
        Self {
            stats: context.stats.cluster(&cluster.stat_name),
            breakers: Breakers::new(&cluster.limits, &counts),
            balancing: RefCell::new(Balancing {
                endpoints: None,
                balancer: LoadBalancer::new(cluster, context.random()),
                hosts: Vec::new(),
            }),
            destinations: RefCell::default(),
            outlier: Outlier::new(context, cluster),
            tls: contexts(context, cluster),
            cluster: Arc::clone(cluster),
            generation: Cell::new(0),
        }
    }

    /// The context of one of its transport sockets.
    pub(super) fn tls(&self, settings: &UpstreamTls) -> Option<&ClientEntry> {
        self.tls.iter().find(|(version, _)| *version == settings.version).map(|(_, entry)| &**entry)
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// Takes the endpoints of now.
    pub(super) fn update(&self, context: &Context, view: &View) {
        self.generation.set(view.generation);
        let balancing = &mut *self.balancing.borrow_mut();
        let Some(current) = view.endpoints(&self.cluster) else {
            // Endpoints that are not known any more stay in use, as in Envoy.
            return;
        };
        if balancing.endpoints.as_ref().is_some_and(|old| Arc::ptr_eq(old, current)) {
            return;
        }
        if let Some(outlier) = &self.outlier {
            outlier.set_endpoints(current, view.generation);
        }
        balancing.balancer.rebuild(current, Instant::now());
        balancing.endpoints = Some(Arc::clone(current));
        let mut old: HashMap<SocketAddr, Rc<Host>> =
            balancing.hosts.drain(..).map(|host| (host.address, host)).collect();
        let stats = || context.stats.clone();
        let fresh = balancing.balancer.endpoints().iter().map(|endpoint| match old.remove(&endpoint.address) {
            Some(host) => {
                host.set_endpoint(endpoint);
                host
            }
            None => Host::new(endpoint, &self.cluster, &self.stats, stats()),
        });
        balancing.hosts = fresh.collect();
        if let Some(outlier) = &self.outlier {
            for host in &balancing.hosts {
                host.set_monitor(outlier.monitor(host.address));
            }
        }
        for (_, gone) in old {
            gone.retire();
        }
    }

    /// The endpoint for a request; `None` when there is none that may be used.
    pub fn choose(
        &self,
        context: &Context,
        bound: &Bound<'_>,
        hash: Option<u64>,
        avoid: &[SocketAddr],
        attempts: u32,
    ) -> Option<Rc<Host>> {
        if let Discovery::OriginalDst(original) = &self.cluster.discovery {
            let address = original.destination(bound.headers, bound.original)?;
            return Some(self.destination(context, address));
        }
        self.refresh(context);
        let Balancing { balancer, hosts, .. } = &mut *self.balancing.borrow_mut();
        let avoid: Vec<usize> = if avoid.is_empty() {
            Vec::new()
        } else {
            (0..hosts.len()).filter(|index| avoid.contains(&hosts[*index].address)).collect()
        };
        let chosen = balancer.choose(&mut BalanceContext {
            random: &mut || context.random(),
            hash,
            active: &|index| hosts.get(index).map_or(0, |host| host.active()),
            avoid: &avoid,
            host_attempts: attempts,
            now: &Instant::now,
        })?;
        if chosen.in_panic {
            self.stats.lb_healthy_panic.inc();
        }
        hosts.get(chosen.index).cloned()
    }

    /// The endpoint at an address that a client has named.
    fn destination(&self, context: &Context, address: SocketAddr) -> Rc<Host> {
        let mut destinations = self.destinations.borrow_mut();
        let host = destinations.entry(address).or_insert_with(|| {
            let endpoint = Endpoint {
                address,
                // The name that Envoy gives it.
                hostname: format!("{}{address}", self.cluster.name).into(),
                health: Health::Healthy,
                weight: 1,
                metadata: Metadata::default(),
            };
            Host::new(&Arc::new(endpoint), &self.cluster, &self.stats, context.stats.clone())
        });
        Rc::clone(host)
    }

    /// Says what came of a request or connection to an endpoint.
    pub fn observe(&self, context: &Context, host: &Host, outcome: Outcome) {
        if let (Some(outlier), Some(monitor)) = (&self.outlier, &*host.monitor.borrow()) {
            outlier.observe(context, host.address, monitor, outcome);
        }
    }

    /// Takes endpoints out and in as outlier detection says.
    fn refresh(&self, context: &Context) {
        let Some(outlier) = &self.outlier else { return };
        outlier.refresh(context, |is_ejected| {
            let Balancing { balancer, hosts, .. } = &mut *self.balancing.borrow_mut();
            for (index, host) in hosts.iter().enumerate() {
                balancer.eject(index, is_ejected(host.address));
            }
        });
    }

    /// Closes idle connections that are of no use any more.
    pub(super) fn sweep(&self, context: &Context) {
        self.refresh(context);
        let now = Instant::now();
        let hosts: Vec<Rc<Host>> = self.balancing.borrow().hosts.clone();
        for host in hosts {
            host.sweep(now, self.cluster.idle_timeout);
        }
        self.destinations.borrow_mut().retain(|_, host| {
            host.sweep(now, self.cluster.idle_timeout);
            let in_use = Rc::strong_count(host) > 1 || host.has_connections();
            if !in_use {
                host.forget_stats();
            }
            in_use
        });
    }
}

fn contexts(context: &Context, cluster: &Cluster) -> Vec<(u64, Arc<ClientEntry>)> {
    let settings = cluster.transport_matches.iter().filter_map(|one| one.tls.as_ref()).chain(&cluster.tls);
    let all = &context.view().tls;
    settings.filter_map(|tls| all.client(tls).map(|entry| (tls.version, Arc::clone(entry)))).collect()
}

impl Drop for UpstreamCluster {
    fn drop(&mut self) {
        for host in self.balancing.borrow().hosts.iter().chain(self.destinations.borrow().values()) {
            host.retire();
        }
    }
}

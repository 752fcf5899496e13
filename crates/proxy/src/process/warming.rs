//! Which of the accepted resources may serve already.
//! In: all accepted resources, what serves now, the time. Out: what serves next.
//! A listener waits for its routes and a cluster for its endpoints, for a bounded time; the former version serves on.
//! Never here: a clock.

use lateen_proxy_core::ir::{Cluster, Discovery, Listener, RouteSpecifier, Tables, TerminalFilter};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `initial_fetch_timeout` of a `ConfigSource`; Envoy's default.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// What waits, and since when.
#[derive(Debug, Default)]
pub struct Warming {
    clusters: HashMap<Arc<str>, Instant>,
    listeners: HashMap<Arc<str>, Instant>,
    /// Waited long enough: they serve without.
    given_up: HashSet<Arc<str>>,
}

impl Warming {
    /// What serves next. `resolved` says whether a DNS cluster was looked up once.
    pub fn advance(
        &mut self,
        accepted: &Tables,
        serving: &Tables,
        resolved: &dyn Fn(&str) -> bool,
        now: Instant,
    ) -> Tables {
        let mut next = Tables {
            listeners: HashMap::with_capacity(accepted.listeners.len()),
            routes: accepted.routes.clone(),
            clusters: HashMap::with_capacity(accepted.clusters.len()),
            endpoints: accepted.endpoints.clone(),
            features: accepted.features,
        };
        self.clusters.retain(|name, _| accepted.clusters.contains_key(name));
        self.listeners.retain(|name, _| accepted.listeners.contains_key(name));
        for (name, cluster) in &accepted.clusters {
            let ready = cluster_is_ready(cluster, accepted, resolved);
            if wait(&mut self.clusters, name, ready, now) {
                next.clusters.insert(Arc::clone(name), Arc::clone(cluster));
            } else if let Some(former) = serving.clusters.get(name) {
                next.clusters.insert(Arc::clone(name), Arc::clone(former));
            }
        }
        for (name, listener) in &accepted.listeners {
            let ready = route_names(listener).all(|routes| accepted.routes.contains_key(routes));
            if wait(&mut self.listeners, name, ready, now) {
                next.listeners.insert(Arc::clone(name), Arc::clone(listener));
            } else if let Some(former) = serving.listeners.get(name) {
                next.listeners.insert(Arc::clone(name), Arc::clone(former));
            }
        }
        self.given_up.clear();
        for (name, since) in self.clusters.iter().chain(&self.listeners) {
            if *since + PATIENCE <= now {
                self.given_up.insert(Arc::clone(name));
            }
        }
        next
    }

    /// Clusters that do not serve in their newest version yet.
    pub fn clusters(&self) -> impl Iterator<Item = &str> {
        self.clusters.keys().filter(|name| !self.given_up.contains(*name)).map(AsRef::as_ref)
    }

    /// Listeners that do not serve in their newest version yet.
    pub fn listeners(&self) -> impl Iterator<Item = &str> {
        self.listeners.keys().filter(|name| !self.given_up.contains(*name)).map(AsRef::as_ref)
    }

    /// When something that waits serves anyway.
    pub fn deadline(&self) -> Option<Instant> {
        let waiting = self.clusters.iter().chain(&self.listeners);
        waiting.filter(|(name, _)| !self.given_up.contains(*name)).map(|(_, since)| *since + PATIENCE).min()
    }
}

/// Whether `name` serves now: it is ready, or has waited long enough.
fn wait(waiting: &mut HashMap<Arc<str>, Instant>, name: &Arc<str>, ready: bool, now: Instant) -> bool {
    if ready {
        waiting.remove(name);
        return true;
    }
    let since = *waiting.entry(Arc::clone(name)).or_insert(now);
    since + PATIENCE <= now
}

fn cluster_is_ready(cluster: &Cluster, accepted: &Tables, resolved: &dyn Fn(&str) -> bool) -> bool {
    match &cluster.discovery {
        Discovery::Eds(name) => accepted.endpoints.contains_key(name),
        Discovery::StrictDns(_) | Discovery::LogicalDns(_) => resolved(&cluster.name),
        Discovery::Static(_) | Discovery::OriginalDst => true,
    }
}

/// Names of the route configurations that a listener takes over RDS.
pub fn route_names(listener: &Listener) -> impl Iterator<Item = &Arc<str>> {
    listener.filter_chains.iter().chain(&listener.default_filter_chain).filter_map(|chain| match &chain.terminal {
        TerminalFilter::Http(hcm) => match &hcm.routes {
            RouteSpecifier::Rds(name) => Some(name),
            RouteSpecifier::Inline(_) => None,
        },
        TerminalFilter::Tcp(_) | TerminalFilter::Close => None,
    })
}

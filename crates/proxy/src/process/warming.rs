//! Which of the accepted resources may serve already.
//! In: all accepted resources, what serves now, the time. Out: what serves next.
//! A listener waits for its routes and a cluster for its endpoints, for a bounded time; the former version serves on.
//! Never here: a clock.

use lateen_proxy_core::ir::{Cluster, Discovery, Listener, RouteSpecifier, SecretRef, Tables, TerminalFilter};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `initial_fetch_timeout` of a `ConfigSource`; Envoy's default.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How long a secret is waited for when all else is there. Without it the port listens and its chain refuses
/// connections, so a secret that never comes holds nobody else up.
pub const SECRET_PATIENCE: Duration = Duration::from_secs(1);

/// What waits, and since when.
#[derive(Debug, Default)]
pub struct Warming {
    clusters: HashMap<Arc<str>, Wait>,
    listeners: HashMap<Arc<str>, Wait>,
    /// Waited long enough: they serve without.
    given_up: HashSet<Arc<str>>,
}

/// Since when something waits, and until when at most.
#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Instant,
    until: Instant,
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
            secrets: accepted.secrets.clone(),
            features: accepted.features,
        };
        self.clusters.retain(|name, _| accepted.clusters.contains_key(name));
        self.listeners.retain(|name, _| accepted.listeners.contains_key(name));
        for (name, cluster) in &accepted.clusters {
            let ready = cluster_is_ready(cluster, accepted, resolved);
            let secrets = cluster_secrets(cluster).all(|secret| accepted.secrets.contains_key(&secret.name));
            if wait(&mut self.clusters, name, ready, secrets, now) {
                next.clusters.insert(Arc::clone(name), Arc::clone(cluster));
            } else if let Some(former) = serving.clusters.get(name) {
                next.clusters.insert(Arc::clone(name), Arc::clone(former));
            }
        }
        for (name, listener) in &accepted.listeners {
            let ready = route_names(listener).all(|routes| accepted.routes.contains_key(routes));
            let secrets = listener_secrets(listener).all(|secret| accepted.secrets.contains_key(&secret.name));
            if wait(&mut self.listeners, name, ready, secrets, now) {
                next.listeners.insert(Arc::clone(name), Arc::clone(listener));
            } else if let Some(former) = serving.listeners.get(name) {
                next.listeners.insert(Arc::clone(name), Arc::clone(former));
            }
        }
        self.given_up.clear();
        for (name, wait) in self.clusters.iter().chain(&self.listeners) {
            if wait.until <= now {
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
        waiting.filter(|(name, _)| !self.given_up.contains(*name)).map(|(_, wait)| wait.until).min()
    }
}

/// Whether `name` serves now: it is ready, or has waited long enough.
fn wait(waiting: &mut HashMap<Arc<str>, Wait>, name: &Arc<str>, ready: bool, secrets: bool, now: Instant) -> bool {
    if ready && secrets {
        waiting.remove(name);
        return true;
    }
    let wait = waiting.entry(Arc::clone(name)).or_insert(Wait { since: now, until: now });
    wait.until = wait.since + if ready { SECRET_PATIENCE } else { PATIENCE };
    wait.until <= now
}

fn cluster_is_ready(cluster: &Cluster, accepted: &Tables, resolved: &dyn Fn(&str) -> bool) -> bool {
    match &cluster.discovery {
        Discovery::Eds(name) => accepted.endpoints.contains_key(name),
        Discovery::StrictDns(_) | Discovery::LogicalDns(_) => resolved(&cluster.name),
        Discovery::Static(_) | Discovery::OriginalDst(_) => true,
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

/// The secrets that a listener needs.
pub fn listener_secrets(listener: &Listener) -> impl Iterator<Item = &SecretRef> {
    let chains = listener.filter_chains.iter().chain(&listener.default_filter_chain);
    chains.filter_map(|chain| chain.tls.as_ref()).flat_map(|tls| tls.common.secrets())
}

/// The secrets that a cluster needs.
pub fn cluster_secrets(cluster: &Cluster) -> impl Iterator<Item = &SecretRef> {
    let matches = cluster.transport_matches.iter().filter_map(|one| one.tls.as_ref());
    matches.chain(&cluster.tls).flat_map(|tls| tls.common.secrets())
}

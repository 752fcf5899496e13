//! What the discovery server is asked for, and what of its first answer is outstanding.
//! In: accepted resources. Out: names to subscribe to.

use super::state::FIRST_FETCH;
use super::warming::{cluster_secrets, listener_secrets, route_names};
use crate::stats::ServerStats;
use lateen_envoy_api::{Any, type_url};
use lateen_proxy_core::ir::{self, SecretRef, SecretSource, Tables};
use std::collections::BTreeSet;
use std::time::Instant;

/// A change of one type of resources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Update {
    pub type_url: String,
    /// `version_info` of the response.
    pub version: String,
    /// New and changed ones.
    pub added: Vec<(String, Any)>,
    /// Names of those that are gone.
    pub removed: Vec<String>,
}

/// What comes over discovery.
#[derive(Debug, Clone, Default)]
pub(crate) struct Discovery {
    /// Clusters come over it (`cds_config`).
    pub clusters: bool,
    /// Listeners come over it (`lds_config`).
    pub listeners: bool,
    /// Since when; `None` without a discovery server.
    pub since: Option<Instant>,
    got_clusters: bool,
    got_listeners: bool,
}

impl Discovery {
    /// Clusters and listeners over one stream.
    pub fn new(clusters: bool, listeners: bool, since: Instant) -> Self {
        Self { clusters, listeners, since: Some(since), ..Self::default() }
    }

    /// An answer of this type is in.
    pub fn received(&mut self, type_url: &str) {
        match type_url {
            type_url::CLUSTER => self.got_clusters = true,
            type_url::LISTENER => self.got_listeners = true,
            _ => {}
        }
    }

    /// Whether the first answer of this type is still waited for.
    pub fn awaits(&self, type_url: &str, now: Instant) -> bool {
        let outstanding = match type_url {
            type_url::CLUSTER => self.clusters && !self.got_clusters,
            type_url::LISTENER => self.listeners && !self.got_listeners,
            _ => false,
        };
        outstanding && self.since.is_some_and(|since| since + FIRST_FETCH > now)
    }

    /// When nothing is waited for any more. Passed ones are no deadline.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let outstanding = self.awaits(type_url::CLUSTER, now) || self.awaits(type_url::LISTENER, now);
        self.since.filter(|_| outstanding).map(|since| since + FIRST_FETCH)
    }

    /// Names of load assignments that clusters take over EDS, of those that serve and of those that will.
    pub fn endpoint_names<'a>(&self, accepted: &'a Tables, serving: &'a Tables) -> BTreeSet<&'a str> {
        // A cluster that is gone from `accepted` needs its endpoints no longer.
        let serving = serving.clusters.iter().filter(|(name, _)| accepted.clusters.contains_key(*name));
        let clusters = accepted.clusters.values().chain(serving.map(|(_, cluster)| cluster));
        clusters
            .filter_map(|cluster| match &cluster.discovery {
                ir::Discovery::Eds(name) => Some(&**name),
                _ => None,
            })
            .collect()
    }

    /// Names of route configurations that listeners take over RDS, of those that serve and of those that will.
    pub fn route_names<'a>(&self, accepted: &'a Tables, serving: &'a Tables) -> BTreeSet<&'a str> {
        // A listener that is gone from `accepted` needs its routes no longer.
        let serving = serving.listeners.iter().filter(|(name, _)| accepted.listeners.contains_key(*name));
        let listeners = accepted.listeners.values().chain(serving.map(|(_, listener)| listener));
        listeners.flat_map(|listener| route_names(listener).map(|name| &**name)).collect()
    }

    /// Names of secrets that listeners and clusters take over this stream, of those that serve and of those that will.
    pub fn secret_names<'a>(&self, accepted: &'a Tables, serving: &'a Tables) -> BTreeSet<&'a str> {
        let secrets = self.secrets(accepted, serving).into_iter();
        secrets.filter(|secret| secret.from == SecretSource::Discovery).map(|secret| &*secret.name).collect()
    }

    /// Secrets that listeners and clusters take from anybody, of those that serve and of those that will.
    pub fn secrets<'a>(&self, accepted: &'a Tables, serving: &'a Tables) -> BTreeSet<&'a SecretRef> {
        let former = serving.listeners.iter().filter(|(name, _)| accepted.listeners.contains_key(*name));
        let listeners = accepted.listeners.values().chain(former.map(|(_, listener)| listener));
        let former = serving.clusters.iter().filter(|(name, _)| accepted.clusters.contains_key(*name));
        let clusters = accepted.clusters.values().chain(former.map(|(_, cluster)| cluster));
        let of_listeners = listeners.flat_map(|listener| listener_secrets(listener));
        of_listeners.chain(clusters.flat_map(|cluster| cluster_secrets(cluster))).collect()
    }
}

/// Counts an update.
pub(super) fn count(stats: &ServerStats, update: &Update, rejected: usize) {
    let (success, refused) = match update.type_url.as_str() {
        type_url::CLUSTER => (&stats.cds_update_success, &stats.cds_update_rejected),
        type_url::LISTENER => (&stats.lds_update_success, &stats.lds_update_rejected),
        type_url::ROUTE => (&stats.rds_update_success, &stats.rds_update_rejected),
        type_url::ENDPOINT => (&stats.eds_update_success, &stats.eds_update_rejected),
        _ => return,
    };
    if rejected == 0 { success.inc() } else { refused.inc() }
}

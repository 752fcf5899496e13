//! Looking up the names of DNS clusters, off the workers.
//! In: clusters of the tables. Out: their endpoints, again and again.
//! A lookup that fails leaves the last good addresses in place.

mod lookup;

#[cfg(test)]
mod tests;

pub(crate) use lookup::{Lookup, System};

use crate::process::Shared;
use lateen_proxy_core::ir::{Cluster, Discovery, DnsCluster, DnsFamily, Endpoints};
use rand::Rng as _;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// One task for each DNS cluster.
pub(crate) struct Lookups {
    lookup: Arc<dyn Lookup>,
    tasks: HashMap<Arc<str>, (Arc<Cluster>, JoinHandle<()>)>,
}

impl Lookups {
    /// With the resolver of the system.
    pub fn system() -> Self {
        Self::new(Arc::new(System))
    }

    /// With any resolver.
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, tasks: HashMap::new() }
    }

    /// Starts tasks for new and changed clusters and ends those of clusters that are gone.
    pub fn follow(&mut self, shared: &Arc<Shared>) {
        let state = shared.state();
        let clusters = &state.accepted.clusters;
        self.tasks.retain(|name, (cluster, task)| {
            let same = clusters.get(name).is_some_and(|now| Arc::ptr_eq(now, cluster));
            if !same {
                task.abort();
            }
            same
        });
        for (name, cluster) in clusters {
            let (Discovery::StrictDns(_) | Discovery::LogicalDns(_)) = &cluster.discovery else { continue };
            if !self.tasks.contains_key(name) {
                let task = refresh(Arc::clone(shared), Arc::clone(cluster), Arc::clone(&self.lookup));
                self.tasks.insert(Arc::clone(name), (Arc::clone(cluster), tokio::spawn(task)));
            }
        }
    }
}

impl Drop for Lookups {
    fn drop(&mut self) {
        for (_, task) in self.tasks.values() {
            task.abort();
        }
    }
}

async fn refresh(shared: Arc<Shared>, cluster: Arc<Cluster>, lookup: Arc<dyn Lookup>) {
    let (Discovery::StrictDns(dns) | Discovery::LogicalDns(dns)) = &cluster.discovery else { return };
    let first_only = matches!(cluster.discovery, Discovery::LogicalDns(_));
    let mut known = Addresses::default();
    loop {
        let changed = known.refresh(dns, &*lookup, &cluster.name).await;
        if changed {
            let endpoints = known.endpoints(&cluster.name, dns, first_only);
            shared.resolved(&cluster.name, Arc::new(endpoints), Instant::now());
        }
        if known.literal_only {
            return;
        }
        tokio::time::sleep(jittered(dns.refresh_rate)).await;
    }
}

/// A tenth more or less, so that clusters do not ask all at once.
fn jittered(rate: Duration) -> Duration {
    rate.max(Duration::from_millis(1)).mul_f64(rand::rng().random_range(0.9..=1.1))
}

/// What is known of the names of one cluster.
#[derive(Default)]
struct Addresses {
    by_name: HashMap<String, Vec<IpAddr>>,
    /// There are only IP addresses, which need no second look.
    literal_only: bool,
    asked: bool,
}

impl Addresses {
    /// Asks for every name once. Whether there is something to tell: a change, or the end of the first round.
    async fn refresh(&mut self, dns: &DnsCluster, lookup: &dyn Lookup, cluster: &str) -> bool {
        let names: BTreeSet<&str> =
            dns.localities.iter().flat_map(|locality| &locality.endpoints).map(|endpoint| &*endpoint.host).collect();
        let mut changed = !self.asked;
        self.literal_only = true;
        for name in names {
            let found = match name.parse::<IpAddr>() {
                Ok(address) => Ok(vec![address]),
                Err(_) => {
                    self.literal_only = false;
                    lookup.lookup(name).await
                }
            };
            match found.map(|found| of_family(found, dns.family)) {
                Ok(addresses) if addresses.is_empty() => {
                    tracing::warn!(target: "lateen_proxy::dns", cluster, name, "no address of the wanted family");
                }
                Ok(addresses) => {
                    if self.by_name.get(name) != Some(&addresses) {
                        self.by_name.insert(name.to_owned(), addresses);
                        changed = true;
                    }
                }
                Err(error) => {
                    tracing::warn!(target: "lateen_proxy::dns", cluster, name, %error, "lookup failed");
                }
            }
        }
        self.asked = true;
        changed
    }

    fn endpoints(&self, cluster: &Arc<str>, dns: &DnsCluster, first_only: bool) -> Endpoints {
        dns.endpoints(cluster, first_only, |name| self.by_name.get(name).map_or(&[][..], Vec::as_slice))
    }
}

/// Sorted, so that another order of the same addresses is no change.
fn of_family(mut found: Vec<IpAddr>, family: DnsFamily) -> Vec<IpAddr> {
    found.sort_unstable();
    found.dedup();
    let has = |v6: bool| found.iter().any(|address| address.is_ipv6() == v6);
    let v6 = match family {
        DnsFamily::All => return found,
        DnsFamily::V4Only => false,
        DnsFamily::V6Only => true,
        DnsFamily::Auto => has(true),
        DnsFamily::V4Preferred => !has(false),
    };
    found.retain(|address| address.is_ipv6() == v6);
    found
}

//! What each connected proxy gets: the present world, translated for it, once for each generation.
//! In: the node of a client. Out: its resources; and what it says back goes into the reports.

use crate::node;
use crate::report::Reports;
use crate::translation::with_findings;
use crate::world::World;
use arc_swap::ArcSwap;
use lateen_config::Finding;
use lateen_xds::ResourceSet;
use lateen_xds::server::{Client, Event, Outcome, Provider, ProviderError, Report};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The provider behind the ADS server.
pub(crate) struct Worlds {
    pub(crate) world: ArcSwap<World>,
    pub(crate) generation: watch::Sender<u64>,
    pub(crate) reports: Reports,
    pub(crate) options: lateen_translate::Options,
    /// Resources of one generation, by what distinguishes one proxy from another.
    cache: Mutex<(u64, HashMap<String, Arc<ResourceSet>>)>,
    told: Mutex<Told>,
}

/// What was said of proxies, so that it is not said again with each generation.
#[derive(Debug, Default)]
struct Told {
    generation: u64,
    before: HashSet<String>,
    now: HashSet<String>,
}

impl Worlds {
    pub(crate) fn new(world: World, options: lateen_translate::Options) -> Self {
        Self {
            world: ArcSwap::from_pointee(world),
            generation: watch::Sender::new(0),
            reports: Reports::default(),
            options,
            cache: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Makes `world` the one that is served.
    pub(crate) fn publish(&self, world: World) {
        let generation = world.generation;
        self.world.store(Arc::new(world));
        self.generation.send_replace(generation);
    }

    /// Writes down that `client` is served from `generation`.
    fn saw(&self, client: &Client, generation: u64) {
        let mut clients = self.reports.lock();
        let row = clients.entry(client.id.0).or_default();
        row.node.clone_from(&client.node.id);
        row.seen = generation;
    }

    /// What `client` rejected and does not get any more is no rejection any more.
    fn forget_gone(&self, client: &Client, set: &ResourceSet) {
        if let Some(row) = self.reports.lock().get_mut(&client.id.0) {
            let known = |kind: &str, name: &str| {
                set.types()
                    .any(|(url, resources)| short(url) == kind && (name.is_empty() || resources.get(name).is_some()))
            };
            row.rejected.retain(|(kind, name), _| known(kind, name));
        }
    }

    /// Logs what could not be done for a proxy. What is wrong with the files themselves is told by whoever read them.
    fn tell(&self, generation: u64, findings: &[Finding]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.generation < generation {
            told.generation = generation;
            told.before = std::mem::take(&mut told.now);
        }
        for finding in findings {
            let object = finding.object.as_ref().map(ToString::to_string).unwrap_or_default();
            let text = format!("{object}: {} ({}, {})", finding.message, finding.path, finding.place);
            if !told.before.contains(&text) && !told.now.contains(&text) {
                let hint = finding.hint.as_deref().unwrap_or_default();
                tracing::info!(target: "lateen_control::translation", hint, "{text}");
            }
            told.now.insert(text);
        }
    }

    fn cached(&self, generation: u64, key: &str) -> Option<Arc<ResourceSet>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        (cache.0 == generation).then(|| cache.1.get(key).cloned()).flatten()
    }

    fn remember(&self, generation: u64, key: String, set: Arc<ResourceSet>) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.0 < generation {
            *cache = (generation, HashMap::new());
        }
        if cache.0 == generation {
            cache.1.insert(key, set);
        }
    }
}

impl Provider for Worlds {
    fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    fn resources(&self, client: &Client) -> Result<Arc<ResourceSet>, ProviderError> {
        let world = self.world.load_full();
        if world.generation == 0 {
            return Err(ProviderError::Unavailable("no configuration has been read yet".into()));
        }
        let mut proxy =
            node::proxy_of(Some(&client.node)).map_err(|error| ProviderError::Invalid(error.to_string()))?;
        world.place_ports(&mut proxy);
        self.saw(client, world.generation);
        let present = |set: &ResourceSet| self.forget_gone(client, set);
        // Two proxies of one workload differ in nothing but their names, and get the same.
        let mut likeness = proxy.clone();
        likeness.name = String::new();
        let mut options = self.options.clone();
        if !client.node.extensions.is_empty() {
            options.extensions = Some(client.node.extensions.iter().map(|one| one.name.clone()).collect());
        }
        let key = format!("{likeness:?} {:?}", options.extensions);
        if let Some(set) = self.cached(world.generation, &key) {
            present(&set);
            return Ok(set);
        }
        let (set, findings) = with_findings(&world.snapshot, &proxy, &options);
        self.tell(world.generation, &findings);
        let set = Arc::new(set);
        self.remember(world.generation, key, set.clone());
        present(&set);
        Ok(set)
    }

    fn report(&self, report: Report) {
        let id = report.client.id.0;
        let mut clients = self.reports.lock();
        match report.event {
            Event::Connected => {
                tracing::info!(node = report.client.node.id, peer = ?report.client.peer, "proxy connected");
            }
            Event::Disconnected => {
                tracing::info!(node = report.client.node.id, "proxy disconnected");
                clients.remove(&id);
            }
            Event::Sent { type_url, .. } => {
                if let Some(client) = clients.get_mut(&id) {
                    client.waiting.insert(short(&type_url).to_owned());
                }
            }
            Event::Answered { feedback, generation } => {
                let Some(client) = clients.get_mut(&id) else { return };
                let kind = short(&feedback.type_url).to_owned();
                client.waiting.remove(&kind);
                client.answered.insert(kind.clone(), generation);
                client.rejected.retain(|(rejected, name), _| *rejected != kind || !feedback.names.contains(name));
                if let Outcome::Refused { resources, message } = feedback.outcome {
                    tracing::warn!(node = client.node, kind, message, "proxy rejects configuration");
                    for (name, _) in resources {
                        client.rejected.insert((kind.clone(), name), message.clone());
                    }
                }
            }
        }
    }
}

/// `envoy.config.listener.v3.Listener` without the prefix that all type urls share.
fn short(type_url: &str) -> &str {
    type_url.rsplit('/').next().unwrap_or(type_url)
}

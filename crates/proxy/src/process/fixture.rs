//! A process without workers: what it would publish is kept, and what cannot be bound is said in advance.

use super::control::Order;
use super::discovery::{Discovery, Update};
use super::publish::{BindFailure, BoundListener, Publish};
use super::state::{Parts, Shared, State};
use crate::ads::node;
use crate::logging::{AccessLogs, LogHandle, LogLevel};
use crate::stats::Registry;
use lateen_envoy_api::prost::Name;
use lateen_envoy_api::{Bootstrap, json, pack, v3};
use lateen_proxy_core::bootstrap;
use lateen_proxy_core::ir::{Endpoints, Tables};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Workers that only remember.
#[derive(Default)]
pub(crate) struct Recorder {
    pub tables: Mutex<Arc<Tables>>,
    pub resolved: Mutex<BTreeMap<Arc<str>, Arc<Endpoints>>>,
    /// Names of listeners that cannot be bound.
    pub refuses: Mutex<Vec<String>>,
    pub connections: AtomicUsize,
    pub drains: AtomicBool,
    pub accepts_no_more: AtomicBool,
}

impl Recorder {
    pub fn serves_listener(&self, name: &str) -> bool {
        self.tables.lock().expect("a lock").listeners.contains_key(name)
    }

    pub fn serves_cluster(&self, name: &str) -> bool {
        self.tables.lock().expect("a lock").clusters.contains_key(name)
    }

    pub fn addresses(&self, cluster: &str) -> Vec<String> {
        let resolved = self.resolved.lock().expect("a lock");
        let localities = resolved.get(cluster).into_iter().flat_map(|endpoints| &endpoints.localities);
        localities.flat_map(|locality| &locality.endpoints).map(|endpoint| endpoint.address.to_string()).collect()
    }
}

impl Publish for Recorder {
    fn apply(&self, tables: Arc<Tables>) -> Vec<BindFailure> {
        let refuses = self.refuses.lock().expect("a lock");
        let failures = tables.listeners.keys().filter(|name| refuses.iter().any(|refused| **refused == ***name));
        let failures = failures
            .map(|name| BindFailure { listener: Arc::clone(name), reason: "address in use".to_owned() })
            .collect();
        *self.tables.lock().expect("a lock") = tables;
        failures
    }

    fn set_resolved(&self, cluster: Arc<str>, endpoints: Arc<Endpoints>) {
        self.resolved.lock().expect("a lock").insert(cluster, endpoints);
    }

    fn drain(&self) {
        self.drains.store(true, Ordering::SeqCst);
    }

    fn stop_accepting(&self) {
        self.accepts_no_more.store(true, Ordering::SeqCst);
    }

    fn active_connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn listeners(&self) -> Vec<BoundListener> {
        let tables = self.tables.lock().expect("a lock");
        let listeners = tables.listeners.values();
        listeners
            .map(|listener| BoundListener { name: Arc::clone(&listener.name), addresses: listener.addresses.clone() })
            .collect()
    }

    fn shutdown(&self) {}
}

/// A process, its workers and the orders that it gives.
pub(crate) struct Fixture {
    pub shared: Arc<Shared>,
    pub workers: Arc<Recorder>,
    pub orders: mpsc::UnboundedReceiver<Order>,
    pub start: Instant,
}

impl Fixture {
    /// From a bootstrap; with `discovery`, clusters and listeners come over it.
    pub fn new(text: &str, discovery: bool) -> Self {
        let mut bootstrap = Bootstrap::decode(text).expect("a bootstrap");
        let decoded = bootstrap::decode(&bootstrap);
        assert_eq!(decoded.errors, []);
        let start = Instant::now();
        let discovery = if discovery { Discovery::new(true, true, start) } else { Discovery::default() };
        let node = node::complete(decoded.node, &v3::core::Node::default());
        let resources = super::bootstrap::static_resources(&mut bootstrap);
        let mut state = State::new(bootstrap.whole, node, discovery);
        state.add_static(decoded.tables, resources);
        let workers = Arc::new(Recorder::default());
        let (shared, orders) = Shared::new(Parts {
            stats: Registry::new(),
            access_logs: AccessLogs::start().expect("a thread"),
            log: LogHandle::detached(LogLevel::Info),
            publish: workers.clone(),
            concurrency: 2,
            drain_time: Duration::from_secs(5),
            command_line: v3::admin::CommandLineOptions::default(),
            state,
        });
        shared.advance(start);
        Self { shared, workers, orders, start }
    }

    /// Without anything in the bootstrap.
    pub fn mesh() -> Self {
        Self::new(r#"{"node": {"id": "a", "cluster": "b"}}"#, true)
    }

    /// An update as the control plane sends it; returns names and reasons of what was rejected.
    pub fn send<T: Name + Default>(
        &self,
        version: &str,
        resources: &[&str],
        removed: &[&str],
    ) -> Vec<(String, String)> {
        self.send_at::<T>(self.start, version, resources, removed)
    }

    pub fn send_at<T: Name + Default>(
        &self,
        now: Instant,
        version: &str,
        resources: &[&str],
        removed: &[&str],
    ) -> Vec<(String, String)> {
        let added = resources.iter().map(|text| {
            let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
            let name = value.get("name").or_else(|| value.get("cluster_name")).and_then(|name| name.as_str());
            let message: T = json::decode(text).expect("a resource");
            (name.expect("a name").to_owned(), pack(&message))
        });
        let update = Update {
            type_url: T::type_url(),
            version: version.to_owned(),
            added: added.collect(),
            removed: removed.iter().map(|name| (*name).to_owned()).collect(),
        };
        self.shared.update(&update, now)
    }
}

pub(crate) const LISTENER: &str = r#"{
    "name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 8080}},
    "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in", "rds": {"route_config_name": "r", "config_source": {"ads": {}, "resource_api_version": "V3"}},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}}]}]}"#;
pub(crate) const ROUTES: &str = r#"{"name": "r", "virtual_hosts": [{"name": "v", "domains": ["*"],
    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "c"}}]}]}"#;
pub(crate) const CLUSTER: &str = r#"{"name": "c", "type": "EDS", "connect_timeout": "1s",
    "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}}}"#;
pub(crate) const ENDPOINTS: &str = r#"{"cluster_name": "c", "endpoints": [{"lb_endpoints": [{"endpoint": {
    "address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}}}]}]}"#;

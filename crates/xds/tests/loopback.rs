//! Server and client against each other over loopback, in both variants.

#![allow(clippy::unwrap_used)] // tests

use lateen_envoy_api::v3::{cluster, core, endpoint, listener, route};
use lateen_envoy_api::{Any, google::rpc::Status, pack, type_url, unpack};
use lateen_xds::client::{self, Handler, Options, Update};
use lateen_xds::server::{AdsServer, Client, Event, Outcome, Provider, ProviderError, Report};
use lateen_xds::{Rejected, Resource, ResourceSet, TypeSet, Variant};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

/// Far more than loopback needs; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    generation: watch::Sender<u64>,
    resources: Mutex<Arc<ResourceSet>>,
    reports: mpsc::UnboundedSender<Report>,
}

impl World {
    fn set(&self, resources: ResourceSet) {
        *self.resources.lock().unwrap() = Arc::new(resources);
        self.generation.send_modify(|generation| *generation += 1);
    }
}

struct Shared(Arc<World>);

impl Provider for Shared {
    fn generation(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    fn resources(&self, client: &Client) -> Result<Arc<ResourceSet>, ProviderError> {
        if client.node.id.is_empty() {
            return Err(ProviderError::Invalid("a node without an id".into()));
        }
        Ok(self.0.resources.lock().unwrap().clone())
    }

    fn report(&self, report: Report) {
        let _ = self.0.reports.send(report);
    }
}

/// Keeps what it is given by name; refuses what is called `bad`.
struct Keeper {
    live: BTreeMap<String, BTreeMap<String, Any>>,
    log: mpsc::UnboundedSender<Log>,
}

#[derive(Debug, PartialEq)]
enum Log {
    Connected,
    Disconnected,
    Live { type_url: String, names: Vec<String>, added: usize },
}

impl Handler for Keeper {
    fn interests(&self) -> Vec<(String, BTreeSet<String>)> {
        let names = |url| self.live.get(url).into_iter().flatten();
        let endpoints = names(type_url::CLUSTER).map(|(name, _)| name.clone()).collect();
        let routes = names(type_url::LISTENER).map(|(_, body)| unpack::<listener::Listener>(body).unwrap().stat_prefix);
        vec![(type_url::ENDPOINT.into(), endpoints), (type_url::ROUTE.into(), routes.collect())]
    }

    fn apply(&mut self, update: Update) -> Vec<Rejected> {
        let live = self.live.entry(update.type_url.clone()).or_default();
        let mut rejected = Vec::new();
        for name in &update.removed {
            live.remove(name);
        }
        let added = update.added.len();
        for resource in update.added {
            if resource.name == "bad" {
                rejected.push(Rejected { name: resource.name, reason: "it is bad".into() });
            } else {
                live.insert(resource.name, resource.body);
            }
        }
        let names = live.keys().cloned().collect();
        let _ = self.log.send(Log::Live { type_url: update.type_url, names, added });
        rejected
    }

    fn connected(&mut self) {
        let _ = self.log.send(Log::Connected);
    }

    fn disconnected(&mut self, _: &tonic::Status) {
        let _ = self.log.send(Log::Disconnected);
    }
}

fn set(clusters: &[&str], listeners: &[(&str, &str)], routes: &[&str]) -> ResourceSet {
    let of = |names: &[&str], pack: &dyn Fn(String) -> Any| -> TypeSet {
        names.iter().map(|name| Resource::new(*name, pack((*name).to_owned()))).collect()
    };
    let cluster = |name| pack(&cluster::Cluster { name, ..Default::default() });
    let endpoint = |cluster_name| pack(&endpoint::ClusterLoadAssignment { cluster_name, ..Default::default() });
    let route = |name| pack(&route::RouteConfiguration { name, ..Default::default() });
    let listeners = listeners.iter().map(|(name, route)| {
        let body = listener::Listener { name: (*name).into(), stat_prefix: (*route).into(), ..Default::default() };
        Resource::new(*name, pack(&body))
    });
    ResourceSet::new()
        .with(type_url::CLUSTER, of(clusters, &cluster))
        .with(type_url::ENDPOINT, of(clusters, &endpoint))
        .with(type_url::LISTENER, listeners.collect())
        .with(type_url::ROUTE, of(routes, &route))
}

struct Harness {
    world: Arc<World>,
    reports: mpsc::UnboundedReceiver<Report>,
    log: mpsc::UnboundedReceiver<Log>,
    server: Option<Running>,
    stop_client: oneshot::Sender<()>,
    client: tokio::task::JoinHandle<Keeper>,
    address: SocketAddr,
}

/// A server on its own runtime: when that is dropped, its connections break as
/// if the process had gone.
fn serve(world: &Arc<World>, address: SocketAddr) -> (SocketAddr, Running) {
    let listener = std::net::TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = AdsServer::new(Arc::new(Shared(world.clone()))).with_identifier("test").into_service();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let serve = Server::builder().serve_with_incoming(service, TcpListenerStream::new(listener));
            tokio::select! {
                result = serve => result.unwrap(),
                _ = stopped => {}
            }
        });
    });
    (address, Running { stop, thread })
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Running {
    fn stop(self) {
        let _ = self.stop.send(());
        self.thread.join().unwrap();
    }
}

async fn start(variant: Variant, resources: ResourceSet) -> Harness {
    let (report_sender, reports) = mpsc::unbounded_channel();
    let (log_sender, log) = mpsc::unbounded_channel();
    let world = Arc::new(World {
        generation: watch::Sender::new(1),
        resources: Mutex::new(Arc::new(resources)),
        reports: report_sender,
    });
    let (address, server) = serve(&world, "127.0.0.1:0".parse().unwrap());
    let channel = client::endpoint(format!("http://{address}")).unwrap().connect_lazy();
    let node = core::Node { id: "test".into(), ..Default::default() };
    let mut options = Options::new(channel, node, || 0.0);
    options.variant = variant;
    let (stop_client, stopped) = oneshot::channel::<()>();
    let keeper = Keeper { live: BTreeMap::new(), log: log_sender };
    let client = tokio::spawn(client::run(options, keeper, async move {
        let _ = stopped.await;
    }));
    Harness { world, reports, log, server: Some(server), stop_client, client, address }
}

impl Harness {
    async fn next(&mut self) -> Log {
        tokio::time::timeout(PATIENCE, self.log.recv()).await.expect("in time").expect("a log")
    }

    /// What is live of which type after the next update, as `CDS a b`.
    async fn update(&mut self) -> String {
        match self.next().await {
            Log::Live { type_url, names, .. } => {
                let short = match type_url.as_str() {
                    type_url::CLUSTER => "CDS",
                    type_url::ENDPOINT => "EDS",
                    type_url::LISTENER => "LDS",
                    type_url::ROUTE => "RDS",
                    other => other,
                };
                format!("{short} {}", names.join(" "))
            }
            other => format!("{other:?}"),
        }
    }

    async fn expect(&mut self, updates: &[&str]) {
        for update in updates {
            assert_eq!(self.update().await, *update);
        }
    }

    async fn report(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let report = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
            let event = report.expect("in time").expect("a report").event;
            if wanted(&event) {
                return event;
            }
        }
    }

    async fn stop(self) -> Keeper {
        let _ = self.stop_client.send(());
        let keeper = self.client.await.unwrap();
        if let Some(server) = self.server {
            server.stop();
        }
        keeper
    }
}

const BOTH: [Variant; 2] = [Variant::Delta, Variant::StateOfTheWorld];

#[tokio::test]
async fn a_client_gets_the_world_in_order_and_follows_its_changes() {
    for variant in BOTH {
        let world = set(&["a", "b"], &[("l", "r")], &["r", "unused"]);
        let mut harness = start(variant, world).await;
        assert_eq!(harness.next().await, Log::Connected);
        harness.expect(&["CDS a b", "EDS a b", "LDS l", "RDS r"]).await;
        harness.report(|event| matches!(event, Event::Connected)).await;

        // The listener moves to another route that needs cluster c; b goes last.
        harness.world.set(set(&["a", "c"], &[("l", "s")], &["r", "s"]));
        harness.expect(&["CDS a b c", "EDS a b c", "LDS l", "RDS r s", "CDS a c"]).await;
        let keeper = harness.stop().await;
        assert_eq!(keeper.interests()[1].1, BTreeSet::from(["s".to_owned()]));
    }
}

#[tokio::test]
async fn a_refused_resource_is_reported_and_the_rest_goes_on() {
    for variant in BOTH {
        let mut harness = start(variant, set(&["a", "bad"], &[("l", "r")], &["r"])).await;
        assert_eq!(harness.next().await, Log::Connected);
        harness.expect(&["CDS a", "EDS a", "LDS l", "RDS r"]).await;
        let nack = harness
            .report(|event| match event {
                Event::Answered { feedback, .. } => feedback.outcome != Outcome::Accepted,
                _ => false,
            })
            .await;
        let Event::Answered { feedback, generation: 1 } = nack else {
            panic!("{nack:?}");
        };
        let Outcome::Refused { resources, message } = feedback.outcome else {
            panic!("accepted");
        };
        assert_eq!(feedback.type_url, type_url::CLUSTER);
        assert_eq!(resources.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["bad"]);
        assert_eq!(message, "bad: it is bad");

        harness.world.set(set(&["a", "b", "bad"], &[("l", "r")], &["r"]));
        harness.expect(&["CDS a b", "EDS a b"]).await;
        harness.stop().await;
    }
}

#[tokio::test]
async fn a_client_keeps_what_it_has_and_comes_back() {
    for variant in BOTH {
        let mut harness = start(variant, set(&["a", "b"], &[("l", "r")], &["r"])).await;
        assert_eq!(harness.next().await, Log::Connected);
        harness.expect(&["CDS a b", "EDS a b", "LDS l", "RDS r"]).await;

        harness.server.take().unwrap().stop();
        assert_eq!(harness.next().await, Log::Disconnected);
        harness.report(|event| matches!(event, Event::Disconnected)).await;

        harness.world.set(set(&["a", "b", "c"], &[("l", "r")], &["r"]));
        harness.server = Some(serve(&harness.world, harness.address).1);
        let first = loop {
            match harness.next().await {
                Log::Disconnected => {}
                Log::Connected => break harness.next().await,
                other => panic!("{other:?}"),
            }
        };
        let Log::Live { type_url, names, added } = first else {
            panic!("{first:?}");
        };
        assert_eq!((type_url.as_str(), names.join(" ").as_str()), (type_url::CLUSTER, "a b c"));
        // Delta says what it has, so only the new one comes.
        assert_eq!(added, if variant == Variant::Delta { 1 } else { 3 });
        let keeper = harness.stop().await;
        assert!(keeper.live[type_url::LISTENER].contains_key("l"));
    }
}

#[tokio::test]
async fn a_client_without_an_id_is_told_why() {
    use lateen_envoy_api::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
    use lateen_envoy_api::v3::discovery::{DeltaDiscoveryRequest, DiscoveryRequest};
    let harness = start(Variant::Delta, set(&["a"], &[], &[])).await;
    let channel = client::endpoint(format!("http://{}", harness.address)).unwrap().connect_lazy();
    let mut raw = AggregatedDiscoveryServiceClient::new(channel);
    let request = DeltaDiscoveryRequest {
        type_url: type_url::CLUSTER.into(),
        error_detail: Some(Status::default()),
        response_nonce: "7".into(),
        ..Default::default()
    };
    let mut answers = raw.delta_aggregated_resources(tokio_stream::iter([request])).await.unwrap().into_inner();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().contains("a node without an id"), "{status}");

    let node = core::Node { id: "raw".into(), ..Default::default() };
    let untyped = DiscoveryRequest { node: Some(node), ..Default::default() };
    let mut answers = raw.stream_aggregated_resources(tokio_stream::iter([untyped])).await.unwrap().into_inner();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    harness.stop().await;
}

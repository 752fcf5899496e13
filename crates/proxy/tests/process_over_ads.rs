//! A whole proxy with a control plane in the same program, over loopback.
//! What an operator sees: when it is ready, what serves after a bad update, and that it outlives the control plane.

#[path = "support/process.rs"]
mod process;

use lateen_envoy_api::prost::Name;
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::core::Node;
use lateen_envoy_api::v3::listener::Listener;
use lateen_envoy_api::v3::route::RouteConfiguration;
use lateen_envoy_api::{Bootstrap, json, pack, type_url};
use lateen_proxy::{Options, Proxy, Source};
use lateen_xds::server::{AdsServer, Client, Event, Outcome, Provider, ProviderError, Report};
use lateen_xds::{Resource, ResourceSet};
use process::{get, until};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::{oneshot, watch};

struct World {
    generation: watch::Sender<u64>,
    resources: Mutex<Arc<ResourceSet>>,
    refusals: Mutex<Vec<String>>,
}

struct Shared(Arc<World>);

impl Provider for Shared {
    fn generation(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    fn resources(&self, _: &Client) -> Result<Arc<ResourceSet>, ProviderError> {
        Ok(self.0.resources.lock().expect("a lock").clone())
    }

    fn report(&self, report: Report) {
        if let Event::Answered { feedback, .. } = report.event
            && let Outcome::Refused { message, .. } = feedback.outcome
        {
            self.0.refusals.lock().expect("a lock").push(message);
        }
    }
}

/// A control plane; it is gone when this is dropped.
struct ControlPlane {
    world: Arc<World>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl ControlPlane {
    fn start(resources: ResourceSet) -> Self {
        let world = Arc::new(World {
            generation: watch::Sender::new(1),
            resources: Mutex::new(Arc::new(resources)),
            refusals: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let service = AdsServer::new(Arc::new(Shared(Arc::clone(&world)))).into_service();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let incoming = tonic::transport::server::TcpIncoming::from(listener);
                let serving = tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming);
                tokio::select! {
                    served = serving => served.expect("served"),
                    _ = stopped => {}
                }
            });
        });
        Self { world, address, stop: Some(stop), thread: Some(thread) }
    }

    fn set(&self, resources: ResourceSet) {
        *self.world.resources.lock().expect("a lock") = Arc::new(resources);
        self.world.generation.send_modify(|generation| *generation += 1);
    }

    fn refusals(&self) -> Vec<String> {
        self.world.refusals.lock().expect("a lock").clone()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn resource<T: Name + Default>(name: &str, text: &str) -> Resource {
    Resource::new(name, pack(&json::decode::<T>(text).expect("a resource")))
}

fn listener(name: &str, host: &str, codec: &str) -> Resource {
    let text = format!(
        r#"{{"name": "{name}", "address": {{"socket_address": {{"address": "{host}", "port_value": 0}}}},
        "filter_chains": [{{"filters": [{{"name": "envoy.filters.network.http_connection_manager", "typed_config": {{
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in", "codec_type": "{codec}",
            "rds": {{"route_config_name": "r", "config_source": {{"ads": {{}}, "resource_api_version": "V3"}}}},
            "http_filters": [{{"name": "envoy.filters.http.router", "typed_config": {{
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}}}]}}}}]}}]}}"#
    );
    resource::<Listener>(name, &text)
}

fn routes(body: &str) -> Resource {
    let text = format!(
        r#"{{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["*"], "routes": [
            {{"match": {{"prefix": "/"}}, "direct_response": {{"status": 200, "body": {{"inline_string": "{body}"}}}}}}]}}]}}"#
    );
    resource::<RouteConfiguration>("r", &text)
}

fn world(listeners: Vec<Resource>, routes: Resource) -> ResourceSet {
    let cluster = resource::<Cluster>("c", r#"{"name": "c", "type": "STATIC", "connect_timeout": "1s"}"#);
    ResourceSet::new()
        .with(type_url::CLUSTER, [cluster].into_iter().collect())
        .with(type_url::LISTENER, listeners.into_iter().collect())
        .with(type_url::ROUTE, [routes].into_iter().collect())
}

fn start(control: &ControlPlane) -> Proxy {
    let any = "127.0.0.1:0".parse().ok();
    let mut options = Options::new(Source::Ads { uri: format!("http://{}", control.address) });
    options.node = Node { id: "test".to_owned(), ..Node::default() };
    options.concurrency = Some(1);
    (options.admin, options.health, options.prometheus) = (any, any, any);
    Proxy::start(options).expect("a proxy")
}

/// The same by a bootstrap that names the control plane as stock Envoy's does; state of the world.
fn start_by_bootstrap(control: &ControlPlane) -> Proxy {
    let text = format!(
        r#"{{"node": {{"id": "file", "cluster": "test"}},
        "admin": {{"address": {{"socket_address": {{"address": "127.0.0.1", "port_value": 0}}}}}},
        "dynamic_resources": {{
            "ads_config": {{"api_type": "GRPC", "transport_api_version": "V3",
                "grpc_services": [{{"envoy_grpc": {{"cluster_name": "xds"}}}}]}},
            "cds_config": {{"ads": {{}}, "resource_api_version": "V3"}},
            "lds_config": {{"ads": {{}}, "resource_api_version": "V3"}}}},
        "static_resources": {{"clusters": [{{"name": "xds", "type": "STATIC", "connect_timeout": "1s",
            "typed_extension_protocol_options": {{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {{
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {{"http2_protocol_options": {{}}}}}}}},
            "load_assignment": {{"cluster_name": "xds", "endpoints": [{{"lb_endpoints": [{{"endpoint": {{"address":
                {{"socket_address": {{"address": "127.0.0.1", "port_value": {}}}}}}}}}]}}]}}}}]}}}}"#,
        control.address.port()
    );
    let bootstrap = Bootstrap::decode(&text).expect("a bootstrap");
    let mut options = Options::new(Source::Bootstrap(Box::new(bootstrap)));
    options.concurrency = Some(1);
    Proxy::start(options).expect("a proxy")
}

fn address(proxy: &Proxy, name: &str) -> SocketAddr {
    let listeners = proxy.listeners();
    let found = listeners.iter().find(|listener| &*listener.name == name);
    *found.and_then(|listener| listener.addresses.first()).expect("a bound listener")
}

#[test]
fn a_bad_update_and_a_lost_control_plane_leave_what_is_good_in_place() {
    let control = ControlPlane::start(world(vec![listener("l", "127.0.0.1", "AUTO")], routes("one")));
    let proxy = start(&control);
    let health = proxy.health_address().expect("a health port");
    until("the proxy is ready", || get(health, "/healthz/ready").0 == 200);
    let served = address(&proxy, "l");
    assert_eq!(get(served, "/"), (200, "one".to_owned()));
    let metrics = get(proxy.prometheus_address().expect("a metrics port"), "/stats/prometheus").1;
    assert!(metrics.contains("envoy_listener_manager_total_listeners_active{} 1\n"), "{metrics}");

    // Half of the update is bad: that half stays as it was.
    control.set(world(vec![listener("l", "127.0.0.1", "HTTP3"), listener("m", "127.0.0.2", "AUTO")], routes("two")));
    until("the update is refused", || control.refusals().iter().any(|message| message.contains("codec_type")));
    until("the routes are new", || get(served, "/") == (200, "two".to_owned()));
    until("the other listener serves", || proxy.listeners().len() == 2);
    let errors = proxy.errors();
    assert_eq!(errors.iter().map(|error| &*error.name).collect::<Vec<_>>(), ["l"]);
    let admin = proxy.admin_address().expect("an admin port");
    let dump = get(admin, "/config_dump?resource=dynamic_listeners&name_regex=l").1;
    assert!(dump.contains("\"error_state\"") && dump.contains("codec_type"), "{dump}");

    drop(control);
    until("the loss is noticed", || get(admin, "/stats?filter=connected_state").1.ends_with(": 0\n"));
    assert_eq!(get(served, "/"), (200, "two".to_owned()));
    assert_eq!(get(health, "/healthz/ready").0, 200);

    proxy.drain();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(proxy.ended());
    assert!(std::net::TcpStream::connect(served).is_err(), "nothing listens any more");
}

#[test]
fn a_bootstrap_names_the_control_plane() {
    let control = ControlPlane::start(world(vec![listener("l", "127.0.0.1", "AUTO")], routes("one")));
    let proxy = start_by_bootstrap(&control);
    assert_eq!((proxy.health_address(), proxy.prometheus_address()), (None, None), "only what the file says");
    until("the proxy is ready", || proxy.is_ready());
    assert_eq!(get(address(&proxy, "l"), "/"), (200, "one".to_owned()));
    let dump = get(proxy.admin_address().expect("an admin port"), "/config_dump").1;
    for part in ["\"static_clusters\"", "\"dynamic_active_clusters\"", "\"ads_config\"", "\"id\": \"file\""] {
        assert!(dump.contains(part), "{part} is not in {dump}");
    }
    // The static cluster is not swept away by what discovery sends.
    control.set(world(vec![], routes("one")));
    until("the listener is gone", || proxy.listeners().is_empty());
    assert!(get(proxy.admin_address().expect("an admin port"), "/clusters").1.contains("xds::added_via_api::false\n"));
}

//! Stock Envoy as a client of the server, in both variants.
//!
//! Needs stock Envoy, which `cargo xtask test` installs; without it the test fails and says so.
#![allow(clippy::unwrap_used)] // tests

use lateen_envoy_api::{json, type_url, v3};
use lateen_xds::server::{AdsServer, Client, Event, Outcome, Provider, ProviderError, Report};
use lateen_xds::{Resource, ResourceSet, Variant};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::TcpListenerStream;

struct World {
    generation: watch::Sender<u64>,
    resources: Mutex<Arc<ResourceSet>>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Provider for World {
    fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    fn resources(&self, _: &Client) -> Result<Arc<ResourceSet>, ProviderError> {
        Ok(self.resources.lock().unwrap().clone())
    }

    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

/// One listener, one route to `target`, all clusters with endpoints by EDS.
fn world(clusters: &[&str], target: &str) -> ResourceSet {
    let any = |body: serde_json::Value| {
        let config = serde_json::json!({"name": "x", "typed_config": body});
        json::decode_value::<v3::core::TypedExtensionConfig>(&config).unwrap().typed_config.unwrap()
    };
    let ads = serde_json::json!({"ads": {}, "resource_api_version": "V3"});
    let cluster = |name: &&str| {
        // Without a source of endpoints Envoy refuses the cluster.
        let eds = if *name == "broken" { serde_json::json!({}) } else { serde_json::json!({"eds_config": ads}) };
        Resource::new(
            *name,
            any(serde_json::json!({
                "@type": type_url::CLUSTER, "name": name, "type": "EDS", "eds_cluster_config": eds,
            })),
        )
    };
    let endpoints = |name: &&str| {
        Resource::new(
            *name,
            any(serde_json::json!({
                "@type": type_url::ENDPOINT, "cluster_name": name,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                    "socket_address": {"address": "127.0.0.1", "port_value": 9}}}}]}],
            })),
        )
    };
    let listener = serde_json::json!({
        "@type": type_url::LISTENER, "name": "l",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "hcm", "typed_config": {
            "@type": type_url::HTTP_CONNECTION_MANAGER, "stat_prefix": "l",
            "rds": {"route_config_name": "r", "config_source": ads},
            "http_filters": [{"name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        }}]}],
    });
    let route = serde_json::json!({
        "@type": type_url::ROUTE, "name": "r", "validate_clusters": true,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": target}}]}],
    });
    ResourceSet::new()
        .with(type_url::CLUSTER, clusters.iter().map(cluster).collect())
        .with(type_url::ENDPOINT, clusters.iter().map(endpoints).collect())
        .with(type_url::LISTENER, [Resource::new("l", any(listener))].into_iter().collect())
        .with(type_url::ROUTE, [Resource::new("r", any(route))].into_iter().collect())
}

/// Ends with the test, also when that fails.
struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn envoy(binary: &str, folder: &Path, variant: Variant, port: u16) -> Envoy {
    let api_type = match variant {
        Variant::Delta => "DELTA_GRPC",
        Variant::StateOfTheWorld => "GRPC",
    };
    let ads = serde_json::json!({"ads": {}, "resource_api_version": "V3"});
    let bootstrap = serde_json::json!({
        "node": {"id": "stock", "cluster": "test"},
        "dynamic_resources": {"cds_config": ads, "lds_config": ads, "ads_config": {
            "api_type": api_type, "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}]}},
        "static_resources": {"clusters": [{
            "name": "xds", "type": "STATIC",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http2_protocol_options": {}}}},
            "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                "socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}]}}]},
    });
    json::decode_value::<v3::bootstrap::Bootstrap>(&bootstrap).unwrap();
    let path = folder.join("envoy.json");
    std::fs::write(&path, bootstrap.to_string()).unwrap();
    let log = std::fs::File::create(folder.join("envoy.log")).unwrap();
    let child = Command::new(binary)
        .arg("-c")
        .arg(path)
        .args(["--use-dynamic-base-id", "--concurrency", "1"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Envoy(child)
}

/// Waits for `count` answers and gives them as `CDS ack` or `CDS nack a`, in order.
async fn answers(reports: &mut mpsc::UnboundedReceiver<Report>, count: usize) -> Vec<String> {
    let mut answers = Vec::new();
    while answers.len() < count {
        let report = tokio::time::timeout(Duration::from_secs(30), reports.recv()).await;
        let event = report.unwrap_or_else(|_| panic!("only {answers:?}")).unwrap().event;
        let Event::Answered { feedback, .. } = event else {
            continue;
        };
        let short = match feedback.type_url.as_str() {
            type_url::CLUSTER => "CDS",
            type_url::ENDPOINT => "EDS",
            type_url::LISTENER => "LDS",
            type_url::ROUTE => "RDS",
            other => other,
        };
        answers.push(match feedback.outcome {
            Outcome::Accepted => format!("{short} ack"),
            Outcome::Refused { resources, .. } => {
                let names: Vec<_> = resources.into_iter().map(|(name, _)| name).collect();
                format!("{short} nack {}", names.join(" "))
            }
        });
    }
    answers
}

async fn talk(binary: &str, variant: Variant) {
    let (sender, mut reports) = mpsc::unbounded_channel();
    let provider = Arc::new(World {
        generation: watch::Sender::new(1),
        resources: Mutex::new(Arc::new(world(&["a"], "a"))),
        reports: sender,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = AdsServer::new(provider.clone()).into_service();
    let server = tokio::spawn(
        tonic::transport::Server::builder().serve_with_incoming(service, TcpListenerStream::new(listener)),
    );
    let folder = tempfile::tempdir().unwrap();
    let _envoy = envoy(binary, folder.path(), variant, port);
    let set = |resources| {
        *provider.resources.lock().unwrap() = Arc::new(resources);
        provider.generation.send_modify(|generation| *generation += 1);
    };

    assert_eq!(answers(&mut reports, 4).await, ["CDS ack", "EDS ack", "LDS ack", "RDS ack"], "{variant:?}");
    set(world(&["b"], "b"));
    let mut moved = answers(&mut reports, 4).await;
    assert_eq!((moved[0].as_str(), moved[3].as_str()), ("CDS ack", "CDS ack"), "{moved:?}");
    moved.sort();
    assert_eq!(moved, ["CDS ack", "CDS ack", "EDS ack", "RDS ack"], "{variant:?}");
    set(world(&["b", "broken"], "b"));
    assert_eq!(answers(&mut reports, 1).await, ["CDS nack broken"], "{variant:?}");
    set(world(&["b", "c", "broken"], "c"));
    let mut last = answers(&mut reports, 3).await;
    last.sort();
    assert_eq!(last, ["CDS ack", "EDS ack", "RDS ack"], "{variant:?}");
    server.abort();
}

#[tokio::test]
async fn stock_envoy_takes_what_is_served() {
    let binary = lateen_testkit::envoy_program().expect("no stock Envoy: run `cargo xtask test`, or set LATEEN_ENVOY");
    let binary = binary.to_string_lossy();
    for variant in [Variant::Delta, Variant::StateOfTheWorld] {
        talk(&binary, variant).await;
    }
}

use super::*;
use crate::process::Order;
use crate::process::fixture::{CLUSTER, ENDPOINTS, Fixture, LISTENER, ROUTES};
use http::{Method, StatusCode};
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::endpoint::ClusterLoadAssignment;
use lateen_envoy_api::v3::listener::Listener;
use lateen_envoy_api::v3::route::RouteConfiguration;
use serde_json::Value;

fn get(proxy: &Fixture, path: &str) -> Answer {
    admin(&proxy.shared, &Method::GET, path)
}

fn json(proxy: &Fixture, path: &str) -> Value {
    let answer = get(proxy, path);
    assert_eq!((answer.status, answer.content_type), (StatusCode::OK, "application/json"), "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

fn served() -> Fixture {
    let proxy = Fixture::mesh();
    proxy.send::<Cluster>("c1", &[CLUSTER], &[]);
    proxy.send::<ClusterLoadAssignment>("e1", &[ENDPOINTS], &[]);
    proxy.send::<Listener>("l1", &[LISTENER], &[]);
    proxy.send::<RouteConfiguration>("r1", &[ROUTES], &[]);
    proxy
}

#[test]
fn methods_and_unknown_paths() {
    let proxy = Fixture::mesh();
    for path in ["/healthcheck/fail", "/quitquitquit", "/reset_counters", "/drain_listeners?graceful", "/logging"] {
        assert_eq!(get(&proxy, path).status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(admin(&proxy.shared, &Method::DELETE, "/stats").status, StatusCode::METHOD_NOT_ALLOWED);
    let unknown = get(&proxy, "/nothing");
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body.contains("/config_dump"));
    assert!(get(&proxy, "/").body.contains("href=\"/clusters\""));
}

#[test]
fn readiness_follows_the_first_configuration_and_the_health_switch() {
    let proxy = Fixture::mesh();
    assert_eq!(
        (get(&proxy, "/ready").status, get(&proxy, "/ready").body),
        (StatusCode::SERVICE_UNAVAILABLE, "PRE_INITIALIZING\n".to_owned())
    );
    assert_eq!(health(&proxy.shared, &Method::GET, "/healthz/ready").status, StatusCode::SERVICE_UNAVAILABLE);
    let proxy = served();
    assert_eq!((get(&proxy, "/ready").status, get(&proxy, "/ready").body), (StatusCode::OK, "LIVE\n".to_owned()));
    assert_eq!(health(&proxy.shared, &Method::GET, "/healthz/ready").status, StatusCode::OK);
    admin(&proxy.shared, &Method::POST, "/healthcheck/fail");
    assert_eq!(health(&proxy.shared, &Method::GET, "/healthz/ready").status, StatusCode::SERVICE_UNAVAILABLE);
    admin(&proxy.shared, &Method::POST, "/healthcheck/ok");
    assert_eq!(health(&proxy.shared, &Method::GET, "/healthz/ready").status, StatusCode::OK);
    proxy.shared.start_draining();
    assert_eq!(health(&proxy.shared, &Method::GET, "/healthz/ready").status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(health(&proxy.shared, &Method::GET, "/stats").status, StatusCode::NOT_FOUND);
}

#[test]
fn config_dump_gives_back_what_came() {
    let proxy = served();
    let dump = json(&proxy, "/config_dump?include_eds");
    let kinds: Vec<_> = dump["configs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|config| config["@type"].as_str().expect("a type").rsplit('.').next().expect("a name"))
        .collect();
    assert_eq!(
        kinds,
        [
            "BootstrapConfigDump",
            "ClustersConfigDump",
            "EndpointsConfigDump",
            "ListenersConfigDump",
            "RoutesConfigDump",
            "SecretsConfigDump"
        ]
    );
    assert_eq!(dump["configs"][0]["bootstrap"]["node"]["id"], "a");
    let cluster = &dump["configs"][1]["dynamic_active_clusters"][0];
    assert_eq!((&cluster["version_info"], &cluster["cluster"]["name"]), (&"c1".into(), &"c".into()));
    assert_eq!(cluster["cluster"]["@type"], "type.googleapis.com/envoy.config.cluster.v3.Cluster");
    let listener = &dump["configs"][3]["dynamic_listeners"][0];
    let hcm = &listener["active_state"]["listener"]["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(hcm["rds"]["route_config_name"], "r");
    assert_eq!(dump["configs"][4]["dynamic_route_configs"][0]["route_config"]["name"], "r");
    assert_eq!(json(&proxy, "/config_dump")["configs"].as_array().map(Vec::len), Some(5));
}

#[test]
fn config_dump_shows_routes_inside_listeners() {
    let proxy = Fixture::mesh();
    let rds = r#""rds": {"route_config_name": "r", "config_source": {"ads": {}, "resource_api_version": "V3"}}"#;
    let inline = LISTENER.replace(rds, &format!(r#""route_config": {ROUTES}"#));
    assert_eq!(proxy.send::<Listener>("l1", &[&inline], &[]), []);
    let dump = json(&proxy, "/config_dump?resource=static_route_configs");
    assert_eq!(dump["configs"][0]["route_config"]["virtual_hosts"][0]["name"], "v");
}

#[test]
fn config_dump_by_resource_name_and_mask() {
    let proxy = served();
    let dump = json(&proxy, "/config_dump?resource=dynamic_active_clusters&mask=cluster.name");
    assert_eq!(
        dump["configs"],
        serde_json::json!([{
            "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster",
            "cluster": {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "c"},
        }])
    );
    let dump = json(&proxy, "/config_dump?name_regex=x.*");
    assert_eq!(dump["configs"][1].get("dynamic_active_clusters"), None);
    assert_eq!(get(&proxy, "/config_dump?resource=nothing").status, StatusCode::NOT_FOUND);
    assert_eq!(get(&proxy, "/config_dump?name_regex=%28").status, StatusCode::BAD_REQUEST);
}

#[test]
fn config_dump_shows_what_was_refused() {
    let proxy = served();
    let bad = LISTENER.replace("\"stat_prefix\": \"in\"", "\"stat_prefix\": \"\"");
    assert_eq!(proxy.send::<Listener>("l2", &[&bad], &[]).len(), 1);
    let dump = json(&proxy, "/config_dump?resource=dynamic_listeners");
    let listener = &dump["configs"][0];
    assert_eq!(listener["active_state"]["version_info"], "l1");
    assert_eq!(listener["error_state"]["version_info"], "l2");
    assert!(
        listener["error_state"]["details"].as_str().is_some_and(|details| details.contains("stat_prefix")),
        "{listener}"
    );
}

#[test]
fn config_dump_holds_no_key() {
    let secret = r#"{"static_resources": {"secrets": [{"name": "s", "tls_certificate": {
        "certificate_chain": {"inline_string": "public"}, "private_key": {"inline_string": "hidden-1"},
        "password": {"inline_bytes": "aGlkZGVuLTI="}}}]}}"#;
    let proxy = Fixture::new(secret, false);
    let dump = get(&proxy, "/config_dump").body;
    assert!(!dump.contains("hidden-1") && !dump.contains("aGlkZGVuLTI="), "{dump}");
    assert!(dump.contains("public") && dump.contains("[redacted]"), "{dump}");
}

#[test]
fn clusters_and_listeners() {
    let proxy = served();
    proxy.shared.stats.worker().host("c", "10.0.0.1:80".parse().expect("an address")).rq_total.add(3);
    let text = get(&proxy, "/clusters").body;
    for line in [
        "c::default_priority::max_connections::1024\n",
        "c::added_via_api::true\n",
        "c::10.0.0.1:80::rq_total::3\n",
        "c::10.0.0.1:80::health_flags::healthy\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let clusters = json(&proxy, "/clusters?format=json");
    let host = &clusters["cluster_statuses"][0]["host_statuses"][0];
    assert_eq!(host["address"]["socket_address"]["port_value"], 80);
    assert_eq!(host["health_status"]["eds_health_status"], "HEALTHY");
    assert_eq!(get(&proxy, "/listeners").body, "l::127.0.0.1:8080\n");
    let listeners = json(&proxy, "/listeners?format=json");
    assert_eq!(listeners["listener_statuses"][0]["local_address"]["socket_address"]["address"], "127.0.0.1");
}

#[test]
fn statistics() {
    let proxy = served();
    let text = get(&proxy, "/stats?filter=membership").body;
    assert!(text.contains("cluster.c.membership_healthy: 1\ncluster.c.membership_total: 1\n"), "{text}");
    assert_eq!(get(&proxy, "/stats?usedonly&filter=server.live").body, "server.live: 1\n");
    let prometheus = prometheus(&proxy.shared, &Method::GET, "/stats/prometheus").body;
    assert!(prometheus.contains("envoy_cluster_membership_total{envoy_cluster_name=\"c\"} 1\n"), "{prometheus}");
    assert_eq!(get(&proxy, "/stats?format=prometheus").status, StatusCode::OK);
    assert_eq!(get(&proxy, "/stats?format=x").status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&proxy, "/stats?filter=(").status, StatusCode::BAD_REQUEST);
    assert!(json(&proxy, "/stats?format=json")["stats"].is_array());
}

#[test]
fn orders_and_levels() {
    let mut proxy = served();
    admin(&proxy.shared, &Method::POST, "/drain_listeners?graceful");
    admin(&proxy.shared, &Method::POST, "/quitquitquit");
    assert_eq!(proxy.orders.try_recv().ok(), Some(Order::DrainListeners { graceful: true }));
    assert_eq!(proxy.orders.try_recv().ok(), Some(Order::Quit));
    let levels = admin(&proxy.shared, &Method::POST, "/logging?level=debug").body;
    assert!(levels.contains("all: debug"), "{levels}");
    let levels = admin(&proxy.shared, &Method::POST, "/logging?paths=pool:trace,http:off").body;
    assert!(levels.contains("pool: trace") && levels.contains("http: off"), "{levels}");
    assert_eq!(admin(&proxy.shared, &Method::POST, "/logging?level=loud").status, StatusCode::BAD_REQUEST);
    let info = json(&proxy, "/server_info");
    assert_eq!((&info["state"], &info["node"]["user_agent_name"]), (&"LIVE".into(), &"lateen".into()));
}

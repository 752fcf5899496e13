use super::fixture::{CLUSTER, ENDPOINTS, Fixture, LISTENER, ROUTES};
use super::*;
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::endpoint::ClusterLoadAssignment;
use lateen_envoy_api::v3::listener::Listener;
use lateen_envoy_api::v3::route::RouteConfiguration;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[test]
fn nothing_serves_before_what_it_names() {
    let proxy = Fixture::mesh();
    assert_eq!(proxy.shared.phase(), Phase::PreInitializing);
    assert_eq!(proxy.send::<Cluster>("1", &[CLUSTER], &[]), []);
    assert!(!proxy.workers.serves_cluster("c"), "its endpoints are not there");
    assert_eq!(proxy.send::<ClusterLoadAssignment>("1", &[ENDPOINTS], &[]), []);
    assert!(proxy.workers.serves_cluster("c"));
    assert_eq!(proxy.shared.phase(), Phase::Initializing);
    assert_eq!(proxy.send::<Listener>("1", &[LISTENER], &[]), []);
    assert!(!proxy.workers.serves_listener("l"), "its routes are not there");
    assert_eq!(proxy.shared.phase(), Phase::Initializing);
    assert_eq!(proxy.send::<RouteConfiguration>("1", &[ROUTES], &[]), []);
    assert!(proxy.workers.serves_listener("l"));
    assert_eq!(proxy.shared.phase(), Phase::Live);
}

#[test]
fn waiting_has_an_end() {
    let proxy = Fixture::mesh();
    proxy.send::<Cluster>("1", &[CLUSTER], &[]);
    proxy.send::<Listener>("1", &[LISTENER], &[]);
    let deadline = proxy.shared.state().deadline(proxy.start).expect("a deadline");
    assert_eq!(deadline, proxy.start + Duration::from_secs(15));
    proxy.shared.advance(deadline - Duration::from_millis(1));
    assert_eq!(proxy.shared.phase(), Phase::PreInitializing);
    proxy.shared.advance(deadline);
    assert!(proxy.workers.serves_cluster("c") && proxy.workers.serves_listener("l"));
    assert_eq!(proxy.shared.phase(), Phase::Live);
    assert_eq!(proxy.shared.state().deadline(deadline), None);
}

#[test]
fn a_silent_control_plane_does_not_keep_what_is_static_from_serving() {
    let proxy = Fixture::mesh();
    let later = proxy.start + Duration::from_secs(15);
    proxy.shared.advance(later);
    assert_eq!(proxy.shared.phase(), Phase::Live);
}

#[test]
fn the_last_good_form_of_a_rejected_resource_keeps_serving() {
    let proxy = Fixture::mesh();
    let bad = CLUSTER.replace(
        r#""connect_timeout": "1s""#,
        r#""connect_timeout": "0s", "lb_policy": "LOAD_BALANCING_POLICY_CONFIG""#,
    );
    let other = CLUSTER.replace(r#""name": "c""#, r#""name": "d""#);
    proxy.send::<Cluster>("1", &[CLUSTER], &[]);
    proxy.send::<ClusterLoadAssignment>("1", &[ENDPOINTS, &ENDPOINTS.replace(r#""c""#, r#""d""#)], &[]);
    let rejected = proxy.send::<Cluster>("2", &[&bad, &other], &[]);
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert_eq!(rejected[0].0, "c");
    assert!(proxy.workers.serves_cluster("c"), "the last good form");
    // The endpoints of `d` were dropped as unused when only `c` was known.
    proxy.send::<ClusterLoadAssignment>("2", &[&ENDPOINTS.replace(r#""c""#, r#""d""#)], &[]);
    assert!(proxy.workers.serves_cluster("d"), "the others go on");
    let failures = proxy.shared.state().failures();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].1, "c");
    // A good form again ends the error.
    proxy.send::<Cluster>("3", &[CLUSTER], &[]);
    assert_eq!(proxy.shared.state().failures(), []);
}

#[test]
fn a_cluster_with_other_endpoints_keeps_its_old_ones_until_they_come() {
    let proxy = Fixture::mesh();
    proxy.send::<Cluster>("1", &[CLUSTER], &[]);
    proxy.send::<ClusterLoadAssignment>("1", &[ENDPOINTS], &[]);
    let other = CLUSTER.replace(r#""eds_cluster_config": {"#, r#""eds_cluster_config": {"service_name": "other","#);
    proxy.send::<Cluster>("2", &[&other], &[]);
    let serves = |name: &str| {
        let tables = proxy.workers.tables.lock().expect("a lock");
        tables.endpoints_of(&tables.clusters["c"]).is_some_and(|endpoints| &*endpoints.cluster == name)
    };
    assert!(serves("c"));
    proxy.send::<ClusterLoadAssignment>("2", &[&ENDPOINTS.replace(r#""c""#, r#""other""#)], &[]);
    assert!(serves("other"));
}

#[test]
fn a_listener_that_cannot_be_bound_is_rejected() {
    let proxy = Fixture::mesh();
    proxy.send::<RouteConfiguration>("1", &[ROUTES], &[]);
    proxy.workers.refuses.lock().expect("a lock").push("l".to_owned());
    let rejected = proxy.send::<Listener>("1", &[LISTENER], &[]);
    assert_eq!(rejected, [("l".to_owned(), "address in use".to_owned())]);
    proxy.workers.refuses.lock().expect("a lock").clear();
    proxy.shared.advance(proxy.start);
    assert_eq!(proxy.shared.state().failures(), []);
}

#[test]
fn what_nothing_names_is_forgotten() {
    let proxy = Fixture::mesh();
    proxy.send::<Cluster>("1", &[CLUSTER], &[]);
    proxy.send::<ClusterLoadAssignment>("1", &[ENDPOINTS], &[]);
    proxy.send::<Listener>("1", &[LISTENER], &[]);
    proxy.send::<RouteConfiguration>("1", &[ROUTES], &[]);
    proxy.send::<Cluster>("2", &[], &["c"]);
    proxy.send::<Listener>("2", &[], &["l"]);
    let state = proxy.shared.state();
    assert!(state.accepted.endpoints.is_empty() && state.accepted.routes.is_empty());
    assert!(state.serving.clusters.is_empty() && state.serving.listeners.is_empty());
}

#[test]
fn discovery_does_not_replace_what_is_static() {
    let text = format!(
        r#"{{"static_resources": {{"clusters": [{}]}}}}"#,
        CLUSTER.replace(r#""EDS""#, r#""STATIC""#).replace(
            r#""eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}}"#,
            &format!(r#""load_assignment": {ENDPOINTS}"#),
        )
    );
    let proxy = Fixture::new(&text, true);
    assert!(proxy.workers.serves_cluster("c"));
    proxy.send::<Cluster>("1", &[CLUSTER], &[]);
    proxy.send::<Cluster>("2", &[], &["c"]);
    assert!(proxy.workers.serves_cluster("c"));
    let state = proxy.shared.state();
    let kind = state.resources.kind(lateen_envoy_api::type_url::CLUSTER).expect("clusters");
    assert!(kind.entries["c"].is_static);
}

#[test]
fn live_stays_live_while_something_warms() {
    let proxy = Fixture::mesh();
    proxy.send::<Cluster>("1", &[], &[]);
    proxy.send::<Listener>("1", &[], &[]);
    assert_eq!(proxy.shared.phase(), Phase::Live);
    proxy.send::<Listener>("2", &[LISTENER], &[]);
    assert_eq!(proxy.shared.phase(), Phase::Live);
    assert_eq!(proxy.shared.stats.server.total_listeners_warming.get(), 1);
    proxy.shared.health_failed.store(true, Ordering::Relaxed);
    assert_eq!(proxy.shared.phase(), Phase::Draining);
}

#[test]
fn a_file_that_is_no_bootstrap_is_named_with_line_and_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("envoy.json");
    for (text, expected) in [
        ("{\n  \"static_resorces\": {}\n}", vec!["line 2", "static_resorces"]),
        (
            "{\"admin\": {\"address\": {\"socket_address\": {\"port_value\": \"x\"}}}}",
            vec!["admin.address.socket_address.port_value"],
        ),
        ("{", vec!["line 1"]),
    ] {
        std::fs::write(&path, text).expect("written");
        let error = read_bootstrap(&path).expect_err("an error").to_string();
        for part in expected.into_iter().chain(["envoy.json"]) {
            assert!(error.contains(part), "{part} is not in {error}");
        }
    }
}

use super::target::Target;
use super::*;
use lateen_envoy_api::Bootstrap;
use lateen_proxy_core::bootstrap::AdsConfig;

fn bootstrap(cluster: &str) -> Bootstrap {
    let text = format!(r#"{{"static_resources": {{"clusters": [{cluster}]}}}}"#);
    Bootstrap::decode(&text).expect("a bootstrap")
}

fn cluster(address: &str, more: &str) -> String {
    format!(
        r#"{{"name": "xds", {more} "load_assignment": {{"cluster_name": "xds", "endpoints": [
            {{"lb_endpoints": [{{"endpoint": {{"address": {address}}}}}]}}]}}}}"#
    )
}

#[test]
fn the_control_plane_is_found_in_the_bootstrap() {
    let socket = |host: &str| format!(r#"{{"socket_address": {{"address": "{host}", "port_value": 15010}}}}"#);
    let tls = r#""transport_socket": {"name": "envoy.transport_sockets.tls"},"#;
    for (cluster, expected) in [
        (cluster(&socket("istiod"), ""), Ok("http://istiod:15010/")),
        (cluster(&socket("::1"), ""), Ok("http://[::1]:15010/")),
        (cluster(&socket("istiod"), tls), Err("TLS")),
        (r#"{"name": "xds"}"#.to_owned(), Err("no endpoint")),
        (r#"{"name": "other"}"#.to_owned(), Err("\"xds\", which is not among")),
    ] {
        let ads = AdsConfig { cluster: "xds".to_owned(), ..AdsConfig::default() };
        match (Target::of_bootstrap(&bootstrap(&cluster), &ads), expected) {
            (Ok(target), Ok(uri)) => assert_eq!(target.endpoint.uri().to_string(), uri),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{cluster}: {expected:?}, not {:?}", found.err()),
        }
    }
}

#[test]
fn a_unix_socket_is_a_target() {
    let ads = AdsConfig { cluster: "xds".to_owned(), ..AdsConfig::default() };
    let cluster = cluster(r#"{"pipe": {"path": "/var/run/xds"}}"#, "");
    assert!(Target::of_bootstrap(&bootstrap(&cluster), &ads).is_ok());
}

#[test]
fn the_environment_of_a_pod_names_the_node() {
    let variables = [
        ("POD_NAME", "web-1"),
        ("POD_NAMESPACE", "shop"),
        ("INSTANCE_IP", "10.0.0.7"),
        ("ISTIO_META_CLUSTER_ID", "Kubernetes"),
        ("ISTIO_METAJSON_LABELS", r#"{"app": "web"}"#),
        ("HOME", "/root"),
    ];
    let node = node::of_environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
    let node = lateen_envoy_api::json::encode(&node::complete(v3::core::Node::default(), &node));
    assert_eq!(node["id"], "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local");
    assert_eq!(node["metadata"]["CLUSTER_ID"], "Kubernetes");
    assert_eq!(node["metadata"]["LABELS"]["app"], "web");
    assert_eq!(node["metadata"]["NAMESPACE"], "shop");
    assert_eq!(node["user_agent_name"], "lateen");
    assert!(
        node["extensions"]
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one["name"] == "envoy.filters.http.router"))
    );
}

#[test]
fn the_command_line_wins_over_the_bootstrap() {
    let bootstrap = v3::core::Node { id: "file".to_owned(), cluster: "file".to_owned(), ..Default::default() };
    let given = v3::core::Node { id: "given".to_owned(), ..Default::default() };
    let node = node::complete(bootstrap, &given);
    assert_eq!((node.id.as_str(), node.cluster.as_str()), ("given", "file"));
}

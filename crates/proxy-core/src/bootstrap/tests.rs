use super::*;
use crate::ir::TerminalFilter;
use crate::sample::hcm_listener;

#[test]
fn a_bootstrap_is_taken_apart() {
    let text = format!(
        r#"{{"node": {{"id": "n", "cluster": "c"}},
        "admin": {{"address": {{"socket_address": {{"address": "127.0.0.1", "port_value": 15000}}}}}},
        "stats_config": {{"use_all_default_tags": false}}, "overload_manager": {{"refresh_interval": "1s"}},
        "layered_runtime": {{"layers": [{{"name": "s", "static_layer": {{"envoy": {{"reloadable_features": {{"http_reject_path_with_fragment": false}}}}, "a.b": 7}}}},
        {{"name": "admin", "admin_layer": {{}}}}]}},
        "dynamic_resources": {{"lds_config": {{"ads": {{}}}}, "cds_config": {{"ads": {{}}}},
        "ads_config": {{"api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": [{{"envoy_grpc": {{"cluster_name": "xds"}}}}]}}}},
        "static_resources": {{"clusters": [{{"name": "xds"}}, {{"name": "bad", "connect_timeout": "0s"}},
            {{"name": "sds", "load_assignment": {{"cluster_name": "sds", "endpoints": [{{"lb_endpoints": [
                {{"endpoint": {{"address": {{"pipe": {{"path": "/x"}}}}}}}}]}}]}}}}], "listeners": [{}]}}}}"#,
        hcm_listener("")
    );
    let found = decode(&Bootstrap::decode(&text).expect("JSON"));
    assert_eq!(found.errors, []);
    assert_eq!(found.node.id, "n");
    assert_eq!(found.admin.map(|address| address.port()), Some(15000));
    assert_eq!(
        found.ignored,
        [
            "layered_runtime: admin_layer",
            "static_resources.clusters[sds] as a destination of traffic",
            "stats_config",
            "overload_manager"
        ]
    );
    assert_eq!(found.runtime.get("a.b").map(String::as_str), Some("7"));
    let ads = found.ads.expect("ads");
    assert!(ads.delta && ads.listeners && ads.clusters && ads.cluster == "xds");
    assert_eq!(found.rejected.iter().map(|rejected| rejected.name.as_str()).collect::<Vec<_>>(), ["bad"]);
    assert_eq!(found.tables.clusters.len(), 1);
    let TerminalFilter::Http(hcm) = &found.tables.listeners["l"].filter_chains[0].terminal else { panic!("http") };
    assert!(hcm.strip_fragment);
}

#[test]
fn what_cannot_be_done_is_an_error() {
    for (text, field) in [
        (r#"{"cluster_manager": {"local_cluster_name": "x"}}"#, "cluster_manager.local_cluster_name"),
        (r#"{"hds_config": {"api_type": "GRPC"}}"#, "hds_config"),
        (
            r#"{"dynamic_resources": {"cds_config": {"path_config_source": {"path": "/x"}}}}"#,
            "dynamic_resources.cds_config.path_config_source",
        ),
        (r#"{"dynamic_resources": {"ads_config": {"api_type": "REST"}}}"#, "dynamic_resources.ads_config.api_type"),
        (
            r#"{"layered_runtime": {"layers": [{"name": "d", "disk_layer": {}}]}}"#,
            "layered_runtime.layers[0].disk_layer",
        ),
    ] {
        let found = decode(&Bootstrap::decode(text).expect("JSON"));
        assert_eq!(found.errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [field]);
    }
}

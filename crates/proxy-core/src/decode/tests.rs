use super::*;
use crate::sample::{add, cluster, hcm, hcm_listener, listener, refused};
use proptest::prelude::*;

fn route_configuration(hosts: &str) -> String {
    format!(r#"{{"name": "r", "virtual_hosts": [{hosts}]}}"#)
}

#[test]
fn rejections_name_the_field() {
    let host = |name: &str, domains: &str, routes: &str| {
        format!(r#"{{"name": "{name}", "domains": [{domains}], "routes": [{routes}]}}"#)
    };
    let route = |text: &str| route_configuration(&host("v", r#""*""#, text));
    for (text, field) in [
        (
            route_configuration(&[host("a", r#""x.com""#, ""), host("b", r#""X.com""#, "")].join(",")),
            "virtual_hosts[1].domains[0]",
        ),
        (
            route_configuration(&[host("a", r#""*""#, ""), host("b", r#""*""#, "")].join(",")),
            "virtual_hosts[1].domains[0]",
        ),
        (route_configuration(&[host("a", r#""x""#, ""), host("a", r#""y""#, "")].join(",")), "virtual_hosts[1].name"),
        (route_configuration(&host("a", "", "")), "virtual_hosts[0].domains"),
        (route_configuration(&host("", r#""*""#, "")), "virtual_hosts[0].name"),
        (route(r#"{"match": {"prefix": "/"}}"#), "virtual_hosts[0].routes[0].action"),
        (route(r#"{"match": {}, "route": {"cluster": "c"}}"#), "virtual_hosts[0].routes[0].match.path_specifier"),
        (
            route(r#"{"match": {"safe_regex": {"regex": "("}}, "route": {"cluster": "c"}}"#),
            "virtual_hosts[0].routes[0].match.safe_regex.regex",
        ),
        (
            route(
                r#"{"match": {"prefix": "/"}, "route": {"cluster": "c", "internal_redirect_policy": {"redirect_response_codes": [302]}}}"#,
            ),
            "virtual_hosts[0].routes[0].route.internal_redirect_policy",
        ),
        (
            route(
                r#"{"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": [{"name": "c", "weight": 0}]}}}"#,
            ),
            "virtual_hosts[0].routes[0].route.weighted_clusters.clusters",
        ),
        (
            route(r#"{"match": {"prefix": "/"}, "direct_response": {"status": 99}}"#),
            "virtual_hosts[0].routes[0].direct_response.status",
        ),
        (
            route(
                r#"{"match": {"prefix": "/"}, "route": {"cluster": "c"}, "request_headers_to_add": [{"header": {"key": ":path", "value": "x"}}]}"#,
            ),
            "virtual_hosts[0].routes[0].request_headers_to_add[0].header.key",
        ),
        (
            route(
                r#"{"match": {"prefix": "/"}, "route": {"cluster": "c"}, "request_headers_to_add": [{"header": {"key": "x", "value": "%NONSENSE%"}}]}"#,
            ),
            "virtual_hosts[0].routes[0].request_headers_to_add[0].header.value",
        ),
        (
            route(
                r#"{"match": {"prefix": "/"}, "route": {"cluster": "c"}, "typed_per_filter_config": {"f": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute", "disabled": true}}}"#,
            ),
            "virtual_hosts[0].routes[0].typed_per_filter_config[\"f\"]",
        ),
        (r#"{"name": ""}"#.to_owned(), "name"),
    ] {
        assert_eq!(refused::<v3::route::RouteConfiguration>(&text).field, field, "{text}");
    }
    for (text, field) in [
        (r#"{"name": "c", "type": "EDS"}"#, "eds_cluster_config"),
        (r#"{"name": "c", "health_checks": [{"timeout": "1s"}]}"#, "health_checks"),
        (r#"{"name": "c", "lb_policy": "CLUSTER_PROVIDED"}"#, "lb_policy"),
        (r#"{"name": "c", "connect_timeout": "0s"}"#, "connect_timeout"),
        (r#"{"name": "c", "lb_policy": "MAGLEV", "maglev_lb_config": {"table_size": 10}}"#, "table_size"),
        (
            r#"{"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": "/x"}}}}]}]}}"#,
            "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.pipe",
        ),
        (
            r#"{"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [{"priority": 1}]}}"#,
            "load_assignment.endpoints",
        ),
        (r#"{"name": "c", "type": "LOGICAL_DNS"}"#, "load_assignment"),
        (r#"{"name": "c", "type": "ORIGINAL_DST"}"#, "lb_policy"),
        (
            r#"{"name": "c", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "original_dst_lb_config": {"upstream_port_override": 65536}}"#,
            "original_dst_lb_config.upstream_port_override",
        ),
        (
            r#"{"name": "c", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "original_dst_lb_config": {"metadata_key": {"key": "x"}}}"#,
            "original_dst_lb_config.metadata_key",
        ),
    ] {
        let error = refused::<v3::cluster::Cluster>(text);
        assert!(error.field.ends_with(field), "{text}: {error}");
    }
    for (fields, field) in [
        (r#", "codec_type": "HTTP3""#, "codec_type"),
        (r#", "original_ip_detection_extensions": [{"name": "x"}]"#, "original_ip_detection_extensions"),
        (
            r#", "http_protocol_options": {"header_key_format": {"proper_case_words": {}}}"#,
            "http_protocol_options.header_key_format",
        ),
    ] {
        let error = refused::<v3::listener::Listener>(&hcm_listener(fields));
        let wanted = format!("filter_chains[0].filters[0].typed_config.{field}");
        assert_eq!(error.field, wanted, "{error}");
    }
    let tunnel = r#"{"name": "l", "address": {"socket_address": {"address": "::", "port_value": 1}}, "filter_chains": [{"filters": [
        {"name": "tcp", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
         "stat_prefix": "t", "cluster": "c", "tunneling_config": {"hostname": "db.test:1"}}}]}]}"#;
    let error = refused::<v3::listener::Listener>(tunnel).to_string();
    assert!(error.contains("tunneling_config.hostname: is not supported (value db.test:1); this proxy"), "{error}");
}

#[test]
fn two_chains_for_the_same_connections_are_refused() {
    let chain = |ports: &str| format!(r#"{{"filter_chain_match": {{"source_ports": [{ports}]}}}}"#);
    let text = |first: &str, second: &str| {
        format!(
            r#"{{"name": "l", "address": {{"socket_address": {{"address": "::", "port_value": 1}}}}, "filter_chains": [{}, {}]}}"#,
            chain(first),
            chain(second)
        )
    };
    assert_eq!(refused::<v3::listener::Listener>(&text("1, 2", "2, 3")).field, "filter_chains[1].filter_chain_match");
    assert_eq!(listener(&text("1", "2")).filter_chains.len(), 2);
}

#[test]
fn a_bad_resource_keeps_no_good_one_out_and_its_last_form_stays() {
    let first = add::<v3::cluster::Cluster>(&Tables::default(), r#"{"name": "a"}"#).tables;
    let both = add::<v3::cluster::Cluster>(&first, r#"{"name": "b"}"#).tables;
    let bad = add::<v3::cluster::Cluster>(&both, r#"{"name": "a", "connect_timeout": "0s"}"#);
    assert_eq!((bad.rejected.len(), bad.tables.clusters.len()), (1, 2));
    assert!(Arc::ptr_eq(&first.clusters["a"], &bad.tables.clusters["a"]));
    let update = Update { type_url: type_url::CLUSTER, added: &[], removed: &["a".to_owned()] };
    assert_eq!(apply(&both, update).tables.clusters.len(), 1);
    assert_eq!(missing(&both, type_url::CLUSTER, &[]).len(), 2);
}

#[test]
fn an_unchanged_resource_is_shared() {
    let body = lateen_envoy_api::pack(&v3::cluster::Cluster { name: "a".to_owned(), ..Default::default() });
    let added = [Resource { name: "a", version: version_of(&body), body: &body }];
    let update = Update { type_url: type_url::CLUSTER, added: &added, removed: &[] };
    let once = apply(&Tables::default(), update);
    let twice = apply(&once.tables, update);
    assert_eq!((twice.accepted.len(), twice.unchanged), (0, 1));
    assert!(Arc::ptr_eq(&once.tables.clusters["a"], &twice.tables.clusters["a"]));
}

#[test]
fn envoys_defaults_stand_where_a_cluster_says_nothing() {
    let plain = cluster(r#"{"name": "c"}"#);
    assert_eq!(plain.connect_timeout.as_secs(), 5);
    assert_eq!(plain.limits.max_connections, 1024);
    assert_eq!(plain.policy, crate::ir::LbPolicy::RoundRobin);
    let chosen = cluster(
        r#"{"name": "c", "load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "x", "typed_config":
        {"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest", "choice_count": 5}}}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions":
        {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}}"#,
    );
    assert_eq!(chosen.policy, crate::ir::LbPolicy::LeastRequest { choices: 5 });
    assert_eq!(chosen.protocol, crate::ir::UpstreamProtocol::Explicit(crate::ir::CodecType::Http2));
}

#[test]
fn filters_are_found_by_type() {
    let fields = r#", "access_log": [{"name": "a", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "/dev/stdout"}}]"#;
    assert_eq!(hcm(fields).access_log[0].sink, crate::ir::AccessLogSink::Stdout);
    let unknown = hcm_listener("").replace(
        r#""http_filters": ["#,
        r#""http_filters": [{"name": "lua", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}}, "#,
    );
    let error = refused::<v3::listener::Listener>(&unknown);
    assert_eq!(error.problem, Problem::Unsupported);
    assert!(
        error.to_string().contains(
            "http_filters[0].typed_config: is not supported (value envoy.extensions.filters.http.lua.v3.Lua)"
        ),
        "{error}"
    );
    let optional = unknown.replace(r#""name": "lua","#, r#""name": "lua", "is_optional": true,"#);
    assert_eq!(listener(&optional).filter_chains.len(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(
        value in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0..4_usize,
    ) {
        let type_url = [type_url::LISTENER, type_url::ROUTE, type_url::CLUSTER, type_url::ENDPOINT][kind];
        let body = Any { type_url: type_url.to_owned(), value };
        let added = [Resource { name: "", version: 1, body: &body }];
        let applied = apply(&Tables::default(), Update { type_url, added: &added, removed: &[] });
        prop_assert_eq!(applied.accepted.len() + applied.rejected.len(), 1);
    }

    #[test]
    fn no_damage_to_a_good_resource_makes_decoding_panic(at in 0..400_usize, byte in any::<u8>()) {
        let message: v3::listener::Listener = lateen_envoy_api::json::decode(&hcm_listener(r#", "via": "x""#)).expect("sample");
        let mut body = lateen_envoy_api::pack(&message);
        let length = body.value.len();
        body.value[at % length] = byte;
        let added = [Resource { name: "", version: 1, body: &body }];
        let applied = apply(&Tables::default(), Update { type_url: type_url::LISTENER, added: &added, removed: &[] });
        prop_assert_eq!(applied.accepted.len() + applied.rejected.len(), 1);
    }
}

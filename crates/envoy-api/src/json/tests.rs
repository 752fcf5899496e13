//! What a reader of JSON configuration notices: values carried over, both
//! spellings, and errors that point at the place.

use super::*;
use crate::{google, pack, unpack, v3};
use prost::Message as _;
use serde_json::json;

fn listener() -> v3::listener::Listener {
    let route = v3::route::RouteConfiguration {
        name: "in".into(),
        virtual_hosts: vec![v3::route::VirtualHost {
            name: "all".into(),
            domains: vec!["*".into()],
            ..Default::default()
        }],
        ..Default::default()
    };
    let router = v3::hcm::HttpFilter {
        name: "router".into(),
        config_type: Some(v3::hcm::http_filter::ConfigType::TypedConfig(pack(&v3::router::Router {
            suppress_envoy_headers: true,
            ..Default::default()
        }))),
        ..Default::default()
    };
    let manager = v3::hcm::HttpConnectionManager {
        stat_prefix: "in".into(),
        route_specifier: Some(v3::hcm::http_connection_manager::RouteSpecifier::RouteConfig(route)),
        http_filters: vec![router],
        stream_idle_timeout: Some(google::protobuf::Duration { seconds: 0, nanos: 0 }),
        ..Default::default()
    };
    v3::listener::Listener {
        name: "0.0.0.0_8080".into(),
        address: Some(v3::core::Address {
            address: Some(v3::core::address::Address::SocketAddress(v3::core::SocketAddress {
                address: "0.0.0.0".into(),
                port_specifier: Some(v3::core::socket_address::PortSpecifier::PortValue(8080)),
                ..Default::default()
            })),
        }),
        filter_chains: vec![v3::listener::FilterChain {
            filters: vec![v3::listener::Filter {
                name: "http".into(),
                config_type: Some(v3::listener::filter::ConfigType::TypedConfig(pack(&manager))),
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn a_listener_survives_the_way_through_json_bit_by_bit() {
    let listener = listener();
    for names in [Names::Proto, Names::Camel] {
        let value = encode_with(&listener, names);
        let back: v3::listener::Listener = decode(&value.to_string()).unwrap();
        assert_eq!(back, listener, "{value:#}");
    }
    let value = encode(&listener);
    let manager = &value["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(manager["@type"], type_url::HTTP_CONNECTION_MANAGER);
    assert_eq!(manager["stream_idle_timeout"], "0s");
    assert_eq!(manager["http_filters"][0]["typed_config"]["suppress_envoy_headers"], true);
    let camel = encode_with(&listener, Names::Camel);
    assert_eq!(camel["filterChains"][0]["filters"][0]["typedConfig"]["statPrefix"], "in");
}

#[test]
fn both_spellings_are_read_and_null_is_absent() {
    let text = r#"{"name": "c", "connectTimeout": "0.25s", "dns_lookup_family": "V4_ONLY",
        "lbPolicy": 2, "eds_cluster_config": null, "per_connection_buffer_limit_bytes": "7"}"#;
    let cluster: v3::cluster::Cluster = decode(text).unwrap();
    assert_eq!(cluster.connect_timeout.unwrap().nanos, 250_000_000);
    assert_eq!(cluster.dns_lookup_family(), v3::cluster::cluster::DnsLookupFamily::V4Only);
    assert_eq!(cluster.lb_policy(), v3::cluster::cluster::LbPolicy::RingHash);
    assert!(cluster.eds_cluster_config.is_none());
    assert_eq!(cluster.per_connection_buffer_limit_bytes.unwrap().value, 7);
}

#[test]
fn a_mistake_is_reported_with_its_place() {
    let router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let in_any = format!(
        "{{\"filter_chains\": [\n  {{\"filters\": [{{\"typed_config\": {{\n    \"@type\": \"{}\",\n    \"http_filters\": [{{\"typed_config\": {{\"@type\": \"{router}\", \"nope\": 1}}}}]}}}}]}}]}}",
        type_url::HTTP_CONNECTION_MANAGER,
    );
    let in_any_path = "filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.nope";
    // (text, path, part of the reason, line, column or 0 for any)
    let cases: Vec<(&str, &str, &str, usize, usize)> = vec![
        (&in_any, in_any_path, "unknown field `nope` in envoy.extensions.filters.http.router.v3.Router", 4, 0),
        ("{\"name\": 1}", "name", "expected a string, found 1", 1, 2),
        ("{\n  \"nmae\": \"x\"}", "nmae", "unknown field `nmae`", 2, 3),
        ("{\"name\": \"x\"", "", "EOF", 1, 12),
        ("[]", "", "expected an object", 1, 1),
        ("{\"filter_chains\": {}}", "filter_chains", "expected a list", 1, 2),
        ("{\"filter_chains\": [{}, 3]}", "filter_chains[1]", "expected an object", 1, 24),
        ("{\"filter_chains\": [null]}", "filter_chains[0]", "no null", 1, 0),
        ("{\"traffic_direction\": \"UP\"}", "traffic_direction", "INBOUND", 1, 0),
        ("{\"statPrefix\": \"a\", \"stat_prefix\": \"b\"}", "stat_prefix", "given twice", 1, 21),
        ("{\"listener_filters_timeout\": \"5\"}", "listener_filters_timeout", "no duration", 1, 0),
        ("{\"listener_filters_timeout\": 5}", "listener_filters_timeout", "expected a string", 1, 0),
        ("{\"tcp_backlog_size\": -1}", "tcp_backlog_size", "unsigned 32-bit", 1, 0),
        ("{\"address\": {\"pipe\": {}, \"socket_address\": {}}}", "address.socket_address", "only one of", 1, 0),
        (
            "{\"metadata\": {\"typed_filter_metadata\": {\"a.b\": {\"@type\": \"x/no.Such\", \"y\": 1}}}}",
            "metadata.typed_filter_metadata[\"a.b\"].@type",
            "unknown type `x/no.Such`",
            1,
            0,
        ),
    ];
    for (text, path, reason, line, column) in cases {
        let error = decode::<v3::listener::Listener>(text).expect_err(text);
        assert_eq!(error.path, path, "{text}");
        assert!(error.reason.contains(reason), "{text}: {error}");
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(column == 0 || error.column == column, "{text}: {error}");
    }
}

#[test]
fn every_kind_of_value_goes_both_ways() {
    let metadata = json!({"filter_metadata": {
        "a": {"n": null, "b": true, "f": 1.5, "s": "x", "l": [1.0, null, {}], "o": {"deep": [[]]}},
        "b": {},
    }});
    let wrapped = json!({"typed_filter_metadata": {
        "duration": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "-1.000001s"},
        "int64": {"@type": "type.googleapis.com/google.protobuf.Int64Value", "value": "-9223372036854775808"},
        "uint64": {"@type": "type.googleapis.com/google.protobuf.UInt64Value", "value": "18446744073709551615"},
        "bytes": {"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": "+/8="},
        "float": {"@type": "type.googleapis.com/google.protobuf.FloatValue", "value": 0.1},
        "nan": {"@type": "type.googleapis.com/google.protobuf.DoubleValue", "value": "NaN"},
        "time": {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "1969-02-28T23:59:59.500Z"},
        "leap": {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "2000-02-29T00:00:00Z"},
        "struct": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"k": ["v"]}},
        "list": {"@type": "type.googleapis.com/google.protobuf.ListValue", "value": [true]},
        "empty": {"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}},
        "unknown": {"@type": "type.googleapis.com/example.Unknown", "value": "AQI="},
    }});
    for mut value in [metadata, wrapped] {
        let message: v3::core::Metadata = decode(&value.to_string()).unwrap();
        value.sort_all_objects();
        let mut back = encode(&message);
        back.sort_all_objects();
        assert_eq!(back, value);
    }
}

#[test]
fn decoded_bytes_equal_those_of_prost() {
    let value = encode(&listener());
    let any = json!({"@type": type_url::LISTENER});
    let mut any = any.as_object().cloned().unwrap();
    any.extend(value.as_object().cloned().unwrap());
    let config: v3::core::TypedExtensionConfig = decode_value(&json!({"name": "x", "typed_config": any})).unwrap();
    assert_eq!(config.typed_config.unwrap(), pack(&listener()));
}

#[test]
fn broken_bytes_in_an_any_stay_as_base64() {
    let any = Any { type_url: type_url::CLUSTER.into(), value: vec![0x0a, 0xff] };
    let encoded = encode_any(&any, Names::Proto);
    assert_eq!(encoded, json!({"@type": type_url::CLUSTER, "value": "Cv8="}));
    assert!(unpack::<v3::cluster::Cluster>(&any).unwrap_err().to_string().contains("Cluster"));
}

#[test]
fn nesting_without_end_is_an_error_and_no_crash() {
    let mut value = json!({});
    let mut any = Any::default();
    for _ in 0..500 {
        value = json!([value]);
        any = Any { type_url: "type.googleapis.com/google.protobuf.Any".into(), value: any.encode_to_vec() };
    }
    let metadata = json!({"filter_metadata": {"a": {"k": value}}});
    let error = decode_value::<v3::core::Metadata>(&metadata).unwrap_err();
    assert!(error.reason.contains("nested deeper"), "{error}");
    assert!(encode_any(&any, Names::Proto)["@type"].is_string());
}

#[test]
fn an_any_that_is_missing_its_type_says_so() {
    for (value, reason) in [
        (json!({"name": "x", "typed_config": {"a": 1}}), "needs a string `@type`"),
        (json!({"name": "x", "typed_config": {"@type": 1}}), "needs a string `@type`"),
        (json!({"name": "x", "typed_config": []}), "expected an object"),
    ] {
        let error = decode_value::<v3::core::TypedExtensionConfig>(&value).unwrap_err();
        assert_eq!(error.path, "typed_config");
        assert!(error.reason.contains(reason), "{error}");
    }
}

#[test]
fn every_type_url_constant_is_a_type_of_the_api() {
    for url in [
        type_url::CLUSTER,
        type_url::ENDPOINT,
        type_url::LISTENER,
        type_url::ROUTE,
        type_url::SCOPED_ROUTE,
        type_url::VIRTUAL_HOST,
        type_url::SECRET,
        type_url::EXTENSION_CONFIG,
        type_url::RUNTIME,
        type_url::BOOTSTRAP,
        type_url::HTTP_CONNECTION_MANAGER,
    ] {
        assert!(url.starts_with(type_url::PREFIX) && knows(url), "{url}");
    }
}

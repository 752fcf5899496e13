//! The bytes are those of the tree, or there are none.

use super::super::wire_of;
use crate::{table, v3};
use prost::Name;
use serde_json::Value;

fn both<T: Name>(text: &str) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let tree = serde_json::from_str::<Value>(text).ok().and_then(|value| wire_of::<T>(&value).ok());
    (super::decode(table::message(&T::full_name()).unwrap(), text), tree)
}

/// An `Any` of the type of `inner`, so many times.
fn nested(times: usize) -> String {
    let config = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    (0..times).fold("{}".to_owned(), |inner, _| {
        let comma = if inner == "{}" { "" } else { ", \"typed_config\": " };
        let inner = if inner == "{}" { "" } else { &inner };
        format!("{{\"@type\": \"{config}\"{comma}{inner}}}")
    })
}

#[test]
fn what_is_plain_needs_no_tree() {
    let hcm = r#""@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager""#;
    for text in [
        "{}".to_owned(),
        r#"{"name": "", "use_original_dst": true, "listener_filters_timeout": "1.5s"}"#.to_owned(),
        // Out of the order of the numbers, with escapes, nulls, numbers as text, enums.
        r#"{"traffic_direction": "OUTBOUND", "stat_prefix": "\u00e4\n", "address": null, "tcp_backlog_size": "7",
            "filter_chains": null, "perConnectionBufferLimitBytes": 9, "name": "x"}"#
            .to_owned(),
        // Lists of messages, of text, of scalars; maps; structs; oneofs.
        format!(
            r#"{{"metadata": {{"filter_metadata": {{"b": {{"k": [1, null, {{}}]}}, "a": {{}}}}}},
            "address": {{"socket_address": {{"port_value": 80, "address": "::"}}}}, "additional_addresses": [],
            "filter_chains": [{{"filter_chain_match": {{"source_ports": [1, 2], "server_names": ["a", ""]}},
                "filters": [{{"typed_config": {{{hcm}, "stat_prefix": "s", "codec_type": "HTTP1",
                    "route_config": {{"virtual_hosts": [{{"name": "v", "domains": ["*"], "routes": [
                        {{"match": {{"prefix": ""}}, "direct_response": {{"status": 200, "body": {{"inline_bytes": "AQI="}}}}}}],
                        "typed_per_filter_config": {{"f": {{"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}}}}}}]}}}},
                    "name": "http"}}]}}, {{}}]}}"#
        ),
        // An `Any` that is empty, of a type with a form of its own, of one that is not known.
        r#"{"filter_chains": [{"transport_socket": {"typed_config": {}}},
            {"transport_socket": {"typed_config": {"@type": "x/google.protobuf.StringValue", "value": "a"}}},
            {"transport_socket": {"typed_config": {"@type": "x/no.Such", "value": "AQI="}}}]}"#
            .to_owned(),
        // Its type may come last.
        format!(r#"{{"filter_chains": [{{"filters": [{{"typed_config": {{"stat_prefix": "s", {hcm}}}}}]}}]}}"#),
    ] {
        let (streamed, tree) = both::<v3::listener::Listener>(&text);
        assert!(streamed.is_some(), "{text}");
        assert_eq!(streamed, tree, "{text}");
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_tree() {
    for text in [
        // A key given twice counts the last time, also as null.
        r#"{"name": "a", "name": "b"}"#,
        r#"{"name": "a", "name": null}"#,
        r#"{"stat_prefix": null, "statPrefix": "b"}"#,
        r#"{"name": "a", "nme": 1}"#,
        r#"{"name": "a"} 1"#,
        r#"{"name": "a""#,
        r#"{"name": 1}"#,
        r#"{"name": {}}"#,
        r#"{"filter_chains": {}}"#,
        r#"{"filter_chains": [null]}"#,
        r#"{"filter_chains": [3]}"#,
        r#"{"address": []}"#,
        r#"{"address": {"pipe": {}, "socket_address": {}}}"#,
        r#"{"listener_filters_timeout": "5"}"#,
        r#"{"filter_chains": [{"transport_socket": {"typed_config": {"@type": 1}}}]}"#,
        "null",
        "[]",
    ] {
        assert_eq!(both::<v3::listener::Listener>(text).0, None, "{text}");
    }
}

#[test]
fn depth_is_bounded_where_the_tree_bounds_it() {
    let mut outcomes = Vec::new();
    for times in 90..130 {
        let text = format!("{{\"typed_config\": {}}}", nested(times));
        let (streamed, tree) = both::<v3::core::TypedExtensionConfig>(&text);
        assert_eq!(streamed, tree, "{times}");
        outcomes.push(streamed.is_some());
    }
    outcomes.dedup();
    assert_eq!(outcomes, [true, false]);
}

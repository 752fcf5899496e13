//! `/server_info`, `/runtime` and `/init_dump`.

use super::Answer;
use super::query::Query;
use crate::process::Shared;
use lateen_envoy_api::json as proto_json;
use serde_json::{Map, Value, json};

pub(super) fn answer(shared: &Shared, _: &Query) -> Answer {
    let uptime = format!("{}s", shared.started.elapsed().as_secs());
    let node = shared.state().node.clone();
    Answer::json(&json!({
        // Envoy: commit, version, tree, build, TLS library.
        "version": format!("0/{}/Clean/{}/none", env!("CARGO_PKG_VERSION"), build()),
        "state": shared.phase().name(),
        "uptime_current_epoch": uptime,
        "uptime_all_epochs": uptime,
        "hot_restart_version": "disabled",
        "command_line_options": proto_json::encode(&shared.command_line),
        "node": proto_json::encode(&node),
    }))
}

pub(super) fn runtime(shared: &Shared, _: &Query) -> Answer {
    let state = shared.state();
    let entries: Map<String, Value> = state
        .runtime
        .iter()
        .map(|(key, value)| (key.clone(), json!({"final_value": value, "layer_values": [value]})))
        .collect();
    Answer::json(&json!({"layers": ["bootstrap"], "entries": entries}))
}

pub(super) fn init_dump(shared: &Shared, _: &Query) -> Answer {
    let state = shared.state();
    let waiting = |kind: &str, name: &str| json!({"name": format!("{kind} {name}"), "target_names": [name]});
    let clusters = state.warming.clusters().map(|name| waiting("cluster", name));
    let listeners = state.warming.listeners().map(|name| waiting("listener", name));
    let all: Vec<Value> = clusters.chain(listeners).collect();
    Answer::json(&json!({"unready_targets_dumps": all}))
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "DEBUG" } else { "RELEASE" }
}

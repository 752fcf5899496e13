//! `/listeners`: names and bound addresses; as text and as `envoy.admin.v3.Listeners`.

use super::Answer;
use super::query::Query;
use crate::process::Shared;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;

pub(super) fn answer(shared: &Shared, query: &Query) -> Answer {
    let mut listeners = shared.publish.listeners();
    listeners.sort_by(|a, b| a.name.cmp(&b.name));
    if query.get("format") == Some("json") {
        let statuses: Vec<_> = listeners
            .iter()
            .map(|listener| {
                let mut addresses = listener.addresses.iter().copied().map(address);
                let mut status = json!({"name": &*listener.name, "local_address": addresses.next()});
                let others: Vec<Value> = addresses.collect();
                if let (Some(status), false) = (status.as_object_mut(), others.is_empty()) {
                    status.insert("additional_local_addresses".to_owned(), others.into());
                }
                status
            })
            .collect();
        return Answer::json(&json!({"listener_statuses": statuses}));
    }
    let mut out = String::new();
    for listener in listeners {
        for address in &listener.addresses {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{}::{address}", listener.name);
        }
    }
    Answer::text(out)
}

/// `envoy.config.core.v3.Address` as JSON.
pub(super) fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

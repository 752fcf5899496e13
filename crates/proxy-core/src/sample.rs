//! Samples for tests: resources from Envoy JSON, requests from a line and headers.

use crate::decode::{Applied, DecodeError, Resource, Update, apply, version_of};
use crate::headers::{Headers, Method, RequestHead};
use crate::ir::{Cluster, Endpoints, HttpConnectionManager, Listener, RouteConfiguration, Tables, TerminalFilter};
use lateen_envoy_api::prost::Name;
use lateen_envoy_api::{json, pack, type_url, v3};
use std::sync::Arc;

/// Applies one resource from JSON to `tables`.
pub(crate) fn add<M: Name + Default>(tables: &Tables, text: &str) -> Applied {
    let message: M = json::decode(text).expect("sample JSON");
    let body = pack(&message);
    let type_url = type_url::of::<M>();
    let added = [Resource { name: "", version: version_of(&body), body: &body }];
    apply(tables, Update { type_url: &type_url, added: &added, removed: &[] })
}

/// Why a resource is refused.
pub(crate) fn refused<M: Name + Default>(text: &str) -> DecodeError {
    let applied = add::<M>(&Tables::default(), text);
    assert!(applied.accepted.is_empty(), "accepted: {text}");
    applied.rejected.into_iter().next().expect("rejected").error
}

fn accepted<M: Name + Default>(text: &str) -> Tables {
    let applied = add::<M>(&Tables::default(), text);
    if let Some(rejected) = applied.rejected.first() {
        panic!("{}", rejected.error);
    }
    applied.tables
}

pub(crate) fn routes(text: &str) -> Arc<RouteConfiguration> {
    accepted::<v3::route::RouteConfiguration>(text).routes.values().next().expect("routes").clone()
}

pub(crate) fn cluster(text: &str) -> Arc<Cluster> {
    accepted::<v3::cluster::Cluster>(text).clusters.values().next().expect("cluster").clone()
}

pub(crate) fn endpoints(text: &str) -> Arc<Endpoints> {
    accepted::<v3::endpoint::ClusterLoadAssignment>(text).endpoints.values().next().expect("endpoints").clone()
}

pub(crate) fn listener(text: &str) -> Arc<Listener> {
    accepted::<v3::listener::Listener>(text).listeners.values().next().expect("listener").clone()
}

/// A listener with one connection manager; `fields` are more of its JSON fields, each with a comma before it.
pub(crate) fn hcm_listener(fields: &str) -> String {
    format!(
        r#"{{"name": "l", "address": {{"socket_address": {{"address": "127.0.0.1", "port_value": 8080}}}},
        "filter_chains": [{{"filters": [{{"name": "hcm", "typed_config": {{
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "s", "rds": {{"route_config_name": "r", "config_source": {{"ads": {{}}}}}},
        "http_filters": [{{"name": "router", "typed_config": {{
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}}}]{fields}}}}}]}}]}}"#
    )
}

pub(crate) fn hcm(fields: &str) -> Arc<HttpConnectionManager> {
    match &listener(&hcm_listener(fields)).filter_chains[0].terminal {
        TerminalFilter::Http(hcm) => hcm.clone(),
        other => panic!("{other:?}"),
    }
}

/// `GET host/path` and `name: value` headers.
pub(crate) fn request(line: &str, headers: &[&str]) -> RequestHead {
    let (method, target) = line.split_once(' ').expect("method and target");
    let (host, path) = target.split_at(target.find('/').unwrap_or(target.len()));
    let pair = |text: &&str| {
        let (name, value) = text.split_once(": ").expect("name: value");
        (crate::headers::HeaderName::decode(name).expect("name"), value.to_owned())
    };
    RequestHead {
        method: Method::decode(method.as_bytes()).expect("method"),
        authority: host.to_owned().into(),
        path: path.to_owned().into(),
        headers: headers.iter().map(pair).collect::<Headers>(),
        ..RequestHead::default()
    }
}

/// Numbers from a small generator, the same in each run.
pub(crate) fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 31)
    }
}

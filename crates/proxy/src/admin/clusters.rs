//! `/clusters`: limits, and each endpoint with its numbers; as text and as `envoy.admin.v3.Clusters`.

use super::Answer;
use super::listeners::address;
use super::query::Query;
use super::stats::endpoints_of;
use crate::process::{Shared, State};
use crate::stats::Value;
use lateen_envoy_api::type_url;
use lateen_proxy_core::ir::{Cluster, Discovery, Endpoint, Health, LocalityEndpoints};
use serde_json::{Map, json};
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) fn answer(shared: &Shared, query: &Query) -> Answer {
    let state = shared.state();
    let mut clusters: Vec<&Arc<Cluster>> = state.serving.clusters.values().collect();
    clusters.sort_by(|a, b| a.name.cmp(&b.name));
    if query.get("format") == Some("json") {
        let statuses: Vec<_> = clusters.iter().map(|cluster| as_json(shared, &state, cluster)).collect();
        return Answer::json(&json!({"cluster_statuses": statuses}));
    }
    let mut out = String::new();
    for cluster in clusters {
        // Writing to a String cannot fail.
        let _ = as_text(shared, &state, cluster, &mut out);
    }
    Answer::text(out)
}

fn as_text(shared: &Shared, state: &State, cluster: &Cluster, out: &mut String) -> std::fmt::Result {
    let name = &cluster.name;
    writeln!(out, "{name}::observability_name::{}", cluster.stat_name)?;
    for (limit, value) in limits(cluster) {
        writeln!(out, "{name}::default_priority::{limit}::{value}")?;
    }
    for (limit, value) in HIGH_PRIORITY {
        writeln!(out, "{name}::high_priority::{limit}::{value}")?;
    }
    writeln!(out, "{name}::added_via_api::{}", added_via_api(state, cluster))?;
    if let Discovery::Eds(service) = &cluster.discovery
        && service != name
    {
        writeln!(out, "{name}::eds_service_name::{service}")?;
    }
    for (locality, endpoint) in members(state, cluster) {
        let at = endpoint.address;
        for (stat, value) in shared.stats.host(&cluster.stat_name, at) {
            if let Value::Counter(value) | Value::Gauge(value) = value {
                writeln!(out, "{name}::{at}::{stat}::{value}")?;
            }
        }
        let place = &locality.locality;
        writeln!(out, "{name}::{at}::hostname::{}", endpoint.hostname)?;
        writeln!(out, "{name}::{at}::health_flags::{}", health_flags(endpoint.health))?;
        writeln!(out, "{name}::{at}::weight::{}", endpoint.weight)?;
        writeln!(out, "{name}::{at}::region::{}", place.region)?;
        writeln!(out, "{name}::{at}::zone::{}", place.zone)?;
        writeln!(out, "{name}::{at}::sub_zone::{}", place.sub_zone)?;
        writeln!(out, "{name}::{at}::canary::false")?;
        writeln!(out, "{name}::{at}::priority::{}", locality.priority)?;
        // No outlier detection: Envoy then writes -1 too.
        writeln!(out, "{name}::{at}::success_rate::-1")?;
        writeln!(out, "{name}::{at}::local_origin_success_rate::-1")?;
    }
    Ok(())
}

fn as_json(shared: &Shared, state: &State, cluster: &Cluster) -> serde_json::Value {
    let hosts: Vec<_> = members(state, cluster)
        .map(|(locality, endpoint)| {
            let stats = shared.stats.host(&cluster.stat_name, endpoint.address);
            let stats: Vec<_> = stats
                .into_iter()
                .filter_map(|(name, value)| match value {
                    Value::Counter(value) => Some(json!({"name": name, "value": value.to_string()})),
                    Value::Gauge(value) => Some(json!({"type": "GAUGE", "name": name, "value": value.to_string()})),
                    Value::Histogram(_) => None,
                })
                .collect();
            let place = &locality.locality;
            let mut host = Map::new();
            host.insert("address".to_owned(), address(endpoint.address));
            host.insert("stats".to_owned(), stats.into());
            host.insert("health_status".to_owned(), json!({"eds_health_status": eds_health(endpoint.health)}));
            host.insert("weight".to_owned(), endpoint.weight.into());
            if !endpoint.hostname.is_empty() {
                host.insert("hostname".to_owned(), json!(&*endpoint.hostname));
            }
            if locality.priority > 0 {
                host.insert("priority".to_owned(), locality.priority.into());
            }
            host.insert(
                "locality".to_owned(),
                json!({"region": place.region, "zone": place.zone, "sub_zone": place.sub_zone}),
            );
            serde_json::Value::Object(host)
        })
        .collect();
    let defaults: Map<_, _> =
        limits(cluster).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut high: Map<_, _> = HIGH_PRIORITY.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    high.insert("priority".to_owned(), "HIGH".into());
    let mut status = Map::new();
    status.insert("name".to_owned(), json!(&*cluster.name));
    if added_via_api(state, cluster) {
        status.insert("added_via_api".to_owned(), true.into());
    }
    status.insert("host_statuses".to_owned(), hosts.into());
    status.insert("circuit_breakers".to_owned(), json!({"thresholds": [defaults, high]}));
    status.insert("observability_name".to_owned(), json!(&*cluster.stat_name));
    if let Discovery::Eds(service) = &cluster.discovery
        && *service != cluster.name
    {
        status.insert("eds_service_name".to_owned(), json!(&**service));
    }
    serde_json::Value::Object(status)
}

/// Envoy's defaults; requests have one priority here.
const HIGH_PRIORITY: [(&str, u32); 4] =
    [("max_connections", 1024), ("max_pending_requests", 1024), ("max_requests", 1024), ("max_retries", 3)];

fn limits(cluster: &Cluster) -> [(&'static str, u32); 4] {
    let limits = &cluster.limits;
    [
        ("max_connections", limits.max_connections),
        ("max_pending_requests", limits.max_pending_requests),
        ("max_requests", limits.max_requests),
        ("max_retries", limits.max_retries),
    ]
}

fn added_via_api(state: &State, cluster: &Cluster) -> bool {
    let kind = state.resources.kind(type_url::CLUSTER);
    !kind.and_then(|kind| kind.entries.get(&*cluster.name)).is_some_and(|entry| entry.is_static)
}

fn members<'a>(
    state: &'a State,
    cluster: &'a Cluster,
) -> impl Iterator<Item = (&'a LocalityEndpoints, &'a Arc<Endpoint>)> {
    let endpoints = endpoints_of(state, cluster);
    let localities = endpoints.into_iter().flat_map(|endpoints| &endpoints.localities);
    localities.flat_map(|locality| locality.endpoints.iter().map(move |endpoint| (locality, endpoint)))
}

fn health_flags(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Degraded => "/failed_eds_degraded",
        Health::Draining => "/eds_status_draining",
        Health::Unhealthy => "/failed_eds_health",
    }
}

fn eds_health(health: Health) -> &'static str {
    match health {
        Health::Healthy => "HEALTHY",
        Health::Degraded => "DEGRADED",
        Health::Draining => "DRAINING",
        Health::Unhealthy => "UNHEALTHY",
    }
}

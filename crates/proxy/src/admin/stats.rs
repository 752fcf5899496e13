//! `/stats` and `/stats/prometheus`.
//! In: the query. Out: what the registry sums, and what follows from the tables (members of clusters).

use super::Answer;
use super::query::Query;
use crate::process::{Shared, State};
use crate::stats::{self, Format, Sample, Scope, Value};
use http::StatusCode;
use lateen_proxy_core::ir::{Cluster, Endpoints, Health};
use std::sync::Arc;

pub(super) fn answer(shared: &Shared, query: &Query) -> Answer {
    let format = match query.get("format") {
        None | Some("text" | "html" | "active-html") => Format::Text,
        Some("json") => Format::Json,
        Some("prometheus") => Format::Prometheus,
        Some(_) => {
            let usage = "usage: /stats?format=(html|active-html|text|json|prometheus)\n\n";
            return Answer::error(StatusCode::BAD_REQUEST, usage);
        }
    };
    render(shared, query, format)
}

pub(super) fn prometheus(shared: &Shared, query: &Query) -> Answer {
    render(shared, query, Format::Prometheus)
}

fn render(shared: &Shared, query: &Query, format: Format) -> Answer {
    let filter = match query.get("filter").filter(|filter| !filter.is_empty()).map(regex::Regex::new).transpose() {
        Ok(filter) => filter,
        Err(error) => return Answer::error(StatusCode::BAD_REQUEST, format!("Invalid regex: \"{error}\"\n")),
    };
    let kind = match query.get("type") {
        None | Some("All") => None,
        Some("Counters") => Some(stats::Kind::Counters),
        Some("Gauges") => Some(stats::Kind::Gauges),
        Some("Histograms") => Some(stats::Kind::Histograms),
        Some("TextReadouts") => Some(stats::Kind::TextReadouts),
        Some(other) => {
            let known = "Valid choices: [All, Counters, Gauges, Histograms, TextReadouts]";
            return Answer::error(StatusCode::BAD_REQUEST, format!("invalid &type=\"{other}\": {known}\n"));
        }
    };
    let used_only = query.has("usedonly");
    shared.refresh_gauges();
    let mut samples = shared.stats.samples();
    samples.extend(members(&shared.state()));
    let body = stats::Query { format, filter, used_only, kind }.render(&samples);
    match format {
        Format::Json => Answer { content_type: "application/json", ..Answer::text(body) },
        Format::Text => Answer::text(body),
        Format::Prometheus => Answer { content_type: "text/plain; version=0.0.4; charset=utf-8", ..Answer::text(body) },
    }
}

/// Members of clusters, which nobody counts: they stand in the tables.
fn members(state: &State) -> Vec<Sample> {
    let mut samples = Vec::new();
    for cluster in state.serving.clusters.values() {
        let owner: Arc<str> = cluster.stat_name.replace(':', "_").into();
        let count = |matches: fn(Health) -> bool| -> u64 {
            endpoints_of(state, cluster).map_or(0, |endpoints| {
                let all = endpoints.localities.iter().flat_map(|locality| &locality.endpoints);
                all.filter(|endpoint| matches(endpoint.health)).map(|_| 1).sum()
            })
        };
        let gauges = [
            ("membership_total", count(|_| true)),
            ("membership_healthy", count(|health| health == Health::Healthy)),
            ("membership_degraded", count(|health| health == Health::Degraded)),
            ("membership_excluded", 0),
            ("warming_state", u64::from(state.warming.clusters().any(|name| name == &*cluster.name))),
        ];
        samples.extend(gauges.map(|(name, value)| Sample {
            scope: Scope::Cluster,
            owner: Arc::clone(&owner),
            name: name.to_owned(),
            value: Value::Gauge(value),
        }));
    }
    samples
}

/// Endpoints of any kind of cluster.
pub(super) fn endpoints_of<'a>(state: &'a State, cluster: &'a Cluster) -> Option<&'a Arc<Endpoints>> {
    state.serving.endpoints_of(cluster).or_else(|| state.resolved.get(&cluster.name))
}

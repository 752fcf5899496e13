//! Prometheus text exposition, with the names and labels that Envoy gives.
//! In: samples. Out: the text, one family of metrics after the other.
//! Never here: which samples are wanted.

use super::BUCKETS_MS;
use super::registry::{Sample, Scope, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All samples as text.
pub(super) fn render<'a>(samples: impl Iterator<Item = &'a Sample>) -> String {
    let mut families: BTreeMap<String, Vec<(String, &Value)>> = BTreeMap::new();
    for sample in samples {
        let (name, labels) = name(sample);
        families.entry(name).or_default().push((labels, &sample.value));
    }
    let mut out = String::new();
    for (name, metrics) in &families {
        let kind = match metrics.first() {
            Some((_, Value::Counter(_))) => "counter",
            Some((_, Value::Gauge(_))) => "gauge",
            _ => "histogram",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# TYPE {name} {kind}");
        for (labels, value) in metrics {
            match value {
                Value::Counter(value) | Value::Gauge(value) => {
                    let _ = writeln!(out, "{name}{{{labels}}} {value}");
                }
                Value::Histogram(sum) => {
                    let comma = if labels.is_empty() { "" } else { "," };
                    let mut below = 0;
                    for (index, count) in sum.counts.iter().enumerate() {
                        below += count;
                        let bound = BUCKETS_MS.get(index).map_or("+Inf".to_owned(), ToString::to_string);
                        let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {below}");
                    }
                    let _ = writeln!(out, "{name}_sum{{{labels}}} {}", sum.micros as f64 / 1000.0);
                    let _ = writeln!(out, "{name}_count{{{labels}}} {below}");
                }
            }
        }
    }
    out
}

/// Name and labels of a sample: what identifies its owner, and the response code or its class, becomes a label.
fn name(sample: &Sample) -> (String, String) {
    let mut labels: Vec<(&str, &str)> = Vec::new();
    let mut rest = sample.name.as_str();
    if let Some((stem, code)) = split_status(rest) {
        labels.push(if code.len() == 3 && code.ends_with("xx") {
            ("envoy_response_code_class", code.get(..1).unwrap_or_default())
        } else {
            ("envoy_response_code", code)
        });
        rest = stem;
    }
    let class = labels.first().is_some_and(|(name, _)| name.ends_with("class"));
    let owner = match sample.scope {
        Scope::Cluster => Some("envoy_cluster_name"),
        Scope::Http => Some("envoy_http_conn_manager_prefix"),
        Scope::Listener => Some("envoy_listener_address"),
        Scope::Tcp => Some("envoy_tcp_prefix"),
        Scope::Server => None,
    };
    if let Some(owner) = owner {
        labels.push((owner, &sample.owner));
    }
    let mut name = String::from("envoy_");
    if sample.scope != Scope::Server {
        name.push_str(sample.scope.prefix());
        name.push('_');
    }
    name.extend(rest.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }));
    if class {
        name.push_str("_xx");
    }
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escape(value))).collect();
    (name, labels.join(","))
}

/// `upstream_rq_2xx` and `upstream_rq_503` into what stands before and the status.
fn split_status(name: &str) -> Option<(&str, &str)> {
    let (stem, last) = name.rsplit_once('_')?;
    let status = last.len() == 3
        && last.starts_with(|c: char| ('1'..='9').contains(&c))
        && (last.ends_with("xx") || last.bytes().all(|b| b.is_ascii_digit()));
    status.then_some((stem, last))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

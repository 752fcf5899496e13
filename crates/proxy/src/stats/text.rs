//! `/stats`: as text and as JSON.
//! In: samples and the query of the request. Out: the body of the answer.
//! Never here: reading a counter.

use super::registry::{Sample, Value};
use super::{HistogramSum, prometheus};
use regex::Regex;
use serde_json::json;

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `name: value` lines.
    #[default]
    Text,
    /// Envoy's JSON.
    Json,
    /// Prometheus text exposition 0.0.4.
    Prometheus,
}

/// What of the statistics is asked for.
#[derive(Debug, Default)]
pub struct Query {
    /// Form.
    pub format: Format,
    /// Only names that this matches somewhere.
    pub filter: Option<Regex>,
    /// Only what was used.
    pub used_only: bool,
    /// Only `Counters`, `Gauges` or `Histograms`.
    pub kind: Option<Kind>,
}

/// Kind of a statistic (`?type=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Counters,
    Gauges,
    Histograms,
    TextReadouts,
}

/// Shares that Envoy prints for a histogram.
const QUANTILES: [f64; 10] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0];

impl Query {
    /// The answer from these samples.
    #[must_use]
    pub fn render(&self, samples: &[Sample]) -> String {
        let mut chosen: Vec<(String, &Sample)> = samples
            .iter()
            .filter(|sample| self.kind.is_none_or(|kind| kind == kind_of(&sample.value)))
            .filter(|sample| !self.used_only || used(&sample.value))
            .map(|sample| (sample.full_name(), sample))
            .filter(|(name, _)| self.filter.as_ref().is_none_or(|filter| filter.is_match(name)))
            .collect();
        if self.format == Format::Prometheus {
            return prometheus::render(chosen.iter().map(|(_, sample)| *sample));
        }
        // Envoy: counters and gauges by name, then histograms.
        chosen.sort_by(|(a, x), (b, y)| is_histogram(&x.value).cmp(&is_histogram(&y.value)).then_with(|| a.cmp(b)));
        if self.format == Format::Json { as_json(&chosen) } else { as_text(&chosen) }
    }
}

fn is_histogram(value: &Value) -> bool {
    matches!(value, Value::Histogram(_))
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Counter(_) => Kind::Counters,
        Value::Gauge(_) => Kind::Gauges,
        Value::Histogram(_) => Kind::Histograms,
    }
}

fn used(value: &Value) -> bool {
    match value {
        Value::Counter(value) | Value::Gauge(value) => *value != 0,
        Value::Histogram(sum) => sum.count() != 0,
    }
}

fn as_text(chosen: &[(String, &Sample)]) -> String {
    let mut out = String::with_capacity(chosen.len() * 48);
    for (name, sample) in chosen {
        out.push_str(name);
        out.push_str(": ");
        match &sample.value {
            Value::Counter(value) | Value::Gauge(value) => out.push_str(&value.to_string()),
            Value::Histogram(sum) => out.push_str(&quantiles(sum)),
        }
        out.push('\n');
    }
    out
}

/// `P0(nan,1) P25(nan,2) …`: nothing is kept by interval, so the first number is never known.
fn quantiles(sum: &HistogramSum) -> String {
    if sum.count() == 0 {
        return "No recorded values".to_owned();
    }
    let parts: Vec<String> = QUANTILES
        .iter()
        .map(|share| format!("P{}(nan,{})", percent(*share), number(sum.quantile(*share).unwrap_or(f64::NAN))))
        .collect();
    parts.join(" ")
}

fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

fn number(value: f64) -> String {
    format!("{}", (value * 1000.0).round() / 1000.0)
}

fn as_json(chosen: &[(String, &Sample)]) -> String {
    let mut stats = Vec::new();
    let mut histograms = Vec::new();
    for (name, sample) in chosen {
        match &sample.value {
            Value::Counter(value) | Value::Gauge(value) => stats.push(json!({"name": name, "value": value})),
            Value::Histogram(sum) => {
                let values: Vec<_> = QUANTILES
                    .iter()
                    .map(|share| json!({"interval": null, "cumulative": sum.quantile(*share)}))
                    .collect();
                histograms.push(json!({"name": name, "values": values}));
            }
        }
    }
    if !histograms.is_empty() {
        let shares: Vec<f64> = QUANTILES.iter().map(|share| percent(*share)).collect();
        stats.push(json!({"histograms": {"supported_quantiles": shares, "computed_quantiles": histograms}}));
    }
    json!({ "stats": stats }).to_string()
}

//! Metrics of the application through the proxy: where Prometheus shall look, and what the proxy shall fetch.
//! In: a pod with annotations for Prometheus. Out: the pod with the proxy's, and theirs in a variable of the proxy.
//! Never here: metrics.

use serde_json::{Map, Value as Json, json};

use super::{PostError, env_mut, env_name, env_value, parse_bool, variable};
use crate::go_json;
use crate::pod::{PROXY, Pod};

/// The variable that tells the proxy what to fetch.
pub(super) const ENV: &str = "ISTIO_PROMETHEUS_ANNOTATIONS";

// Prometheus sees names of annotations in this form: `prometheus.io/scrape` and `prometheus-io/scrape` are one.
const SCRAPE: &str = "prometheus_io_scrape";
const PORT: &str = "prometheus_io_port";
const PATH: &str = "prometheus_io_path";
const TARGETS: &str = "prometheus_istio_io_scrape_targets";
const SECURE_PORT: &str = "prometheus_istio_io_secure_port";

/// The annotation that decides for a pod whether its metrics are merged.
const MERGE: &str = "prometheus.istio.io/merge-metrics";
/// The proxy's variable with the port where it serves merged metrics over TLS.
const SECURE_PORT_ENV: &str = "ENVOY_SECURE_MERGED_METRICS_PORT";

/// The ports of the proxy and its agent: none has metrics of an application.
const RESERVED: [(u16, &str); 9] = [
    (15000, "Envoy admin"),
    (15001, "capture of outbound traffic"),
    (15004, "debug of the control plane"),
    (15006, "capture of inbound traffic"),
    (15008, "HBONE tunnel"),
    (15020, "status of the agent and merged metrics"),
    (15021, "health of Envoy"),
    (15053, "DNS proxy"),
    (15090, "Envoy's own metrics, which are merged anyway"),
];

/// Sends Prometheus to the proxy, and the proxy to where Prometheus was to go.
///
/// Nothing happens when the pod refuses scraping, when merging is off (annotation, then `setting`, by default on),
/// or when Prometheus goes to the status port already, as in a pod that was injected before.
pub(super) fn merge(
    pod: &mut Pod,
    setting: Option<bool>,
    status_port: u16,
    warnings: &mut Vec<String>,
) -> Result<(), PostError> {
    let merging = pod.annotation(MERGE).and_then(parse_bool).or(setting).unwrap_or(true);
    let own = status_port.to_string();
    if !scraped(pod) || !merging || port(pod) == Some(own.as_str()) {
        return Ok(());
    }
    let scrape = Scrape::of(pod, warnings);
    scrape.check(status_port)?;
    if !scrape.is_empty()
        && let Some(env) = env_mut(pod)
    {
        env.push(variable(ENV, &scrape.text()));
    }
    clear(pod);
    let annotations = pod.annotations_mut();
    for (name, value) in [
        ("prometheus.io/port", own.as_str()),
        ("prometheus.io/path", "/stats/prometheus"),
        ("prometheus.io/scrape", "true"),
    ] {
        annotations.insert(name.to_owned(), Json::from(value));
    }
    Ok(())
}

/// Announces the port where the proxy serves merged metrics over TLS, unless the pod does so itself.
pub(super) fn announce_secure_port(pod: &mut Pod) {
    if value(pod, SECURE_PORT).is_some() {
        return;
    }
    let env = pod.find(PROXY).and_then(|proxy| proxy.get("env")).and_then(Json::as_array);
    let ports = env.into_iter().flatten().filter(|variable| env_name(variable) == SECURE_PORT_ENV).map(env_value);
    let Some(port) = ports.into_iter().find(|port| !port.is_empty() && *port != "0").map(str::to_owned) else { return };
    pod.annotations_mut().insert("prometheus.istio.io/secure-port".to_owned(), Json::from(port));
}

/// The port to which the pod's annotations send Prometheus.
pub(crate) fn port(pod: &Pod) -> Option<&str> {
    value(pod, PORT).map(|(_, port)| port)
}

/// Removes all annotations that tell Prometheus where to go.
pub(crate) fn clear(pod: &mut Pod) {
    if pod.annotations().next().is_some() {
        pod.annotations_mut().retain(|name, _| ![SCRAPE, PORT, PATH, TARGETS].contains(&sanitized(name).as_str()));
    }
}

/// The first annotation that is this one for Prometheus: its name as written, and its value.
fn value<'a>(pod: &'a Pod, wanted: &str) -> Option<(&'a str, &'a str)> {
    pod.annotations().find(|(name, _)| sanitized(name) == wanted)
}

/// Whether the pod lets Prometheus scrape it.
fn scraped(pod: &Pod) -> bool {
    let said = pod.annotations().filter(|(name, _)| sanitized(name) == SCRAPE);
    said.filter_map(|(_, value)| parse_bool(value)).next().unwrap_or(true)
}

/// A name as Prometheus makes labels of it.
fn sanitized(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// One place to fetch metrics from.
struct Target {
    port: String,
    path: String,
}

/// What the pod's annotations told Prometheus.
struct Scrape {
    scrape: String,
    port: String,
    path: String,
    targets: Vec<Target>,
    /// The annotation that names the ports, as it is written.
    source: String,
}

impl Scrape {
    fn of(pod: &Pod, warnings: &mut Vec<String>) -> Scrape {
        let text = |wanted| value(pod, wanted).map_or(String::new(), |(_, value)| value.to_owned());
        let mut scrape = Scrape {
            scrape: text(SCRAPE),
            port: text(PORT),
            path: text(PATH),
            targets: Vec::new(),
            source: value(pod, PORT).map_or(String::new(), |(name, _)| name.to_owned()),
        };
        if let Some((name, written)) = value(pod, TARGETS) {
            match targets(written) {
                Ok(targets) => scrape.targets = targets,
                Err(entry) => warnings.push(format!(
                    "annotation {name} of the pod is ignored: {entry:?} has no port; write port:path, port:path"
                )),
            }
            if let Some(first) = scrape.targets.first() {
                // For agents that do not know about targets.
                scrape.port.clone_from(&first.port);
                scrape.path.clone_from(&first.path);
                name.clone_into(&mut scrape.source);
            }
        }
        scrape
    }

    fn is_empty(&self) -> bool {
        self.scrape.is_empty() && self.port.is_empty() && self.path.is_empty() && self.targets.is_empty()
    }

    /// Refuses ports that are none, and those of the proxy.
    fn check(&self, status_port: u16) -> Result<(), PostError> {
        let legacy = (self.targets.is_empty() && !self.port.is_empty()).then_some(&self.port);
        for port in self.targets.iter().map(|target| &target.port).chain(legacy) {
            let number = port.parse::<u16>().ok().filter(|number| *number > 0);
            let why = match number {
                None => "which is not a number from 1 to 65535".to_owned(),
                Some(number) if number == status_port => "where the proxy serves the merged metrics itself".to_owned(),
                Some(number) => match RESERVED.iter().find(|(reserved, _)| *reserved == number) {
                    Some((_, use_)) => format!("which is reserved for the proxy ({use_})"),
                    None => continue,
                },
            };
            return Err(PostError::ScrapePort { annotation: self.source.clone(), port: port.clone(), why });
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut fields = Map::new();
        for (field, value) in [("scrape", &self.scrape), ("path", &self.path), ("port", &self.port)] {
            fields.insert(field.to_owned(), Json::from(value.as_str()));
        }
        if !self.targets.is_empty() {
            let targets = self.targets.iter().map(|target| json!({"port": target.port, "path": target.path}));
            fields.insert("targets".to_owned(), targets.collect());
        }
        go_json::text(&Json::Object(fields))
    }
}

/// Reads `port:path, port:path`; a path that is absent is `/metrics`. The error is the entry without a port.
fn targets(text: &str) -> Result<Vec<Target>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let target = |entry: &str| {
        let (port, path) = entry.split_once(':').unwrap_or((entry, ""));
        let path = if path.trim().is_empty() { "/metrics" } else { path.trim() };
        if port.trim().is_empty() {
            return Err(entry.to_owned());
        }
        Ok(Target { port: port.trim().to_owned(), path: path.to_owned() })
    };
    entries.map(target).collect()
}

#[cfg(test)]
mod tests;

//! What happens to a pod after the templates.
//! In: the pod merged with its templates. Out: the pod with cluster, metrics, probes, status and order.
//! Never here: templates, merging.

mod order;
mod probes;
pub(crate) mod prometheus;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::pod::{PROXY, Pod, list};
use crate::status;

/// The variable of the proxy with the name of its network.
const NETWORK_ENV: &str = "ISTIO_META_NETWORK";
/// The label of a pod with the name of its network.
const NETWORK_LABEL: &str = "topology.istio.io/network";

/// Variables that tell the proxy what the pod's annotations and probes were before they named the proxy.
pub(crate) const TOLD: [&str; 2] = [prometheus::ENV, probes::ENV];

/// What the steps need to know besides the pod.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The pod as it came.
    pub original: &'a Pod,
    /// Variables for the proxy, from the webhook's URL and the values' cluster and network.
    pub proxy_env: &'a BTreeMap<String, String>,
    /// The mesh's `defaultConfig.statusPort`.
    pub status_port: u16,
    /// The mesh's `enablePrometheusMerge`.
    pub merge_metrics: Option<bool>,
    /// The value `sidecarInjectorWebhook.rewriteAppHTTPProbe`.
    pub rewrite_probes: bool,
    /// `holdApplicationUntilProxyStarts` of the pod's `proxy.istio.io/config`, the mesh or the values.
    pub hold: bool,
    /// The injector's revision; empty for the default one.
    pub revision: &'a str,
    /// The injector's `injectedAnnotations`.
    pub injected_annotations: &'a BTreeMap<String, String>,
    /// Whether the pod came with `sidecar.istio.io/status`.
    pub previously_injected: bool,
}

/// Why a pod cannot be finished.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The proxy may not read metrics from a port that the pod names.
    #[error(
        "annotation {annotation} of the pod asks for metrics from port {port:?}, {why}; name a port of the application"
    )]
    ScrapePort {
        /// The annotation as it is written.
        annotation: String,
        /// The port as it is written.
        port: String,
        /// What is wrong with the port.
        why: String,
    },
    /// Probes cannot go to the proxy's status port.
    #[error(
        "annotation status.sidecar.istio.io/port of the pod is {value:?}, which is not a number from 0 to 65535; probes go there"
    )]
    StatusPort {
        /// The value as it is written.
        value: String,
    },
}

/// What a reader should know about a pod before it is injected.
fn check_preconditions(original: &Pod) -> Vec<String> {
    let mut warnings = Vec::new();
    let dns = original.spec().and_then(|spec| spec.get("dnsPolicy")).and_then(Json::as_str).unwrap_or_default();
    if !dns.is_empty() && dns != "ClusterFirst" {
        warnings.push(format!(
            "spec.dnsPolicy is {dns:?}, so the proxy may not find the control plane by its name; use \"ClusterFirst\""
        ));
    }
    if status::injected(original) && status::Status::of(original).is_none() {
        warnings.push(format!(
            "annotation {} is not a JSON object, so what an earlier injection added is not taken away; remove the annotation",
            status::ANNOTATION
        ));
    }
    warnings
}

/// Finishes a pod that is merged with its `template`. The result is what a reader should know.
pub(crate) fn post_process(pod: &mut Pod, template: &Pod, context: &Context<'_>) -> Result<Vec<String>, PostError> {
    let mut warnings = check_preconditions(context.original);
    set_proxy_env(pod, context);
    prometheus::merge(pod, context.merge_metrics, context.status_port, &mut warnings)?;
    prometheus::announce_secure_port(pod);
    probes::rewrite(pod, context, &mut warnings)?;
    set_metadata(pod, template, context);
    order::reorder(pod, context.hold);
    Ok(warnings)
}

/// Sets variables of the proxy: those of these names go, the new ones follow at the end in the order of their names.
///
/// In a pod that was injected before they go before the variables that the later steps add,
/// which is where they were: a second injection leaves the list as it is.
/// A gateway's list stays in the order of its template, which its owner may have written, where the values are right
/// already; Istio moves them there too, which changes nothing but the order.
fn set_proxy_env(pod: &mut Pod, context: &Context<'_>) {
    let wanted = context.proxy_env;
    if wanted.is_empty() {
        return;
    }
    let gateway = pod.find(PROXY).is_some_and(is_gateway);
    let Some(env) = env_mut(pod) else { return };
    let stays = |variable: &Json| match wanted.get(env_name(variable)) {
        None => true,
        Some(value) => gateway && value == env_value(variable),
    };
    env.retain(stays);
    let is_set = |name: &str| env.iter().any(|variable| env_name(variable) == name);
    let new: Vec<Json> =
        wanted.iter().filter(|(name, _)| !is_set(name)).map(|(name, value)| variable(name, value)).collect();
    let later = |variable: &Json| TOLD.contains(&env_name(variable));
    let at = env.iter().position(|variable| context.previously_injected && later(variable)).unwrap_or(env.len());
    env.splice(at..at, new);
}

/// Whether a proxy is a gateway's: its arguments are `proxy router`.
fn is_gateway(proxy: &Json) -> bool {
    let args = proxy.get("args").and_then(Json::as_array);
    args.is_some_and(|args| args.iter().take(2).map(Json::as_str).eq([Some("proxy"), Some("router")]))
}

fn set_metadata(pod: &mut Pod, template: &Pod, context: &Context<'_>) {
    if let Some(network) = context.proxy_env.get(NETWORK_ENV) {
        pod.labels_mut().insert(NETWORK_LABEL.to_owned(), Json::from(network.as_str()));
    }
    let annotations = pod.annotations_mut();
    annotations.insert(status::ANNOTATION.to_owned(), Json::from(status::text(template, context.revision)));
    for (name, value) in context.injected_annotations {
        annotations.insert(name.clone(), Json::from(value.as_str()));
    }
}

/// The variables of the pod's proxy, if it has one; the list is made when it is absent.
fn env_mut(pod: &mut Pod) -> Option<&mut Vec<Json>> {
    Some(list(pod.find_mut(PROXY)?.as_object_mut()?, "env"))
}

fn env_name(variable: &Json) -> &str {
    variable.get("name").and_then(Json::as_str).unwrap_or_default()
}

fn env_value(variable: &Json) -> &str {
    variable.get("value").and_then(Json::as_str).unwrap_or_default()
}

fn variable(name: &str, value: &str) -> Json {
    if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) }
}

/// A truth value as Go's `strconv.ParseBool` reads it.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Configuration text over a configuration that is there, as Istio puts it: a mesh's over its
//! defaults, the annotation of a pod over the mesh's.
//!
//! In: text and base. Out: the result, judged, and findings. Never here: what the defaults are.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::decode::context::{Step, shorten};
use crate::decode::{Context, Unknown, names};
use crate::document::syntax;
use crate::finding::{Finding, Severity};
use crate::kinds::mesh_config::{ExtensionProvider, MeshConfig, ProxyConfig, ProxyHeaders};
use crate::place::Origin;
use crate::validate;
use crate::yaml::split::normalize;
use crate::yaml::tree::{Budget, scan};
use crate::yaml::{Entry, Node, Value};

/// Puts the text of a MeshConfig over a base, usually [`MeshConfig::istio_defaults`].
///
/// As Istio's `ApplyMeshConfig`: a field that is written replaces that of the base, with all below
/// it, and null counts as not written. But `defaultConfig` is applied over the base's as
/// [`apply_proxy_config`] does, `defaultProviders` field by field, `extensionProviders` are matched by
/// name and `trustDomainAliases` are the sorted union of both. The result is judged by the rules of
/// `ValidateMeshConfig`: an error means that Istio refuses the whole. Unknown fields are warnings, as
/// Istio reads past them. Fields with an error keep the value of the base.
///
/// ```
/// use lateen_config::{MeshConfig, apply_mesh_config};
///
/// let text = "defaultConfig:\n  drainDuration: 23s\n";
/// let (mesh, findings) = apply_mesh_config("mesh.yaml", text, MeshConfig::istio_defaults());
/// assert!(findings.is_empty());
/// let proxy = mesh.default_config.unwrap();
/// assert_eq!((proxy.drain_duration.unwrap().as_secs(), proxy.status_port), (23, 15020));
/// ```
pub fn apply_mesh_config(file: &str, text: &str, base: MeshConfig) -> (MeshConfig, Vec<Finding>) {
    let mut mesh = base;
    let findings = read(file, text, |node, cx| merge_mesh(&mut mesh, node, cx));
    (mesh, findings)
}

/// Puts the text of a ProxyConfig, such as annotation `proxy.istio.io/config`, over a base, usually
/// that of the mesh; `what` names the text in findings.
///
/// As Istio's `MergeProxyConfig`: a field that is written replaces that of the base, with all below
/// it, and null counts as not written. But `proxyMetadata` is merged key by key, and in
/// `proxyHeaders` five fields keep what the base has. The result is judged by the rules of
/// `ValidateMeshConfigProxyConfig`: an error means that Istio refuses the pod. Unknown fields are
/// warnings, as Istio reads past them. Fields with an error keep the value of the base.
pub fn apply_proxy_config(what: &str, text: &str, base: &ProxyConfig) -> (ProxyConfig, Vec<Finding>) {
    let mut proxy = base.clone();
    let findings = read(what, text, |node, cx| {
        merge_proxy(&mut proxy, node, cx);
        validate::proxy(&proxy, node, cx);
    });
    (proxy, findings)
}

/// Runs over the first document of a text, which Istio reads alone.
fn read(file: &str, text: &str, run: impl FnOnce(&Node, &mut Context)) -> Vec<Finding> {
    let file = Arc::from(file);
    let text = normalize(text);
    let (documents, problem) = scan(&text, Origin::File, &mut Budget::default());
    let mut cx = Context::new(&file, Unknown::Warning);
    let mut documents = documents.into_iter().filter(|node| !node.is_null());
    if let Some(mut node) = documents.next() {
        keep_last(&mut node, &mut cx);
        run(&node, &mut cx);
    }
    if let Some(second) = documents.next() {
        let message = "only the first document is read".to_owned();
        cx.find(Severity::Warning, (second.at, second.length), message, None);
    }
    let mut findings = cx.finish();
    findings.extend(problem.map(|problem| syntax(&file, problem)));
    findings
}

fn merge_mesh(mesh: &mut MeshConfig, node: &Node, cx: &mut Context) {
    // The second reading of a part has nothing new to tell.
    let mut heard = Context::new(&Arc::from(""), Unknown::Warning);
    let mut proxy = mesh.default_config.take().unwrap_or_default();
    let mut defaults = mesh.default_providers.take();
    let providers = std::mem::take(&mut mesh.extension_providers);
    let aliases = std::mem::take(&mut mesh.trust_domain_aliases);

    let read = mesh.apply(node, cx).is_some();

    if let Some(entry) = entry(node, "default_config") {
        merge_proxy(&mut proxy, &entry.value, &mut heard);
    }
    mesh.default_config = Some(proxy);
    if let Some(entry) = entry(node, "default_providers") {
        // Nothing is left to report.
        let _ = defaults.get_or_insert_default().apply(&entry.value, &mut heard);
    }
    mesh.default_providers = defaults;
    mesh.extension_providers = merge_providers(providers, std::mem::take(&mut mesh.extension_providers));
    let aliases: BTreeSet<String> = mesh.trust_domain_aliases.drain(..).chain(aliases).collect();
    mesh.trust_domain_aliases = aliases.into_iter().collect();
    if read {
        validate::applied_mesh(mesh, node, cx);
    }
}

fn merge_proxy(proxy: &mut ProxyConfig, node: &Node, cx: &mut Context) {
    let metadata = proxy.proxy_metadata.clone();
    let headers = proxy.proxy_headers.clone();
    // A node that is no map is reported and changes nothing.
    if proxy.apply(node, cx).is_none() {
        return;
    }
    for (key, value) in metadata {
        proxy.proxy_metadata.entry(key).or_insert(value);
    }
    if let (Some(headers), Some(base)) = (&mut proxy.proxy_headers, headers) {
        keep_headers(headers, base);
    }
}

/// `correctProxyHeaders` of Istio: what is not written stays, for these five.
fn keep_headers(headers: &mut ProxyHeaders, base: ProxyHeaders) {
    if headers.forwarded_client_cert == Default::default() {
        headers.forwarded_client_cert = base.forwarded_client_cert;
    }
    headers.request_id = headers.request_id.take().or(base.request_id);
    headers.attempt_count = headers.attempt_count.take().or(base.attempt_count);
    headers.server = headers.server.take().or(base.server);
    headers.envoy_debug_headers = headers.envoy_debug_headers.take().or(base.envoy_debug_headers);
}

/// A provider replaces the first one of its name.
fn merge_providers(base: Vec<ExtensionProvider>, written: Vec<ExtensionProvider>) -> Vec<ExtensionProvider> {
    let mut out = base;
    for provider in written {
        match out.iter_mut().find(|other| other.name == provider.name) {
            Some(other) => *other = provider,
            None => out.push(provider),
        }
    }
    out
}

fn entry<'n>(node: &'n Node, field: &str) -> Option<&'n Entry> {
    node.entry(|key| names::matches(key, field, &[]))
}

/// Of keys that stand twice the last one counts, as in the YAML library that Istio reads with.
fn keep_last(node: &mut Node, cx: &mut Context) {
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                cx.within(&Step::Index(index), |cx| keep_last(item, cx));
            }
        }
        Value::Mapping(entries) => {
            for entry in entries.iter_mut() {
                cx.within(&Step::Key(&entry.key), |cx| {
                    if let Some(before) = entry.duplicate_of {
                        let message =
                            format!("`{}` stands twice in this map; the last one counts", shorten(&entry.key));
                        let hint = Some(format!("remove the one in line {}", before.line));
                        cx.find(Severity::Warning, (entry.at, entry.length), message, hint);
                    }
                    keep_last(&mut entry.value, cx);
                });
            }
            if entries.iter().any(|entry| entry.duplicate_of.is_some()) {
                let mut seen = BTreeSet::new();
                entries.reverse();
                entries.retain(|entry| seen.insert(entry.key.clone()));
                entries.reverse();
            }
        }
    }
}

#[cfg(test)]
mod tests;

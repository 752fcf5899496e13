//! The gateway workloads that a folder asks for: who would run the Gateways that stand in it.
//! In come objects, out come names and labels of workloads; `standalone` runs a proxy for each, `explain` asks for one.
//! A cluster never needs this: there the proxies introduce themselves.

use crate::{Options, PortMapping, Proxy};
use lateen_config::{Object, Spec};
use lateen_core::{Labels, NamespacedName, NodeId, Place, ProxyType};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The address of a gateway that has no pod. It is one for documentation (RFC 5737), so that no endpoint of a folder
/// has it by chance and makes the gateway look like an instance of that endpoint's Service.
const STANDALONE_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Annotation of a pod with its own ProxyConfig.
const CONFIG: &str = "proxy.istio.io/config";

/// A workload that at least one Gateway selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayWorkload {
    /// Namespace and name: those of the Deployment or Pod, or made up from the selector.
    pub name: NamespacedName,
    /// Labels of its pods.
    pub labels: Labels,
    /// ProxyConfig of its pods alone (annotation `proxy.istio.io/config`); empty without one.
    pub config: String,
    /// The Deployment or Pod, if the folder has one.
    pub place: Option<Place>,
}

impl GatewayWorkload {
    /// Whether a person who writes `text` means this workload: `namespace/name`, the bare name, or the value of label
    /// `istio` in place of the name.
    pub fn is_called(&self, text: &str) -> bool {
        let (namespace, name) = text.split_once('/').map_or((None, text), |(ns, name)| (Some(ns), name));
        namespace.is_none_or(|ns| ns == &*self.name.namespace)
            && (name == &*self.name.name || self.labels.get("istio") == Some(name))
    }

    /// The node id of its proxy.
    pub fn node_id(&self) -> String {
        let (namespace, name) = (&self.name.namespace, &self.name.name);
        NodeId {
            kind: ProxyType::Router,
            ip: STANDALONE_ADDRESS,
            name: name.to_string(),
            namespace: namespace.to_string(),
            domain: format!("{namespace}.svc.cluster.local"),
        }
        .to_string()
    }

    /// The proxy of this workload on a machine without a cluster.
    pub fn proxy(&self) -> Proxy {
        let mut proxy = Proxy::new(ProxyType::Router, &self.name.namespace, self.labels.clone());
        proxy.name = self.name.name.to_string();
        proxy.ips = vec![STANDALONE_ADDRESS];
        proxy.ports = PortMapping::GatewayService;
        proxy.config.clone_from(&self.config);
        // lateen's own proxy is the agent too, and looks for certificates where an agent would.
        proxy.metadata.insert("ISTIO_VERSION".to_owned(), lateen_core::ISTIO_VERSION.to_owned());
        proxy
    }
}

/// Every gateway workload of `objects`, by name.
///
/// A Gateway's selector picks Deployments (by the labels of their pods) and bare Pods. Where it picks none, a workload
/// is made up: it carries the selector's labels, lives in the root namespace and is named after label `istio` or `app`.
pub fn gateway_workloads(objects: &[Arc<Object>], options: &Options) -> Vec<GatewayWorkload> {
    let candidates = candidates(objects, options);
    let mut selectors: Vec<Labels> = objects.iter().filter_map(|object| selector(object)).collect();
    // The most demanding selectors first, so that a lesser one finds the workload that was made up for them.
    selectors.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
    selectors.dedup();
    let mut workloads: Vec<GatewayWorkload> = Vec::new();
    for selector in selectors {
        let selected: Vec<&GatewayWorkload> =
            candidates.iter().filter(|candidate| !selector.is_empty() && selector.select(&candidate.labels)).collect();
        if selected.is_empty() {
            if !workloads.iter().any(|workload| selector.select(&workload.labels)) {
                workloads.push(made_up(selector, options));
            }
        } else {
            for workload in selected {
                if !workloads.contains(workload) {
                    workloads.push(workload.clone());
                }
            }
        }
    }
    workloads.sort_by(|a, b| a.name.cmp(&b.name));
    workloads
}

fn selector(object: &Object) -> Option<Labels> {
    match &object.spec {
        Spec::Gateway(gateway) if !object.meta.annotations.contains_key("internal.istio.io/gateway-service") => {
            Some(Labels(gateway.selector.clone()))
        }
        // Whether its class is ours is not asked here: a gateway more does no harm.
        Spec::Ingress(_) => Some([("istio", crate::ingress::DEFAULT_SELECTOR)].into_iter().collect()),
        _ => None,
    }
}

fn candidates(objects: &[Arc<Object>], options: &Options) -> Vec<GatewayWorkload> {
    let mut candidates = Vec::new();
    for object in objects {
        let (labels, annotations) = match &object.spec {
            Spec::Deployment(deployment) => {
                let template = &deployment.spec.template.metadata;
                (&template.labels, &template.annotations)
            }
            Spec::Pod(_) if object.meta.owner_references.is_empty() => (&object.meta.labels, &object.meta.annotations),
            _ => continue,
        };
        let namespace = match object.meta.namespace.as_str() {
            "" => &options.default_namespace,
            namespace => namespace,
        };
        candidates.push(GatewayWorkload {
            name: NamespacedName::new(namespace, &object.meta.name),
            labels: Labels(labels.clone()),
            config: annotations.get(CONFIG).cloned().unwrap_or_default(),
            place: Some(object.place.clone()),
        });
    }
    candidates
}

fn made_up(selector: Labels, options: &Options) -> GatewayWorkload {
    let labels = if selector.is_empty() { [("istio", "ingressgateway")].into_iter().collect() } else { selector };
    let name =
        labels.get("istio").or_else(|| labels.get("app")).or_else(|| labels.0.values().next().map(String::as_str));
    let name = NamespacedName::new(&options.root_namespace, name.unwrap_or("gateway"));
    GatewayWorkload { name, labels, config: String::new(), place: None }
}

#[cfg(test)]
mod tests;

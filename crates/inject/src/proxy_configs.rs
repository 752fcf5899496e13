//! Resources of kind ProxyConfig, and which of them count for a pod.
//! In: objects as JSON. Out: the settings of a proxy with theirs over them.
//! Never here: annotation `proxy.istio.io/config`, which comes between them.

use std::collections::BTreeMap;

use lateen_config::kinds::proxy_config::ProxyConfig;
use lateen_config::{Finding, apply_proxy_config};
use serde_json::{Map, Value as Json};

use crate::config::is_error;
use crate::pod::Pod;

/// One resource of kind ProxyConfig, `networking.istio.io/v1beta1`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedProxyConfig {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.creationTimestamp`, RFC 3339; the older one counts where two could.
    pub created: String,
    /// `spec.selector.matchLabels`; `None` without a selector.
    pub labels: Option<BTreeMap<String, String>>,
    /// The settings by the names of the mesh configuration, as JSON.
    pub settings: String,
}

impl NamedProxyConfig {
    /// Reads what injection wants of an object; a field of another type counts as absent, as it cannot come so from
    /// an API server that knows the resource.
    pub fn read(object: &Json) -> NamedProxyConfig {
        let text = |place: &str| object.pointer(place).and_then(Json::as_str).unwrap_or_default().to_owned();
        let labels = object.pointer("/spec/selector").filter(|selector| selector.is_object()).map(|selector| {
            let labels = selector.get("matchLabels").and_then(Json::as_object);
            let label = |(name, value): (&String, &Json)| (name.clone(), value.as_str().unwrap_or_default().to_owned());
            labels.into_iter().flatten().map(label).collect()
        });
        let fields =
            [("concurrency", "concurrency"), ("environmentVariables", "proxyMetadata"), ("image", "image")].into_iter();
        let settings: Map<String, Json> = fields
            .filter_map(|(field, setting)| Some((setting.to_owned(), object.get("spec")?.get(field)?.clone())))
            .collect();
        NamedProxyConfig {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            created: text("/metadata/creationTimestamp"),
            labels,
            settings: Json::Object(settings).to_string(),
        }
    }

    fn is_for(&self, pod: &Pod) -> bool {
        let Some(labels) = self.labels.as_ref().filter(|labels| !labels.is_empty()) else { return false };
        labels.iter().all(|(name, value)| pod.label(name) == Some(value))
    }
}

/// All resources of kind ProxyConfig of a cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProxyConfigs(BTreeMap<String, Vec<NamedProxyConfig>>);

impl ProxyConfigs {
    /// Sorts them as Istio does: the oldest first, then by name.
    pub fn new(all: impl IntoIterator<Item = NamedProxyConfig>) -> ProxyConfigs {
        let mut by_namespace: BTreeMap<String, Vec<NamedProxyConfig>> = BTreeMap::new();
        for one in all {
            by_namespace.entry(one.namespace.clone()).or_default().push(one);
        }
        for of_namespace in by_namespace.values_mut() {
            of_namespace.sort_by(|one, other| (&one.created, &one.name).cmp(&(&other.created, &other.name)));
        }
        ProxyConfigs(by_namespace)
    }

    /// Those that count for a pod (Istio's `EffectiveProxyConfig`).
    pub(crate) fn of(&self, root_namespace: &str, namespace: &str, pod: &Pod) -> Chosen<'_> {
        let of_namespace = |namespace: &str| self.0.get(namespace).into_iter().flatten();
        let without_selector = |namespace: &str| of_namespace(namespace).find(|one| one.labels.is_none());
        Chosen {
            mesh: without_selector(root_namespace).filter(|_| !root_namespace.is_empty()),
            namespace: without_selector(namespace).filter(|_| namespace != root_namespace),
            workload: of_namespace(namespace).find(|one| one.is_for(pod)),
        }
    }
}

/// The resources that count for a pod.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chosen<'a> {
    /// That of the root namespace.
    pub mesh: Option<&'a NamedProxyConfig>,
    /// That of the pod's namespace.
    pub namespace: Option<&'a NamedProxyConfig>,
    /// That which picks the pod by its labels. It wins over the pod's annotation.
    pub workload: Option<&'a NamedProxyConfig>,
}

impl<'a> Chosen<'a> {
    /// From the least to the most particular.
    pub(crate) fn all(self) -> impl Iterator<Item = &'a NamedProxyConfig> {
        [self.mesh, self.namespace, self.workload].into_iter().flatten()
    }
}

/// Lays a resource over the settings of a proxy; adds a warning for a setting that is of no use and passed over.
pub(crate) fn over(
    base: &ProxyConfig,
    resource: &NamedProxyConfig,
    told: impl Fn(&Finding) -> String,
    warnings: &mut Vec<String>,
) -> ProxyConfig {
    let NamedProxyConfig { namespace, name, settings, .. } = resource;
    let (proxy, findings) = apply_proxy_config(&format!("ProxyConfig {namespace}/{name}"), settings, base);
    let wrong = findings.iter().filter(|finding| is_error(finding));
    warnings.extend(wrong.map(|finding| format!("ProxyConfig {namespace}/{name}: {}", told(finding))));
    proxy
}

#[cfg(test)]
mod tests;

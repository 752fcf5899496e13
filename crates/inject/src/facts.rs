//! What injection asks about the cluster around a pod.
//! In: whatever somebody read of a cluster, or nothing. Out: the answers for one pod.
//! Never here: a Kubernetes client; what is done with the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::native::{NativeSidecars, NodeVersion};
use crate::proxy_configs::ProxyConfigs;

/// What is known about one cluster. Without a cluster nothing is, which is the default.
///
/// A copy is cheap: whoever follows a cluster replaces the parts that have changed and shares the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Every node with its version; `None` when nobody knows, which is not the same as no node.
    pub nodes: Option<Arc<[NodeVersion]>>,
    /// Annotations of namespaces by name; OpenShift's ids are read from them.
    pub namespaces: Arc<BTreeMap<String, Map<String, Json>>>,
    /// Resources of kind ProxyConfig.
    pub proxy_configs: Arc<ProxyConfigs>,
}

/// What injection of a pod cannot see in the pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// Whether proxies are native sidecars, as `ENABLE_NATIVE_SIDECARS` has it.
    pub native_sidecars: NativeSidecars,
    /// The pod's cluster.
    pub facts: Facts,
}

impl Surroundings {
    /// Whether the proxy of a pod is a native sidecar; adds warnings for nodes with odd versions.
    ///
    /// `pod_node` is `spec.nodeName`, empty for a pod that is not scheduled yet. That nodes are not known at all is
    /// for whoever reads the facts to tell, once.
    pub fn native_sidecar(&self, pod_node: &str, warnings: &mut Vec<String>) -> bool {
        let nodes = self.facts.nodes.as_deref();
        let mut odd = Vec::new();
        let native = self.native_sidecars.apply(nodes, pod_node, &mut odd);
        if nodes.is_some() {
            warnings.append(&mut odd);
        }
        native
    }
}

/// A ConfigMap as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigMap {
    /// `NAMESPACE/NAME`, for messages.
    pub name: String,
    /// `data`: texts by key.
    pub data: BTreeMap<String, String>,
}

/// All that an injector takes from a cluster that somebody follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterState {
    /// What is known of nodes, namespaces and ProxyConfigs.
    pub facts: Facts,
    /// Holds keys `config` and `values`; `None` when there is none.
    pub injector: Option<Arc<ConfigMap>>,
    /// Holds key `mesh`; `None` when there is none.
    pub mesh: Option<Arc<ConfigMap>>,
    /// What has not been read a first time, as messages call it. A cluster that refuses or has no such resource has
    /// answered.
    pub awaited: BTreeSet<String>,
}

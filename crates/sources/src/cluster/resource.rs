//! The resources of the Kubernetes API that are read, and their paths.

/// A resource: what a path of the API names, and the kind of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// Group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind of the objects.
    pub kind: &'static str,
    /// Name in paths.
    pub plural: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// ConfigMaps.
    pub const CONFIG_MAPS: Self = Self::core("ConfigMap", "configmaps");
    /// Namespaces.
    pub const NAMESPACES: Self = Self { namespaced: false, ..Self::core("Namespace", "namespaces") };
    /// Nodes.
    pub const NODES: Self = Self { namespaced: false, ..Self::core("Node", "nodes") };
    /// Pods.
    pub const PODS: Self = Self::core("Pod", "pods");
    /// Services.
    pub const SERVICES: Self = Self::core("Service", "services");
    /// ReplicationControllers.
    pub const REPLICATION_CONTROLLERS: Self = Self::core("ReplicationController", "replicationcontrollers");
    /// Deployments.
    pub const DEPLOYMENTS: Self = Self::v1("apps", "Deployment", "deployments");
    /// ReplicaSets.
    pub const REPLICA_SETS: Self = Self::v1("apps", "ReplicaSet", "replicasets");
    /// StatefulSets.
    pub const STATEFUL_SETS: Self = Self::v1("apps", "StatefulSet", "statefulsets");
    /// DaemonSets.
    pub const DAEMON_SETS: Self = Self::v1("apps", "DaemonSet", "daemonsets");
    /// Jobs.
    pub const JOBS: Self = Self::v1("batch", "Job", "jobs");
    /// CronJobs.
    pub const CRON_JOBS: Self = Self::v1("batch", "CronJob", "cronjobs");
    /// MutatingWebhookConfigurations.
    pub const MUTATING_WEBHOOK_CONFIGURATIONS: Self = Self {
        namespaced: false,
        ..Self::v1("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations")
    };

    /// ProxyConfigs.
    pub const PROXY_CONFIGS: Self =
        Self { version: "v1beta1", ..Self::v1("networking.istio.io", "ProxyConfig", "proxyconfigs") };

    const fn core(kind: &'static str, plural: &'static str) -> Self {
        Self::v1("", kind, plural)
    }

    const fn v1(group: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version: "v1", kind, plural, namespaced: true }
    }

    /// What objects carry as `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of the collection: of a namespace, or of all when none is given or there are none.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let version = self.api_version();
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{version}/{}", self.plural),
        }
    }

    /// What messages call an object of this kind.
    pub(super) fn shown(&self, namespace: Option<&str>, name: &str) -> String {
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{} {namespace}/{name}", self.kind),
            None => format!("{} {name}", self.kind),
        }
    }
}

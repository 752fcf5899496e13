//! What a snapshot is built from.
//! In and out: plain values; nothing is decided here.

use crate::snapshot::Snapshot;
use lateen_config::{Finding, MeshConfig, Object};
use std::sync::Arc;

/// Everything that a [`crate::Snapshot`] is built from.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// All objects, in any order. They are shared, so an input is cheap to keep and extend.
    pub objects: Vec<Arc<Object>>,
    /// Findings about objects that were refused, which tells references to these from references to nothing.
    pub refused: Vec<Finding>,
    /// The mesh configuration, when it does not come from ConfigMap `istio`, key `mesh`, of the root namespace.
    pub mesh: Option<MeshConfig>,
    /// The rest.
    pub options: Options,
    /// Seconds since 1970, to tell expired certificates; none means that no certificate counts as expired.
    pub now: Option<i64>,
    /// The world before this one: what is known about its certificates is not worked out again, and a Secret that
    /// turns bad is replaced by the form that was good then.
    pub previous: Option<Snapshot>,
}

/// Settings of the control plane that are not part of the mesh configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespace of objects that name none.
    pub default_namespace: Arc<str>,
    /// Suffix of the names of Services.
    pub domain_suffix: Arc<str>,
    /// Namespace of mesh-wide configuration unless the mesh configuration names another.
    pub root_namespace: Arc<str>,
    /// `PILOT_SCOPE_GATEWAY_TO_NAMESPACE`: a Gateway selects workloads of its own namespace only.
    pub scope_gateway_to_namespace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            default_namespace: "default".into(),
            domain_suffix: "cluster.local".into(),
            root_namespace: "istio-system".into(),
            scope_gateway_to_namespace: false,
        }
    }
}

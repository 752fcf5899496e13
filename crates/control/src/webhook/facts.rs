//! What injection asks about the cluster around a pod.
//! In: names of a cluster and a namespace. Out: what is known of them.
//! Never here: a decision.

use std::fmt::Debug;
use std::sync::Arc;

use lateen_inject::NodeVersion;
use serde_json::{Map, Value as Json};

/// What is known about the clusters that the webhook serves. It is asked for each injected pod, so answers come
/// from memory.
pub trait ClusterFacts: Debug + Send + Sync {
    /// The annotations of a namespace, where the platform gives pods their users by them (OpenShift); `None` when
    /// the platform does not, or nothing is known.
    fn namespace_annotations(&self, cluster: &str, namespace: &str) -> Option<Arc<Map<String, Json>>>;

    /// Every node of the cluster with its version. `None` when nobody knows, which is not the same as no node.
    fn nodes(&self, cluster: &str) -> Option<Arc<[NodeVersion]>>;
}

/// Knows nothing: there is no cluster to ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFacts;

impl ClusterFacts for NoFacts {
    fn namespace_annotations(&self, _cluster: &str, _namespace: &str) -> Option<Arc<Map<String, Json>>> {
        None
    }

    fn nodes(&self, _cluster: &str) -> Option<Arc<[NodeVersion]>> {
        None
    }
}

//! All that the data plane knows at one moment.

use super::{Cluster, Discovery, Endpoints, Listener, RouteConfiguration, RouteSpecifier, Secret};
use std::collections::HashMap;
use std::sync::Arc;

/// Every accepted resource, by name. A change makes a new `Tables` that shares what did not change.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// By name of the listener.
    pub listeners: HashMap<Arc<str>, Arc<Listener>>,
    /// By name of the route configuration; those inside listeners are not here.
    pub routes: HashMap<Arc<str>, Arc<RouteConfiguration>>,
    /// By name of the cluster.
    pub clusters: HashMap<Arc<str>, Arc<Cluster>>,
    /// By name of the load assignment (EDS).
    pub endpoints: HashMap<Arc<str>, Arc<Endpoints>>,
    /// By name of the secret (SDS, and static ones).
    pub secrets: HashMap<Arc<str>, Arc<Secret>>,
    /// What the static runtime turns on or off; resources are decoded by it.
    pub features: Features,
}

/// Runtime keys that change how resources are understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// `envoy.reloadable_features.http_reject_path_with_fragment` is off.
    pub strip_fragment: bool,
}

impl Features {
    /// The features that static runtime values ask for.
    #[must_use]
    pub fn of(runtime: &std::collections::BTreeMap<String, String>) -> Self {
        let off = |key: &str| runtime.get(key).is_some_and(|value| value == "false");
        Self { strip_fragment: off("envoy.reloadable_features.http_reject_path_with_fragment") }
    }
}

impl Tables {
    /// The route configuration that a connection manager uses, if it is there already.
    pub fn route_configuration<'a>(&'a self, from: &'a RouteSpecifier) -> Option<&'a Arc<RouteConfiguration>> {
        match from {
            RouteSpecifier::Inline(routes) => Some(routes),
            RouteSpecifier::Rds(name) => self.routes.get(name),
        }
    }

    /// The endpoints of a cluster that does not look them up itself.
    pub fn endpoints_of<'a>(&'a self, cluster: &'a Cluster) -> Option<&'a Arc<Endpoints>> {
        match &cluster.discovery {
            Discovery::Static(endpoints) => Some(endpoints),
            Discovery::Eds(name) => self.endpoints.get(name),
            Discovery::StrictDns(_) | Discovery::LogicalDns(_) | Discovery::OriginalDst(_) => None,
        }
    }
}

//! All resources of one proxy.
//! In: a scope. Out: resources by type, each list sorted by name, ready to be packed.

use crate::{Options, cds, eds, lds, rds};
use lateen_config::Finding;
use lateen_envoy_api::{Any, pack, type_url, v3};
use lateen_model::Scope;

/// The resources of one proxy.
#[derive(Clone, Debug, Default)]
pub struct Translated {
    /// LDS.
    pub listeners: Vec<v3::listener::Listener>,
    /// CDS.
    pub clusters: Vec<v3::cluster::Cluster>,
    /// RDS.
    pub routes: Vec<v3::route::RouteConfiguration>,
    /// EDS.
    pub endpoints: Vec<v3::endpoint::ClusterLoadAssignment>,
    /// Names of secrets that listeners and clusters ask for over SDS, sorted.
    pub secrets: Vec<String>,
    /// What could not be translated as it is written.
    pub findings: Vec<Finding>,
}

/// Translates everything that `scope` shows.
pub fn resources(scope: &Scope, options: &Options) -> Translated {
    let listeners = lds::build(scope, options);
    let clusters = cds::build(scope, options);
    let mut findings = scope.findings.clone();
    findings.extend(listeners.findings);
    findings.extend(clusters.findings);
    let mut secrets = listeners.secrets;
    secrets.extend(clusters.secrets);
    Translated {
        listeners: listeners.listeners,
        endpoints: eds::for_clusters(scope, options, &clusters.eds),
        clusters: clusters.clusters,
        routes: rds::routes(scope, options),
        secrets: secrets.into_iter().collect(),
        findings,
    }
}

impl Translated {
    /// Name and packed message of every resource of a type; nothing for types that are not made here.
    pub fn packed(&self, url: &str) -> Vec<(String, Any)> {
        match url {
            type_url::LISTENER => self.listeners.iter().map(|r| (r.name.clone(), pack(r))).collect(),
            type_url::CLUSTER => self.clusters.iter().map(|r| (r.name.clone(), pack(r))).collect(),
            type_url::ROUTE => self.routes.iter().map(|r| (r.name.clone(), pack(r))).collect(),
            type_url::ENDPOINT => self.endpoints.iter().map(|r| (r.cluster_name.clone(), pack(r))).collect(),
            _ => Vec::new(),
        }
    }
}

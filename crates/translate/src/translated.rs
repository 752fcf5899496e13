//! All resources of one proxy.
//! In: a scope. Out: resources by type, each list sorted by name, ready to be packed.

use crate::{Options, cds, eds, lds, rds, sds};
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
    /// SDS: those that the control plane has. Debug output shows their keys.
    pub secrets: Vec<v3::tls::Secret>,
    /// Names of all secrets that listeners and clusters ask for over SDS, sorted.
    pub secret_names: Vec<String>,
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
        secrets: sds::served(scope, &secrets),
        secret_names: secrets.into_keys().collect(),
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
            type_url::SECRET => self.secrets.iter().map(|r| (r.name.clone(), pack(r))).collect(),
            _ => Vec::new(),
        }
    }
}

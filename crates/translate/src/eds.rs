//! Endpoints.
//! In: a scope, or one service and port. Out: load assignments, by locality, in a stable order.

pub mod locality;

use crate::values::{endpoint_address, number};
use crate::{Options, provenance};
use lateen_config::kinds::destination_rule::ClientTlsMode;
use lateen_core::{ClusterName, Labels};
use lateen_envoy_api::v3;
use lateen_envoy_api::v3::endpoint::lb_endpoint::HostIdentifier;
use lateen_envoy_api::v3::endpoint::{ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints};
use lateen_model::{DestinationRule, Locality, Policy, Scope, Service};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a load assignment is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The view of the proxy.
    pub scope: &'a Scope,
    /// How resources are made.
    pub options: &'a Options,
    /// The service.
    pub service: &'a Service,
    /// Its port.
    pub port: u16,
    /// Labels that endpoints must carry.
    pub labels: &'a Labels,
    /// The policy of the cluster.
    pub policy: &'a Policy,
    /// Name of the cluster.
    pub name: &'a str,
    /// Whether bytes go on as they came (AUTO_PASSTHROUGH). The gateway cannot see whether they are mutual TLS, so only
    /// endpoints that insist on it are there (Istio `EndpointsWithMTLSFilter`).
    pub by_sni: bool,
}

/// Label of workloads that speak mutual TLS of the mesh, with value `istio`; the injector sets it.
const TLS_MODE: &str = "security.istio.io/tlsMode";

/// A cluster that takes its endpoints by EDS.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: ClusterName,
    /// Its service.
    pub service: Arc<Service>,
    /// The rule for the service.
    pub rule: Option<Arc<DestinationRule>>,
    /// Whether it goes by the name that SNI has for it.
    pub by_sni: bool,
}

/// The load assignments of all clusters that take theirs by EDS, sorted by name.
pub fn endpoints(scope: &Scope, options: &Options) -> Vec<ClusterLoadAssignment> {
    for_clusters(scope, options, &crate::cds::build(scope, options).eds)
}

/// The load assignments of these clusters, sorted by name.
pub fn for_clusters(scope: &Scope, options: &Options, clusters: &[Wanted]) -> Vec<ClusterLoadAssignment> {
    let one = |Wanted { name, service, rule, by_sni }: &Wanted| {
        let subset = rule.as_ref().and_then(|rule| rule.subset(&name.subset));
        let policy = rule.as_ref().map(|rule| rule.policy(&name.subset, name.port)).unwrap_or_default();
        assignment(Input {
            scope,
            options,
            service,
            port: name.port,
            labels: &subset.map(|subset| Labels(subset.labels.clone())).unwrap_or_default(),
            policy: &policy,
            name: &if *by_sni { name.sni() } else { name.to_string() },
            by_sni: *by_sni,
        })
    };
    let mut out: Vec<ClusterLoadAssignment> = clusters.iter().map(one).collect();
    out.sort_by(|a, b| a.cluster_name.cmp(&b.cluster_name));
    out
}

/// Whether the endpoint takes mutual TLS of the mesh: the rule for its service says so, or else the workload itself.
fn is_mutual(policy: &Policy, endpoint: &lateen_model::Endpoint) -> bool {
    match &policy.tls {
        Some(tls) => tls.mode == ClientTlsMode::IstioMutual,
        None => match endpoint.labels.get(TLS_MODE) {
            Some(mode) => mode == "istio",
            // A workload outside of Kubernetes has an identity when somebody has given it one.
            None => endpoint.source.kind == "WorkloadEntry" && !endpoint.service_account.is_empty(),
        },
    }
}

/// The load assignment of one cluster; it may have no endpoint.
pub fn assignment(input: Input<'_>) -> ClusterLoadAssignment {
    let mut by_locality: BTreeMap<&Locality, Vec<LbEndpoint>> = BTreeMap::new();
    let endpoints = input.scope.endpoints(input.service, input.port, input.labels);
    for endpoint in endpoints.filter(|endpoint| !input.by_sni || is_mutual(input.policy, endpoint)) {
        let weight = endpoint.weight.max(1);
        let made = LbEndpoint {
            host_identifier: Some(HostIdentifier::Endpoint(Endpoint {
                address: Some(endpoint_address(&endpoint.address, endpoint.port)),
                ..Default::default()
            })),
            load_balancing_weight: number(weight),
            metadata: provenance::of(input.options, &endpoint.source, Default::default(), ""),
            ..Default::default()
        };
        by_locality.entry(&endpoint.locality).or_default().push(made);
    }
    let groups = by_locality.into_iter().map(|(place, lb_endpoints)| {
        let total = lb_endpoints.iter().filter_map(|e| e.load_balancing_weight.as_ref()).map(|w| w.value).sum();
        LocalityLbEndpoints {
            locality: Some(v3::core::Locality {
                region: place.region.clone(),
                zone: place.zone.clone(),
                sub_zone: place.subzone.clone(),
            }),
            lb_endpoints,
            load_balancing_weight: number(total),
            ..Default::default()
        }
    });
    let mut endpoints: Vec<LocalityLbEndpoints> = groups.collect();
    locality::apply(input, &mut endpoints);
    ClusterLoadAssignment { cluster_name: input.name.to_owned(), endpoints, ..Default::default() }
}

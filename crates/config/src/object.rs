//! An object as every kind shares it: its header, its metadata, and the typed spec behind it.

pub(crate) mod registry;

use std::collections::BTreeMap;
use std::sync::Arc;

use lateen_core::Place;

use crate::decode::message;
use crate::kinds::{
    config_map::ConfigMap, deployment::Deployment, destination_rule::DestinationRule, endpoint_slice::EndpointSlice,
    endpoints::Endpoints, gateway::Gateway, ingress::Ingress, namespace::Namespace, pod::Pod, secret::Secret,
    service::Service, service_entry::ServiceEntry, sidecar::Sidecar, virtual_service::VirtualService,
    workload_entry::WorkloadEntry,
};

/// One decoded object. It has no error finding; it may have warnings.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Group and version as written, such as `networking.istio.io/v1` or `v1`.
    pub api_version: String,
    /// Kind, such as `VirtualService`.
    pub kind: &'static str,
    /// Name, namespace, labels and what the API server adds.
    pub meta: ObjectMeta,
    /// The typed rest.
    pub spec: Spec,
    /// Where the document starts.
    pub place: Place,
}

/// The typed part of an object. Clones are cheap.
#[derive(Debug, Clone, PartialEq)]
pub enum Spec {
    /// networking.istio.io Gateway.
    Gateway(Arc<Gateway>),
    /// networking.istio.io VirtualService.
    VirtualService(Arc<VirtualService>),
    /// networking.istio.io DestinationRule.
    DestinationRule(Arc<DestinationRule>),
    /// networking.istio.io ServiceEntry.
    ServiceEntry(Arc<ServiceEntry>),
    /// networking.istio.io WorkloadEntry.
    WorkloadEntry(Arc<WorkloadEntry>),
    /// networking.istio.io Sidecar.
    Sidecar(Arc<Sidecar>),
    /// v1 Service.
    Service(Arc<Service>),
    /// v1 Endpoints.
    Endpoints(Arc<Endpoints>),
    /// discovery.k8s.io/v1 EndpointSlice.
    EndpointSlice(Arc<EndpointSlice>),
    /// v1 Pod.
    Pod(Arc<Pod>),
    /// apps/v1 Deployment.
    Deployment(Arc<Deployment>),
    /// networking.k8s.io/v1 Ingress.
    Ingress(Arc<Ingress>),
    /// v1 Namespace.
    Namespace(Arc<Namespace>),
    /// v1 Secret.
    Secret(Arc<Secret>),
    /// v1 ConfigMap.
    ConfigMap(Arc<ConfigMap>),
}

message! {
    /// Metadata of an object; fields that a mesh does not need are left out.
    pub struct ObjectMeta: open {
        /// Name, unique by kind and namespace.
        name: String,
        /// Prefix of a name that the API server completes.
        generate_name: String,
        /// Namespace as written; empty when left out or for cluster-wide kinds.
        namespace: String,
        /// Labels.
        labels: BTreeMap<String, String>,
        /// Annotations.
        annotations: BTreeMap<String, String>,
        /// When the API server accepted the object; the older of two claims wins.
        creation_timestamp: Option<Timestamp>,
        /// When deletion was asked for.
        deletion_timestamp: Option<Timestamp>,
        /// Counts changes of the spec.
        generation: i64,
        /// Opaque version of the stored object.
        resource_version: String,
        /// Unique id of this incarnation.
        uid: String,
        /// Objects that this one belongs to.
        owner_references: Vec<OwnerReference>,
    }
}

message! {
    /// A link to an owning object.
    pub struct OwnerReference: open {
        /// Group and version of the owner.
        api_version: String,
        /// Kind of the owner.
        kind: String,
        /// Name of the owner.
        name: String,
        /// Unique id of the owner.
        uid: String,
        /// Whether this owner manages the object.
        controller: Option<bool>,
    }
}

/// A moment as RFC 3339 writes it, comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

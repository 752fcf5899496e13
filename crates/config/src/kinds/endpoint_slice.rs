//! Kubernetes EndpointSlice: addresses behind a Service.

use std::collections::BTreeMap;

use crate::decode::message;
pub use crate::kinds::endpoints::EndpointPort;
use crate::kinds::pod::ObjectReference;

message! {
    /// A discovery.k8s.io/v1 EndpointSlice; label `kubernetes.io/service-name` names its Service.
    pub struct EndpointSlice: open {
        /// `IPv4`, `IPv6` or `FQDN`.
        address_type: String,
        /// Endpoints.
        endpoints: Vec<Endpoint>,
        /// Ports of each endpoint.
        ports: Vec<EndpointPort>,
    }
}

message! {
    /// An endpoint of a slice.
    pub struct Endpoint: open {
        /// Addresses, all of the same thing.
        addresses: Vec<String>,
        /// Whether it serves.
        conditions: EndpointConditions,
        /// Host name.
        hostname: Option<String>,
        /// Node it is on.
        node_name: Option<String>,
        /// Zone it is in.
        zone: Option<String>,
        /// The pod.
        target_ref: Option<ObjectReference>,
        /// Topology of older slices.
        deprecated_topology: BTreeMap<String, String>,
    }
}

message! {
    /// Whether an endpoint serves; none means unknown.
    pub struct EndpointConditions: open {
        /// Ready for traffic; none counts as ready.
        ready: Option<bool>,
        /// Serving, also while terminating.
        serving: Option<bool>,
        /// Shutting down.
        terminating: Option<bool>,
    }
}

//! Kubernetes Endpoints: addresses behind a Service, the older form.

use crate::decode::message;
use crate::kinds::pod::ObjectReference;

message! {
    /// A v1 Endpoints; named like its Service.
    pub struct Endpoints: open {
        /// Sets of addresses and ports.
        subsets: Vec<EndpointSubset>,
    }
}

message! {
    /// Each address with each port.
    pub struct EndpointSubset: open {
        /// Ready addresses.
        addresses: Vec<EndpointAddress>,
        /// Addresses that are not ready.
        not_ready_addresses: Vec<EndpointAddress>,
        /// Ports.
        ports: Vec<EndpointPort>,
    }
}

message! {
    /// An address.
    pub struct EndpointAddress: open {
        /// IP.
        ip: String,
        /// Host name.
        hostname: String,
        /// Node it is on.
        node_name: Option<String>,
        /// The pod.
        target_ref: Option<ObjectReference>,
    }
}

message! {
    /// A port of Endpoints and of an EndpointSlice.
    pub struct EndpointPort: open {
        /// Name of the Service's port.
        name: String,
        /// Port number; none in a slice means all ports.
        port: Option<u32>,
        /// `TCP` (also when empty), `UDP` or `SCTP`.
        protocol: String,
        /// Application protocol.
        app_protocol: Option<String>,
    }
}

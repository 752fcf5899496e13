//! ServiceEntry: services that no platform registry knows.

use crate::decode::{choice, message};
pub use crate::kinds::sidecar::WorkloadSelector;
pub use crate::kinds::workload_entry::WorkloadEntry;

message! {
    /// A service added by hand.
    pub struct ServiceEntry: closed {
        /// Host names.
        hosts: Vec<String>,
        /// Virtual addresses or CIDRs.
        addresses: Vec<String>,
        /// Ports.
        ports: Vec<ServicePort>,
        /// Inside or outside of the mesh.
        location: Location,
        /// How endpoints are found.
        resolution: Resolution,
        /// Endpoints written here.
        endpoints: Vec<WorkloadEntry>,
        /// Picks pods and WorkloadEntries as endpoints instead.
        workload_selector: Option<WorkloadSelector>,
        /// Namespaces that see this; empty means all.
        export_to: Vec<String>,
        /// Names of which the server certificate must carry one.
        subject_alt_names: Vec<String>,
    }
}

message! {
    /// A port of a ServiceEntry.
    pub struct ServicePort: closed {
        /// Port number.
        number: u32,
        /// Protocol in any case; empty means found out.
        protocol: String,
        /// Label of the port.
        name: String,
        /// Port on the endpoints; 0 means `number`.
        target_port: u32,
    }
}

choice! {
    /// Where a service runs.
    pub enum Location {
        /// Outside of the mesh: no mTLS.
        MeshExternal = 0 "MESH_EXTERNAL",
        /// Inside of the mesh.
        MeshInternal = 1 "MESH_INTERNAL",
    }
}

choice! {
    /// How endpoints are found.
    pub enum Resolution {
        /// Not: calls go to the address that they were made to.
        None = 0 "NONE",
        /// From `endpoints` or the selector.
        Static = 1 "STATIC",
        /// By DNS, all answers are endpoints.
        Dns = 2 "DNS",
        /// By DNS, the first answer is used for new connections.
        DnsRoundRobin = 3 "DNS_ROUND_ROBIN",
        /// By DNS at the time of the call, for wildcard hosts.
        DynamicDns = 4 "DYNAMIC_DNS",
    }
}

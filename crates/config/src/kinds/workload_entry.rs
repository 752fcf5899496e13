//! WorkloadEntry: one workload outside of the platform, such as a virtual machine.

use std::collections::BTreeMap;

use crate::decode::message;

message! {
    /// An endpoint written by hand.
    pub struct WorkloadEntry: closed {
        /// IP, DNS name (no wildcard), or `unix://` path.
        address: String,
        /// Port by name of the service's port.
        ports: BTreeMap<String, u32>,
        /// Labels.
        labels: BTreeMap<String, String>,
        /// Network it is in; endpoints of one network reach each other directly.
        network: String,
        /// Locality, `region/zone/subzone`.
        locality: String,
        /// Share of calls, relative to the sum.
        weight: u32,
        /// Service account, without namespace.
        service_account: String,
    }
}

//! Words of the mesh that every other room speaks: hosts, labels, protocols, places in files, cluster
//! and node names, RE2 expressions, and the one table of ports.
//! In come strings, out come checked values.
//! No IO, no clock and no protobuf ever get in here.
#![warn(missing_docs)]

/// The version of Istio whose API the mesh speaks; proxies and gateways say so to control planes.
pub const ISTIO_VERSION: &str = "1.32.0";

pub mod cluster_name;
pub mod grpc;
pub mod host;
pub mod labels;
pub mod name;
pub mod node_id;
pub mod place;
pub mod ports;
pub mod protocol;
pub mod re2;

pub use cluster_name::{ClusterName, Direction};
pub use host::Host;
pub use labels::Labels;
pub use name::NamespacedName;
pub use node_id::{NodeId, ProxyType};
pub use place::Place;
pub use protocol::Protocol;
pub use re2::{Re2, Re2Error, Substitution};

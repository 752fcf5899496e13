//! The intermediate representation: what the data plane runs on.
//! In come Envoy resources (through `decode`), out go decisions (through `connection`, `route`, `balance`, …).
//! Everything is immutable once built and shared as `Arc`; nothing here knows protobuf, sockets or time.

mod cluster;
mod hcm;
mod listener;
mod outlier;
mod route;
mod tables;
mod tls;

pub use cluster::*;
pub use hcm::*;
pub use listener::*;
pub use outlier::*;
pub use route::*;
pub use tables::*;
pub use tls::*;

use std::collections::BTreeMap;
use std::sync::Arc;

/// `filter_metadata` of a resource: by filter name, a JSON object (Envoy `core.v3.Metadata`).
///
/// Istio writes `istio: {config: …}`; a control plane with provenance on adds `lateen: {place: "file:line", …}`.
pub type Metadata = Arc<BTreeMap<String, serde_json::Value>>;

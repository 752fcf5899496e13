//! Documents in, typed kinds and findings out.
//!
//! YAML or JSON text comes in; Istio's and Kubernetes' kinds come out as typed structs that know
//! the line they were written on, together with findings (line, column, field path, hint) for
//! every mistake. Never here: files, sockets, clocks, or any meaning beyond one document.

mod apply;
mod decode;
mod defaults;
mod document;
mod finding;
mod json;
pub mod kinds;
mod object;
mod place;
pub mod reflect;
mod validate;
mod yaml;

pub use apply::{apply_mesh_config, apply_proxy_config};
pub use decode::duration::{DurationError, parse_duration};
pub use document::{Decoded, Document, Skipped, decode, decode_documents, decode_mesh_config, decode_mesh_config_text};
pub use finding::{Finding, ObjectRef, Severity};
pub use json::{DuplicateKey, JsonDocument, json_documents};
pub use kinds::config_map::ConfigMap;
pub use kinds::deployment::Deployment;
pub use kinds::destination_rule::DestinationRule;
pub use kinds::endpoint_slice::EndpointSlice;
pub use kinds::endpoints::Endpoints;
pub use kinds::gateway::Gateway;
pub use kinds::ingress::Ingress;
pub use kinds::mesh_config::{MeshConfig, ProxyConfig};
pub use kinds::namespace::Namespace;
pub use kinds::pod::Pod;
pub use kinds::secret::Secret;
pub use kinds::service::Service;
pub use kinds::service_entry::ServiceEntry;
pub use kinds::sidecar::Sidecar;
pub use kinds::virtual_service::VirtualService;
pub use kinds::workload_entry::WorkloadEntry;
pub use lateen_core::Place;
pub use object::{Object, ObjectMeta, OwnerReference, Spec, Timestamp};
pub use place::{At, Origin, Text};
pub use validate::{is_cipher_suite, is_ecdh_curve};

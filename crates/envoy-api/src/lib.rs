//! The one door to Envoy's v3 API: the types, short names for them, packing
//! into `Any`, and their proto3 JSON form.
//!
//! In: prost types, protobuf bytes, JSON text. Out: the same in another form,
//! or an error that names the type and the field.
//! Never here: a word of Istio, IO, or a judgement on what a resource means.

pub mod any;
mod bootstrap;
mod fingerprint;
pub mod json;
mod table;
pub mod type_url;
pub mod v3;
mod wire;

pub use any::{UnpackError, pack, unpack};
pub use bootstrap::Bootstrap;
pub use envoy_types::pb::{cel, envoy, google, udpa, xds};
pub use fingerprint::fingerprint;
pub use google::protobuf::Any;
pub use prost;

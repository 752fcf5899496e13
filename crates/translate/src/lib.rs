//! What one proxy sees, as Envoy v3 resources.
//!
//! In: a [`lateen_model::Scope`] and [`Options`]. Out: listeners, routes, clusters and endpoints with the names that
//! Istio gives them; the folders mirror those of `proxy-core`'s decoders.
//! Never here: IO, a connection, Kubernetes, or a decision that belongs to the model.
#![warn(missing_docs)]

mod cds;
mod destination;
mod eds;
mod filter;
mod lds;
mod options;
mod provenance;
mod rds;
mod sds;
mod translated;
mod values;

pub use cds::clusters;
pub use eds::endpoints;
pub use lds::listeners;
pub use options::{MissingCredentials, Options};
pub use provenance::{KEY as PROVENANCE_KEY, Provenance};
pub use rds::routes;
pub use translated::{Translated, resources};

pub use destination::{BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER};

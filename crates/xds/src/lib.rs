//! The xDS protocol: aggregated discovery, state of the world and delta, as
//! server and as client.
//!
//! In: sets of named resources on one side, a handler on the other. Out: gRPC
//! streams that carry what changed, and reports of what was accepted.
//! The protocol itself is pure state (`server::Session`, `client::Subscriber`)
//! with time as an argument; tokio and tonic stand in thin shells around it.
//! Never here: anything of Istio, and what a resource means.

pub mod client;
pub mod debounce;
mod kind;
mod rejection;
mod resource;
pub mod server;
mod variant;

pub use debounce::Debounce;
pub use rejection::Rejected;
pub use resource::{Resource, ResourceSet, TypeSet};
pub use variant::Variant;

/// The largest message that either side takes, in bytes: clusters of a large
/// mesh come in one state-of-the-world response.
pub const MAX_MESSAGE: usize = 256 << 20;

//! Kubernetes Namespace: its labels say how it takes part in the mesh.

use crate::decode::message;

message! {
    /// A v1 Namespace.
    pub struct Namespace: open {
        /// How it goes.
        status: NamespaceStatus,
    }
}

message! {
    /// Status of a namespace.
    pub struct NamespaceStatus: open {
        /// `Active` or `Terminating`.
        phase: String,
    }
}

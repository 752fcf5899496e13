//! Where objects come from: files and folders, watched, as one generation after the other.
//! In come paths and what happens on disk; out come [`Generation`]s, each a whole and settled state.
//! A half-written file never becomes one, a broken object keeps its last good form, and what an
//! object means is never asked here: namespaces stay as written, defaults are the model's.
#![warn(missing_docs)]

pub mod cluster;
mod documents;
mod follow;
mod generation;
mod read;
mod scan;
mod settle;
mod source;
mod watch;

pub use cluster::{Cluster, ClusterError};
pub use generation::{FileState, Generation};
pub use source::{OpenError, Source, load};

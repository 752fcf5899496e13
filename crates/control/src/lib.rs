//! The control plane: generations of objects become snapshots, snapshots become resources for each connected proxy.
//! In come objects (from a folder, later from a cluster), out go Envoy resources over ADS; what proxies accept and
//! reject comes back as reports.
//! No decision about traffic is made here, and no proxy lives here.
#![warn(missing_docs)]

mod monitoring;
mod node;
mod provider;
mod report;
mod start;
mod translation;
mod webhook;
mod world;

pub use node::{NodeError, node_of, proxy_of};
pub use report::{Client, Rejection, Reports};
pub use start::{Control, Options, StartError};
pub use translation::resource_set;
pub use webhook::{FileError, WebhookError, WebhookOptions};
pub use world::{Change, World};

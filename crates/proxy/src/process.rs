//! The process: what is configured, what is served, and when it is ready.
//! In: command line, bootstrap, discovery updates. Out: tables for the workers, a handle for whoever started it.
//! Never here: a connection or a request.

mod args;
mod bootstrap;
mod control;
mod discovery;
mod options;
mod phase;
mod proxy;
mod publish;
mod resources;
mod run;
mod state;
mod warming;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub use args::Args;
pub use bootstrap::{BootstrapError, read as read_bootstrap};
pub use options::{Options, Source};
pub use phase::Phase;
pub use proxy::{Proxy, ResourceError, StartError};
pub use publish::{BindFailure, BoundListener, Publish};
pub use run::run;

pub(crate) use control::Order;
pub(crate) use discovery::Update;
pub(crate) use resources::{Entry, Failure, Form};
pub(crate) use state::{Shared, State};

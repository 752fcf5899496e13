//! The client side of aggregated discovery.
//!
//! In: a channel to a control plane, and a [`Handler`] that applies what comes.
//! Out: answers to each response, and subscriptions that follow what the
//! handler wants. What was applied stays in use while there is no connection.
//! [`Subscriber`] is the protocol, pure; [`run`] is its tokio shell.

mod backoff;
mod incoming;
mod shell;
mod subscriber;

pub use backoff::Backoff;
pub use incoming::{Received, Update};
pub use shell::{Options, Service, endpoint, run};
pub use subscriber::{Outgoing, Scope, Subscriber, Subscription};

use crate::rejection::Rejected;
use std::collections::BTreeSet;

/// Takes in what a control plane sends. Lives on the task of [`run`].
pub trait Handler: Send + 'static {
    /// The names that are wanted now of the types with [`Scope::Named`], by type
    /// url, as they follow from what was accepted so far. A type that is not
    /// listed is not wanted at all. Asked for after each [`Handler::apply`].
    fn interests(&self) -> Vec<(String, BTreeSet<String>)>;

    /// Applies one response and says what was refused; refused resources stay as
    /// they were before. What is accepted is live when this returns: the answer
    /// goes out right after it.
    fn apply(&mut self, update: Update) -> Vec<Rejected>;

    /// A stream is open.
    fn connected(&mut self) {}

    /// A stream broke, or could not be opened. Another attempt follows.
    fn disconnected(&mut self, error: &tonic::Status) {
        let _ = error;
    }
}

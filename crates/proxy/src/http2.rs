//! HTTP/2 over a transport, on both sides, with crate `h2`.
//! In: frames of a peer. Out: heads and pieces of bodies for the exchange, and frames back.
//! Never here: what a request means.

mod client;
mod cork;
mod guard;
mod outgoing;
mod server;
mod session;

pub use client::{ClientSession, ClientStream};
pub use session::serve;

/// Largest window that is offered for one stream; more would only fill memory.
const STREAM_WINDOW: u32 = 1 << 20;
/// Largest window that is offered for a connection.
const CONNECTION_WINDOW: u32 = 4 << 20;

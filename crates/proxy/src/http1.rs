//! HTTP/1.1 over a transport, on both sides.
//! In: bytes of a peer. Out: heads and pieces of bodies for the exchange, and bytes back.
//! What is right and wrong on the wire is decided in `lateen_proxy_core::http1`; here are only buffers and reads.

mod client;
mod input;
mod server;
mod session;

pub use client::ClientConnection;
pub use server::ServerStream;
pub use session::serve;

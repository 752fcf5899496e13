//! TLS of both sides, on rustls.
//! In: settings of the tables, secrets, files. Out: contexts that workers take connections with, streams of plain text.
//! Contexts are built by the control thread and swapped whole; a bad one never takes the place of a good one.

mod client;
mod context;
mod engine;
mod handshake;
mod material;
mod params;
mod peer;
mod server;
mod stream;
mod x509;

pub use context::{CertificateStatus, ClientEntry, Contexts, ServerEntry};
pub use handshake::{HandshakeError, accept, connect};
pub use stream::{Secured, TlsStream};
pub use x509::peer_certificate;

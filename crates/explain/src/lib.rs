//! Where does this call go, and which line of which file decided?
//! In come objects and a call, out comes a [`Trace`]: listener, filter chain, virtual host, route, cluster, endpoints, each
//! with the YAML that asked for it. It runs the functions that serve traffic, and never opens a socket.
#![warn(missing_docs)]

mod call;
mod network;
mod resources;
mod text;
mod trace;

pub use call::{Call, CallError, CallProxy, Calls, Mode, Protocol, Tls};
pub use network::{ResourceError, tables};
pub use resources::Source;
pub use trace::{Answer, EndpointStep, Failure, Miss, Step, Trace, UpstreamRequest, listener_port, trace};

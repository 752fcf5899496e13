//! The proxy as a process: sockets, threads and files around the pure data plane of `lateen-proxy-core`.
//! In: Envoy resources from ADS or a bootstrap file, connections. Out: proxied traffic, statistics, logs.
//! Never here: how a request is decided; that is `lateen-proxy-core`.

// Tests inside share the support of those outside, which knows this crate by its name.
#[cfg(test)]
extern crate self as lateen_proxy;

mod admin;
mod ads;
mod dns;
pub mod downstream;
mod drain;
pub mod exchange;
pub mod http;
pub mod http1;
pub mod http2;
pub mod identity;
pub mod listener;
pub mod logging;
pub mod process;
pub mod stats;
pub mod tcp;
pub mod tls;
pub mod transport;
pub mod upstream;
pub mod worker;

pub use process::{Args, Options, Proxy, Source, StartError, run};

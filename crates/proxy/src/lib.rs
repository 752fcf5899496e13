//! The proxy as a process: sockets, threads and files around the pure data plane of `lateen-proxy-core`.
//! In: Envoy resources from ADS or a bootstrap file, connections. Out: proxied traffic, statistics, logs.
//! Never here: how a request is decided; that is `lateen-proxy-core`.

pub mod logging;
pub mod stats;

//! The pure data plane: Envoy v3 resources become the intermediate representation (`decode`, `bootstrap`),
//! and the representation, a connection or request and random numbers become decisions
//! (`connection`, `request`, `route`, `balance`, `retry`).
//! In: protobuf, heads of messages, facts of connections. Out: tables, decisions, heads, lines of logs.
//! Never here: tokio, sockets, files, clocks, sources of randomness, a word of Istio.

pub mod access_log;
pub mod balance;
pub mod bootstrap;
pub mod connection;
pub mod cors;
pub mod decode;
pub mod fault;
pub mod flags;
pub mod grpc_web;
pub mod hash;
pub mod header_mutation;
pub mod headers;
pub mod hpack;
pub mod http1;
pub mod inspect;
pub mod ir;
pub mod local_reply;
pub mod matcher;
pub mod outlier;
pub mod path;
pub mod rbac;
pub mod request;
pub mod retry;
pub mod route;
#[cfg(test)]
mod sample;

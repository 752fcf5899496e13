//! One request from a downstream and what becomes of it.
//! In: a head and a stream of body pieces, from any HTTP version. Out: a response on the same stream, counts, a log line.
//! Decisions are those of `lateen_proxy_core`; here is their order, and the bytes, time and failures between them.

mod deadlines;
mod facts;
mod filters;
mod forward;
mod grpc_web;
mod mirror;
mod piece;
mod pump;
mod replay;
mod reply;
mod run;
#[cfg(test)]
mod tests;

pub use piece::{Downstream, Failure, Gone, Piece};
pub use run::{Incoming, Refusal, refused, serve};

//! The admin interface, by Envoy's paths, and the small ports for health and metrics.
//! In: HTTP requests from operators and tools. Out: what the process knows, and orders to it.
//! Never here: a key or a token in an answer.

mod answer;
mod certs;
mod clusters;
mod config_dump;
mod drain_paths;
mod listeners;
mod log_levels;
mod memory;
mod query;
mod server;
mod server_info;
mod stats;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, admin, health, prometheus};
pub(crate) use memory::resident_bytes;
pub(crate) use server::{bind, serve};

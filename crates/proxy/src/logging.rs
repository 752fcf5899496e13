//! What the process writes: its own log, and the access logs of listeners.
//! In: tracing events; rendered lines from the workers. Out: few writes to streams and files, off the workers.
//! Never here: what a line says.

mod access;
mod process;

#[cfg(test)]
mod tests;

pub use access::{AccessLogs, AccessWriter};
pub(crate) use process::timestamp;
pub use process::{LogFormat, LogHandle, LogLevel, init};

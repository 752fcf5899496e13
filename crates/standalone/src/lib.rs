//! A folder of YAML as a running mesh on one machine: control plane, gateways and stub workloads in one process.
//! In come paths, out come running listeners and a [`Board`] that says what runs where.
//! No decision about traffic is made here: the folder takes the same way as in a cluster, over the same ADS.
#![warn(missing_docs)]

mod board;
mod ports;
mod run;
mod running_stubs;
mod stubs;

pub use board::{Board, GatewayRow, HostRow, ListenerRow, StubRow};
pub use run::{Options, RunError, Standalone};

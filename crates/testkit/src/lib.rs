//! What tests of every room share: processes that die with their test, a stock Envoy, an origin that
//! writes down what it got, a client that sends exact bytes, and waits that end.
//! Only ever a dev-dependency. Nothing here sleeps for a guessed time, and all traffic is on loopback.
#![warn(missing_docs)]

pub mod bootstrap;
pub mod envoy;
pub mod http1;
pub mod kube;
pub mod origin;
pub mod port;
pub mod process;
pub mod wait;

pub use bootstrap::ads_bootstrap;
pub use envoy::{Envoy, envoy_program};
pub use http1::{Reply, exchange, request};
pub use kube::KubeApi;
pub use origin::{Origin, Seen};
pub use port::free_port;
pub use process::Process;
pub use wait::{eventually, try_eventually};

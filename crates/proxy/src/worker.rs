//! Worker threads and the handle that steers them.
//! In: tables, addresses of DNS clusters, drain and stop. Out: listeners that serve, or the reason why one cannot.
//! Each worker is a thread with a runtime, sockets, pools and counters of its own; requests share nothing but tables.
//! Never here: a request.

mod clock;
mod command;
mod context;
mod fleet;
mod thread;

pub use clock::HttpDate;
pub use context::{Context, Shared, View};
pub use fleet::{Fleet, FleetOptions, ListenerRejected, ListenerStatus};

//! What one client can ask of an echo workload at most, so that a laptop cannot be hurt by a test.
//! Constants only.

use std::time::Duration;

/// Largest answer of `/bytes/N`, in bytes; a larger N is answered 400.
pub const MAX_BYTES: u64 = 100 << 20;
/// Most lines of `/stream/N`; a larger N is answered 400.
pub const MAX_LINES: u64 = 100_000;
/// Longest wait of `/delay/N`; a longer one is shortened to this, as httpbin does.
pub const MAX_DELAY: Duration = Duration::from_secs(10);
/// Largest request body that is read at all, in bytes; a larger one is answered 413.
pub const MAX_BODY_BYTES: u64 = 100 << 20;
/// Largest request body that `/anything` and `/post` repeat in their answer, in bytes; 413 above.
pub const MAX_REPORTED_BYTES: usize = 1 << 20;
/// Connections that one workload serves at the same time; further ones wait in the listen queue.
pub const MAX_CONNECTIONS: usize = 4096;

/// How long a client may take for the head of a request.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open connections may take to finish after the shutdown began.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after the process ran out of file descriptors, before the next accept.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Largest WebSocket message that is echoed, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1 << 20;

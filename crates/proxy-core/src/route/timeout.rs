//! How long a request may take.

use crate::headers::RequestHead;
use crate::ir::{Forward, HttpConnectionManager};
use std::time::Duration;

/// Time limits of one request; `None` for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// From the end of the request to the end of the response, over all tries.
    pub overall: Option<Duration>,
    /// Of one try.
    pub per_try: Option<Duration>,
    /// Of one try without a byte.
    pub per_try_idle: Option<Duration>,
    /// Of the stream without a byte.
    pub idle: Option<Duration>,
    /// Of the whole stream, from its beginning.
    pub max_duration: Option<Duration>,
}

/// The limits for a request; `hcm` gives those that the route leaves open.
#[must_use]
pub fn timeouts(hcm: &HttpConnectionManager, forward: &Forward, head: &RequestHead) -> Timeouts {
    let _ = head;
    Timeouts { overall: forward.timeout, idle: hcm.stream_idle_timeout, ..Timeouts::default() }
}

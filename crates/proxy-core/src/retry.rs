//! Whether a failed request is tried again, and when.
//! In: a policy, request headers, responses and resets, counters, random numbers. Out: a decision.
//! Never here: waiting, counting what goes on elsewhere.

#[cfg(test)]
mod tests;

use crate::headers::{RequestHead, ResponseHead};
use crate::ir::{RetryOn, RetryPolicy};
use std::sync::Arc;
use std::time::Duration;

/// How a try ended without a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The connection could not be made.
    ConnectFailure,
    /// No connection was free and none may be made (circuit breaker); never tried again.
    Overflow,
    /// The upstream has refused the stream before it looked at it (REFUSED_STREAM).
    Refused,
    /// The upstream has reset the stream or closed the connection. `request_sent` tells whether it may have got the request.
    Remote {
        /// Whether the headers of the request were sent.
        request_sent: bool,
    },
    /// The try took too long.
    PerTryTimeout {
        /// Whether the headers of the request were sent.
        request_sent: bool,
    },
    /// The upstream has sent what is no HTTP.
    Protocol,
}

/// What is done after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this time.
    Retry {
        /// How long to wait.
        back_off: Duration,
    },
    /// It is no failure that is tried again.
    No,
    /// It would be, but there are no tries left (flag `URX`).
    LimitExceeded,
    /// It would be, but too many retries go on already.
    Overflow,
}

/// Counters of the cluster that the shell keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryLoad {
    /// Retries going on.
    pub retries: u64,
    /// Requests going on, pending ones included.
    pub requests: u64,
}

/// Retries of one request.
#[derive(Debug, Clone)]
pub struct RetryState {
    policy: Option<Arc<RetryPolicy>>,
    on: RetryOn,
    left: u32,
}

impl RetryState {
    /// What the policy and the headers of the request ask for; `None` when nothing is ever tried again.
    #[must_use]
    pub fn new(policy: Option<&Arc<RetryPolicy>>, head: &RequestHead) -> Option<Self> {
        let _ = head;
        let policy = policy?;
        Some(Self { policy: Some(policy.clone()), on: policy.on, left: policy.num_retries })
    }
}
impl RetryState {
    /// Whether a response is taken for a failure. `limits` of the cluster; `unix_time` for reset headers.
    pub fn on_response(
        &mut self,
        head: &ResponseHead,
        limits: &crate::ir::CircuitBreakers,
        load: RetryLoad,
        unix_time: Duration,
        random: u64,
    ) -> Decision {
        let _ = (head, limits, load, unix_time, random, self.left, self.on, &self.policy);
        Decision::No
    }

    /// Whether a reset is a failure that is tried again.
    pub fn on_reset(
        &mut self,
        reset: Reset,
        limits: &crate::ir::CircuitBreakers,
        load: RetryLoad,
        random: u64,
    ) -> Decision {
        let _ = (reset, limits, load, random);
        Decision::No
    }

    /// How many choices of an endpoint are made to get one that was not tried, and whether tried ones are avoided.
    #[must_use]
    pub fn host_attempts(&self) -> u32 {
        1
    }
}

//! Injected faults (`envoy.extensions.filters.http.fault.v3.HTTPFault`).
//! In: a policy, a request, random numbers. Out: how long to wait, and whether to answer with an error.
//! Never here: waiting.

#[cfg(test)]
mod tests;

use crate::flags::ResponseFlags;
use crate::headers::RequestHead;
use crate::local_reply::LocalReply;
use crate::matcher::HeaderMatcher;
use std::sync::Arc;
use std::time::Duration;

/// Faults of one level.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    /// Wait this long, for a share of requests per million.
    pub delay: Option<(Duration, u32)>,
    /// Answer with this, for a share of requests per million.
    pub abort: Option<(Abort, u32)>,
    /// Only for requests to this cluster.
    pub upstream_cluster: Option<Arc<str>>,
    /// Only for requests that meet all of these.
    pub headers: Vec<HeaderMatcher>,
    /// How many faults may go on at once; the shell counts.
    pub max_active: Option<u32>,
}

/// How a request is aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// With this status.
    Http(u16),
    /// With this gRPC status.
    Grpc(u32),
}

/// What is done to one request.
#[derive(Debug, Clone, Default)]
pub struct Injection {
    /// Wait first (flag `DI`).
    pub delay: Option<Duration>,
    /// Then answer this (flag `FI`).
    pub abort: Option<LocalReply>,
}

impl Fault {
    /// What is done to a request for `cluster`. `random` is asked once for a delay and once for an abort.
    pub fn decide(&self, head: &RequestHead, cluster: &str, random: &mut dyn FnMut() -> u64) -> Injection {
        let aimed = self.upstream_cluster.as_ref().is_none_or(|wanted| **wanted == *cluster);
        if !aimed || !self.headers.iter().all(|matcher| matcher.matches_request(head)) {
            return Injection::default();
        }
        let mut hit = |per_million: u32| random() % 1_000_000 < u64::from(per_million);
        let delay = self.delay.filter(|(_, share)| hit(*share)).map(|(delay, _)| delay);
        let abort = self.abort.filter(|(_, share)| hit(*share)).map(|(abort, _)| reply(abort));
        Injection { delay, abort }
    }
}

fn reply(abort: Abort) -> LocalReply {
    let (status, grpc_status) = match abort {
        Abort::Http(status) => (status, None),
        Abort::Grpc(status) => (200, Some(status)),
    };
    let reply = LocalReply::new(status, ResponseFlags::FAULT_INJECTED, "fault_filter_abort");
    LocalReply { grpc_status, ..reply.with_body("fault filter abort") }
}

//! A request on its way to an upstream: cluster, endpoint, connection, tries.
//! In: a route that forwards. Out: the upstream's response, or the reply that says why there is none.
//! Whether there is another try is decided by `lateen_proxy_core::retry`.

use super::deadlines::Limit;
use super::mirror;
use super::piece::{Downstream, Failure, Gone};
use super::pump::Heard;
use super::replay::Replay;
use super::reply::Trouble;
use super::run::Exchange;
use crate::upstream::{AcquireError, Acquired, Bound, UpstreamCluster, UpstreamStream, Wanted, acquire};
use bytes::Bytes;
use lateen_proxy_core::flags::ResponseFlags as Flags;
use lateen_proxy_core::headers::{ResponseHead, name};
use lateen_proxy_core::http1::{BodyFraming, reason};
use lateen_proxy_core::ir::{ClusterSpecifier, Forward, Mirror, VirtualHost};
use lateen_proxy_core::local_reply::LocalReply;
use lateen_proxy_core::outlier::Outcome;
use lateen_proxy_core::retry::{Decision, Reset, RetryLoad, RetryState};
use lateen_proxy_core::route::{self, ClusterChoice, RouteContext, Selected};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How a try ended.
enum Tried {
    /// With the head of a response.
    Response(UpstreamStream, ResponseHead, BodyFraming),
    /// Without one.
    Trouble(Trouble, Option<Reset>),
    /// The client is gone, or has been answered.
    Over,
}

impl<'a, D: Downstream> Exchange<'a, D> {
    /// Forwards the request and answers it.
    pub(super) async fn forward(&mut self, selected: Selected<'a>, forward: &'a Forward, route: &RouteContext) {
        let Some(upstream) = self.facts.cluster.clone() else {
            self.manager.stats.no_cluster.inc();
            let status = forward.cluster_not_found_status;
            let reply = LocalReply::new(status, Flags::NO_CLUSTER_FOUND, "cluster_not_found");
            return Box::pin(self.reply(reply)).await;
        };
        let config = Arc::clone(&self.manager.config);
        let timeouts = route::timeouts(&config, forward, &self.head);
        self.deadlines.routed(timeouts, self.facts.start);
        if self.body_ended {
            self.deadlines.request_ended(self.facts.start);
        }
        let policy = forward.retry.as_ref().or(selected.virtual_host.retry.as_ref());
        let retries = RetryState::new(policy, &self.head);
        let hash = if forward.hash.is_empty() {
            None
        } else {
            let key = route::hash(forward, &self.head, route, &mut || self.context.random());
            self.set_cookie = key.set_cookie;
            key.hash
        };
        let choice = ClusterChoice { name: &upstream.cluster.name, weighted: self.weighted };
        let record = self.facts.record(self.peer);
        route::prepare_upstream(&config, &selected, &choice, &timeouts, &mut self.head, route, &record);
        if (retries.is_some() || !forward.mirrors.is_empty()) && self.framing != BodyFraming::Tunnel {
            self.replay = Replay::new(self.manager.buffer_limit);
        }
        let mut mirrors: Vec<&Mirror> = if forward.mirrors.is_empty() {
            Vec::new()
        } else {
            route::mirrors(forward, self.context.random()).collect()
        };
        if self.body_ended {
            self.mirror(&mut mirrors, timeouts.overall);
        }
        self.tries(&upstream, forward, selected.virtual_host, hash, retries).await;
        self.mirror(&mut mirrors, timeouts.overall);
    }

    /// Sends the copies of the request, once it is whole.
    fn mirror(&self, mirrors: &mut Vec<&Mirror>, timeout: Option<Duration>) {
        if !self.body_ended || mirrors.is_empty() {
            return;
        }
        for mirror in mirrors.drain(..) {
            let Some(pieces) = self.replay.all() else { return };
            let trailers = self.request_trailers.clone();
            let (head, framing) = (self.head.clone(), self.framing);
            mirror::send(
                self.context,
                mirror,
                mirror::Copy { head, framing, pieces, trailers, timeout, original: self.peer.original },
            );
        }
    }

    /// Tries until there is something to tell the client.
    async fn tries(
        &mut self,
        upstream: &Rc<UpstreamCluster>,
        forward: &Forward,
        virtual_host: &VirtualHost,
        hash: Option<u64>,
        mut retries: Option<RetryState>,
    ) {
        let mut tried: Vec<SocketAddr> = Vec::new();
        let mut retrying = None;
        loop {
            self.facts.attempts += 1;
            if self.facts.attempts > 1 && virtual_host.include_request_attempt_count {
                self.head.headers.set("x-envoy-attempt-count", self.facts.attempts.to_string());
            }
            let attempts = retries.as_ref().map_or(1, RetryState::host_attempts);
            let outcome = self.attempt(upstream, forward, hash, &mut tried, attempts).await;
            let load = RetryLoad {
                retries: upstream.breakers.retries.count().saturating_sub(u64::from(retrying.is_some())),
                requests: upstream.breakers.requests.count() + upstream.breakers.pending.count(),
            };
            let limits = &upstream.cluster.limits;
            let random = self.context.random();
            // As in Envoy, an upstream that has begun to answer is not left for another.
            let begun = self.responded || self.interim;
            let can_replay = self.replay.is_whole() || (self.replayed == 0 && self.facts.bytes_received == 0);
            let decision = match (&outcome, retries.as_mut().filter(|_| can_replay && !begun)) {
                (Tried::Over, _) => return,
                (Tried::Response(_, head, _), Some(retries)) => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    retries.on_response(head, limits, load, now, random)
                }
                (Tried::Trouble(_, Some(reset)), Some(retries)) => retries.on_reset(*reset, limits, load, random),
                _ => Decision::No,
            };
            match decision {
                Decision::Retry { back_off } => {
                    upstream.stats.upstream_rq_retry.inc();
                    upstream.stats.upstream_rq_retry_backoff_exponential.inc();
                    retrying = Some(upstream.breakers.retries.force());
                    if let Tried::Response(stream, ..) = outcome {
                        stream.discard();
                    }
                    self.replayed = 0;
                    self.sent_all = false;
                    Box::pin(self.pause(back_off)).await;
                    continue;
                }
                Decision::LimitExceeded => {
                    upstream.stats.upstream_rq_retry_limit_exceeded.inc();
                    self.facts.flags.insert(Flags::UPSTREAM_RETRY_LIMIT_EXCEEDED);
                }
                Decision::Overflow => upstream.stats.upstream_rq_retry_overflow.inc(),
                Decision::No => {}
            }
            drop(retrying);
            match outcome {
                Tried::Response(stream, head, framing) => {
                    if self.facts.attempts > 1 && head.status < 500 {
                        upstream.stats.upstream_rq_retry_success.inc();
                    }
                    self.deliver(stream, head, framing).await;
                }
                Tried::Trouble(trouble, _) => Box::pin(self.fail(upstream, &trouble)).await,
                Tried::Over => {}
            }
            return;
        }
    }

    /// The cluster of the route. A name that comes from a header is looked up before the head changes.
    pub(super) fn cluster(&mut self, forward: &'a Forward, random: u64) -> Option<Rc<UpstreamCluster>> {
        let choice = route::cluster(forward, &self.head, random);
        if choice.name.is_empty() {
            return None;
        }
        let weighted = choice.weighted.map(std::ptr::from_ref);
        let upstream = self.context.upstreams.cluster(self.context, &self.view, choice.name);
        if let (Some(weighted), ClusterSpecifier::Weighted(all)) = (weighted, &forward.cluster) {
            self.weighted = all.clusters.iter().find(|one| std::ptr::eq(*one, weighted));
        }
        upstream
    }

    /// One try.
    async fn attempt(
        &mut self,
        upstream: &Rc<UpstreamCluster>,
        forward: &Forward,
        hash: Option<u64>,
        tried: &mut Vec<SocketAddr>,
        attempts: u32,
    ) -> Tried {
        let bound = Bound { original: self.peer.original, headers: Some(&self.head.headers) };
        let Some(host) = upstream.choose(self.context, &bound, hash, tried, attempts) else {
            upstream.stats.upstream_cx_none_healthy.inc();
            return Tried::Trouble(Trouble::NoHealthyUpstream, None);
        };
        if attempts > 1 {
            tried.push(host.address);
        }
        let endpoint = host.endpoint();
        route::rewrite_host_auto(forward, &endpoint.hostname, &mut self.head);
        self.facts.tried(&host, endpoint);
        let Some(_request) = upstream.breakers.requests.acquire() else {
            upstream.stats.upstream_rq_pending_overflow.inc();
            return Tried::Trouble(Trouble::Overflow, Some(Reset::Overflow));
        };
        let _active = host.begin_request();
        let now = Instant::now();
        self.deadlines.try_begins(now);
        let mut reusable = true;
        loop {
            let wanted = Wanted::of(&self.head, &upstream.cluster, reusable);
            let acquired = match host.take_ready(&upstream.cluster, &wanted) {
                Some(stream) => Acquired::Stream(stream),
                None => match Box::pin(self.connect(upstream, &host, &wanted)).await {
                    Ok(acquired) => acquired,
                    Err(tried) => return tried,
                },
            };
            let Acquired::Stream(mut stream) = acquired;
            upstream.stats.upstream_rq_total.inc();
            upstream.observe(self.context, &host, Outcome::Connected);
            self.facts.upstream_local = stream.local_addr();
            let tunnel = self.framing == BodyFraming::Tunnel;
            let begun = stream.send_head(&self.head, self.framing);
            self.sent_all = false;
            if begun.is_ok() && self.body_ended && self.replay.piece(0).is_none() && !tunnel {
                self.sent_all = stream.send_end(self.request_trailers.as_ref()).is_ok();
            }
            let heard = match begun {
                Ok(()) => std::future::poll_fn(|task| self.poll_head(&mut stream, task)).await,
                Err(failure) => Heard::Failed(failure),
            };
            self.facts.upstream_wire = stream.wire_bytes();
            match heard {
                Heard::Head(head, framing) => {
                    upstream.observe(self.context, &host, Outcome::of(&self.head.headers, &head));
                    return Tried::Response(stream, head, framing);
                }
                Heard::Gone(gone) => return Box::pin(self.over(gone)).await,
                Heard::Failed(failure) => {
                    // The server may have closed an idle connection while the request was on its way.
                    let stale =
                        failure == Failure::Closed && stream.is_reused() && !stream.has_response() && !self.interim;
                    let nothing_lost = self.replayed == 0 || self.replay.is_whole();
                    if stale && reusable && nothing_lost && (self.head.method.is_safe() || stream.nothing_sent()) {
                        self.replayed = 0;
                        reusable = false;
                        continue;
                    }
                    self.count_failure(upstream, failure);
                    let reset = match failure {
                        Failure::Refused => Reset::Refused,
                        Failure::Protocol => Reset::Protocol,
                        _ => Reset::Remote { request_sent: !stream.nothing_sent() },
                    };
                    return Tried::Trouble(Trouble::Stream(failure), Some(reset));
                }
                Heard::Late(limit) => {
                    let sent = !stream.nothing_sent();
                    self.count_late(upstream, limit);
                    let reset = match limit {
                        Limit::PerTry | Limit::PerTryIdle => Some(Reset::PerTryTimeout { request_sent: sent }),
                        _ => None,
                    };
                    return Tried::Trouble(Trouble::Limit(limit), reset);
                }
            }
        }
    }

    /// A connection that is not there yet.
    async fn connect(
        &mut self,
        upstream: &Rc<UpstreamCluster>,
        host: &Rc<crate::upstream::Host>,
        wanted: &Wanted,
    ) -> Result<Acquired, Tried> {
        let mut opening = Box::pin(acquire(upstream, host, wanted));
        let outcome = std::future::poll_fn(|task| {
            if let Poll::Ready(outcome) = opening.as_mut().poll(task) {
                return Poll::Ready(Ok(outcome));
            }
            if self.body_ended
                && let Poll::Ready(gone) = self.downstream.poll_gone(task)
            {
                return Poll::Ready(Err(Heard::Gone(gone)));
            }
            self.poll_limit(task).map(|limit| Err(Heard::Late(limit)))
        })
        .await;
        let (trouble, reset) = match outcome {
            Ok(Ok(acquired)) => return Ok(acquired),
            Ok(Err(AcquireError::Overflow)) => {
                upstream.stats.upstream_rq_pending_overflow.inc();
                (Trouble::Overflow, Some(Reset::Overflow))
            }
            Ok(Err(AcquireError::Connect(error))) => {
                upstream.observe(self.context, host, Outcome::Failed);
                (Trouble::Connect(error), Some(Reset::ConnectFailure))
            }
            Ok(Err(AcquireError::Timeout)) => {
                upstream.observe(self.context, host, Outcome::Failed);
                (Trouble::ConnectTimeout, Some(Reset::ConnectFailure))
            }
            Err(Heard::Gone(gone)) => {
                upstream.stats.upstream_rq_cancelled.inc();
                return Err(self.over(gone).await);
            }
            Err(Heard::Late(limit)) => {
                self.count_late(upstream, limit);
                let per_try = matches!(limit, Limit::PerTry | Limit::PerTryIdle);
                (Trouble::Limit(limit), per_try.then_some(Reset::PerTryTimeout { request_sent: false }))
            }
            Err(_) => (Trouble::Stream(Failure::Local), None),
        };
        host.stats().rq_error.inc();
        Err(Tried::Trouble(trouble, reset))
    }

    /// The client is gone, or what it sends is no HTTP; the latter can still be told.
    async fn over(&mut self, gone: Gone) -> Tried {
        if let (Gone::Protocol(error), false) = (gone, self.responded) {
            self.manager.stats.downstream_cx_protocol_error.inc();
            // The end of the request will never be found, so the connection ends after the answer.
            let body = reason::phrase(error.status());
            let reply = LocalReply::new(error.status(), Flags::DOWNSTREAM_PROTOCOL_ERROR, error.details());
            self.reply(reply.with_body(body)).await;
        } else if let (Some(reply), false) = (super::grpc_web::refused(gone), self.responded) {
            self.reply(reply).await;
        } else {
            self.gone(gone);
        }
        Tried::Over
    }

    fn count_failure(&self, upstream: &UpstreamCluster, failure: Failure) {
        let stats = &upstream.stats;
        match failure {
            Failure::Local => stats.upstream_rq_tx_reset.inc(),
            _ => stats.upstream_rq_rx_reset.inc(),
        }
        if let Some(host) = &self.facts.host {
            host.stats().rq_error.inc();
            upstream.observe(self.context, host, Outcome::Failed);
        }
    }

    fn count_late(&self, upstream: &UpstreamCluster, limit: Limit) {
        let stats = &upstream.stats;
        match limit {
            Limit::Overall => stats.upstream_rq_timeout.inc(),
            Limit::PerTry => stats.upstream_rq_per_try_timeout.inc(),
            Limit::PerTryIdle => stats.upstream_rq_per_try_idle_timeout.inc(),
            Limit::Idle => self.manager.stats.downstream_rq_idle_timeout.inc(),
            Limit::Duration => self.manager.stats.downstream_rq_max_duration_reached.inc(),
            Limit::Request => self.manager.stats.downstream_rq_timeout.inc(),
        }
        if let Some(host) = &self.facts.host {
            host.stats().rq_timeout.inc();
            if matches!(limit, Limit::Overall | Limit::PerTry | Limit::PerTryIdle) && !self.responded {
                upstream.observe(self.context, host, Outcome::TimedOut);
            }
        }
    }

    /// Says why there is no response.
    async fn fail(&mut self, upstream: &UpstreamCluster, trouble: &Trouble) {
        if self.responded {
            self.facts.flags.insert(trouble.flags());
            self.facts.details = trouble.details("upstream_reset_after_response_started").into();
            self.downstream.abort();
            return;
        }
        self.facts.transport_failure = trouble.transport_failure();
        let suppress = self.manager.config.router.suppress_envoy_headers;
        let reply = trouble.reply(self.facts.attempts, self.body_ended, suppress);
        upstream.stats.response(reply.status);
        self.reply(reply).await;
    }

    /// Sends the upstream's response.
    async fn deliver(&mut self, mut stream: UpstreamStream, mut head: ResponseHead, framing: BodyFraming) {
        let now = Instant::now();
        self.facts.response_start = Some(now);
        self.facts.details = "via_upstream".into();
        self.deadlines.response_begins();
        self.tunnel = framing == BodyFraming::Tunnel;
        if self.tunnel {
            self.deadlines.upgraded();
        } else if self.framing == BodyFraming::Tunnel {
            // The upgrade was refused: the request is over.
            self.sent_all = true;
        }
        if let Some(upstream) = &self.facts.cluster {
            upstream.stats.response(head.status);
            upstream.stats.upstream_rq_time.record(now.duration_since(self.facts.start));
        }
        if let Some(host) = &self.facts.host {
            if head.status < 500 { host.stats().rq_success.inc() } else { host.stats().rq_error.inc() }
        }
        // As Envoy: nothing is said of a request that is still coming.
        if !self.manager.config.router.suppress_envoy_headers
            && let Some(since) = self.facts.request_end
        {
            let service_time = now.duration_since(since).as_millis();
            head.headers.set("x-envoy-upstream-service-time", service_time.to_string());
        }
        if self.is_failed_handshake(&stream, head.status) {
            return Box::pin(self.refuse_handshake(stream, head)).await;
        }
        let framing = match &self.grpc_web {
            None => Ok(framing),
            Some(_) => Box::pin(self.answer_grpc_web(&mut stream, &mut head, framing)).await,
        };
        let ended = match framing {
            Ok(framing) => {
                self.send_head(head, framing, true);
                std::future::poll_fn(|task| self.poll_response(&mut stream, task)).await
            }
            Err(heard) => Err(heard),
        };
        self.facts.upstream_wire = stream.wire_bytes();
        match ended {
            Ok(()) => stream.finish(),
            Err(Heard::Gone(gone)) => self.gone(gone),
            Err(Heard::Failed(failure)) => {
                let trouble = Trouble::Stream(failure);
                if let Some(upstream) = &self.facts.cluster {
                    self.count_failure(upstream, failure);
                }
                self.manager.stats.rq_reset_after_downstream_response_started.inc();
                self.cut(&trouble);
            }
            Err(Heard::Late(limit)) => {
                if let Some(upstream) = &self.facts.cluster {
                    self.count_late(upstream, limit);
                }
                self.cut(&Trouble::Limit(limit));
            }
            Err(Heard::Head(..)) => {}
        }
    }

    /// Whether an HTTP/1 upstream has answered a WebSocket handshake with anything but 101 or an error.
    fn is_failed_handshake(&self, stream: &UpstreamStream, status: u16) -> bool {
        let asked = |protocol: &Bytes| protocol.eq_ignore_ascii_case(b"websocket");
        status != 101
            && status < 400
            && self.framing == BodyFraming::Tunnel
            && self.head.protocol.as_ref().is_some_and(asked)
            && matches!(stream, UpstreamStream::Http1(_))
    }

    /// Sends the head of such an answer, without a body, as Envoy does.
    async fn refuse_handshake(&mut self, stream: UpstreamStream, mut head: ResponseHead) {
        self.facts.details = "websocket_handshake_unsuccessful".into();
        self.facts.upstream_wire = stream.wire_bytes();
        drop(stream);
        head.headers.remove(name::CONTENT_LENGTH);
        let bodiless = matches!(head.status, 204 | 304);
        self.send_head(head, if bodiless { BodyFraming::None } else { BodyFraming::Length(0) }, true);
        self.downstream.send_end(None);
        self.flush().await;
    }

    /// Ends a response that has begun and cannot be completed.
    fn cut(&mut self, trouble: &Trouble) {
        self.facts.flags.insert(trouble.flags());
        self.facts.details = match trouble {
            Trouble::Limit(Limit::Overall) => "response_timeout".into(),
            Trouble::Limit(Limit::Idle) => "stream_idle_timeout".into(),
            Trouble::Limit(_) => "max_duration_timeout".into(),
            _ => trouble.details("upstream_reset_after_response_started").into(),
        };
        self.downstream.abort();
    }
}

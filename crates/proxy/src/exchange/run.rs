//! The journey of one request: admitted, routed, filtered, then redirected, answered or forwarded.
//! In: a head and its stream. Out: everything that is to happen with it has happened.
//! Never here: what a decision depends on.

use super::deadlines::Deadlines;
use super::facts::Facts;
use super::piece::{Downstream, Gone};
use super::replay::Replay;
use crate::http::{Manager, Peer};
use crate::transport::Timer;
use crate::worker::{Context, View};
use bytes::Bytes;
use lateen_proxy_core::cors::CorsPolicy;
use lateen_proxy_core::flags::ResponseFlags as Flags;
use lateen_proxy_core::grpc_web::GrpcWeb;
use lateen_proxy_core::headers::{Headers, RequestHead, ResponseHead, name};
use lateen_proxy_core::http1::{BodyFraming, ParseError, reason};
use lateen_proxy_core::ir::{RouteAction, RouteConfiguration, WeightedCluster};
use lateen_proxy_core::local_reply::LocalReply;
use lateen_proxy_core::request::{self, Admitted, Downstream as Origin};
use lateen_proxy_core::route::{self, ClusterChoice, NoRoute, RouteContext};
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

/// A request as a codec hands it over.
pub struct Incoming {
    /// Its head.
    pub head: RequestHead,
    /// How its body ends.
    pub framing: BodyFraming,
    /// The upgrade that it asks for.
    pub upgrade: Option<Bytes>,
    /// When its first byte came.
    pub start: Instant,
}

/// One request while it is going on.
pub(super) struct Exchange<'a, D> {
    pub context: &'a Rc<Context>,
    pub view: Rc<View>,
    pub manager: &'a Manager,
    pub peer: &'a Peer,
    pub downstream: &'a mut D,
    pub timer: &'a mut Timer,
    pub head: RequestHead,
    pub framing: BodyFraming,
    pub upgrade: Option<Bytes>,
    pub admitted: Admitted,
    pub facts: Facts<'a>,
    pub deadlines: Deadlines,
    pub replay: Replay,
    /// Pieces of `replay` that this try has sent.
    pub replayed: usize,
    pub request_trailers: Option<Headers>,
    /// Everything of the request has come.
    pub body_ended: bool,
    /// Everything of the request has been sent to the upstream of this try.
    pub sent_all: bool,
    /// An upgrade was accepted.
    pub tunnel: bool,
    /// The upstream has sent an interim response.
    pub interim: bool,
    /// The head of the response is on its way.
    pub responded: bool,
    /// Whether it was refused before it reached the filters.
    refused: bool,
    /// The end of the response is on its way.
    pub response_done: bool,
    pub cors: Option<(&'a CorsPolicy, Bytes)>,
    pub grpc_web: Option<Box<GrpcWeb>>,
    pub weighted: Option<&'a WeightedCluster>,
    pub set_cookie: Option<String>,
}

/// Serves one request to its end.
pub async fn serve<D: Downstream>(
    context: &Rc<Context>,
    manager: &Manager,
    peer: &Peer,
    downstream: &mut D,
    timer: &mut Timer,
    incoming: Incoming,
) {
    let view = context.view();
    let routes = manager.routes(&view);
    let Incoming { head, framing, upgrade, start } = incoming;
    let config = &manager.config;
    let body_ended = framing.is_empty();
    let mut facts = Facts::new(start);
    let mut deadlines =
        Deadlines::start(start, config.request_timeout, config.stream_idle_timeout, config.max_stream_duration);
    if body_ended {
        facts.request_end = Some(start);
        deadlines.request_ended(start);
    }
    manager.stats.downstream_rq_total.inc();
    manager.stats.downstream_rq_active.inc();
    let _active = Active(manager);
    let mut exchange = Exchange {
        context,
        view,
        manager,
        peer,
        downstream,
        timer,
        admitted: Admitted {
            client: peer.client,
            internal: false,
            https: peer.tls,
            request_id: None,
            request_id_in_response: false,
            upgrade: None,
            close_after: false,
            head: head.method == lateen_proxy_core::headers::Method::Head,
        },
        head,
        framing,
        upgrade,
        facts,
        deadlines,
        replay: Replay::off(),
        replayed: 0,
        request_trailers: None,
        body_ended,
        sent_all: false,
        tunnel: false,
        interim: false,
        responded: false,
        refused: false,
        response_done: false,
        cors: None,
        grpc_web: None,
        weighted: None,
        set_cookie: None,
    };
    exchange.run(routes.as_deref().map(|routes| &*routes.0)).await;
    let wire = exchange.downstream.wire_bytes();
    let Exchange { mut facts, head, .. } = exchange;
    facts.finish(context, manager, peer, Some(&head), wire);
}

/// The answer to what is no request.
pub struct Refusal {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: &'static str,
    /// `response_code_details`.
    pub details: &'static str,
    /// What the log says.
    pub flags: Flags,
}

impl Refusal {
    /// For bytes that break the protocol.
    pub fn of(error: ParseError) -> Self {
        Self {
            status: error.status(),
            body: reason::phrase(error.status()),
            details: error.details(),
            flags: Flags::DOWNSTREAM_PROTOCOL_ERROR,
        }
    }
}

/// Counts and logs a request that was no HTTP, with the answer it was given.
pub fn refused(context: &Context, manager: &Manager, peer: &Peer, answer: &Refusal) {
    let mut facts = Facts::new(Instant::now());
    facts.status = Some(answer.status);
    facts.details = answer.details.into();
    facts.flags = answer.flags;
    facts.bytes_sent = answer.body.len() as u64;
    facts.client = Some(peer.client);
    manager.stats.downstream_rq_total.inc();
    facts.finish(context, manager, peer, None, (0, 0));
}

/// Counts a request as going on.
struct Active<'a>(&'a Manager);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stats.downstream_rq_panic.inc();
        }
        self.0.stats.downstream_rq_active.dec();
    }
}

impl<'a, D: Downstream> Exchange<'a, D> {
    async fn run(&mut self, routes: Option<&'a RouteConfiguration>) {
        #[cfg(test)]
        assert!(self.head.path != super::tests::PANIC, "as the test wants it");
        let config = &*self.manager.config;
        let origin = Origin {
            peer: self.peer.client,
            local: self.peer.local,
            tls: self.peer.tls,
            certificate: self.peer.certificate(),
        };
        match request::admit(config, &mut self.head, &origin, &mut || self.context.random()) {
            Ok(admitted) => self.admitted = admitted,
            Err(reply) => {
                self.refused = true;
                return Box::pin(self.reply(*reply)).await;
            }
        }
        self.facts.client = Some(self.admitted.client);
        let context = RouteContext {
            https: self.admitted.https,
            internal: self.admitted.internal,
            client: self.admitted.client.ip(),
            random: self.context.random(),
        };
        let found = match routes {
            Some(routes) => route::select(routes, &self.head, &context),
            None => Err(NoRoute::NoVirtualHost),
        };
        self.facts.selected = found.as_ref().ok().copied();
        if let Some(RouteAction::Forward(forward)) = self.facts.selected.map(|selected| &selected.route.action) {
            self.facts.cluster = self.cluster(forward, context.random);
        }
        if !config.filters.is_empty()
            && let Some(reply) = Box::pin(self.filter(context.random)).await
        {
            return Box::pin(self.reply(reply)).await;
        }
        let selected = match found {
            Ok(selected) => selected,
            Err(none) => {
                self.manager.stats.no_route.inc();
                let elsewhere = match none {
                    NoRoute::NoVirtualHost => self.manager.misdirected(self.peer, &self.head.authority, &self.view),
                    _ => None,
                };
                return Box::pin(self.reply(elsewhere.unwrap_or_else(|| none.reply()))).await;
            }
        };
        let forward = match &selected.route.action {
            RouteAction::Forward(forward) => Some(&**forward),
            _ => None,
        };
        if self.upgrade.is_some() || self.admitted.upgrade.is_some() {
            if let Err(reply) = request::check_upgrade(config, &self.admitted, forward) {
                self.manager.stats.downstream_rq_ws_on_non_ws_route.inc();
                return Box::pin(self.reply(*reply)).await;
            }
            if self.head.protocol.is_none() {
                self.head.protocol = self.upgrade.take();
            }
        }
        match &selected.route.action {
            RouteAction::Forward(forward) => self.forward(selected, forward, &context).await,
            RouteAction::Redirect(redirect) => {
                self.manager.stats.rq_redirect.inc();
                let reply = route::redirect(&selected, redirect, &self.head, &context);
                Box::pin(self.reply(reply)).await;
            }
            RouteAction::Direct(response) => {
                self.manager.stats.rq_direct_response.inc();
                let record =
                    lateen_proxy_core::access_log::Record { request: Some(&self.head), ..self.facts.record(self.peer) };
                let reply = route::direct(response, &record);
                Box::pin(self.reply(reply)).await;
            }
            RouteAction::NonForwarding => {
                self.manager.stats.no_route.inc();
                Box::pin(self.reply(NoRoute::NoVirtualHost.reply())).await;
            }
        }
    }

    /// Sends an answer of our own, if nothing of a response has been sent yet.
    pub(super) async fn reply(&mut self, reply: LocalReply) {
        self.facts.flags.insert(reply.flags);
        let (head, body) = match &self.grpc_web {
            None => reply.response(&self.head),
            Some(call) => super::grpc_web::local_reply(call, &reply, &mut self.head),
        };
        self.facts.details = reply.details;
        self.facts.local_reply_body = body.clone();
        let bodiless = self.admitted.head || head.status < 200 || matches!(head.status, 204 | 304);
        let framing = if bodiless { BodyFraming::None } else { BodyFraming::Length(body.len() as u64) };
        self.send_head(head, framing, false);
        if !body.is_empty() {
            self.facts.bytes_sent += body.len() as u64;
            self.downstream.send_data(body);
        }
        self.downstream.send_end(None);
        self.flush().await;
    }

    /// Finishes a head and hands it to the codec.
    pub(super) fn send_head(&mut self, mut head: ResponseHead, framing: BodyFraming, from_upstream: bool) {
        self.facts.status = Some(head.status);
        if let Some(selected) = &self.facts.selected {
            let choice = self
                .facts
                .cluster
                .as_ref()
                .map(|cluster| ClusterChoice { name: &cluster.cluster.name, weighted: self.weighted });
            let record =
                lateen_proxy_core::access_log::Record { request: Some(&self.head), ..self.facts.record(self.peer) };
            route::prepare_downstream(selected, choice.as_ref(), &mut head, &record);
        }
        if let Some((policy, origin)) = self.cors.take() {
            policy.finish(origin, &mut head);
        }
        if let Some(cookie) = self.set_cookie.take() {
            head.headers.append(name::SET_COOKIE, cookie);
        }
        if !head.headers.contains(name::DATE) {
            head.headers.append(name::DATE, self.context.date.now());
        }
        request::finish_response(&self.manager.config, &self.admitted, &mut head, from_upstream);
        if !self.body_ended && !self.tunnel {
            self.manager.stats.downstream_rq_response_before_rq_complete.inc();
        }
        if head.status != 101 && !self.tunnel {
            // Envoy closes after a request that it refused before the filters, whether its end has come or not.
            self.downstream.close_after(&mut head, self.body_ended && !self.refused);
        }
        self.downstream.send_head(&head, framing);
        self.responded = true;
        if !self.manager.config.access_log.is_empty() {
            self.facts.response = Some(head);
        }
    }

    /// Writes everything to the client, as long as it takes some now and then.
    pub(super) async fn flush(&mut self) {
        let outcome = std::future::poll_fn(|task| {
            if let Poll::Ready(outcome) = self.downstream.poll_flush(task) {
                return Poll::Ready(outcome);
            }
            match self.timer.poll(task, self.deadlines.next().map(|(at, _)| at)) {
                Poll::Ready(()) => Poll::Ready(Err(Gone::Closed)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        if outcome.is_err() {
            self.gone(Gone::Closed);
        }
    }

    /// The client is gone.
    pub(super) fn gone(&mut self, gone: Gone) {
        self.facts.flags.insert(match gone {
            Gone::Protocol(_) | Gone::Invalid => Flags::DOWNSTREAM_PROTOCOL_ERROR,
            Gone::Closed => Flags::DOWNSTREAM_CONNECTION_TERMINATION,
            Gone::Reset => Flags::DOWNSTREAM_REMOTE_RESET,
            Gone::Text(_) => Flags::NONE,
        });
        self.facts.details = match gone {
            Gone::Protocol(error) => error.details().into(),
            Gone::Invalid => "http2.violation".into(),
            Gone::Closed => "downstream_remote_disconnect".into(),
            Gone::Reset => "http2.remote_reset".into(),
            Gone::Text(bad) => bad.details().into(),
        };
        self.downstream.abort();
    }
}

//! HTTP filters before the router, in the order of the connection manager.
//! In: the request and its route, if it has one. Out: a reply that ends it, or nothing.
//! Never here: what a filter decides; that is its room in `lateen_proxy_core`.

use super::piece::Downstream;
use super::run::Exchange;
use lateen_proxy_core::cors::Cors;
use lateen_proxy_core::fault::Fault;
use lateen_proxy_core::flags::ResponseFlags as Flags;
use lateen_proxy_core::grpc_web::GrpcWeb;
use lateen_proxy_core::http1::BodyFraming;
use lateen_proxy_core::ir::{FilterOverride, HttpFilterKind, RouteAction};
use lateen_proxy_core::local_reply::LocalReply;
use lateen_proxy_core::rbac::{Facts as RbacFacts, Rbac};
use lateen_proxy_core::route;
use std::task::Poll;
use std::time::{Duration, Instant};

impl<'a, D: Downstream> Exchange<'a, D> {
    /// Runs all filters; a reply ends the request.
    pub(super) async fn filter(&mut self, random: u64) -> Option<LocalReply> {
        let manager = self.manager;
        for filter in &manager.config.filters {
            let selected = self.facts.selected;
            let configured = selected.and_then(|selected| route::filter_override(&selected, None, &filter.name));
            if !route::runs(filter, configured) {
                continue;
            }
            let reply = match &filter.kind {
                HttpFilterKind::Cors => match configured {
                    Some(FilterOverride::Cors(policy)) => match policy.decide(&self.head, random) {
                        Cors::Preflight(reply) => Some(*reply),
                        Cors::Allowed { origin } => {
                            manager.stats.cors_origin_valid.inc();
                            self.cors = Some((policy, origin));
                            None
                        }
                        Cors::Pass => None,
                    },
                    _ => None,
                },
                HttpFilterKind::Rbac(own) => match configured {
                    Some(FilterOverride::Rbac(Some(rules))) => self.check(rules),
                    Some(FilterOverride::Rbac(None)) => None,
                    _ => self.check(own),
                },
                HttpFilterKind::Fault(own) => match configured {
                    Some(FilterOverride::Fault(fault)) => self.fault(fault).await,
                    _ => self.fault(own).await,
                },
                HttpFilterKind::GrpcWeb => {
                    self.grpc_web = GrpcWeb::begin(&mut self.head).map(Box::new);
                    if self.grpc_web.is_some() && !self.framing.is_empty() {
                        self.framing = BodyFraming::Chunked;
                    }
                    None
                }
                HttpFilterKind::GrpcStats | HttpFilterKind::Transparent => None,
            };
            if reply.is_some() {
                return reply;
            }
        }
        None
    }

    fn check(&self, rules: &Rbac) -> Option<LocalReply> {
        let certificate = self.peer.certificate();
        let facts = RbacFacts {
            request: Some(&self.head),
            direct_peer: self.peer.direct,
            client: self.admitted.client,
            local: self.peer.local,
            server_name: &self.peer.server_name,
            authenticated: certificate.is_some(),
            uri_sans: certificate.map_or(&[], |certificate| &certificate.uri_sans),
            dns_sans: certificate.map_or(&[], |certificate| &certificate.dns_sans),
            subject: certificate.map_or("", |certificate| &certificate.subject),
        };
        let stats = &self.manager.stats;
        if let Some(shadow) = rules.evaluate_shadow(&facts) {
            if shadow.allowed { stats.rbac_shadow_allowed.inc() } else { stats.rbac_shadow_denied.inc() }
        }
        let reply = rules.check(&facts);
        if reply.is_some() {
            stats.rbac_denied.inc()
        } else {
            stats.rbac_allowed.inc()
        }
        reply
    }

    async fn fault(&mut self, fault: &Fault) -> Option<LocalReply> {
        let cluster = match self.facts.selected.map(|selected| &selected.route.action) {
            Some(RouteAction::Forward(forward)) => {
                route::cluster(forward, &self.head, self.context.random()).name.to_owned()
            }
            _ => String::new(),
        };
        let stats = &self.manager.stats;
        let active = u64::try_from(stats.fault_active.get()).unwrap_or(0);
        if fault.max_active.is_some_and(|max| active >= u64::from(max)) {
            stats.fault_overflow.inc();
            return None;
        }
        let injection = fault.decide(&self.head, &cluster, &mut || self.context.random());
        if injection.delay.is_some() || injection.abort.is_some() {
            stats.fault_active.inc();
        }
        if let Some(delay) = injection.delay {
            stats.fault_delays.inc();
            self.facts.flags.insert(Flags::DELAY_INJECTED);
            self.pause(delay).await;
        }
        if injection.delay.is_some() || injection.abort.is_some() {
            stats.fault_active.dec();
        }
        if injection.abort.is_some() {
            stats.fault_aborts.inc();
        }
        injection.abort
    }

    /// Waits, unless the client goes away first; then the next write finds out.
    pub(super) async fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        std::future::poll_fn(|task| {
            if self.timer.poll(task, Some(end)).is_ready() {
                return Poll::Ready(());
            }
            if self.body_ended { self.downstream.poll_gone(task).map(|_| ()) } else { Poll::Pending }
        })
        .await;
    }
}

//! The protocol of one stream: which response goes out when.
//!
//! In: requests, worlds and the time. Out: responses in an order that never
//! names what the client does not have yet (make before break): clusters,
//! endpoints, then listeners and routes once the client has answered the former,
//! and what nobody names any more is removed last.
//! Pure: no socket, no clock, no task.

use super::exchange::{Change, Feedback, Request, Response};
use super::watch::{Allowed, Push, Watch};
use crate::kind::Kind;
use crate::resource::{ResourceSet, TypeSet};
use crate::variant::Variant;
use lateen_envoy_api::{unpack, v3};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// More types than any client asks for.
const MAX_TYPES: usize = 64;
/// More names of one type than any client asks for.
const MAX_NAMES: usize = 1_000_000;

static NOTHING: LazyLock<Arc<TypeSet>> = LazyLock::new(Arc::default);

/// The state of one stream.
///
/// After each call of [`Session::on_request`] and [`Session::on_world`], and
/// when [`Session::deadline`] has come, [`Session::poll`] gives what to send.
pub struct Session {
    variant: Variant,
    wait: Duration,
    world: Arc<ResourceSet>,
    generation: u64,
    nonces: u64,
    reconnect: Reconnect,
    /// In the order of their kinds.
    watches: Vec<Watch>,
}

/// A client that kept resources asks for its types one after the other; until
/// it has asked for listeners and routes, it is unknown what they still name.
#[derive(Clone, Copy, PartialEq)]
enum Reconnect {
    /// The client came with nothing, or has said everything.
    Done,
    /// Seen in a request, not yet given a time.
    Begun,
    Until(Instant),
}

/// A request that ends the stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Aggregated discovery needs to know the type.
    #[error("a discovery request without a type_url")]
    NoType,
    /// A state-of-the-world request on a delta stream or the other way round.
    #[error("a request of the other variant of the protocol")]
    Variant,
    /// The client asks for more than a server should remember.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

impl Session {
    /// A session without subscriptions. `wait` bounds how long a client that
    /// does not answer holds back what depends on its answer.
    #[must_use]
    pub fn new(variant: Variant, wait: Duration) -> Self {
        Self {
            variant,
            wait,
            world: Arc::default(),
            generation: 0,
            nonces: 0,
            reconnect: Reconnect::Done,
            watches: Vec::new(),
        }
    }

    /// The world changed. What was not sent yet of the world before never is.
    pub fn on_world(&mut self, generation: u64, world: Arc<ResourceSet>) {
        self.generation = generation;
        self.world = world;
        for watch in &mut self.watches {
            watch.forget_gone(of_type(&self.world, &watch.type_url));
        }
    }

    /// The generation of the present world.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes a request in. When it answers the latest response of its type, the
    /// answer and the generation of that response are given back.
    ///
    /// # Errors
    /// [`RequestError`], after which the stream should end.
    pub fn on_request(&mut self, request: Request) -> Result<Option<(Feedback, u64)>, RequestError> {
        if request.type_url.is_empty() {
            return Err(RequestError::NoType);
        }
        if request.variant() != self.variant {
            return Err(RequestError::Variant);
        }
        let known = self.watches.iter_mut().find(|watch| watch.type_url == request.type_url);
        let (watch, feedback) = if let Some(watch) = known {
            let feedback = watch.on_request(request);
            (watch, feedback)
        } else {
            if matches!(&request.change, Change::Delta { initial, .. } if !initial.is_empty())
                && self.reconnect == Reconnect::Done
                && !self.knows_what_is_named()
            {
                self.reconnect = Reconnect::Begun;
            }
            let watch = self.add_watch(request.type_url)?;
            // A nonce here is one of an earlier stream, an error likewise.
            watch.on_first(request.change);
            (watch, None)
        };
        if watch.name_count() > MAX_NAMES {
            return Err(RequestError::TooMany { what: "resource names", limit: MAX_NAMES });
        }
        Ok(feedback)
    }

    fn add_watch(&mut self, type_url: String) -> Result<&mut Watch, RequestError> {
        if self.watches.len() >= MAX_TYPES {
            return Err(RequestError::TooMany { what: "resource types", limit: MAX_TYPES });
        }
        let watch = Watch::new(type_url, self.variant);
        let at = self.watches.partition_point(|other| other.kind <= watch.kind);
        self.watches.insert(at, watch);
        Ok(&mut self.watches[at])
    }

    /// What to send now, in this order.
    pub fn poll(&mut self, now: Instant) -> Vec<Response> {
        for watch in &mut self.watches {
            watch.expire(now);
        }
        self.reconnect = match self.reconnect {
            _ if self.knows_what_is_named() => Reconnect::Done,
            Reconnect::Begun => Reconnect::Until(now + self.wait),
            Reconnect::Until(end) if now >= end => Reconnect::Done,
            other => other,
        };
        let mut responses = Vec::new();
        for at in 0..self.watches.len() {
            for watch in &mut self.watches {
                watch.refresh(of_type(&self.world, &watch.type_url));
            }
            let allowed = self.allowed(at, now);
            let watch = &self.watches[at];
            let type_set = of_type(&self.world, &watch.type_url).clone();
            if let Some(push) = watch.plan(&type_set, allowed) {
                responses.push(self.send(at, push, &type_set, now));
            } else if !allowed.add && watch.is_behind() && !watch.is_awaiting() {
                self.watches[at].held_back.get_or_insert(now);
            }
        }
        responses
    }

    /// When to poll again although nothing comes in.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let held_back = |watch: &Watch| watch.held_back.map(|since| since + self.wait);
        let reconnect = match self.reconnect {
            Reconnect::Until(end) => Some(end),
            Reconnect::Done | Reconnect::Begun => None,
        };
        let of_watches = self.watches.iter().flat_map(|watch| [watch.deadline(), held_back(watch)]);
        of_watches.chain([reconnect]).flatten().min()
    }

    fn knows_what_is_named(&self) -> bool {
        let has = |kind| self.watches.iter().any(|watch| watch.kind == kind);
        has(Kind::Listener) && has(Kind::Route)
    }

    fn send(&mut self, at: usize, push: Push, type_set: &TypeSet, now: Instant) -> Response {
        self.nonces += 1;
        let nonce = self.nonces.to_string();
        if self.watches[at].kind == Kind::Cluster {
            self.resend_endpoints(&push);
        }
        self.watches[at].send(push, type_set, nonce, self.generation, now + self.wait)
    }

    /// A client that gets a changed cluster makes it anew and waits for its
    /// endpoints, also for unchanged ones (Envoy issue 13009).
    fn resend_endpoints(&mut self, push: &Push) {
        let endpoints: Vec<_> = (0..self.watches.len()).filter(|at| self.watches[*at].kind == Kind::Endpoint).collect();
        if endpoints.is_empty() {
            return;
        }
        let held = self.watches.iter().find(|watch| watch.kind == Kind::Cluster);
        let names: Vec<String> = push
            .resources
            .iter()
            .filter(|cluster| held.is_some_and(|held| !held.holds(cluster)))
            .map(|cluster| {
                unpack::<v3::cluster::Cluster>(&cluster.body)
                    .ok()
                    .and_then(|cluster| cluster.eds_cluster_config)
                    .map(|eds| eds.service_name)
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(|| cluster.name.clone())
            })
            .collect();
        for at in endpoints {
            self.watches[at].resend(names.iter().map(String::as_str));
        }
    }

    fn allowed(&self, at: usize, now: Instant) -> Allowed {
        let watch = &self.watches[at];
        let behind =
            |wanted: fn(Kind) -> bool| self.watches.iter().any(|other| wanted(other.kind) && other.is_behind());
        let gone = |wanted: fn(Kind) -> bool| self.watches.iter().any(|other| wanted(other.kind) && other.has_gone());
        let unnamed =
            || self.reconnect == Reconnect::Done && !behind(Kind::names_clusters) && !gone(Kind::names_clusters);
        let is_cluster = |kind| kind == Kind::Cluster;
        match watch.kind {
            Kind::Cluster => Allowed { add: true, remove: unnamed() },
            // Clusters go first: without its endpoints a cluster would fail calls
            // that it could still serve.
            Kind::Endpoint => Allowed { add: true, remove: unnamed() && !behind(is_cluster) && !gone(is_cluster) },
            Kind::Listener | Kind::Route => {
                let waited = watch.held_back.is_some_and(|since| now >= since + self.wait);
                let ready = waited || !behind(|kind| matches!(kind, Kind::Cluster | Kind::Endpoint));
                Allowed { add: ready, remove: ready }
            }
            Kind::Other => Allowed { add: true, remove: true },
        }
    }
}

fn of_type<'a>(world: &'a ResourceSet, type_url: &str) -> &'a Arc<TypeSet> {
    world.get(type_url).unwrap_or(&NOTHING)
}

//! The protocol of a client: what to ask for, what to answer, what to remember
//! over a reconnect.
//!
//! In: responses, the handler's interests and the time. Out: requests.
//! Pure: no socket, no clock, no task. Subscriptions that follow from a
//! response go out before its ACK, so that a server that orders its pushes by
//! ACKs knows of them.

#[cfg(test)]
mod tests;

use super::incoming::{Incoming, Received, Update};
use crate::kind::Kind;
use crate::rejection::{self, Rejected};
use crate::variant::Variant;
use lateen_envoy_api::google::rpc::Status;
use lateen_envoy_api::type_url;
use lateen_envoy_api::v3::core::Node;
use lateen_envoy_api::v3::discovery::{DeltaDiscoveryRequest, DiscoveryRequest};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Which resources of a type are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All that the server has for this client.
    All,
    /// Those that [`super::Handler::interests`] names.
    Named,
}

/// A type to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The type.
    pub type_url: String,
    /// Which resources of it.
    pub scope: Scope,
}

impl Subscription {
    /// What a proxy subscribes to, in make-before-break order: clusters,
    /// endpoints, listeners, routes, secrets.
    #[must_use]
    pub fn of_a_proxy() -> Vec<Self> {
        [
            (type_url::CLUSTER, Scope::All),
            (type_url::ENDPOINT, Scope::Named),
            (type_url::LISTENER, Scope::All),
            (type_url::ROUTE, Scope::Named),
            (type_url::SECRET, Scope::Named),
        ]
        .map(|(url, scope)| Self { type_url: url.to_owned(), scope })
        .into()
    }
}

/// A request, before it is encoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outgoing {
    /// With the first request of a stream.
    pub node: Option<Node>,
    /// The type that it is about.
    pub type_url: String,
    /// State of the world: all names that are wanted.
    pub names: Vec<String>,
    /// Delta: names to add.
    pub subscribe: Vec<String>,
    /// Delta: names to take away.
    pub unsubscribe: Vec<String>,
    /// Delta: what is kept from an earlier stream, with versions.
    pub initial: BTreeMap<String, String>,
    /// State of the world: the version that was accepted last.
    pub version: String,
    /// The response that it answers.
    pub nonce: String,
    /// Set when that response was refused, in whole or in part.
    pub error: Option<Status>,
}

/// The state of a client, over any number of streams.
pub struct Subscriber {
    variant: Variant,
    node: Node,
    initial_wait: Duration,
    types: Vec<Type>,
    opened: Option<Instant>,
    node_sent: bool,
}

struct Type {
    type_url: String,
    scope: Scope,
    /// Asked for on this stream.
    asked: bool,
    /// The names asked for on this stream.
    names: BTreeSet<String>,
    /// What was accepted, with its version.
    held: BTreeMap<String, String>,
    /// Whether a response ever came, and for which names.
    answered: bool,
    answered_names: BTreeSet<String>,
    /// State of the world: the version that was accepted last, and the latest nonce.
    version: String,
    nonce: String,
}

/// What [`Subscriber::on_response`] keeps for the answer.
#[derive(Debug)]
pub struct Pending {
    at: usize,
    nonce: String,
    version: String,
    added: Vec<(String, String)>,
    removed: Vec<String>,
    rejected: Vec<Rejected>,
}

impl Subscriber {
    /// A client that has nothing yet. Types with [`Scope::All`] are asked for
    /// once those before them were answered, at the latest after
    /// `initial_wait`: listeners shall not open before their clusters are there.
    #[must_use]
    pub fn new(variant: Variant, node: Node, types: Vec<Subscription>, initial_wait: Duration) -> Self {
        let types = types.into_iter().map(|wanted| Type {
            type_url: wanted.type_url,
            scope: wanted.scope,
            asked: false,
            names: BTreeSet::new(),
            held: BTreeMap::new(),
            answered: false,
            answered_names: BTreeSet::new(),
            version: String::new(),
            nonce: String::new(),
        });
        Self { variant, node, initial_wait, types: types.collect(), opened: None, node_sent: false }
    }

    /// A new stream: what to send first.
    pub fn open(&mut self, interests: &[(String, BTreeSet<String>)], now: Instant) -> Vec<Outgoing> {
        self.opened = Some(now);
        self.node_sent = false;
        for kind in &mut self.types {
            kind.asked = false;
            kind.names.clear();
            kind.nonce.clear();
        }
        self.subscribe(interests, now)
    }

    /// What to send when interests changed, or [`Subscriber::deadline`] came.
    pub fn subscribe(&mut self, interests: &[(String, BTreeSet<String>)], now: Instant) -> Vec<Outgoing> {
        let mut requests = Vec::new();
        for at in 0..self.types.len() {
            let wanted = wanted(interests, &self.types[at].type_url);
            let may_ask = self.types[at].scope == Scope::Named || self.is_time_for(at, interests, now);
            let request = self.types[at].subscribe(self.variant, &wanted, may_ask);
            requests.extend(request.map(|request| self.with_node(request)));
        }
        requests
    }

    /// When to call [`Subscriber::subscribe`] although nothing came.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let waiting = self.types.iter().any(|kind| kind.scope == Scope::All && !kind.asked);
        self.opened.filter(|_| waiting).map(|opened| opened + self.initial_wait)
    }

    /// Takes a response in. `None` for a type that was not asked for. The
    /// handler applies the update, and [`Subscriber::answer`] follows.
    pub fn on_response(&mut self, response: Incoming) -> Option<(Update, Pending)> {
        let at = self.types.iter().position(|kind| kind.asked && kind.type_url == response.type_url)?;
        let kind = &mut self.types[at];
        kind.nonce.clone_from(&response.nonce);
        kind.answered = true;
        let mut pending = Pending {
            at,
            nonce: response.nonce,
            version: response.version.clone(),
            added: Vec::new(),
            removed: response.removed,
            rejected: Vec::new(),
        };
        let mut added: Vec<Received> = Vec::with_capacity(response.resources.len());
        let mut seen = BTreeSet::new();
        for resource in response.resources {
            // A server may send more than was asked for; names are what counts.
            if kind.scope == Scope::Named && !kind.names.contains(&resource.name) {
                continue;
            }
            let reason = if resource.name.is_empty() {
                Some("the resource has no name".to_owned())
            } else if type_url::full_name(&resource.body.type_url) != type_url::full_name(&kind.type_url) {
                Some(format!("the resource is a `{}`", resource.body.type_url))
            } else if !seen.insert(resource.name.clone()) {
                Some("the response has two resources of this name".to_owned())
            } else {
                None
            };
            match reason {
                Some(reason) => pending.rejected.push(Rejected { name: resource.name, reason }),
                None => added.push(resource),
            }
        }
        // One that cannot be named may be any of those that seem to be gone.
        let is_complete = !pending.rejected.iter().any(|one| one.name.is_empty());
        let is_full = self.variant == Variant::StateOfTheWorld
            && kind.scope == Scope::All
            && Kind::of(&kind.type_url).is_full_state();
        if is_full && is_complete {
            let refused = |name: &String| pending.rejected.iter().any(|one| one.name == *name);
            let gone = kind.held.keys().filter(|name| !seen.contains(*name) && !refused(name));
            pending.removed.extend(gone.cloned());
        }
        kind.answered_names.extend(added.iter().map(|one| one.name.clone()));
        kind.answered_names.extend(pending.removed.iter().cloned());
        pending.added = added.iter().map(|one| (one.name.clone(), one.version.clone())).collect();
        let update =
            Update { type_url: response.type_url, version: response.version, added, removed: pending.removed.clone() };
        Some((update, pending))
    }

    /// The ACK or NACK for a response, after the subscriptions that follow from it.
    pub fn answer(
        &mut self,
        pending: Pending,
        rejected: Vec<Rejected>,
        interests: &[(String, BTreeSet<String>)],
        now: Instant,
    ) -> Vec<Outgoing> {
        let mut all_rejected = pending.rejected;
        all_rejected.extend(rejected);
        let kind = &mut self.types[pending.at];
        for name in &pending.removed {
            kind.held.remove(name);
        }
        for (name, version) in pending.added {
            if !all_rejected.iter().any(|one| one.name == name) {
                kind.held.insert(name, version);
            }
        }
        let mut answer = Outgoing { type_url: kind.type_url.clone(), nonce: pending.nonce, ..Outgoing::default() };
        if all_rejected.is_empty() {
            kind.version = pending.version;
        } else {
            answer.error = Some(rejection::encode(&all_rejected));
        }
        if self.variant == Variant::StateOfTheWorld {
            // The answer says the names itself.
            if kind.scope == Scope::Named {
                let wanted = wanted(interests, &kind.type_url);
                kind.take_names(&wanted);
            }
            answer.names = kind.names.iter().cloned().collect();
            answer.version.clone_from(&kind.version);
        }
        let mut requests = self.subscribe(interests, now);
        requests.push(self.with_node(answer));
        requests
    }

    /// Whether all types before this one were answered, or waited for long enough.
    fn is_time_for(&self, at: usize, interests: &[(String, BTreeSet<String>)], now: Instant) -> bool {
        let waited = self.opened.is_some_and(|opened| now >= opened + self.initial_wait);
        let ready = |kind: &Type| match kind.scope {
            Scope::All => kind.answered,
            Scope::Named => wanted(interests, &kind.type_url).is_subset(&kind.answered_names),
        };
        waited || self.types.iter().take(at).all(ready)
    }

    fn with_node(&mut self, mut request: Outgoing) -> Outgoing {
        if !self.node_sent {
            self.node_sent = true;
            request.node = Some(self.node.clone());
        }
        request
    }
}

impl Type {
    fn subscribe(&mut self, variant: Variant, wanted: &BTreeSet<String>, may_ask: bool) -> Option<Outgoing> {
        let is_first = !self.asked;
        match self.scope {
            Scope::All if !is_first || !may_ask => return None,
            Scope::Named if *wanted == self.names => return None,
            _ => {}
        }
        self.asked = true;
        let mut request = Outgoing { type_url: self.type_url.clone(), ..Outgoing::default() };
        // An empty request for clusters or listeners means all, everywhere.
        let star = self.scope == Scope::All && !Kind::of(&self.type_url).is_full_state();
        match variant {
            Variant::StateOfTheWorld => {
                request.names = wanted.iter().cloned().collect();
                request.names.extend(star.then(|| "*".to_owned()));
                request.version.clone_from(&self.version);
                request.nonce.clone_from(&self.nonce);
            }
            Variant::Delta => {
                request.subscribe = wanted.difference(&self.names).cloned().collect();
                request.subscribe.extend(star.then(|| "*".to_owned()));
                request.unsubscribe = self.names.difference(wanted).cloned().collect();
                if is_first {
                    let keep = |name: &String| self.scope == Scope::All || wanted.contains(name);
                    self.held.retain(|name, _| keep(name));
                    request.initial.clone_from(&self.held);
                }
            }
        }
        match self.scope {
            Scope::Named => self.take_names(wanted),
            Scope::All if star => {
                self.names.insert("*".to_owned());
            }
            Scope::All => {}
        }
        Some(request)
    }

    fn take_names(&mut self, wanted: &BTreeSet<String>) {
        self.names.clone_from(wanted);
        self.held.retain(|name, _| wanted.contains(name));
        self.answered_names.retain(|name| wanted.contains(name));
    }
}

fn wanted(interests: &[(String, BTreeSet<String>)], type_url: &str) -> BTreeSet<String> {
    let matching = interests.iter().filter(|(url, _)| url == type_url);
    matching.flat_map(|(_, names)| names.iter().cloned()).collect()
}

impl From<Outgoing> for DiscoveryRequest {
    fn from(request: Outgoing) -> Self {
        Self {
            version_info: request.version,
            node: request.node,
            resource_names: request.names,
            type_url: request.type_url,
            response_nonce: request.nonce,
            error_detail: request.error,
            ..Default::default()
        }
    }
}

impl From<Outgoing> for DeltaDiscoveryRequest {
    fn from(request: Outgoing) -> Self {
        Self {
            node: request.node,
            type_url: request.type_url,
            resource_names_subscribe: request.subscribe,
            resource_names_unsubscribe: request.unsubscribe,
            initial_resource_versions: request.initial.into_iter().collect(),
            response_nonce: request.nonce,
            error_detail: request.error,
            ..Default::default()
        }
    }
}

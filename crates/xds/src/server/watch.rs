//! What one client wants and has of one type.
//!
//! In: changes of the subscription, answers, and the resources as they should
//! be. Out: the next response that brings the client closer, if any.
//! Never here: the order between types; that is `session`.

mod plan;

use super::exchange::{Change, Feedback, Outcome, Request, Response, decode_version, encode_version};
use crate::kind::Kind;
use crate::rejection;
use crate::resource::{Resource, TypeSet};
use crate::variant::Variant;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// Subscribes to all resources of a type.
const WILDCARD: &str = "*";

pub(super) struct Watch {
    pub(super) type_url: String,
    pub(super) kind: Kind,
    variant: Variant,
    /// Whether `*` is subscribed to.
    star: bool,
    /// Whether a name, or `*`, was ever asked for; before that an empty request
    /// means all, for clusters and listeners.
    named: bool,
    names: BTreeSet<String>,
    /// What the client took.
    held: BTreeMap<String, Held>,
    /// What the client refused: not sent again in that version.
    refused: BTreeMap<String, u64>,
    /// Were refused together, without a word about which of them is at fault: sent again one by one.
    suspects: BTreeSet<String>,
    /// Delta: names that the client was told do not exist.
    absent: BTreeSet<String>,
    /// To be sent although nothing changed.
    resend: BTreeSet<String>,
    /// The client waits for an answer, be it empty.
    answer_due: bool,
    last: Option<Sent>,
    /// Since when something is held back for the sake of another type.
    pub(super) held_back: Option<Instant>,
    due: Due,
    /// Whether `due` has to be worked out anew.
    stale: bool,
    /// The version of the world that `due` is about.
    world: Option<u64>,
}

/// What is left to say, so that an answer to one type costs no walk through all.
#[derive(Clone, Copy, Default)]
struct Due {
    additions: bool,
    unknown: bool,
    gone: bool,
}

struct Held {
    version: u64,
    /// Unknown for what the client kept from an earlier stream.
    resource: Option<Arc<Resource>>,
}

/// The latest response.
struct Sent {
    nonce: String,
    version: String,
    generation: u64,
    deadline: Instant,
    state: Answer,
    /// `None` for what was removed.
    content: BTreeMap<String, Option<Arc<Resource>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Awaited,
    /// Too late; taken as accepted, so that others need not wait.
    Overdue,
    Given,
}

/// What may be in the next response.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    pub(super) add: bool,
    pub(super) remove: bool,
}

/// The next response without its nonce.
#[derive(Debug, PartialEq)]
pub(super) struct Push {
    pub(super) resources: Vec<Arc<Resource>>,
    pub(super) removed: Vec<String>,
}

impl Watch {
    pub(super) fn new(type_url: String, variant: Variant) -> Self {
        Self {
            kind: Kind::of(&type_url),
            type_url,
            variant,
            star: false,
            named: false,
            names: BTreeSet::new(),
            held: BTreeMap::new(),
            refused: BTreeMap::new(),
            suspects: BTreeSet::new(),
            absent: BTreeSet::new(),
            resend: BTreeSet::new(),
            answer_due: false,
            last: None,
            held_back: None,
            due: Due::default(),
            stale: true,
            world: None,
        }
    }

    pub(super) fn name_count(&self) -> usize {
        self.names.len()
    }

    /// The client asked for the first time on this stream.
    pub(super) fn on_first(&mut self, change: Change) {
        if let Change::Delta { initial, .. } = &change {
            for (name, version) in initial {
                if let Some(version) = decode_version(version) {
                    self.held.insert(name.clone(), Held { version, resource: None });
                } else {
                    // Another server's version: whatever it is, it is not ours.
                    self.held.insert(name.clone(), Held { version: 0, resource: None });
                    self.resend.insert(name.clone());
                }
            }
        }
        self.subscribe(change, true);
        self.answer_due |= self.is_full_list();
    }

    /// A later request: an answer to the latest response, a new subscription,
    /// or both.
    pub(super) fn on_request(&mut self, request: Request) -> Option<(Feedback, u64)> {
        let is_answer = !request.nonce.is_empty();
        let is_stale = self.last.as_ref().is_none_or(|last| last.nonce != request.nonce);
        // State of the world repeats its names in each request, so a stale one
        // is followed by a fresh one; delta says each thing once.
        if is_answer && is_stale && self.variant == Variant::StateOfTheWorld {
            return None;
        }
        let feedback = if is_answer && !is_stale { self.on_answer(&request) } else { None };
        self.subscribe(request.change, false);
        feedback
    }

    fn on_answer(&mut self, request: &Request) -> Option<(Feedback, u64)> {
        let mut last = self.last.take()?;
        let outcome = match (&request.error, last.state) {
            (_, Answer::Given) => None,
            (None, Answer::Awaited | Answer::Overdue) => {
                if last.state == Answer::Awaited {
                    self.accept(&last.content, &BTreeSet::new());
                }
                Some(Outcome::Accepted)
            }
            (Some(status), _) => {
                let sent = || {
                    last.content.iter().filter_map(|(name, resource)| {
                        resource.as_ref().map(|resource| (name.as_str(), resource.version))
                    })
                };
                let mut blamed = rejection::blamed(status, last.content.keys().map(String::as_str));
                let unclear = blamed.is_empty();
                if unclear {
                    blamed = last.content.keys().cloned().collect();
                }
                // One secret with a file that is missing must not cost the others: Envoy says only what is wrong.
                let several = last.content.values().filter(|resource| resource.is_some()).count() > 1;
                let apart = unclear && several && self.kind == Kind::Other;
                let resources: Vec<_> = sent()
                    .filter(|(name, _)| blamed.contains(*name))
                    .map(|(name, version)| (name.to_owned(), version))
                    .collect();
                self.stale = true;
                if apart {
                    self.suspects.extend(resources.iter().map(|(name, _)| name.clone()));
                } else {
                    self.suspects.retain(|name| !blamed.contains(name));
                    self.refused.extend(resources.iter().cloned());
                }
                if last.state == Answer::Awaited {
                    self.accept(&last.content, &blamed);
                }
                Some(Outcome::Refused { resources, message: status.message.clone() })
            }
        };
        last.state = Answer::Given;
        let names = last.content.keys().cloned().collect();
        let feedback = outcome.map(|outcome| {
            let feedback = Feedback {
                names,
                type_url: self.type_url.clone(),
                version: last.version.clone(),
                nonce: last.nonce.clone(),
                outcome,
            };
            (feedback, last.generation)
        });
        last.content.clear();
        self.last = Some(last);
        feedback
    }

    /// Notes what the client has now; refused resources stay as they were,
    /// removals are done in any case.
    fn accept(&mut self, content: &BTreeMap<String, Option<Arc<Resource>>>, blamed: &BTreeSet<String>) {
        self.stale = true;
        for (name, resource) in content {
            match resource {
                Some(_) if blamed.contains(name) => {}
                Some(resource) if self.wants(name) => {
                    if self.refused.get(name) == Some(&resource.version) {
                        self.refused.remove(name);
                    }
                    self.absent.remove(name);
                    self.suspects.remove(name);
                    let held = Held { version: resource.version, resource: Some(resource.clone()) };
                    self.held.insert(name.clone(), held);
                }
                Some(_) => {}
                None => {
                    self.held.remove(name);
                    if self.names.contains(name) {
                        self.absent.insert(name.clone());
                    }
                }
            }
        }
    }

    fn subscribe(&mut self, change: Change, first: bool) {
        self.stale = true;
        let was_wildcard = self.is_wildcard() && !first;
        match change {
            Change::All(names) => {
                self.named |= !names.is_empty();
                let mut names: BTreeSet<String> = names.into_iter().collect();
                self.star = names.remove(WILDCARD);
                // Listeners and clusters are answered for each new set of names:
                // the list tells which of them exist.
                self.answer_due |= names != self.names && self.is_full_list();
                self.names = names;
            }
            Change::Delta { subscribe, unsubscribe, .. } => {
                self.named |= !subscribe.is_empty() || !unsubscribe.is_empty();
                for name in unsubscribe {
                    self.unsubscribe(name);
                }
                for name in subscribe {
                    if name == WILDCARD {
                        self.star = true;
                        continue;
                    }
                    // A name that is asked for again is answered again.
                    if !first {
                        self.resend.insert(name.clone());
                    }
                    self.absent.remove(&name);
                    self.names.insert(name);
                }
            }
        }
        self.answer_due |= self.is_wildcard() && !was_wildcard;
        if !self.is_wildcard() {
            self.forget_unwanted();
        }
    }

    fn unsubscribe(&mut self, name: String) {
        if name == WILDCARD {
            self.star = false;
        } else if self.names.remove(&name) && self.star {
            // Under `*` the client cannot know whether the name still comes to
            // it, and has to be told: again, or as removed.
            self.resend.insert(name.clone());
            self.held.entry(name).or_insert(Held { version: 0, resource: None });
        }
    }

    /// `*`, or a client that never asked for a name where that means all.
    fn is_wildcard(&self) -> bool {
        self.star || !self.named && self.kind.is_full_state()
    }

    fn is_full_list(&self) -> bool {
        self.variant == Variant::StateOfTheWorld && self.kind.is_full_state()
    }

    fn wants(&self, name: &str) -> bool {
        self.is_wildcard() || self.names.contains(name)
    }

    fn forget_unwanted(&mut self) {
        let names = &self.names;
        self.held.retain(|name, _| names.contains(name));
        self.refused.retain(|name, _| names.contains(name));
        self.suspects.retain(|name| names.contains(name));
        self.resend.retain(|name| names.contains(name));
        self.absent.retain(|name| names.contains(name));
    }

    /// Sends these again, if they are subscribed to, although nothing changed.
    pub(super) fn resend<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            if self.wants(name) {
                self.stale = true;
                self.absent.remove(name);
                self.resend.insert(name.to_owned());
            }
        }
    }

    /// Whether the client has `resource` in this version.
    pub(super) fn holds(&self, resource: &Resource) -> bool {
        self.held.get(&resource.name).is_some_and(|held| held.version == resource.version)
    }

    /// Takes an overdue response as accepted.
    pub(super) fn expire(&mut self, now: Instant) {
        let overdue = |last: &&mut Sent| last.state == Answer::Awaited && now >= last.deadline;
        if let Some(last) = self.last.as_mut().filter(overdue) {
            last.state = Answer::Overdue;
            let content = std::mem::take(&mut last.content);
            self.accept(&content, &BTreeSet::new());
            if let Some(last) = self.last.as_mut() {
                last.content = content;
            }
        }
    }

    pub(super) fn is_awaiting(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.state == Answer::Awaited)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.last.as_ref().filter(|last| last.state == Answer::Awaited).map(|last| last.deadline)
    }

    /// Works out what is left to say, where anything changed since the last time.
    pub(super) fn refresh(&mut self, world: &TypeSet) {
        if self.stale || self.world != Some(world.version()) {
            self.stale = false;
            self.world = Some(world.version());
            let due = Due {
                additions: self.additions(world).next().is_some(),
                unknown: self.variant == Variant::Delta && self.unknown(world).next().is_some(),
                gone: self.gone(world).next().is_some(),
            };
            self.due = due;
        }
    }

    /// Whether something new has still to go to the client or to be answered by it.
    pub(super) fn is_behind(&self) -> bool {
        self.is_awaiting() || self.answer_due || self.due.additions
    }

    /// Whether the client has what does not exist any more.
    pub(super) fn has_gone(&self) -> bool {
        self.due.gone
    }

    /// Notes `push` as sent and gives it its nonce.
    pub(super) fn send(
        &mut self,
        push: Push,
        world: &TypeSet,
        nonce: String,
        generation: u64,
        deadline: Instant,
    ) -> Response {
        let mut content: BTreeMap<String, Option<Arc<Resource>>> = BTreeMap::new();
        if self.is_full_list() {
            content.extend(self.held.keys().map(|name| (name.clone(), None)));
        }
        content.extend(push.removed.iter().map(|name| (name.clone(), None)));
        for resource in &push.resources {
            self.resend.remove(&resource.name);
            content.insert(resource.name.clone(), Some(resource.clone()));
        }
        for name in &push.removed {
            self.resend.remove(name);
        }
        self.answer_due = false;
        self.held_back = None;
        self.stale = true;
        let version = encode_version(world.version());
        self.last = Some(Sent {
            nonce: nonce.clone(),
            version: version.clone(),
            generation,
            deadline,
            state: Answer::Awaited,
            content,
        });
        Response { type_url: self.type_url.clone(), version, nonce, resources: push.resources, removed: push.removed }
    }

    /// Drops what cannot be said on the wire: state of the world has no removal
    /// for types that are not listed in full.
    pub(super) fn forget_gone(&mut self, world: &TypeSet) {
        if self.world == Some(world.version()) {
            return;
        }
        self.suspects.retain(|name| world.get(name).is_some());
        self.refused.retain(|name, version| world.get(name).is_some_and(|resource| resource.version == *version));
        if self.variant == Variant::StateOfTheWorld && !self.is_full_list() {
            self.held.retain(|name, _| world.get(name).is_some());
        }
    }
}

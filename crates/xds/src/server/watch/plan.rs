//! What the next response to one subscription says.
//!
//! In: the resources as they should be, and what may be in the response. Out: a
//! [`Push`], or nothing. Changes nothing.

use super::{Allowed, Push, Watch};
use crate::resource::{Resource, TypeSet};
use crate::variant::Variant;
use std::sync::Arc;

impl Watch {
    fn wanted<'a>(&'a self, world: &'a TypeSet) -> impl Iterator<Item = &'a Arc<Resource>> {
        let wildcard = self.is_wildcard();
        let all = wildcard.then(|| world.iter());
        let some = (!wildcard).then(|| self.names.iter().filter_map(|name| world.get(name)));
        all.into_iter().flatten().chain(some.into_iter().flatten())
    }

    fn is_refused(&self, resource: &Resource) -> bool {
        self.refused.get(&resource.name) == Some(&resource.version)
    }

    pub(super) fn additions<'a>(&'a self, world: &'a TypeSet) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.wanted(world).filter(|resource| {
            let held = self.held.get(&resource.name).map(|held| held.version);
            !self.is_refused(resource) && (held != Some(resource.version) || self.resend.contains(&resource.name))
        })
    }

    pub(super) fn gone<'a>(&'a self, world: &'a TypeSet) -> impl Iterator<Item = &'a String> {
        self.held.keys().filter(|name| world.get(name).is_none())
    }

    /// Names that the client waits for and that never existed.
    pub(super) fn unknown<'a>(&'a self, world: &'a TypeSet) -> impl Iterator<Item = &'a String> {
        self.names
            .iter()
            .filter(|name| world.get(name).is_none() && !self.held.contains_key(*name) && !self.absent.contains(*name))
    }

    /// The next response; `None` when there is nothing to say.
    pub(in crate::server) fn plan(&self, world: &TypeSet, allowed: Allowed) -> Option<Push> {
        let is_done = !(self.answer_due || self.due.additions || self.due.unknown || self.due.gone);
        if self.is_awaiting() || is_done {
            return None;
        }
        let answer = allowed.add && self.answer_due;
        let mut push = Push { resources: Vec::new(), removed: Vec::new() };
        if self.is_full_list() {
            let adds = allowed.add && self.due.additions;
            let prunes = allowed.remove && self.due.gone;
            if !(answer || adds || prunes) {
                return None;
            }
            push.resources = self.full_list(world, allowed);
            return Some(push);
        }
        if allowed.add {
            let clear = self.additions(world).filter(|resource| !self.suspects.contains(&resource.name));
            push.resources.extend(clear.cloned());
            if push.resources.is_empty() {
                push.resources.extend(self.additions(world).next().cloned());
            }
        }
        if self.variant == Variant::Delta {
            if allowed.add {
                push.removed.extend(self.unknown(world).cloned());
            }
            if allowed.remove {
                push.removed.extend(self.gone(world).cloned());
            }
        }
        let is_empty = push.resources.is_empty() && push.removed.is_empty();
        (answer || !is_empty).then_some(push)
    }

    /// Everything that the client shall have: the new where that is allowed and
    /// not refused, else what it has; what is gone as long as it must stay.
    fn full_list(&self, world: &TypeSet, allowed: Allowed) -> Vec<Arc<Resource>> {
        let held = |name: &str| self.held.get(name).and_then(|held| held.resource.clone());
        let mut list: Vec<_> = self
            .wanted(world)
            .filter_map(|resource| {
                if allowed.add && !self.is_refused(resource) {
                    return Some(resource.clone());
                }
                held(&resource.name)
            })
            .collect();
        if !allowed.remove {
            list.extend(self.gone(world).filter_map(|name| held(name)));
        }
        list
    }
}

//! Values by host, looked up by the most specific host that covers a name.
//! In: hosts, exact or wildcard. Out: the value of the closest one, without a walk over all of them.

use lateen_core::Host;
use std::collections::HashMap;

/// A map from hosts to values (Istio `MostSpecificHostMatch`).
#[derive(Clone, Debug)]
pub struct HostIndex<T> {
    exact: HashMap<Host, T>,
    /// `*` and `*.example.com`.
    wildcard: HashMap<Host, T>,
    /// Wildcards that do not end at a dot, such as `*-v1.example.com`; longest first.
    odd: Vec<Host>,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcard: HashMap::new(), odd: Vec::new() }
    }
}

impl<T> HostIndex<T> {
    /// The slot of `host` itself.
    pub fn get_mut(&mut self, host: &Host) -> Option<&mut T> {
        if host.is_wildcard() { self.wildcard.get_mut(host) } else { self.exact.get_mut(host) }
    }

    /// Puts a value in, in place of an earlier one.
    pub fn insert(&mut self, host: Host, value: T) {
        if !host.is_wildcard() {
            self.exact.insert(host, value);
            return;
        }
        let text = host.as_str();
        if text != "*" && !text.starts_with("*.") && !self.wildcard.contains_key(&host) {
            self.odd.push(host.clone());
            self.odd.sort_by(Host::cmp_specific);
        }
        self.wildcard.insert(host, value);
    }

    /// The value of the most specific host that covers `name`.
    pub fn find(&self, name: &Host) -> Option<(&Host, &T)> {
        if let Some(found) = self.exact.get_key_value(name) {
            return Some(found);
        }
        if self.wildcard.is_empty() {
            return None;
        }
        if name.is_wildcard()
            && let Some(found) = self.wildcard.get_key_value(name)
        {
            return Some(found);
        }
        let odd = self.odd.iter().find(|host| host.covers(name));
        let regular = self.find_suffix(name);
        match (odd, regular) {
            (Some(odd), Some((host, _))) if odd.as_str().len() < host.as_str().len() => regular,
            (Some(odd), _) => self.wildcard.get_key_value(odd),
            (None, _) => regular,
        }
    }

    fn find_suffix(&self, name: &Host) -> Option<(&Host, &T)> {
        let text = name.as_str();
        let text = text.strip_prefix('*').unwrap_or(text);
        let mut from = usize::from(!name.is_wildcard());
        while let Some(dot) = text.get(from..).and_then(|rest| rest.find('.')) {
            let suffix = Host::new(&format!("*{}", text.get(from + dot..).unwrap_or_default()));
            if suffix != *name
                && let Some(found) = self.wildcard.get_key_value(&suffix)
            {
                return Some(found);
            }
            from += dot + 1;
        }
        self.wildcard.get_key_value(&Host::new("*"))
    }
}

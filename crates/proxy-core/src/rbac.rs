//! Role based access control (`envoy.config.rbac.v3`).
//! In: rules, facts of a connection and perhaps a request. Out: allowed, denied by which policy, and what only would be.
//! Never here: certificates; the peer's names are given.

mod rule;

#[cfg(test)]
mod tests;

pub use rule::{Permission, Principal};

use crate::headers::RequestHead;
use crate::local_reply::LocalReply;
use std::net::SocketAddr;

/// Rules of an RBAC filter.
#[derive(Debug, Clone, Default)]
pub struct Rbac {
    /// What is enforced; `None` allows all.
    pub rules: Option<Rules>,
    /// What is only noted.
    pub shadow: Option<Rules>,
}

/// One set of rules.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What a match means.
    pub action: Action,
    /// Policies by name, in order of their names.
    pub policies: Vec<(String, Policy)>,
}

/// What a match means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Only what matches is allowed.
    Allow,
    /// What matches is denied.
    Deny,
    /// All is allowed; what matches is noted.
    Log,
}

/// Some permission and some principal must match.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// What is asked for.
    pub permissions: Vec<Permission>,
    /// Who asks.
    pub principals: Vec<Principal>,
}

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The request; `None` for TCP.
    pub request: Option<&'a RequestHead>,
    /// The directly connected peer.
    pub direct_peer: SocketAddr,
    /// The client as trusted.
    pub client: SocketAddr,
    /// The address that the peer connected to.
    pub local: SocketAddr,
    /// SNI.
    pub server_name: &'a str,
    /// Whether the peer has shown a certificate that was verified.
    pub authenticated: bool,
    /// URI SANs of that certificate.
    pub uri_sans: &'a [String],
    /// DNS SANs of that certificate.
    pub dns_sans: &'a [String],
    /// Subject of that certificate.
    pub subject: &'a str,
}

/// What rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Whether it may pass.
    pub allowed: bool,
    /// The policy that matched.
    pub policy: Option<&'a str>,
}

impl Rbac {
    /// What the enforced rules say.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts<'_>) -> Verdict<'_> {
        self.rules.as_ref().map_or(Verdict { allowed: true, policy: None }, |rules| rules.evaluate(facts))
    }

    /// What the shadow rules would say.
    #[must_use]
    pub fn evaluate_shadow(&self, facts: &Facts<'_>) -> Option<Verdict<'_>> {
        self.shadow.as_ref().map(|rules| rules.evaluate(facts))
    }

    /// The 403 for a request that may not pass; `None` when it may.
    #[must_use]
    pub fn check(&self, facts: &Facts<'_>) -> Option<LocalReply> {
        let verdict = self.evaluate(facts);
        (!verdict.allowed).then(|| {
            let details = format!("rbac_access_denied_matched_policy[{}]", verdict.policy.unwrap_or("none"));
            // The reply for gRPC is PERMISSION_DENIED, which 403 turns into.
            LocalReply::new(403, crate::flags::ResponseFlags::NONE, details.replace(char::is_whitespace, "_"))
                .with_body("RBAC: access denied")
        })
    }
}

impl Rules {
    /// What these rules say.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts<'_>) -> Verdict<'_> {
        let matched = self.policies.iter().find(|(_, policy)| policy.matches(facts)).map(|(name, _)| name.as_str());
        let allowed = match self.action {
            Action::Allow => matched.is_some(),
            Action::Deny => matched.is_none(),
            Action::Log => true,
        };
        Verdict { allowed, policy: matched }
    }
}

impl Policy {
    fn matches(&self, facts: &Facts<'_>) -> bool {
        self.permissions.iter().any(|permission| permission.matches(facts))
            && self.principals.iter().any(|principal| principal.matches(facts))
    }
}

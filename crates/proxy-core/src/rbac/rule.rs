//! Permissions and principals.
//! In: facts. Out: whether they match. Metadata that no filter here writes never matches.

use super::Facts;
use crate::matcher::{HeaderMatcher, StringMatcher};
use ipnet::IpNet;

/// What is asked for (`envoy.config.rbac.v3.Permission`).
#[derive(Debug, Clone)]
pub enum Permission {
    /// Anything.
    Any,
    /// All of these.
    And(Vec<Permission>),
    /// Some of these.
    Or(Vec<Permission>),
    /// Not this.
    Not(Box<Permission>),
    /// A header of the request.
    Header(HeaderMatcher),
    /// The path without query.
    Path(StringMatcher),
    /// Address that the peer connected to.
    DestinationIp(IpNet),
    /// Port that the peer connected to.
    DestinationPort(std::ops::Range<u32>),
    /// SNI.
    ServerName(StringMatcher),
    /// A condition on metadata; `true` when it is inverted and so always holds.
    Metadata(bool),
}

/// Who asks (`envoy.config.rbac.v3.Principal`).
#[derive(Debug, Clone)]
pub enum Principal {
    /// Anyone.
    Any,
    /// All of these.
    And(Vec<Principal>),
    /// Some of these.
    Or(Vec<Principal>),
    /// Not this.
    Not(Box<Principal>),
    /// A peer with a verified certificate, of this name when there is one.
    Authenticated(Option<StringMatcher>),
    /// Address of the directly connected peer.
    DirectRemoteIp(IpNet),
    /// Address of the client as trusted.
    RemoteIp(IpNet),
    /// A header of the request.
    Header(HeaderMatcher),
    /// The path without query.
    Path(StringMatcher),
    /// A condition on metadata; `true` when it is inverted and so always holds.
    Metadata(bool),
}

fn path_matches(facts: &Facts<'_>, wanted: &StringMatcher) -> bool {
    facts.request.is_some_and(|head| {
        let path = head.path_only();
        let end = memchr::memchr(b'#', path).unwrap_or(path.len());
        wanted.matches(&path[..end])
    })
}

fn header_matches(facts: &Facts<'_>, wanted: &HeaderMatcher) -> bool {
    match facts.request {
        Some(head) => wanted.matches_request(head),
        None => wanted.matches(None),
    }
}

impl Permission {
    /// Whether the facts match.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        match self {
            Permission::Any => true,
            Permission::And(all) => all.iter().all(|rule| rule.matches(facts)),
            Permission::Or(any) => any.iter().any(|rule| rule.matches(facts)),
            Permission::Not(rule) => !rule.matches(facts),
            Permission::Header(wanted) => header_matches(facts, wanted),
            Permission::Path(wanted) => path_matches(facts, wanted),
            Permission::DestinationIp(network) => network.contains(&facts.local.ip().to_canonical()),
            Permission::DestinationPort(ports) => ports.contains(&u32::from(facts.local.port())),
            Permission::ServerName(wanted) => wanted.matches(facts.server_name.as_bytes()),
            Permission::Metadata(always) => *always,
        }
    }
}

impl Principal {
    /// Whether the facts match.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        match self {
            Principal::Any => true,
            Principal::And(all) => all.iter().all(|rule| rule.matches(facts)),
            Principal::Or(any) => any.iter().any(|rule| rule.matches(facts)),
            Principal::Not(rule) => !rule.matches(facts),
            Principal::Authenticated(None) => facts.authenticated,
            Principal::Authenticated(Some(wanted)) => facts.authenticated && names_match(facts, wanted),
            Principal::DirectRemoteIp(network) => network.contains(&facts.direct_peer.ip().to_canonical()),
            Principal::RemoteIp(network) => network.contains(&facts.client.ip().to_canonical()),
            Principal::Header(wanted) => header_matches(facts, wanted),
            Principal::Path(wanted) => path_matches(facts, wanted),
            Principal::Metadata(always) => *always,
        }
    }
}

/// URI SANs, else DNS SANs, else the subject, as Envoy looks at them.
fn names_match(facts: &Facts<'_>, wanted: &StringMatcher) -> bool {
    if !facts.uri_sans.is_empty() && facts.uri_sans.iter().any(|name| wanted.matches(name.as_bytes())) {
        return true;
    }
    if !facts.dns_sans.is_empty() && facts.dns_sans.iter().any(|name| wanted.matches(name.as_bytes())) {
        return true;
    }
    facts.uri_sans.is_empty() && facts.dns_sans.is_empty() && wanted.matches(facts.subject.as_bytes())
}

//! Virtual host and route of a request.
//! In: `host`, path, headers, query. Out: references into the configuration; the first match wins.

use super::RouteContext;
use crate::flags::ResponseFlags;
use crate::headers::{Method, RequestHead};
use crate::ir::{RequireTls, Route, RouteConfiguration, VirtualHost};
use crate::local_reply::{LocalReply, is_grpc};
use crate::matcher::PathMatch;
use std::sync::Arc;

/// The route that a request takes.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'r> {
    /// The whole configuration.
    pub config: &'r RouteConfiguration,
    /// The virtual host.
    pub virtual_host: &'r Arc<VirtualHost>,
    /// The route.
    pub route: &'r Arc<Route>,
}

/// Why a request takes no route.
#[derive(Debug, Clone)]
pub enum NoRoute<'r> {
    /// No virtual host has its domain.
    NoVirtualHost,
    /// No route of the virtual host matches.
    NoRoute {
        /// The virtual host.
        virtual_host: &'r Arc<VirtualHost>,
    },
    /// The virtual host wants https.
    TlsRequired {
        /// The virtual host.
        virtual_host: &'r Arc<VirtualHost>,
        /// Where the client is sent.
        location: String,
    },
}

impl NoRoute<'_> {
    /// The answer that Envoy gives.
    #[must_use]
    pub fn reply(&self) -> LocalReply {
        match self {
            NoRoute::NoVirtualHost | NoRoute::NoRoute { .. } => {
                LocalReply::new(404, ResponseFlags::NO_ROUTE_FOUND, "route_not_found")
            }
            NoRoute::TlsRequired { location, .. } => {
                let mut reply = LocalReply::new(301, ResponseFlags::NONE, "direct_response");
                reply.headers.set("location", location.clone());
                reply
            }
        }
    }
}

/// The virtual host for a `host` header; one hash lookup when it is there exactly.
#[must_use]
pub fn select_virtual_host<'r>(config: &'r RouteConfiguration, authority: &[u8]) -> Option<&'r Arc<VirtualHost>> {
    position(config, authority).and_then(|at| config.virtual_hosts.get(at))
}

fn position(config: &RouteConfiguration, authority: &[u8]) -> Option<usize> {
    if config.exact.is_empty() && config.suffixes.is_empty() && config.prefixes.is_empty() {
        return config.any;
    }
    let Ok(text) = std::str::from_utf8(authority) else { return config.any };
    let text = if config.ignore_port_in_host { before_colon(text) } else { text };
    // Most clients send lower case, so nothing is copied for them.
    let lowered;
    let host = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        lowered = text.to_ascii_lowercase();
        lowered.as_str()
    } else {
        text
    };
    if let Some(found) = config.exact.get(host) {
        return Some(*found);
    }
    // The star stands for at least one character.
    for (length, domains) in &config.suffixes {
        let end = host.len().checked_sub(*length).filter(|start| *start > 0).and_then(|start| host.get(start..));
        if let Some(found) = end.and_then(|end| domains.get(end)) {
            return Some(*found);
        }
    }
    for (length, domains) in &config.prefixes {
        let beginning = host.get(..*length).filter(|_| host.len() > *length);
        if let Some(found) = beginning.and_then(|beginning| domains.get(beginning)) {
            return Some(*found);
        }
    }
    config.any
}

/// The host before the last colon, whatever follows it, be it nothing; only a colon within brackets is none (Envoy
/// `HeaderUtility::getPortStart`).
#[must_use]
pub fn before_colon(host: &str) -> &str {
    match (host.rfind(':'), host.rfind(']')) {
        (Some(colon), bracket) if bracket < Some(colon) => &host[..colon],
        _ => host,
    }
}

/// The host without `:port`; an IPv6 literal keeps its brackets.
#[must_use]
pub fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if is_port(host, at) => &host[..at],
        _ => host,
    }
}

/// Whether what follows the colon is a port and the colon is not inside an IPv6 literal.
fn is_port(host: &str, colon: usize) -> bool {
    let (before, after) = host.split_at(colon);
    let port = after.trim_start_matches(':');
    let literal = before.contains(':') && !before.ends_with(']');
    !literal && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// The route of a request: the first of its virtual host that matches.
///
/// # Errors
/// [`NoRoute`], which knows its answer.
pub fn select<'r>(
    config: &'r RouteConfiguration,
    head: &RequestHead,
    context: &RouteContext,
) -> Result<Selected<'r>, NoRoute<'r>> {
    let virtual_host = select_virtual_host(config, &head.authority).ok_or(NoRoute::NoVirtualHost)?;
    let must_be_https = match virtual_host.require_tls {
        RequireTls::None => false,
        RequireTls::ExternalOnly => !context.internal,
        RequireTls::All => true,
    };
    if must_be_https && !context.https {
        let location = format!("https://{}{}", head.authority_str(), head.path_str());
        return Err(NoRoute::TlsRequired { virtual_host, location });
    }
    let path = matched_path(head);
    let route = virtual_host.routes.iter().find(|route| matches(route, head, path, context));
    match route {
        Some(route) => Ok(Selected { config, virtual_host, route }),
        None => Err(NoRoute::NoRoute { virtual_host }),
    }
}

/// The path that routes look at: without query and fragment.
pub(crate) fn matched_path(head: &RequestHead) -> &[u8] {
    let path = head.path_only();
    match memchr::memchr(b'#', path) {
        Some(at) => &path[..at],
        None => path,
    }
}

/// Whether the request is CONNECT for a tunnel (extended CONNECT for WebSocket is an upgrade instead).
pub(crate) fn is_connect(head: &RequestHead) -> bool {
    head.method == Method::Connect && head.protocol.is_none()
}

fn matches(route: &Route, head: &RequestHead, path: &[u8], context: &RouteContext) -> bool {
    path_matches(route, head, path)
        && route.fraction_per_million.is_none_or(|share| context.random % 1_000_000 < u64::from(share))
        && (!route.grpc || is_grpc(&head.headers))
        && route.headers.iter().all(|matcher| matcher.matches_request(head))
        && route.query.iter().all(|matcher| matcher.matches(head.query()))
}

pub(crate) fn path_matches(route: &Route, head: &RequestHead, path: &[u8]) -> bool {
    match &route.path {
        PathMatch::Connect => is_connect(head),
        // A request without a path only goes to a connect matcher.
        _ if path.is_empty() => false,
        other => other.matches(path, route.case_sensitive),
    }
}

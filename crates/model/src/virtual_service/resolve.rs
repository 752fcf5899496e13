//! Names of a VirtualService made full: hosts of Services, gateways.
//! In: the namespace of the object and its routes as written. Out: copies with full names.

use super::{HttpMatch, HttpRule, MESH};
use crate::source::Source;
use lateen_config::kinds::virtual_service::{Destination, HttpRoute, RouteDestination, TcpRoute, TlsRoute};
use lateen_core::{Host, NamespacedName};
use std::sync::Arc;

/// Where short names of an object belong.
pub struct Names<'a> {
    /// Namespace of the object.
    pub namespace: &'a str,
    /// Suffix of Services.
    pub suffix: &'a str,
}

impl Names<'_> {
    /// The full name of a host.
    pub fn host(&self, text: &str) -> Host {
        Host::resolve(text, self.namespace, self.suffix)
    }

    /// Gateways as `namespace/name`; none written means `mesh`.
    pub fn gateways(&self, written: &[String]) -> Vec<Arc<str>> {
        if written.is_empty() {
            return vec![MESH.into()];
        }
        written.iter().map(|name| self.gateway(name).into()).collect()
    }

    fn gateway(&self, name: &str) -> String {
        if name == MESH { MESH.to_owned() } else { NamespacedName::parse(name, self.namespace).to_string() }
    }

    fn gateway_list(&self, list: &mut [String]) {
        for name in list {
            *name = self.gateway(name);
        }
    }

    fn destination(&self, destination: Option<&mut Destination>) {
        if let Some(destination) = destination {
            destination.host = self.host(&destination.host).to_string();
        }
    }

    fn l4(&self, route: &mut [RouteDestination]) {
        for weighted in route {
            self.destination(weighted.destination.as_mut());
        }
    }

    /// Rules for HTTP.
    pub fn http(&self, source: &Arc<Source>, written: &[HttpRoute]) -> Vec<HttpRule> {
        let rule = |(index, route): (usize, &HttpRoute)| {
            let mut route = route.clone();
            let path = format!("spec.http[{index}]");
            let conditions = std::mem::take(&mut route.r#match);
            let matches = conditions.into_iter().enumerate().map(|(index, mut request)| {
                self.gateway_list(&mut request.gateways);
                HttpMatch { source: source.clone(), path: format!("{path}.match[{index}]"), request }
            });
            let matches = matches.collect();
            for weighted in &mut route.route {
                self.destination(weighted.destination.as_mut());
            }
            self.destination(route.mirror.as_mut());
            for mirror in &mut route.mirrors {
                self.destination(mirror.destination.as_mut());
            }
            if let Some(delegate) = &mut route.delegate
                && delegate.namespace.is_empty()
            {
                delegate.namespace = self.namespace.to_owned();
            }
            HttpRule { source: source.clone(), path, route, matches }
        };
        written.iter().enumerate().map(rule).collect()
    }

    /// Rules for TLS.
    pub fn tls(&self, written: &[TlsRoute]) -> Vec<TlsRoute> {
        let mut routes = written.to_vec();
        for route in &mut routes {
            self.l4(&mut route.route);
            route.r#match.iter_mut().for_each(|condition| self.gateway_list(&mut condition.gateways));
        }
        routes
    }

    /// Rules for TCP.
    pub fn tcp(&self, written: &[TcpRoute]) -> Vec<TcpRoute> {
        let mut routes = written.to_vec();
        for route in &mut routes {
            self.l4(&mut route.route);
            route.r#match.iter_mut().for_each(|condition| self.gateway_list(&mut condition.gateways));
        }
        routes
    }
}

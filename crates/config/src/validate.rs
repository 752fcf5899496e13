//! What a decoded object means, judged by itself: values that Istio's schema or webhook refuse, or
//! that a proxy would reject, taking innocent routes with them.
//!
//! In come a typed spec and the node that it was read from; out go findings at the node's places.
//! An error here costs the object. Never here: other objects, or whether a name leads anywhere.

mod addresses;
mod check;
mod core_kinds;
mod destination_rule;
mod export_to;
mod gateway;
mod header_values;
mod headers;
mod http_match;
mod http_policy;
mod http_route;
mod l4_route;
mod labels;
mod limits;
mod load_balancer;
mod locality;
mod mesh_config;
mod names;
mod proxy_config;
mod regex;
mod server_tls;
mod service_entry;
mod sidecar;
mod traffic_policy;
mod virtual_service;
mod workload_entry;

pub(crate) use check::{Check, Rule, wrong};

use crate::decode::Context;
use crate::kinds::mesh_config::{MeshConfig, ProxyConfig};
use crate::object::{ObjectMeta, Spec};
use crate::yaml::Node;

pub use server_tls::{is_cipher_suite, is_ecdh_curve};

/// Annotations that Istio keeps for itself or for its tests.
const RESERVED_ANNOTATIONS: &[&str] = &[
    "istio.io/dry-run",
    "internal.istio.io/parents",
    "internal.istio.io/parent-namespace",
    "internal.istio.io/webhook-always-reject",
];

/// Judges an object whose document had no error so far.
pub(crate) fn object(meta: &ObjectMeta, spec: &Spec, node: &Node, cx: &mut Context) {
    let mut check = Check::new(cx, node);
    match spec {
        Spec::Service(service) => return core_kinds::service(&mut check, service),
        Spec::Endpoints(endpoints) => return core_kinds::endpoints(&mut check, endpoints),
        Spec::EndpointSlice(slice) => return core_kinds::endpoint_slice(&mut check, slice),
        Spec::Pod(_)
        | Spec::Deployment(_)
        | Spec::Namespace(_)
        | Spec::Secret(_)
        | Spec::ConfigMap(_)
        | Spec::Ingress(_) => return,
        _ => metadata(&mut check, meta),
    }
    match spec {
        Spec::Gateway(gateway) => gateway::gateway(&mut check, meta, gateway),
        Spec::VirtualService(service) => virtual_service::virtual_service(&mut check, meta, service),
        Spec::DestinationRule(rule) => destination_rule::destination_rule(&mut check, meta, rule),
        Spec::ServiceEntry(entry) => service_entry::service_entry(&mut check, meta, entry),
        Spec::WorkloadEntry(entry) => check.field("spec", |check| workload_entry::alone(check, entry)),
        Spec::Sidecar(sidecar) => sidecar::sidecar(&mut check, sidecar),
        _ => {}
    }
}

/// Judges a mesh configuration.
pub(crate) fn mesh(config: &MeshConfig, node: &Node, cx: &mut Context) {
    mesh_config::mesh_config(&mut Check::new(cx, node), config);
}

/// Judges a mesh configuration that has its defaults, as Istio does before it serves by it.
pub(crate) fn applied_mesh(config: &MeshConfig, node: &Node, cx: &mut Context) {
    let mut check = Check::new(cx, node);
    mesh_config::mesh_config(&mut check, config);
    if config.proxy_listen_port == 0 {
        check.rule_of("proxy_listen_port", limits::port(0));
    }
    match &config.default_config {
        Some(proxy) => check.field("default_config", |check| proxy_config::proxy_config(check, proxy)),
        None => check.error("`defaultConfig` is missing", ""),
    }
}

/// Judges a proxy configuration that has its defaults.
pub(crate) fn proxy(config: &ProxyConfig, node: &Node, cx: &mut Context) {
    proxy_config::proxy_config(&mut Check::new(cx, node), config);
}

fn metadata(check: &mut Check<'_, '_>, meta: &ObjectMeta) {
    check.field("metadata", |check| {
        check.rule_of("name", names::object(&meta.name));
        check.field("annotations", |check| {
            for name in RESERVED_ANNOTATIONS.iter().filter(|name| meta.annotations.contains_key(**name)) {
                check.key(name, |check| check.error("this annotation may not be set here", "remove it"));
            }
        });
    });
}

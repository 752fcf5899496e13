//! The kinds, one file each, field by field as their APIs have them.
//!
//! Declarations only: `message!` writes struct and decoder, `oneof!` and `choice!` the enums.
//! Istio's kinds are `closed` (an unknown field is a finding); Kubernetes' are `open` (it has many
//! fields that a mesh has no use for). Defaults with a meaning are applied where the meaning is.

pub mod cluster_settings;
pub mod config_map;
pub mod deployment;
pub mod destination_rule;
pub mod endpoint_slice;
pub mod endpoints;
pub mod extension_provider;
pub mod gateway;
pub mod http_route;
pub mod ingress;
pub mod load_balancer;
pub mod mesh_config;
pub mod namespace;
pub mod pod;
pub mod proxy_config;
pub mod secret;
pub mod selector;
pub mod service;
pub mod service_entry;
pub mod sidecar;
pub mod tls_settings;
pub mod tracing_config;
pub mod virtual_service;
pub mod workload_entry;

//! The world as one immutable value, and what one proxy may see of it.
//!
//! In come decoded objects; out come a [`Snapshot`] (services, gateways, routes, rules, resolved and
//! indexed), the findings about references that dangle or collide, and for each proxy a [`Scope`].
//! Never here: IO, a clock, Envoy's types, or anything that depends on the order of a hash map.
#![warn(missing_docs)]

pub mod credential;
pub mod destination_rule;
pub mod endpoint;
pub mod gateway;
pub mod gateway_workload;
pub mod host_index;
pub mod ingress;
pub mod input;
pub mod mesh;
pub mod policy;
pub mod proxy;
pub mod registry;
pub mod scope;
pub mod service;
pub mod sidecar;
pub mod snapshot;
pub mod source;
pub mod virtual_service;
pub mod visibility;

pub use credential::{Credentials, KeyPair, Roots};
pub use destination_rule::DestinationRule;
pub use endpoint::{Address, Endpoint, Locality};
pub use gateway::{Gateway, MergedGateway, MergedPort, MergedServer, Server, ServiceTarget};
pub use gateway_workload::{GatewayWorkload, gateway_workloads};
pub use input::{Input, Options};
pub use mesh::Mesh;
pub use policy::Policy;
pub use proxy::{PortMapping, Proxy};
pub use scope::{EgressListener, Scope};
pub use service::{Port, Registry, Resolution, Service};
pub use snapshot::Snapshot;
pub use source::Source;
pub use virtual_service::{HttpMatch, HttpRule, VirtualService};
pub use visibility::Visibility;

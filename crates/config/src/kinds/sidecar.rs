//! Sidecar: what a workload's proxy listens on and what it may see.

use std::collections::BTreeMap;

use crate::decode::{choice, message};
use crate::kinds::cluster_settings::ConnectionPoolSettings;
use crate::kinds::tls_settings::ServerTlsSettings;
use crate::kinds::virtual_service::Destination;

message! {
    /// Scope and listeners of the proxies that a selector picks.
    pub struct Sidecar: closed {
        /// Workloads of the namespace; none means all.
        workload_selector: Option<WorkloadSelector>,
        /// Inbound listeners; empty means found from the services.
        ingress: Vec<IstioIngressListener>,
        /// Outbound listeners and the hosts that they see.
        egress: Vec<IstioEgressListener>,
        /// Limits of inbound connections.
        inbound_connection_pool: Option<ConnectionPoolSettings>,
        /// Calls to unknown hosts; none means as the mesh has it.
        outbound_traffic_policy: Option<OutboundTrafficPolicy>,
    }
}

message! {
    /// An inbound listener.
    pub struct IstioIngressListener: closed {
        /// Port.
        port: Option<SidecarPort>,
        /// Address to bind.
        bind: String,
        /// How traffic is captured.
        capture_mode: CaptureMode,
        /// Where the application listens: `127.0.0.1:PORT`, `0.0.0.0:PORT` or `unix://`.
        default_endpoint: String,
        /// TLS that the sidecar terminates.
        tls: Option<ServerTlsSettings>,
        /// Limits, instead of the sidecar's.
        connection_pool: Option<ConnectionPoolSettings>,
    }
}

message! {
    /// An outbound listener.
    pub struct IstioEgressListener: closed {
        /// Port; none for all other ports.
        port: Option<SidecarPort>,
        /// Address to bind.
        bind: String,
        /// How traffic is captured.
        capture_mode: CaptureMode,
        /// Hosts seen, `namespace/host` with `.`, `~` and `*`.
        hosts: Vec<String>,
    }
}

message! {
    /// Picks workloads by labels (`istio.networking`).
    pub struct WorkloadSelector: closed {
        /// Labels that a workload must carry.
        labels: BTreeMap<String, String>,
    }
}

message! {
    /// What happens to calls to unknown hosts.
    pub struct OutboundTrafficPolicy: closed {
        /// Refuse or let through.
        mode: OutboundTrafficPolicyMode,
        /// Where to send them instead.
        egress_proxy: Option<Destination>,
    }
}

choice! {
    /// What happens to calls to unknown hosts.
    pub enum OutboundTrafficPolicyMode {
        /// They are refused.
        RegistryOnly = 0 "REGISTRY_ONLY",
        /// They pass.
        AllowAny = 1 "ALLOW_ANY",
    }
}

choice! {
    /// How traffic reaches a listener.
    pub enum CaptureMode {
        /// As the environment has it.
        Default = 0 "DEFAULT",
        /// By iptables.
        Iptables = 1 "IPTABLES",
        /// Not: the application calls the listener.
        None = 2 "NONE",
    }
}

message! {
    /// A port of a sidecar listener.
    pub struct SidecarPort: closed {
        /// Port number.
        number: u32,
        /// Protocol in any case.
        protocol: String,
        /// Label of the port.
        name: String,
        /// Deprecated, without effect.
        target_port: u32,
    }
}

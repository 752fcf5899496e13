//! Kubernetes Service: the fields that a mesh needs.

use std::collections::BTreeMap;

use crate::decode::message;
use crate::kinds::pod::IntOrString;

message! {
    /// A v1 Service.
    pub struct Service: open {
        /// What is wanted.
        spec: ServiceSpec,
        /// What was given.
        status: ServiceStatus,
    }
}

message! {
    /// Spec of a Service.
    pub struct ServiceSpec: open {
        /// Ports.
        ports: Vec<ServicePort>,
        /// Labels of the pods behind it; empty means endpoints are managed by hand.
        selector: BTreeMap<String, String>,
        /// Virtual address; `None` for a headless service.
        cluster_ip ("clusterIP"): String,
        /// Virtual addresses, one for each family.
        cluster_ips ("clusterIPs"): Vec<String>,
        /// `ClusterIP` (also when empty), `NodePort`, `LoadBalancer` or `ExternalName`.
        r#type: String,
        /// Further addresses that reach it.
        external_ips ("externalIPs"): Vec<String>,
        /// Target of an `ExternalName` service.
        external_name: String,
        /// `Cluster` or `Local`.
        external_traffic_policy: String,
        /// `Cluster` or `Local`.
        internal_traffic_policy: String,
        /// `None` or `ClientIP`.
        session_affinity: String,
        /// Families, such as `IPv4`.
        ip_families: Vec<String>,
        /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
        ip_family_policy: String,
        /// Asked-for address of the load balancer.
        load_balancer_ip ("loadBalancerIP"): String,
        /// Class of the load balancer.
        load_balancer_class: String,
        /// Whether DNS gives endpoints that are not ready.
        publish_not_ready_addresses: bool,
        /// Preference such as `PreferClose`.
        traffic_distribution: String,
    }
}

message! {
    /// A port of a Service.
    pub struct ServicePort: open {
        /// Name; its prefix may tell the protocol.
        name: String,
        /// `TCP` (also when empty), `UDP` or `SCTP`.
        protocol: String,
        /// Application protocol; overrides the name.
        app_protocol: Option<String>,
        /// Port number.
        port: u32,
        /// Port of the pods by number or name; none means `port`.
        target_port: Option<IntOrString>,
        /// Port on each node.
        node_port: u32,
    }
}

message! {
    /// Status of a Service.
    pub struct ServiceStatus: open {
        /// Load balancer of the platform.
        load_balancer: LoadBalancerStatus,
    }
}

message! {
    /// What the platform's load balancer got.
    pub struct LoadBalancerStatus: open {
        /// Its addresses.
        ingress: Vec<LoadBalancerIngress>,
    }
}

message! {
    /// An address of a load balancer.
    pub struct LoadBalancerIngress: open {
        /// IP.
        ip: String,
        /// Host name.
        hostname: String,
    }
}

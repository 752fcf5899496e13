//! Kubernetes Pod: containers, ports, addresses and readiness.

use std::collections::BTreeMap;

use crate::decode::message;

message! {
    /// A v1 Pod.
    pub struct Pod: open {
        /// What runs.
        spec: PodSpec,
        /// How it goes.
        status: PodStatus,
    }
}

message! {
    /// Spec of a pod.
    pub struct PodSpec: open {
        /// Containers.
        containers: Vec<Container>,
        /// Containers that run first.
        init_containers: Vec<Container>,
        /// Service account; empty means `default`.
        service_account_name: String,
        /// Older name of `serviceAccountName`.
        service_account: String,
        /// Node it is on.
        node_name: String,
        /// Whether it uses the node's network.
        host_network: bool,
        /// Host name.
        hostname: String,
        /// Subdomain for DNS.
        subdomain: String,
    }
}

message! {
    /// A container.
    pub struct Container: open {
        /// Name.
        name: String,
        /// Image.
        image: String,
        /// Ports that it tells of.
        ports: Vec<ContainerPort>,
        /// Environment.
        env: Vec<EnvVar>,
        /// `Always` on an init container makes it a sidecar.
        restart_policy: String,
        /// When it may get traffic.
        readiness_probe: Option<Probe>,
        /// When it is restarted.
        liveness_probe: Option<Probe>,
        /// When it has started.
        startup_probe: Option<Probe>,
    }
}

message! {
    /// A port of a container.
    pub struct ContainerPort: open {
        /// Name, for `targetPort`.
        name: String,
        /// Port number.
        container_port: u32,
        /// Port on the node.
        host_port: u32,
        /// `TCP` (also when empty), `UDP` or `SCTP`.
        protocol: String,
    }
}

message! {
    /// An environment variable.
    pub struct EnvVar: open {
        /// Name.
        name: String,
        /// Value; empty when it comes from elsewhere.
        value: String,
    }
}

message! {
    /// A probe.
    pub struct Probe: open {
        /// HTTP probe.
        http_get: Option<HttpGetAction>,
        /// TCP probe.
        tcp_socket: Option<TcpSocketAction>,
        /// gRPC probe.
        grpc: Option<GrpcAction>,
        /// Seconds before the first.
        initial_delay_seconds: u32,
        /// Seconds between probes.
        period_seconds: u32,
        /// Seconds to wait for an answer.
        timeout_seconds: u32,
    }
}

message! {
    /// An HTTP probe.
    pub struct HttpGetAction: open {
        /// Path.
        path: String,
        /// Port by number or name.
        port: Option<IntOrString>,
        /// Host; empty means the pod.
        host: String,
        /// `HTTP` (also when empty) or `HTTPS`.
        scheme: String,
    }
}

message! {
    /// A TCP probe.
    pub struct TcpSocketAction: open {
        /// Port by number or name.
        port: Option<IntOrString>,
        /// Host; empty means the pod.
        host: String,
    }
}

message! {
    /// A gRPC probe.
    pub struct GrpcAction: open {
        /// Port.
        port: u32,
        /// Service name.
        service: String,
    }
}

message! {
    /// Status of a pod.
    pub struct PodStatus: open {
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        phase: String,
        /// First address.
        pod_ip ("podIP"): String,
        /// All addresses.
        pod_ips ("podIPs"): Vec<PodIp>,
        /// Address of the node.
        host_ip ("hostIP"): String,
        /// Conditions such as `Ready`.
        conditions: Vec<PodCondition>,
    }
}

message! {
    /// An address of a pod.
    pub struct PodIp: open {
        /// IP.
        ip: String,
    }
}

message! {
    /// A condition of a pod.
    pub struct PodCondition: open {
        /// Such as `Ready`.
        r#type: String,
        /// `True`, `False` or `Unknown`.
        status: String,
    }
}

message! {
    /// Names another object.
    pub struct ObjectReference: open {
        /// Kind.
        kind: String,
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// Unique id.
        uid: String,
    }
}

message! {
    /// A template of pods.
    pub struct PodTemplateSpec: open {
        /// Labels and annotations of the pods.
        metadata: TemplateMeta,
        /// What they run.
        spec: PodSpec,
    }
}

message! {
    /// Metadata of a template.
    pub struct TemplateMeta: open {
        /// Labels.
        labels: BTreeMap<String, String>,
        /// Annotations.
        annotations: BTreeMap<String, String>,
    }
}

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntOrString {
    /// By number.
    Int(i32),
    /// By name.
    String(String),
}

//! Kubernetes Ingress: hosts and paths at the edge, the form before Gateways.

use crate::decode::message;

message! {
    /// A networking.k8s.io/v1 Ingress.
    pub struct Ingress: open {
        /// What is wanted.
        spec: IngressSpec,
    }
}

message! {
    /// Spec of an Ingress.
    pub struct IngressSpec: open {
        /// Class; it decides who serves it.
        ingress_class_name: Option<String>,
        /// Where requests go that no rule takes.
        default_backend: Option<IngressBackend>,
        /// Certificates.
        tls: Vec<IngressTls>,
        /// Rules.
        rules: Vec<IngressRule>,
    }
}

message! {
    /// A certificate for hosts.
    pub struct IngressTls: open {
        /// Hosts; none means all.
        hosts: Vec<String>,
        /// Secret with certificate and key.
        secret_name: String,
    }
}

message! {
    /// Paths of a host.
    pub struct IngressRule: open {
        /// Host; empty means all.
        host: String,
        /// Its paths.
        http: Option<IngressPaths>,
    }
}

message! {
    /// Paths.
    pub struct IngressPaths: open {
        /// Paths, in any order: the longest match wins.
        paths: Vec<IngressPath>,
    }
}

message! {
    /// A path.
    pub struct IngressPath: open {
        /// The path; empty means all.
        path: String,
        /// `Exact`, `Prefix` or `ImplementationSpecific`.
        path_type: Option<String>,
        /// Where requests go.
        backend: IngressBackend,
    }
}

message! {
    /// Where requests go.
    pub struct IngressBackend: open {
        /// A Service of the same namespace.
        service: Option<IngressServiceBackend>,
    }
}

message! {
    /// A Service.
    pub struct IngressServiceBackend: open {
        /// Its name.
        name: String,
        /// Its port.
        port: IngressServicePort,
    }
}

message! {
    /// A port of a Service, by name or by number.
    pub struct IngressServicePort: open {
        /// Name.
        name: String,
        /// Number.
        number: u32,
    }
}

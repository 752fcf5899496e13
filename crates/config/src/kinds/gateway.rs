//! Gateway: which ports and hosts a set of proxies serves at the edge.

use std::collections::BTreeMap;

use crate::decode::message;
pub use crate::kinds::tls_settings::{ServerTlsMode, ServerTlsSettings, TlsCertificate, TlsProtocol};

message! {
    /// Listeners of the proxies that a selector picks.
    pub struct Gateway: closed {
        /// What to listen on.
        servers: Vec<Server>,
        /// Labels of the pods that run this gateway.
        selector: BTreeMap<String, String>,
    }
}

message! {
    /// One listener: port, hosts, TLS.
    pub struct Server: closed {
        /// Port and protocol.
        port: Option<Port>,
        /// Address to bind; empty for all addresses.
        bind: String,
        /// Hosts served, each `host` or `namespace/host`, with `*` as a first label.
        hosts: Vec<String>,
        /// TLS of the listener.
        tls: Option<ServerTlsSettings>,
        /// Where to send calls by default, in a sidecar.
        default_endpoint: String,
        /// Name, unique in the gateway.
        name: String,
    }
}

message! {
    /// A port of a server.
    pub struct Port: closed {
        /// Port number as clients see it.
        number: u32,
        /// Protocol in any case: HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP, TLS.
        protocol: String,
        /// Label of the port.
        name: String,
        /// Deprecated and without effect in a gateway.
        target_port: u32,
    }
}

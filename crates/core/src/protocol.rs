//! Protocols that a port may speak.

use std::fmt;

/// The protocol of a Service or Gateway port (Istio `pkg/config/protocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Protocol {
    /// HTTP/1.1, or HTTP/2 by prior knowledge.
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC, that is HTTP/2.
    Grpc,
    /// gRPC-Web over HTTP/1.1 or HTTP/2.
    GrpcWeb,
    /// TLS with HTTP inside.
    Https,
    /// TLS with anything inside.
    Tls,
    /// Plain bytes.
    Tcp,
    /// MongoDB's protocol, forwarded as bytes.
    Mongo,
    /// MySQL's protocol, forwarded as bytes.
    Mysql,
    /// Redis' protocol, forwarded as bytes.
    Redis,
    /// Datagrams; never proxied.
    Udp,
    /// HBONE, HTTP/2 CONNECT with mTLS.
    Hbone,
    /// Not declared: found out from the first bytes.
    #[default]
    Unsupported,
}

impl Protocol {
    /// Reads a protocol name without regard to case; what is not known is `Unsupported`.
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "http" => Self::Http,
            "http2" => Self::Http2,
            "grpc" => Self::Grpc,
            "grpc-web" => Self::GrpcWeb,
            "https" => Self::Https,
            "tls" => Self::Tls,
            "tcp" => Self::Tcp,
            "mongo" => Self::Mongo,
            "mysql" => Self::Mysql,
            "redis" => Self::Redis,
            "udp" => Self::Udp,
            "hbone" => Self::Hbone,
            _ => Self::Unsupported,
        }
    }

    /// The protocol that a Kubernetes Service port declares: `appProtocol` first, then the prefix of the port's
    /// name up to the first dash (Istio `kube.ConvertProtocol`); UDP by the transport protocol.
    pub fn of_service_port(name: &str, app_protocol: Option<&str>, transport: &str) -> Self {
        if transport.eq_ignore_ascii_case("UDP") {
            return Self::Udp;
        }
        let declared = match app_protocol {
            Some("kubernetes.io/h2c") => return Self::Http2,
            Some("kubernetes.io/ws") => return Self::Http,
            Some("kubernetes.io/wss") => return Self::Https,
            Some(text) => text,
            None => name,
        };
        let lower = declared.to_ascii_lowercase();
        if lower == "grpc-web" || lower.starts_with("grpc-web-") {
            return Self::GrpcWeb;
        }
        match Self::parse(lower.split_once('-').map_or(lower.as_str(), |(prefix, _)| prefix)) {
            Self::Udp => Self::Unsupported,
            protocol => protocol,
        }
    }

    /// Whether requests can be seen without ending TLS.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// Whether HTTP/2 is certain.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// Whether the first bytes are a TLS handshake.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// Whether only bytes can be forwarded, TLS included.
    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Https | Self::Tls | Self::Mongo | Self::Mysql | Self::Redis)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Http2 => "HTTP2",
            Self::Grpc => "GRPC",
            Self::GrpcWeb => "GRPC-Web",
            Self::Https => "HTTPS",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
            Self::Mongo => "Mongo",
            Self::Mysql => "MySQL",
            Self::Redis => "Redis",
            Self::Udp => "UDP",
            Self::Hbone => "HBONE",
            Self::Unsupported => "UnsupportedProtocol",
        })
    }
}

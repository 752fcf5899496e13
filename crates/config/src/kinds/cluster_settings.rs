//! Connection pools and outlier detection.

use std::time::Duration;

use crate::decode::{choice, message};

message! {
    /// Connection limits.
    pub struct ConnectionPoolSettings: closed {
        /// For TCP, and below HTTP.
        tcp: Option<TcpSettings>,
        /// For HTTP.
        http: Option<HttpSettings>,
    }
}

message! {
    /// Limits of TCP connections.
    pub struct TcpSettings: closed {
        /// Most connections to the host; 0 means 2^32 - 1.
        max_connections: i32,
        /// Limit for connecting; none means 10 s.
        connect_timeout: Option<Duration>,
        /// Keepalive probes.
        tcp_keepalive: Option<TcpKeepalive>,
        /// Longest life of a connection.
        max_connection_duration: Option<Duration>,
        /// Idle connections are closed after this; none means 1 h.
        idle_timeout: Option<Duration>,
    }
}

message! {
    /// TCP keepalive.
    pub struct TcpKeepalive: closed {
        /// Unanswered probes before the connection counts as dead; 0 leaves it to the system.
        probes: u32,
        /// Idle time before the first probe.
        time: Option<Duration>,
        /// Time between probes.
        interval: Option<Duration>,
    }
}

message! {
    /// Limits of HTTP.
    pub struct HttpSettings: closed {
        /// Most requests waiting for a connection.
        http1_max_pending_requests: i32,
        /// Most requests in flight.
        http2_max_requests: i32,
        /// Most requests on one connection; 0 means no limit, 1 turns keep-alive off.
        max_requests_per_connection: i32,
        /// Most retries in flight.
        max_retries: i32,
        /// Connections without requests are closed after this; none means 1 h.
        idle_timeout: Option<Duration>,
        /// Whether HTTP/1.1 becomes HTTP/2 upstream.
        h2_upgrade_policy: H2UpgradePolicy,
        /// Speak upstream what the client speaks.
        use_client_protocol: bool,
        /// Most streams on one HTTP/2 connection.
        max_concurrent_streams: i32,
        /// HTTP/2 pings.
        http2_keep_alive: Option<ConnectionKeepalive>,
    }
}

choice! {
    /// Whether HTTP/1.1 becomes HTTP/2 upstream.
    pub enum H2UpgradePolicy {
        /// As the mesh has it.
        Default = 0 "DEFAULT",
        /// No.
        DoNotUpgrade = 1 "DO_NOT_UPGRADE",
        /// Yes.
        Upgrade = 2 "UPGRADE",
    }
}

message! {
    /// HTTP/2 pings.
    pub struct ConnectionKeepalive: closed {
        /// Time between pings.
        interval: Option<Duration>,
        /// Time to wait for the answer.
        timeout: Option<Duration>,
    }
}

message! {
    /// Ejection of failing endpoints.
    pub struct OutlierDetection: closed {
        /// Deprecated form of `consecutiveGatewayErrors`.
        consecutive_errors: i32,
        /// Count local failures (connect, timeout) apart from those of the upstream.
        split_external_local_origin_errors: bool,
        /// Local failures in a row that eject.
        consecutive_local_origin_failures: Option<u32>,
        /// 502, 503 and 504 in a row that eject; 0 turns this off.
        consecutive_gateway_errors: Option<u32>,
        /// 5xx in a row that eject; none means 5, 0 turns this off.
        consecutive_5xx_errors: Option<u32>,
        /// Time between analyses; none means 10 s.
        interval: Option<Duration>,
        /// Ejection time, multiplied by the number of ejections; none means 30 s.
        base_ejection_time: Option<Duration>,
        /// Most endpoints ejected, in percent; 0 means 10.
        max_ejection_percent: i32,
        /// Below this share of healthy endpoints nothing is ejected, in percent.
        min_health_percent: i32,
        /// Status codes that count as errors, instead of 5xx.
        outlier_detection_http_error_codes: Vec<u32>,
    }
}

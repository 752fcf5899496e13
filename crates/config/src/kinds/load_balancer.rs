//! Load balancing: policies, hashing, localities, warm-up.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decode::{choice, message, oneof};

message! {
    /// How an endpoint is chosen.
    pub struct LoadBalancerSettings: closed {
        /// Localities; overrides the mesh.
        locality_lb_setting: Option<LocalityLoadBalancerSetting>,
        /// Zones; overrides the mesh.
        zone_aware_lb_setting: Option<ZoneAwareLoadBalancerSetting>,
        /// Deprecated form of `warmup.duration`.
        warmup_duration_secs: Option<Duration>,
        /// Slow start of new endpoints.
        warmup: Option<WarmupConfiguration>,
    } oneof {
        /// The policy.
        lb_policy: LbPolicy,
    }
}

oneof! {
    /// A load-balancing policy.
    pub enum LbPolicy {
        /// One that needs no settings.
        simple: Simple(SimpleLb),
        /// By hash, so that like calls meet the same endpoint.
        consistent_hash: ConsistentHash(ConsistentHashLb),
    }
}

choice! {
    /// Policies without settings.
    pub enum SimpleLb {
        /// What the mesh prefers (least request).
        Unspecified = 0 "UNSPECIFIED",
        /// Deprecated name of least request.
        LeastConn = 1 "LEAST_CONN",
        /// At random.
        Random = 2 "RANDOM",
        /// To the address the caller asked for.
        Passthrough = 3 "PASSTHROUGH",
        /// In turn.
        RoundRobin = 4 "ROUND_ROBIN",
        /// The less busy of two drawn at random.
        LeastRequest = 5 "LEAST_REQUEST",
    }
}

message! {
    /// Hashing.
    pub struct ConsistentHashLb: closed {
        /// Deprecated form of `ringHash.minimumRingSize`.
        minimum_ring_size: u64,
    } oneof {
        /// What is hashed.
        hash_key: HashKey,
        /// How.
        hash_algorithm: HashAlgorithm,
    }
}

oneof! {
    /// What is hashed.
    pub enum HashKey {
        /// Value of a request header.
        http_header_name: HttpHeaderName(String),
        /// A cookie, made when missing.
        http_cookie: HttpCookie(HttpCookie),
        /// Source address.
        use_source_ip: UseSourceIp(bool),
        /// A query parameter.
        http_query_parameter_name: HttpQueryParameterName(String),
    }
}

oneof! {
    /// How a hash picks an endpoint.
    pub enum HashAlgorithm {
        /// A ring.
        ring_hash: RingHash(RingHash),
        /// A Maglev table.
        maglev: Maglev(MagLev),
    }
}

message! {
    /// A hash ring.
    pub struct RingHash: closed {
        /// Fewest points on the ring; 0 means 1024.
        minimum_ring_size: u64,
    }
}

message! {
    /// A Maglev table.
    pub struct MagLev: closed {
        /// Entries, a prime; 0 means 65537.
        table_size: u64,
    }
}

message! {
    /// A cookie that holds the hash key.
    pub struct HttpCookie: closed {
        /// Name.
        name: String,
        /// Path attribute.
        path: String,
        /// Lifetime; zero makes a session cookie, none makes no cookie.
        ttl: Option<Duration>,
        /// More attributes.
        attributes: Vec<HttpCookieAttribute>,
    }
}

message! {
    /// An attribute of a cookie.
    pub struct HttpCookieAttribute: closed {
        /// Name.
        name: String,
        /// Value.
        value: String,
    }
}

message! {
    /// Slow start.
    pub struct WarmupConfiguration: closed {
        /// How long an endpoint warms up.
        duration: Option<Duration>,
        /// Share of the full weight at the start, in percent; none means 10.
        minimum_percent: Option<f64>,
        /// Curve; none means 1, a straight line.
        aggression: Option<f64>,
    }
}

message! {
    /// Load balancing by locality.
    pub struct LocalityLoadBalancerSetting: closed {
        /// Fixed shares; excludes the two failovers.
        distribute: Vec<LocalityDistribute>,
        /// Regions that stand in for others.
        failover: Vec<LocalityFailover>,
        /// Labels, in order, by which endpoints are ranked.
        failover_priority: Vec<String>,
        /// Whether this is on.
        enabled: Option<bool>,
    }
}

message! {
    /// Shares for calls from a locality.
    pub struct LocalityDistribute: closed {
        /// Locality of the caller, `region/zone/subzone` with `*`.
        from: String,
        /// Percent by locality.
        to: BTreeMap<String, u32>,
    }
}

message! {
    /// A region that stands in for another.
    pub struct LocalityFailover: closed {
        /// Region that failed.
        from: String,
        /// Region that takes over.
        to: String,
    }
}

message! {
    /// Load balancing that keeps to the zone while it has capacity.
    pub struct ZoneAwareLoadBalancerSetting: closed {
        /// Whether this is on.
        enabled: Option<bool>,
        /// Regions that stand in for others.
        failover: Vec<LocalityFailover>,
        /// Labels, in order, by which endpoints are ranked.
        failover_priority: Vec<String>,
        /// Fewest endpoints for zone-aware routing.
        min_cluster_size: Option<u64>,
    }
}

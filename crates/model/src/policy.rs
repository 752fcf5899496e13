//! Traffic policies: mesh, rule, subset and port level put on top of each other.
//! In: a DestinationRule. Out: the one policy for a subset and a port.

use lateen_config::DestinationRule as Written;
use lateen_config::kinds::destination_rule::{
    ClientTlsSettings, ConnectionPoolSettings, LoadBalancerSettings, OutlierDetection, PortTrafficPolicy,
    ProxyProtocol, RetryBudget, TrafficPolicy,
};

/// What applies to one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Load balancing.
    pub load_balancer: Option<LoadBalancerSettings>,
    /// Limits.
    pub connection_pool: Option<ConnectionPoolSettings>,
    /// Ejection of failing endpoints.
    pub outlier_detection: Option<OutlierDetection>,
    /// TLS.
    pub tls: Option<ClientTlsSettings>,
    /// PROXY protocol towards the upstream.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Budget of retries.
    pub retry_budget: Option<RetryBudget>,
}

impl Policy {
    /// The policy of `rule` for a subset (by name; empty for none) and a port.
    ///
    /// A subset overrides field by field; port level settings replace what they do not name too, so that a field
    /// left out there is at its default (Istio `MergeTrafficPolicy`).
    pub fn of(rule: &Written, subset: &str, port: u16) -> Self {
        let top = rule.traffic_policy.as_ref();
        let subset = rule.subsets.iter().find(|s| !subset.is_empty() && s.name == subset);
        let subset = subset.and_then(|subset| subset.traffic_policy.as_ref());
        let mut policy = Self::default();
        for level in [top, subset].into_iter().flatten() {
            policy.overlay(level);
            if let Some(level) = for_port(&level.port_level_settings, port) {
                policy.load_balancer.clone_from(&level.load_balancer);
                policy.connection_pool.clone_from(&level.connection_pool);
                policy.outlier_detection.clone_from(&level.outlier_detection);
                policy.tls.clone_from(&level.tls);
            }
        }
        policy
    }

    fn overlay(&mut self, level: &TrafficPolicy) {
        fn put<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
            if value.is_some() {
                slot.clone_from(value);
            }
        }
        put(&mut self.load_balancer, &level.load_balancer);
        put(&mut self.connection_pool, &level.connection_pool);
        put(&mut self.outlier_detection, &level.outlier_detection);
        put(&mut self.tls, &level.tls);
        put(&mut self.proxy_protocol, &level.proxy_protocol);
        put(&mut self.retry_budget, &level.retry_budget);
    }
}

fn for_port(settings: &[PortTrafficPolicy], port: u16) -> Option<&PortTrafficPolicy> {
    settings.iter().find(|s| s.port.as_ref().is_some_and(|p| p.number == u32::from(port)))
}

//! Load balancing.
//! In: the policy. Out: `lb_policy` and its settings.

use crate::values::duration;
use lateen_config::kinds::destination_rule::{
    ConsistentHashLb, HashAlgorithm, LbPolicy as Written, LoadBalancerSettings, SimpleLb,
};
use lateen_envoy_api::google::protobuf::UInt64Value;
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::cluster::cluster::{
    LbConfig, LbPolicy, LeastRequestLbConfig, MaglevLbConfig, RingHashLbConfig, RoundRobinLbConfig, SlowStartConfig,
};
use lateen_envoy_api::v3::core::RuntimeDouble;
use lateen_envoy_api::v3::types::Percent;
use lateen_model::Policy;

/// Envoy's and Istio's default size of a hash ring.
const RING_SIZE: u64 = 1024;

/// Sets the load balancing of a cluster. Without a policy, Istio's default is least request.
pub fn apply(policy: &Policy, original_dst: bool, out: &mut Cluster) {
    if original_dst {
        out.lb_policy = LbPolicy::ClusterProvided.into();
        return;
    }
    let settings = policy.load_balancer.as_ref();
    let slow = settings.and_then(slow_start);
    match settings.and_then(|settings| settings.lb_policy.as_ref()) {
        Some(Written::Simple(SimpleLb::Random)) => out.lb_policy = LbPolicy::Random.into(),
        Some(Written::Simple(SimpleLb::RoundRobin)) => {
            out.lb_policy = LbPolicy::RoundRobin.into();
            out.lb_config =
                slow.map(|slow| LbConfig::RoundRobinLbConfig(RoundRobinLbConfig { slow_start_config: Some(slow) }));
        }
        Some(Written::Simple(SimpleLb::Passthrough)) => out.lb_policy = LbPolicy::ClusterProvided.into(),
        Some(Written::ConsistentHash(hash)) => consistent_hash(hash, out),
        None | Some(Written::Simple(SimpleLb::Unspecified | SimpleLb::LeastConn | SimpleLb::LeastRequest)) => {
            out.lb_policy = LbPolicy::LeastRequest.into();
            out.lb_config = slow.map(|slow| {
                LbConfig::LeastRequestLbConfig(LeastRequestLbConfig {
                    slow_start_config: Some(slow),
                    ..Default::default()
                })
            });
        }
    }
}

fn consistent_hash(hash: &ConsistentHashLb, out: &mut Cluster) {
    if let Some(HashAlgorithm::Maglev(maglev)) = &hash.hash_algorithm {
        out.lb_policy = LbPolicy::Maglev.into();
        let size = UInt64Value { value: maglev.table_size };
        out.lb_config =
            (maglev.table_size != 0).then_some(LbConfig::MaglevLbConfig(MaglevLbConfig { table_size: Some(size) }));
        return;
    }
    let written = match &hash.hash_algorithm {
        Some(HashAlgorithm::RingHash(ring)) => ring.minimum_ring_size,
        _ => hash.minimum_ring_size,
    };
    let size = if written == 0 { RING_SIZE } else { written };
    out.lb_policy = LbPolicy::RingHash.into();
    out.lb_config = Some(LbConfig::RingHashLbConfig(RingHashLbConfig {
        minimum_ring_size: Some(UInt64Value { value: size }),
        ..Default::default()
    }));
}

fn slow_start(settings: &LoadBalancerSettings) -> Option<SlowStartConfig> {
    if let Some(warmup) = &settings.warmup {
        return Some(SlowStartConfig {
            slow_start_window: warmup.duration.and_then(duration),
            aggression: Some(RuntimeDouble {
                default_value: warmup.aggression.unwrap_or(1.0),
                // Envoy asks for a key; nobody sets this one.
                runtime_key: "lateen.warmup.aggression".to_owned(),
            }),
            min_weight_percent: Some(Percent { value: warmup.minimum_percent.unwrap_or(10.0) }),
        });
    }
    let window = settings.warmup_duration_secs?;
    Some(SlowStartConfig { slow_start_window: duration(window), ..Default::default() })
}

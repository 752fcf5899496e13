//! Localities: shares between them, or the near ones first.
//! In: groups of endpoints by locality, the policy, the proxy's own place. Out: the groups with weights or priorities.

use super::Input;
use crate::values::number;
use lateen_config::kinds::destination_rule::LocalityLoadBalancerSetting;
use lateen_envoy_api::v3::core::Locality as Envoy;
use lateen_envoy_api::v3::endpoint::LocalityLbEndpoints;
use lateen_model::{Locality, Policy, Scope};

/// Whether the shares of localities count in load balancing, which Envoy must be told on the cluster.
pub fn is_weighted(scope: &Scope, policy: &Policy) -> bool {
    !scope.proxy.locality.is_empty()
        && setting(scope, policy).is_some_and(|s| s.enabled != Some(false) && !s.distribute.is_empty())
}

fn setting<'a>(scope: &'a Scope, policy: &'a Policy) -> Option<&'a LocalityLoadBalancerSetting> {
    let rule = policy.load_balancer.as_ref().and_then(|lb| lb.locality_lb_setting.as_ref());
    rule.or(scope.snapshot.mesh.config.locality_lb_setting.as_ref())
}

/// Applies the setting of the rule, or else of the mesh. Without outlier detection nothing tells that a near locality
/// is down, so Istio fails over only where it is on.
pub fn apply(input: Input<'_>, groups: &mut Vec<LocalityLbEndpoints>) {
    let own = &input.scope.proxy.locality;
    if own.is_empty() {
        return;
    }
    let setting = setting(input.scope, input.policy);
    if setting.and_then(|setting| setting.enabled) == Some(false) {
        return;
    }
    if let Some(distribute) = setting.filter(|setting| !setting.distribute.is_empty()) {
        shares(own, distribute, groups);
    } else if input.policy.outlier_detection.is_some() {
        priorities(own, setting, groups);
    }
}

/// Weights by locality; localities that are not named get nothing.
fn shares(own: &Locality, setting: &LocalityLoadBalancerSetting, groups: &mut Vec<LocalityLbEndpoints>) {
    let Some(rule) = setting.distribute.iter().find(|rule| covers(&rule.from, own)) else { return };
    let mut kept = Vec::with_capacity(groups.len());
    for (pattern, share) in &rule.to {
        let mut matched: Vec<LocalityLbEndpoints> = Vec::new();
        let mut rest = Vec::new();
        for group in groups.drain(..) {
            if covers(pattern, &place(&group)) { matched.push(group) } else { rest.push(group) }
        }
        *groups = rest;
        let total: u64 = matched.iter().map(weight).sum();
        for mut group in matched {
            let scaled = u64::from(*share) * weight(&group) / total.max(1);
            group.load_balancing_weight = number(u32::try_from(scaled.max(1)).unwrap_or(u32::MAX));
            kept.push(group);
        }
    }
    *groups = kept;
}

/// The same subzone first, then zone, then region, then the region to fail over to, then all others. Numbers in use
/// are made consecutive, as Envoy asks for.
fn priorities(own: &Locality, setting: Option<&LocalityLoadBalancerSetting>, groups: &mut [LocalityLbEndpoints]) {
    let failover = setting.map_or(&[][..], |setting| setting.failover.as_slice());
    let target = failover.iter().find(|rule| rule.from == own.region).map(|rule| rule.to.as_str());
    let rank = |group: &LocalityLbEndpoints| {
        let place = place(group);
        if place == *own {
            0
        } else if place.region == own.region && place.zone == own.zone {
            1
        } else if place.region == own.region {
            2
        } else if target.is_none_or(|target| place.region == target) {
            3
        } else {
            4
        }
    };
    let mut ranks: Vec<u32> = groups.iter().map(rank).collect();
    ranks.sort_unstable();
    ranks.dedup();
    for group in groups {
        let position = ranks.binary_search(&rank(group)).unwrap_or(0);
        group.priority = u32::try_from(position).unwrap_or(0);
    }
}

fn weight(group: &LocalityLbEndpoints) -> u64 {
    group.load_balancing_weight.as_ref().map_or(1, |weight| u64::from(weight.value))
}

fn place(group: &LocalityLbEndpoints) -> Locality {
    let Envoy { region, zone, sub_zone } = group.locality.clone().unwrap_or_default();
    Locality { region, zone, subzone: sub_zone }
}

/// Whether a pattern such as `region/zone/*` covers a locality.
fn covers(pattern: &str, place: &Locality) -> bool {
    let parts = [&place.region, &place.zone, &place.subzone];
    for (index, wanted) in pattern.split('/').enumerate() {
        match (wanted, parts.get(index)) {
            ("*", _) => return true,
            (wanted, Some(part)) if *part == wanted => {}
            _ => return false,
        }
    }
    true
}

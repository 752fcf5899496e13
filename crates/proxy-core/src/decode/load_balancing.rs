//! How a cluster chooses endpoints: `lb_policy` with its configuration, or a `load_balancing_policy`.
//! In: the cluster message. Out: policy and its switches; what was read is taken out of the message.

#![allow(deprecated)]

use super::DecodeError;
use super::at::{At, extension_type};
use super::value::{duration, percent};
use crate::headers::name;
use crate::ir::{LbPolicy, OriginalDst, SlowStart};
use lateen_envoy_api::google::protobuf::{self, UInt64Value};
use lateen_envoy_api::v3::{self, core::RuntimeDouble};
use lateen_envoy_api::v3::{cluster as api, load_balancing as policies};
use std::mem::take;

/// How a cluster chooses endpoints.
pub(crate) struct Choice {
    pub(crate) policy: LbPolicy,
    pub(crate) slow_start: Option<SlowStart>,
    pub(crate) panic_threshold_percent: f64,
    pub(crate) locality_weighted: bool,
    pub(crate) hash_by_hostname: bool,
    pub(crate) original_dst: OriginalDst,
}

pub(crate) fn decode(message: &mut api::Cluster, at: At<'_>) -> Result<Choice, DecodeError> {
    let mut choice = Choice {
        policy: LbPolicy::RoundRobin,
        slow_start: None,
        panic_threshold_percent: 50.0,
        locality_weighted: false,
        hash_by_hostname: false,
        original_dst: OriginalDst::default(),
    };
    if let Some(common) = message.common_lb_config.take() {
        shared(common, &mut choice, at.field("common_lb_config"))?;
    }
    if let Some(subsets) = message.lb_subset_config.take()
        && !subsets.subset_selectors.is_empty()
    {
        let hint = "make a cluster for each subset";
        return Err(at.field("lb_subset_config").unsupported(subsets.subset_selectors.len(), hint));
    }
    let enumerated = take(&mut message.lb_policy);
    let config = message.lb_config.take();
    if let Some(list) = message.load_balancing_policy.take() {
        // The extension wins over the enumeration, as in Envoy.
        extension(list, &mut choice, at.field("load_balancing_policy"), 0)?;
        return Ok(choice);
    }
    choice.policy = enumerated_policy(enumerated, config, &mut choice, at)?;
    Ok(choice)
}

fn shared(mut common: api::cluster::CommonLbConfig, choice: &mut Choice, at: At<'_>) -> Result<(), DecodeError> {
    use api::cluster::common_lb_config::LocalityConfigSpecifier;
    if let Some(threshold) = common.healthy_panic_threshold.take() {
        choice.panic_threshold_percent = percent(threshold, at.field("healthy_panic_threshold"))?;
    }
    match common.locality_config_specifier.take() {
        Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_)) => choice.locality_weighted = true,
        // Zone aware routing needs a local cluster, which a bootstrap here cannot name; without it Envoy does nothing.
        Some(LocalityConfigSpecifier::ZoneAwareLbConfig(_)) | None => {}
    }
    if let Some(consistent) = common.consistent_hashing_lb_config.take() {
        choice.hash_by_hostname = consistent.use_hostname_for_hashing;
        if let Some(factor) = consistent.hash_balance_factor {
            let at = at.field("consistent_hashing_lb_config");
            return Err(at.field("hash_balance_factor").unsupported(factor.value, "leave it out"));
        }
    }
    // When changes of endpoints are taken up, and health checks, which are refused where they stand.
    common.update_merge_window = None;
    common.ignore_new_hosts_until_first_hc = false;
    at.nothing_left(&common)
}

fn enumerated_policy(
    policy: i32,
    config: Option<api::cluster::LbConfig>,
    choice: &mut Choice,
    at: At<'_>,
) -> Result<LbPolicy, DecodeError> {
    use api::cluster::LbConfig;
    Ok(match (policy, config) {
        (0, Some(LbConfig::RoundRobinLbConfig(config))) => {
            let at = at.field("round_robin_lb_config");
            choice.slow_start = slow_start(
                config.slow_start_config.map(|slow| (slow.slow_start_window, slow.aggression, slow.min_weight_percent)),
                at,
            )?;
            LbPolicy::RoundRobin
        }
        (0, _) => LbPolicy::RoundRobin,
        (1, Some(LbConfig::LeastRequestLbConfig(config))) => {
            let at = at.field("least_request_lb_config");
            choice.slow_start = slow_start(
                config.slow_start_config.map(|slow| (slow.slow_start_window, slow.aggression, slow.min_weight_percent)),
                at,
            )?;
            bias(config.active_request_bias.map(|bias| bias.default_value), at)?;
            LbPolicy::LeastRequest { choices: choices(config.choice_count.map(|count| count.value), at)? }
        }
        (1, _) => LbPolicy::LeastRequest { choices: 2 },
        (2, Some(LbConfig::RingHashLbConfig(config))) => {
            let at = at.field("ring_hash_lb_config");
            if config.hash_function != 0 {
                return Err(at.field("hash_function").unsupported("MURMUR_HASH_2", "use XX_HASH"));
            }
            ring(config.minimum_ring_size, config.maximum_ring_size, at)?
        }
        (2, _) => ring(None, None, at)?,
        (3, _) => LbPolicy::Random,
        (5, Some(LbConfig::MaglevLbConfig(config))) => maglev(config.table_size, at.field("maglev_lb_config"))?,
        (5, _) => maglev(None, at)?,
        (6, Some(LbConfig::OriginalDstLbConfig(config))) => {
            choice.original_dst = original_dst(config, at.field("original_dst_lb_config"))?;
            LbPolicy::ClusterProvided
        }
        (6, _) => LbPolicy::ClusterProvided,
        (7, _) => return Err(at.field("load_balancing_policy").missing("lb_policy asks for it")),
        (other, _) => return Err(at.field("lb_policy").invalid(other, "unknown policy")),
    })
}

fn original_dst(mut config: api::cluster::OriginalDstLbConfig, at: At<'_>) -> Result<OriginalDst, DecodeError> {
    let name = take(&mut config.http_header_name);
    let header = take(&mut config.use_http_header).then(|| match name.as_str() {
        "" => name::X_ENVOY_ORIGINAL_DST_HOST.to_owned(),
        given => given.to_ascii_lowercase(),
    });
    let port = match config.upstream_port_override.take() {
        None => None,
        Some(port) => match u16::try_from(port.value) {
            Ok(port) => Some(port),
            Err(_) => return Err(at.field("upstream_port_override").invalid(port.value, "a port is at most 65535")),
        },
    };
    at.nothing_left(&config)?;
    Ok(OriginalDst { header, port })
}

/// The first policy of the list that is known.
fn extension(list: api::LoadBalancingPolicy, choice: &mut Choice, at: At<'_>, depth: u32) -> Result<(), DecodeError> {
    use policies::common::locality_lb_config::LocalityConfigSpecifier;
    let mut names = Vec::new();
    for (index, policy) in list.policies.into_iter().enumerate() {
        let at = at.index("policies", index);
        let at = at.field("typed_extension_config");
        let Some(any) = policy.typed_extension_config.and_then(|config| config.typed_config) else {
            return Err(at.field("typed_config").missing(""));
        };
        let weighted = |config: Option<policies::common::LocalityLbConfig>| {
            let specifier = config.and_then(|config| config.locality_config_specifier);
            matches!(specifier, Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_)))
        };
        let kind = extension_type(&any);
        choice.policy = match kind.rsplit('.').next().unwrap_or_default() {
            "RoundRobin" => {
                let config: policies::round_robin::RoundRobin = at.unpack(&any)?;
                choice.slow_start = slow_start(
                    config
                        .slow_start_config
                        .map(|slow| (slow.slow_start_window, slow.aggression, slow.min_weight_percent)),
                    at,
                )?;
                choice.locality_weighted |= weighted(config.locality_lb_config);
                LbPolicy::RoundRobin
            }
            "LeastRequest" => {
                let config: policies::least_request::LeastRequest = at.unpack(&any)?;
                choice.slow_start = slow_start(
                    config
                        .slow_start_config
                        .map(|slow| (slow.slow_start_window, slow.aggression, slow.min_weight_percent)),
                    at,
                )?;
                bias(config.active_request_bias.map(|bias| bias.default_value), at)?;
                if config.selection_method != 0 || config.enable_full_scan.is_some_and(|full| full.value) {
                    return Err(at.field("selection_method").unsupported("FULL_SCAN", "use N_CHOICES"));
                }
                choice.locality_weighted |= weighted(config.locality_lb_config);
                LbPolicy::LeastRequest { choices: choices(config.choice_count.map(|count| count.value), at)? }
            }
            "Random" => {
                let config: policies::random::Random = at.unpack(&any)?;
                choice.locality_weighted |= weighted(config.locality_lb_config);
                LbPolicy::Random
            }
            "RingHash" => {
                let config: policies::ring_hash::RingHash = at.unpack(&any)?;
                if config.hash_function == 2 {
                    return Err(at.field("hash_function").unsupported("MURMUR_HASH_2", "use XX_HASH"));
                }
                consistent(config.consistent_hashing_lb_config, choice, at)?;
                choice.hash_by_hostname |= config.use_hostname_for_hashing;
                choice.locality_weighted |= config.locality_weighted_lb_config.is_some();
                if let Some(factor) = config.hash_balance_factor {
                    return Err(at.field("hash_balance_factor").unsupported(factor.value, "leave it out"));
                }
                ring(config.minimum_ring_size, config.maximum_ring_size, at)?
            }
            "Maglev" => {
                let config: policies::maglev::Maglev = at.unpack(&any)?;
                consistent(config.consistent_hashing_lb_config, choice, at)?;
                choice.locality_weighted |= config.locality_weighted_lb_config.is_some();
                maglev(config.table_size, at)?
            }
            "ClusterProvided" => LbPolicy::ClusterProvided,
            "WrrLocality" if depth == 0 => {
                let config: policies::wrr_locality::WrrLocality = at.unpack(&any)?;
                let at = at.field("endpoint_picking_policy");
                let inner = config.endpoint_picking_policy.ok_or_else(|| at.missing(""))?;
                choice.locality_weighted = true;
                return extension(inner, choice, at, depth + 1);
            }
            _ => {
                names.push(kind);
                continue;
            }
        };
        return Ok(());
    }
    let hint = "known here: round_robin, least_request, random, ring_hash, maglev, cluster_provided, wrr_locality";
    Err(at.field("policies").unsupported(names.join(","), hint))
}

fn consistent(
    config: Option<policies::common::ConsistentHashingLbConfig>,
    choice: &mut Choice,
    at: At<'_>,
) -> Result<(), DecodeError> {
    let Some(mut config) = config else { return Ok(()) };
    choice.hash_by_hostname |= take(&mut config.use_hostname_for_hashing);
    at.field("consistent_hashing_lb_config").nothing_left(&config)
}

/// The window, the aggression and the least share of a slow start.
fn slow_start(
    given: Option<(Option<protobuf::Duration>, Option<RuntimeDouble>, Option<v3::types::Percent>)>,
    at: At<'_>,
) -> Result<Option<SlowStart>, DecodeError> {
    let Some((window, aggression, least)) = given else { return Ok(None) };
    let at = at.field("slow_start_config");
    let Some(window) = duration(window, at.field("slow_start_window"))? else {
        return Err(at.field("slow_start_window").missing(""));
    };
    let aggression = aggression.map_or(1.0, |given| given.default_value);
    let least = match least {
        Some(share) => percent(share, at.field("min_weight_percent"))? / 100.0,
        None => 0.1,
    };
    // As Envoy does it, an aggression that cannot be is none.
    let aggression = if aggression > 0.0 && aggression.is_finite() { aggression } else { 1.0 };
    Ok((!window.is_zero()).then_some(SlowStart { window, aggression, least }))
}

fn bias(given: Option<f64>, at: At<'_>) -> Result<(), DecodeError> {
    match given {
        None | Some(1.0) => Ok(()),
        Some(other) => Err(at.field("active_request_bias").unsupported(other, "the bias is 1.0")),
    }
}

fn choices(given: Option<u32>, at: At<'_>) -> Result<u32, DecodeError> {
    match given {
        None => Ok(2),
        Some(count) if count >= 2 => Ok(count),
        Some(other) => Err(at.field("choice_count").invalid(other, "must be at least 2")),
    }
}

fn ring(minimum: Option<UInt64Value>, maximum: Option<UInt64Value>, at: At<'_>) -> Result<LbPolicy, DecodeError> {
    const MOST: u64 = 8 << 20;
    let minimum = minimum.map_or(1024, |size| size.value);
    let maximum = maximum.map_or(MOST, |size| size.value);
    if maximum > MOST || minimum > MOST {
        return Err(at.field("maximum_ring_size").invalid(minimum.max(maximum), format!("must be at most {MOST}")));
    }
    if minimum > maximum {
        let reason = format!("minimum_ring_size is more than maximum_ring_size ({maximum})");
        return Err(at.field("minimum_ring_size").invalid(minimum, reason));
    }
    Ok(LbPolicy::RingHash { minimum, maximum })
}

fn maglev(size: Option<UInt64Value>, at: At<'_>) -> Result<LbPolicy, DecodeError> {
    let table_size = size.map_or(65_537, |size| size.value);
    if table_size > 5_000_011 {
        return Err(at.field("table_size").invalid(table_size, "must be at most 5000011"));
    }
    let prime = table_size >= 2 && (2..).take_while(|n| n * n <= table_size).all(|n| !table_size.is_multiple_of(n));
    if !prime {
        return Err(at.field("table_size").invalid(table_size, "must be a prime number"));
    }
    Ok(LbPolicy::Maglev { table_size })
}

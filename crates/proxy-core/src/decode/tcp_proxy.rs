//! The TCP proxy.
//! In: its message. Out: clusters with weights and time limits.

#![allow(deprecated)]

use super::DecodeError;
use super::access_log;
use super::at::At;
use super::value::{limit, number, positive};
use crate::ir::TcpProxy;
use lateen_envoy_api::v3::{tcp_proxy as api, types};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn decode(mut message: api::TcpProxy, at: At<'_>) -> Result<TcpProxy, DecodeError> {
    use api::tcp_proxy::ClusterSpecifier;
    if let Some(tunnel) = message.tunneling_config.take() {
        let hint = "this proxy opens no tunnels; take Envoy for it, or leave `tunnel` out of the DestinationRule";
        return Err(at.field("tunneling_config").field("hostname").unsupported(tunnel.hostname, hint));
    }
    let stat_prefix = take(&mut message.stat_prefix);
    if stat_prefix.is_empty() {
        return Err(at.field("stat_prefix").missing(""));
    }
    let clusters: Vec<(Arc<str>, u32)> = match message.cluster_specifier.take() {
        None => return Err(at.field("cluster_specifier").missing("cluster or weighted_clusters")),
        Some(ClusterSpecifier::Cluster(name)) => vec![(name.into(), 1)],
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let at = at.field("weighted_clusters");
            if weighted.clusters.is_empty() {
                return Err(at.field("clusters").missing("at least one"));
            }
            let mut clusters = Vec::with_capacity(weighted.clusters.len());
            for (index, cluster) in weighted.clusters.into_iter().enumerate() {
                let at = at.index("clusters", index);
                if cluster.name.is_empty() {
                    return Err(at.field("name").missing(""));
                }
                if cluster.weight == 0 {
                    return Err(at.field("weight").invalid(0, "must be at least 1"));
                }
                clusters.push((cluster.name.into(), cluster.weight));
            }
            clusters
        }
    };
    let hash_source_ip =
        match take(&mut message.hash_policy).into_iter().next().and_then(|policy| policy.policy_specifier) {
            None => false,
            Some(types::hash_policy::PolicySpecifier::SourceIp(_)) => true,
            Some(types::hash_policy::PolicySpecifier::FilterState(_)) => {
                return Err(at.index("hash_policy", 0).field("filter_state").unsupported("", "use source_ip"));
            }
        };
    let max_connect_attempts = number(message.max_connect_attempts.take()).unwrap_or(1);
    if max_connect_attempts == 0 {
        return Err(at.field("max_connect_attempts").invalid(0, "must be at least 1"));
    }
    let hour = Some(Duration::from_secs(3600));
    let decoded = TcpProxy {
        stat_prefix: stat_prefix.into(),
        clusters,
        idle_timeout: limit(message.idle_timeout.take(), hour, at.field("idle_timeout"))?,
        max_connection_duration: positive(
            message.max_downstream_connection_duration.take(),
            at.field("max_downstream_connection_duration"),
        )?,
        hash_source_ip,
        max_connect_attempts,
        access_log: access_log::decode_all(take(&mut message.access_log), "access_log", at)?,
    };
    // Subsets, which clusters here do not have, and when lines are written.
    message.metadata_match = None;
    message.access_log_flush_interval = None;
    message.flush_access_log_on_connected = false;
    message.access_log_options = None;
    message.max_downstream_connection_duration_jitter_percentage = None;
    at.nothing_left(&message)?;
    Ok(decoded)
}

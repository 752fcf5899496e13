//! Load assignments (`envoy.config.endpoint.v3.ClusterLoadAssignment`).
//! In: the message. Out: endpoints by locality and priority; of the same address twice in one locality the last stays.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::value::{address, host_and_port, metadata, number};
use crate::ir::{DnsEndpoint, DnsLocality, Endpoint, Endpoints, Health, Locality, LocalityEndpoints, Metadata};
use lateen_envoy_api::v3::endpoint as api;
use std::collections::HashMap;
use std::sync::Arc;

const OVERPROVISIONING: u32 = 140;

/// One locality, still with messages for endpoints.
struct Group {
    locality: Locality,
    priority: u32,
    weight: Option<u32>,
    endpoints: Vec<api::LbEndpoint>,
}

pub(crate) fn decode(
    assignment: api::ClusterLoadAssignment,
    version: u64,
    at: At<'_>,
) -> Result<Endpoints, DecodeError> {
    let (cluster, factor, groups) = take_apart(assignment, at)?;
    let mut localities = Vec::with_capacity(groups.len());
    for (index, group) in groups.into_iter().enumerate() {
        let at = at.index("endpoints", index);
        let mut endpoints: Vec<Arc<Endpoint>> = Vec::with_capacity(group.endpoints.len());
        let mut seen: HashMap<std::net::SocketAddr, usize> = HashMap::new();
        for (index, endpoint) in group.endpoints.into_iter().enumerate() {
            let decoded = one(endpoint, at.index("lb_endpoints", index))?;
            match seen.get(&decoded.address) {
                Some(known) => endpoints[*known] = Arc::new(decoded),
                None => {
                    seen.insert(decoded.address, endpoints.len());
                    endpoints.push(Arc::new(decoded));
                }
            }
        }
        let Group { locality, priority, weight, .. } = group;
        localities.push(LocalityEndpoints { locality, priority, weight, endpoints });
    }
    localities.sort_by_key(|group| group.priority);
    Ok(Endpoints { cluster, localities, overprovisioning_factor: factor, version })
}

/// The names of a DNS cluster and the overprovisioning factor.
pub(crate) fn decode_dns(
    assignment: api::ClusterLoadAssignment,
    at: At<'_>,
) -> Result<(Vec<DnsLocality>, u32), DecodeError> {
    let (_, factor, groups) = take_apart(assignment, at)?;
    let mut localities = Vec::with_capacity(groups.len());
    for (index, group) in groups.into_iter().enumerate() {
        let at = at.index("endpoints", index);
        let mut endpoints = Vec::with_capacity(group.endpoints.len());
        for (index, endpoint) in group.endpoints.into_iter().enumerate() {
            let at = at.index("lb_endpoints", index);
            let (parts, endpoint) = parts(endpoint, at)?;
            let at = at.field("endpoint");
            let at = at.field("address");
            let (host, port) = host_and_port(endpoint.address, at)?;
            let hostname = if endpoint.hostname.is_empty() { host.as_str() } else { &endpoint.hostname };
            let hostname = hostname.into();
            endpoints.push(DnsEndpoint {
                host,
                port,
                hostname,
                health: parts.health,
                weight: parts.weight,
                metadata: parts.metadata,
            });
        }
        let Group { locality, priority, weight, .. } = group;
        localities.push(DnsLocality { locality, priority, weight, endpoints });
    }
    localities.sort_by_key(|group| group.priority);
    Ok((localities, factor))
}

fn take_apart(
    mut assignment: api::ClusterLoadAssignment,
    at: At<'_>,
) -> Result<(Arc<str>, u32, Vec<Group>), DecodeError> {
    let cluster: Arc<str> = std::mem::take(&mut assignment.cluster_name).into();
    let mut factor = OVERPROVISIONING;
    if let Some(mut policy) = assignment.policy.take() {
        let at = at.field("policy");
        factor = number(policy.overprovisioning_factor.take()).unwrap_or(OVERPROVISIONING);
        if factor == 0 {
            return Err(at.field("overprovisioning_factor").invalid(0, "must be greater than 0"));
        }
        // Assignments do not go stale here: the control plane takes them away.
        policy.endpoint_stale_after = None;
        at.nothing_left(&policy)?;
    }
    let mut groups = Vec::with_capacity(assignment.endpoints.len());
    for (index, mut group) in std::mem::take(&mut assignment.endpoints).into_iter().enumerate() {
        let at = at.index("endpoints", index);
        let locality = group.locality.take().unwrap_or_default();
        let locality = Locality { region: locality.region, zone: locality.zone, sub_zone: locality.sub_zone };
        let priority = std::mem::take(&mut group.priority);
        if priority > 128 {
            return Err(at.field("priority").invalid(priority, "must be at most 128"));
        }
        let weight = number(group.load_balancing_weight.take());
        if weight == Some(0) {
            return Err(at.field("load_balancing_weight").invalid(0, "must be greater than 0"));
        }
        let endpoints = std::mem::take(&mut group.lb_endpoints);
        group.metadata = None;
        group.proximity = None;
        at.nothing_left(&group)?;
        groups.push(Group { locality, priority, weight, endpoints });
    }
    at.nothing_left(&assignment)?;
    // Priorities may not leave a gap, or traffic would have nowhere to spill.
    let mut present: Vec<u32> = groups.iter().map(|group| group.priority).collect();
    present.sort_unstable();
    present.dedup();
    if present.iter().enumerate().any(|(index, priority)| *priority as usize != index) {
        return Err(at
            .field("endpoints")
            .invalid(format!("{present:?}"), "priorities must be 0, 1, 2 … without a gap"));
    }
    Ok((cluster, factor, groups))
}

struct Parts {
    health: Health,
    weight: u32,
    metadata: Metadata,
}

fn parts(mut endpoint: api::LbEndpoint, at: At<'_>) -> Result<(Parts, api::Endpoint), DecodeError> {
    use api::lb_endpoint::HostIdentifier;
    let health = match std::mem::take(&mut endpoint.health_status) {
        0 | 1 => Health::Healthy,
        2 | 4 => Health::Unhealthy,
        3 => Health::Draining,
        5 => Health::Degraded,
        other => return Err(at.field("health_status").invalid(other, "unknown status")),
    };
    let weight = number(endpoint.load_balancing_weight.take()).unwrap_or(1);
    if weight == 0 {
        return Err(at.field("load_balancing_weight").invalid(0, "must be greater than 0"));
    }
    let metadata = metadata(endpoint.metadata.take());
    let inner = match endpoint.host_identifier.take() {
        Some(HostIdentifier::Endpoint(inner)) => inner,
        Some(HostIdentifier::EndpointName(name)) => {
            return Err(at.field("endpoint_name").unsupported(name, "put the endpoint in place"));
        }
        None => return Err(at.field("endpoint").missing("")),
    };
    if let Some(extra) = inner.additional_addresses.first() {
        let place = at.field("endpoint");
        let value = extra.address.as_ref().map(|address| format!("{address:?}")).unwrap_or_default();
        return Err(place.index("additional_addresses", 0).unsupported(value, "one address for each endpoint"));
    }
    Ok((Parts { health, weight, metadata }, inner))
}

fn one(endpoint: api::LbEndpoint, at: At<'_>) -> Result<Endpoint, DecodeError> {
    let (parts, inner) = parts(endpoint, at)?;
    let at = at.field("endpoint");
    let address = address(inner.address, at.field("address"))?;
    let hostname: Arc<str> = inner.hostname.into();
    Ok(Endpoint { address, hostname, health: parts.health, weight: parts.weight, metadata: parts.metadata })
}

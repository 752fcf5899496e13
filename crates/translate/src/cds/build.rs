//! One cluster.
//! In: service, port, subset and rule. Out: the cluster, or nothing when it could not have an endpoint.

use super::{load_balancer, outlier, pool, protocol, tls};
use crate::sds::Secrets;
use crate::values::{ads, duration};
use crate::{Options, eds, provenance};
use lateen_config::{At, Finding};
use lateen_core::{ClusterName, Labels};
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::cluster::cluster::common_lb_config::{LocalityConfigSpecifier, LocalityWeightedLbConfig};
use lateen_envoy_api::v3::cluster::cluster::{
    ClusterDiscoveryType, CommonLbConfig, DiscoveryType, DnsLookupFamily, EdsClusterConfig,
};
use lateen_model::{DestinationRule, Policy, Port, Resolution, Scope, Service};
use std::time::Duration;

/// What a cluster is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The view of the proxy.
    pub scope: &'a Scope,
    /// How resources are made.
    pub options: &'a Options,
    /// The service.
    pub service: &'a Service,
    /// Its port.
    pub port: &'a Port,
    /// The rule for the service.
    pub rule: Option<&'a DestinationRule>,
    /// Name of the subset; empty for all endpoints.
    pub subset: &'a str,
    /// Name of the cluster.
    pub name: &'a ClusterName,
    /// Whether bytes go on as they came, and the name is that of the SNI.
    pub by_sni: bool,
}

impl Input<'_> {
    fn full_name(&self) -> String {
        if self.by_sni { self.name.sni() } else { self.name.to_string() }
    }
}

/// Makes the cluster.
pub fn cluster(input: Input<'_>, secrets: &mut Secrets, findings: &mut Vec<Finding>) -> Option<Cluster> {
    let Input { scope, service, port, .. } = input;
    let policy = input.rule.map(|rule| rule.policy(input.subset, port.number)).unwrap_or_default();
    let kind = discovery(scope, service, &policy)?;
    let mut out = Cluster {
        name: input.full_name(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(kind.into())),
        connect_timeout: duration(scope.snapshot.mesh.connect_timeout()),
        common_lb_config: Some(CommonLbConfig {
            locality_config_specifier: eds::locality::is_weighted(scope, &policy)
                .then_some(LocalityConfigSpecifier::LocalityWeightedLbConfig(LocalityWeightedLbConfig {})),
            ..Default::default()
        }),
        metadata: place(input),
        ..Default::default()
    };
    match kind {
        DiscoveryType::Eds => {
            out.eds_cluster_config = Some(EdsClusterConfig { eds_config: ads(), service_name: input.full_name() });
        }
        DiscoveryType::StrictDns | DiscoveryType::LogicalDns => {
            let endpoints = eds::assignment(eds::Input {
                scope,
                options: input.options,
                service,
                port: port.number,
                labels: &subset_labels(input),
                policy: &policy,
                name: &out.name,
                by_sni: input.by_sni,
            });
            if endpoints.endpoints.is_empty() {
                let message = format!("no endpoint to look up for {}; calls get 503", out.name);
                findings.push(service.source.warn(port.at, "spec.endpoints", message));
                return None;
            }
            out.load_assignment = Some(endpoints);
            dns(scope, &mut out);
        }
        DiscoveryType::OriginalDst | DiscoveryType::Static => {}
    }
    load_balancer::apply(&policy, kind == DiscoveryType::OriginalDst, &mut out);
    pool::apply(&policy, &mut out);
    outlier::apply(policy.outlier_detection.as_ref(), &mut out);
    let mut upstream = protocol::options(scope, port, &policy);
    if input.by_sni {
        return Some(out);
    }
    tls::apply(input, &policy, &mut upstream, &mut out, secrets);
    protocol::put(upstream, &mut out);
    Some(out)
}

fn discovery(scope: &Scope, service: &Service, policy: &Policy) -> Option<DiscoveryType> {
    use lateen_config::kinds::destination_rule::{LbPolicy as Written, SimpleLb};
    let simple = policy.load_balancer.as_ref().and_then(|lb| lb.lb_policy.as_ref());
    if matches!(simple, Some(Written::Simple(SimpleLb::Passthrough))) {
        return Some(DiscoveryType::OriginalDst);
    }
    match service.resolution {
        Resolution::Endpoints => Some(DiscoveryType::Eds),
        Resolution::Dns => Some(DiscoveryType::StrictDns),
        Resolution::DnsRoundRobin => Some(DiscoveryType::LogicalDns),
        // Nobody dials an address through a gateway, so it needs the endpoints.
        Resolution::Passthrough if scope.proxy.is_gateway() => Some(DiscoveryType::Eds),
        Resolution::Passthrough => Some(DiscoveryType::OriginalDst),
        Resolution::DynamicDns | Resolution::Alias => None,
    }
}

/// Labels that endpoints of the subset carry.
pub fn subset_labels(input: Input<'_>) -> Labels {
    let subset = input.rule.and_then(|rule| rule.subset(input.subset));
    subset.map(|subset| Labels(subset.labels.clone())).unwrap_or_default()
}

fn place(input: Input<'_>) -> Option<lateen_envoy_api::v3::core::Metadata> {
    let rule = input.rule.filter(|_| !input.subset.is_empty());
    let index = rule.and_then(|rule| rule.rule.subsets.iter().position(|subset| subset.name == input.subset));
    if let (Some(rule), Some(index)) = (rule, index)
        && let (Some((source, nth)), Some(subset)) = (rule.subset_sources.get(index), rule.rule.subsets.get(index))
    {
        return provenance::of(input.options, source, subset.at, &format!("spec.subsets[{nth}]"));
    }
    let at: At = input.port.at;
    let index = input.service.ports.iter().position(|port| port.number == input.port.number).unwrap_or(0);
    provenance::of(input.options, &input.service.source, at, &format!("spec.ports[{index}]"))
}

#[allow(deprecated)] // Envoy's newer form says the same in an extension that older clients lack.
fn dns(scope: &Scope, out: &mut Cluster) {
    let ips = &scope.proxy.ips;
    let v6 = ips.iter().any(std::net::IpAddr::is_ipv6);
    let v4 = ips.iter().any(std::net::IpAddr::is_ipv4);
    let family = match (v4, v6) {
        (true, true) => DnsLookupFamily::All,
        (false, true) => DnsLookupFamily::V6Only,
        _ => DnsLookupFamily::V4Only,
    };
    out.dns_lookup_family = family.into();
    out.dns_refresh_rate = duration(scope.snapshot.mesh.dns_refresh_rate());
    out.dns_jitter = duration(Duration::from_millis(100));
    out.respect_dns_ttl = true;
}

//! Kubernetes' kinds: ports and addresses, which an API server would refuse before us.

use crate::decode::context::shorten;
use crate::kinds::endpoint_slice::EndpointSlice;
use crate::kinds::endpoints::{EndpointPort, Endpoints};
use crate::kinds::pod::IntOrString;
use crate::kinds::service::Service;
use crate::validate::{Check, addresses, limits};

/// Judges a Service.
pub(crate) fn service(check: &mut Check<'_, '_>, service: &Service) {
    check.field("spec", |check| {
        check.each("ports", &service.spec.ports, |check, port| {
            check.rule_of("port", limits::port(port.port));
            if let Some(IntOrString::Int(number)) = port.target_port
                && number != 0
            {
                check.rule_of("target_port", limits::port(u32::try_from(number).unwrap_or(u32::MAX)));
            }
        });
        let ip = service.spec.cluster_ip.as_str();
        if !matches!(ip, "" | "None") && !addresses::is_ip(ip) {
            let message = format!("`{}` is no IP address", shorten(ip));
            check.entry("clusterIP", |check| check.error(message, "write an address, `None`, or leave it out"));
        }
    });
}

/// Judges Endpoints.
pub(crate) fn endpoints(check: &mut Check<'_, '_>, endpoints: &Endpoints) {
    check.each("subsets", &endpoints.subsets, |check, subset| {
        for (field, list) in [("addresses", &subset.addresses), ("not_ready_addresses", &subset.not_ready_addresses)] {
            check.each(field, list, |check, address| check.rule_of("ip", addresses::ip(&address.ip)));
        }
        ports(check, &subset.ports);
    });
}

/// Judges an EndpointSlice.
pub(crate) fn endpoint_slice(check: &mut Check<'_, '_>, slice: &EndpointSlice) {
    if slice.address_type != "FQDN" {
        check.each("endpoints", &slice.endpoints, |check, endpoint| {
            check.each("addresses", &endpoint.addresses, |check, address| check.rule(addresses::ip(address)));
        });
    }
    ports(check, &slice.ports);
}

fn ports(check: &mut Check<'_, '_>, ports: &[EndpointPort]) {
    check.each("ports", ports, |check, port| {
        if let Some(number) = port.port {
            check.rule_of("port", limits::port(number));
        }
    });
}

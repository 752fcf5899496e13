//! Who the client is: x-forwarded-for and its relatives.
//! In: settings, the connection, headers that proxies before us have set. Out: the client, whether it is internal,
//! headers brought up to date. What is not trusted is taken out.

use super::Downstream;
use crate::headers::{Headers, RequestHead};
use crate::ir::HttpConnectionManager;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};

/// The client as far as it is trusted.
pub(super) struct Found {
    pub(super) client: SocketAddr,
    pub(super) internal: bool,
}

pub(super) fn client(hcm: &HttpConnectionManager, head: &mut RequestHead, downstream: &Downstream<'_>) -> Found {
    let headers = &mut head.headers;
    let hops = hcm.xff_num_trusted_hops as usize;
    let scheme: &'static [u8] = if downstream.tls { b"https" } else { b"http" };
    let (named, single);
    if hcm.use_remote_address {
        single = !headers.contains("x-forwarded-for");
        named = if hops > 0 { last_address(headers, hops - 1).map(|(address, _)| address) } else { None };
        let named = named.unwrap_or(downstream.peer.ip());
        if !hcm.skip_xff_append {
            append(headers, downstream.peer.ip());
        }
        // Without a trusted proxy before us nobody else may say what the scheme was.
        if hops == 0 || !headers.contains("x-forwarded-proto") {
            headers.set("x-forwarded-proto", Bytes::from_static(scheme));
        }
        if hcm.append_x_forwarded_port && (hops == 0 || !headers.contains("x-forwarded-port")) {
            headers.set("x-forwarded-port", downstream.local.port().to_string());
        }
        return found(hcm, headers, named, Some(named), single, downstream);
    }
    let last = last_address(headers, hops);
    single = last.is_some_and(|(_, single)| single);
    named = last.map(|(address, _)| address);
    if !headers.contains("x-forwarded-proto") {
        headers.set("x-forwarded-proto", Bytes::from_static(scheme));
    }
    found(hcm, headers, named.unwrap_or(downstream.peer.ip()), named, single, downstream)
}

fn found(
    hcm: &HttpConnectionManager,
    headers: &mut Headers,
    client: IpAddr,
    named: Option<IpAddr>,
    single: bool,
    downstream: &Downstream<'_>,
) -> Found {
    if let Some(scheme) = &hcm.scheme_override {
        headers.set("x-forwarded-proto", scheme.as_bytes().to_vec());
    }
    let is_internal = |address: IpAddr| {
        let address = address.to_canonical();
        hcm.internal_networks.iter().any(|network| network.contains(&address))
    };
    // The port is only known when the client is the peer itself.
    let client = if client == downstream.peer.ip() { downstream.peer } else { SocketAddr::new(client, 0) };
    Found { client, internal: single && named.is_some_and(is_internal) }
}

/// The address that stands `skip` places before the last one, and whether it is the only one.
fn last_address(headers: &Headers, skip: usize) -> Option<(IpAddr, bool)> {
    let all = headers.get_joined("x-forwarded-for")?;
    let text = std::str::from_utf8(&all).ok()?;
    let wanted = text.rsplit(',').nth(skip)?;
    let single = skip == 0 && !text.contains(',');
    Some((wanted.trim_matches([' ', '\t']).parse().ok()?, single))
}

fn append(headers: &mut Headers, address: IpAddr) {
    let address = address.to_canonical().to_string();
    let joined = match headers.get_joined("x-forwarded-for").filter(|known| !known.is_empty()) {
        Some(known) => [&known[..], &b","[..], address.as_bytes()].concat(),
        None => address.into_bytes(),
    };
    headers.set("x-forwarded-for", joined);
}

/// Headers that steer the router and are only taken from internal clients.
const INTERNAL: &[&str] = &[
    "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names",
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-ip-tags",
    "x-envoy-original-url",
    "x-envoy-original-path",
    "x-envoy-original-host",
    "x-envoy-hedge-on-per-try-timeout",
];

/// Headers that only proxies behind the edge may set.
const BEHIND_EDGE: &[&str] =
    &["x-envoy-decorator-operation", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node"];

pub(super) fn strip_internal(head: &mut RequestHead, edge: bool) {
    head.headers.retain(|name, _| {
        // Most names are not ours, which their beginning tells.
        !name.starts_with("x-envoy-") || !(INTERNAL.contains(&name) || (edge && BEHIND_EDGE.contains(&name)))
    });
}

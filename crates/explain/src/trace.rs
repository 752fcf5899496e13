//! The way of one call through the tables of the data plane.
//! In: tables and a call. Out: every decision on the way, in the order in which a proxy takes them.
//! Randomness is fixed to zero: of weighted clusters the first one with a weight is shown.

use crate::call::{Call, Mode, Protocol, Tls};
use crate::resources::Source;
use bytes::Bytes;
use lateen_proxy_core::access_log::Record;
use lateen_proxy_core::connection::{ConnectionFacts, select_filter_chain};
use lateen_proxy_core::headers::{Headers, Method, RequestHead, ResponseHead, Version};
use lateen_proxy_core::ir::{
    Cluster, FilterChain, Forward, HttpConnectionManager, Listener, ListenerFilter, Metadata, RouteAction, Tables,
    TcpProxy, TerminalFilter,
};
use lateen_proxy_core::local_reply::LocalReply;
use lateen_proxy_core::request::{Downstream, admit};
use lateen_proxy_core::route::{self, NoRoute, RouteContext};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// A client somewhere outside.
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 40000);

/// The way of one call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trace {
    /// Name of the call.
    pub name: String,
    /// Listener that takes the connection.
    pub listener: Option<Step>,
    /// Filter chain of the listener.
    pub filter_chain: Option<Step>,
    /// Route configuration of the chain.
    pub route_config: Option<Step>,
    /// Virtual host of the request.
    pub virtual_host: Option<Step>,
    /// Route of the request.
    pub route: Option<Step>,
    /// Cluster of the route.
    pub cluster: Option<Step>,
    /// Endpoints of the cluster.
    pub endpoints: Vec<EndpointStep>,
    /// Where the way ends before a cluster.
    pub error: Option<Failure>,
    /// What the proxy answers by itself, if it does.
    pub answer: Option<Answer>,
    /// The request as the endpoint would see it.
    pub upstream_request: Option<UpstreamRequest>,
    /// What nearly matched.
    pub near_misses: Vec<Miss>,
}

/// A decision: what was chosen, and who asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Name as in the configuration of the proxy.
    pub name: String,
    /// Which line asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// An endpoint that a request may go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointStep {
    /// Address and port.
    pub address: String,
    /// `healthy`, `degraded`, `draining` or `unhealthy`.
    pub health: String,
    /// Weight among the others.
    pub weight: u32,
    /// Which line asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// What the proxy answers by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Response flags as in the access log.
    pub flags: String,
    /// Response code details as in the access log.
    pub details: String,
    /// `location` header, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// The request as the endpoint would see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpstreamRequest {
    /// Method.
    pub method: String,
    /// Host.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

/// Something that nearly matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// Virtual host.
    pub virtual_host: String,
    /// Route, by its name or place in the list; empty when the domain already did not match.
    pub route: String,
    /// Why it did not match.
    pub reasons: Vec<String>,
    /// Which line asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// Where the way ends before a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Failure {
    NoListener,
    NoFilterChain,
    NoRoute,
    TlsRedirect,
    NoVirtualHost,
    ProtocolError,
    TlsError,
    MtlsError,
}

impl Failure {
    /// As in the answer of `lateen explain --calls`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoListener => "no_listener",
            Self::NoFilterChain => "no_filter_chain",
            Self::NoRoute => "no_route",
            Self::TlsRedirect => "tls_redirect",
            Self::NoVirtualHost => "no_virtual_host",
            Self::ProtocolError => "protocol_error",
            Self::TlsError => "tls_error",
            Self::MtlsError => "mtls_error",
        }
    }
}

/// Follows `call` through `tables`.
pub fn trace(tables: &Tables, call: &Call) -> Trace {
    let mut trace = Trace { name: call.name.clone(), ..Trace::default() };
    if let Err(failure) = follow(tables, call, &mut trace) {
        trace.error = Some(failure);
    }
    trace
}

fn follow(tables: &Tables, call: &Call, trace: &mut Trace) -> Result<(), Failure> {
    let listener = find_listener(tables, call).ok_or(Failure::NoListener)?;
    trace.listener = Some(step(&listener.name, &listener.metadata));
    let chain = find_chain(listener, call).ok_or(Failure::NoFilterChain)?;
    trace.filter_chain = Some(step(&chain.name, &chain.metadata));
    check_transport(chain, call)?;
    match &chain.terminal {
        TerminalFilter::Http(hcm) => {
            let ended = chain.tls.is_some() || call.tls == Tls::Plaintext;
            if call.protocol == Protocol::Tcp || !ended {
                return Err(Failure::ProtocolError);
            }
            follow_request(tables, hcm, chain.tls.is_some(), call, trace)
        }
        TerminalFilter::Tcp(proxy) => {
            follow_bytes(tables, proxy, trace);
            Ok(())
        }
        TerminalFilter::Close => Ok(()),
    }
}

/// The listener that takes a connection: inbound traffic has one of its own; otherwise the exact address, then the
/// wildcard address on that port, then what captures all outbound traffic.
fn find_listener<'t>(tables: &'t Tables, call: &Call) -> Option<&'t Arc<Listener>> {
    if call.mode == Mode::Inbound {
        return tables.listeners.get("virtualInbound");
    }
    let on = |wanted: &dyn Fn(&SocketAddr) -> bool| {
        let mut found: Vec<&Arc<Listener>> = tables
            .listeners
            .values()
            .filter(|listener| !matches!(&*listener.name, "virtualInbound" | "virtualOutbound"))
            .filter(|listener| listener.addresses.iter().any(wanted))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.first().copied()
    };
    on(&|address| *address == call.destination())
        .or_else(|| on(&|address| address.ip().is_unspecified() && address.port() == call.port))
        .or_else(|| tables.listeners.get("virtualOutbound"))
}

fn find_chain<'l>(listener: &'l Listener, call: &Call) -> Option<&'l Arc<FilterChain>> {
    let sees_tls = listener.listener_filters.contains(&ListenerFilter::TlsInspector);
    let sees_http = listener.listener_filters.contains(&ListenerFilter::HttpInspector);
    let encrypted = call.tls != Tls::Plaintext;
    let mut protocols = Vec::new();
    if encrypted && sees_tls && !call.alpn.is_empty() {
        protocols.push(call.alpn.clone());
    }
    if !encrypted && sees_http {
        match call.protocol {
            Protocol::Http => protocols.push("http/1.1".to_owned()),
            Protocol::Http2 => protocols.push("h2c".to_owned()),
            Protocol::Tcp => {}
        }
    }
    let facts = ConnectionFacts {
        destination: call.destination(),
        direct_peer: CLIENT,
        client: CLIENT,
        server_name: if encrypted && sees_tls { &call.sni } else { "" },
        application_protocols: &protocols,
        transport_protocol: if encrypted && sees_tls { "tls" } else { "raw_buffer" },
    };
    select_filter_chain(listener, &facts)
}

fn check_transport(chain: &FilterChain, call: &Call) -> Result<(), Failure> {
    let Some(tls) = &chain.tls else { return Ok(()) };
    match (call.tls, tls.require_client_certificate) {
        (Tls::Plaintext, _) => Err(Failure::TlsError),
        (Tls::Tls, true) | (Tls::Mtls, false) => Err(Failure::MtlsError),
        (Tls::Tls, false) | (Tls::Mtls, true) => Ok(()),
    }
}

fn follow_bytes(tables: &Tables, proxy: &TcpProxy, trace: &mut Trace) {
    let cluster = proxy.clusters.iter().find(|(_, weight)| *weight > 0).or(proxy.clusters.first());
    if let Some((name, _)) = cluster {
        follow_cluster(tables, name, trace);
    }
}

fn follow_request(
    tables: &Tables,
    hcm: &HttpConnectionManager,
    encrypted: bool,
    call: &Call,
    trace: &mut Trace,
) -> Result<(), Failure> {
    let mut head = request_head(call).ok_or(Failure::ProtocolError)?;
    let downstream = Downstream { peer: CLIENT, local: call.destination(), tls: encrypted, certificate: None };
    let admitted = match admit(hcm, &mut head, &downstream, &mut || 0) {
        Ok(admitted) => admitted,
        Err(reply) => {
            trace.answer = Some(answer(&reply, &head));
            return Err(Failure::ProtocolError);
        }
    };
    let Some(config) = tables.route_configuration(&hcm.routes) else { return Err(Failure::NoRoute) };
    trace.route_config = Some(step(&config.name, &config.metadata));
    let context =
        RouteContext { https: admitted.https, internal: admitted.internal, client: admitted.client.ip(), random: 0 };
    let selected = match route::select(config, &head, &context) {
        Ok(selected) => selected,
        Err(no_route) => {
            trace.answer = Some(answer(&no_route.reply(), &head));
            let (failure, virtual_host) = match &no_route {
                NoRoute::NoVirtualHost => (Failure::NoVirtualHost, None),
                NoRoute::NoRoute { virtual_host } => (Failure::NoRoute, Some(virtual_host)),
                NoRoute::TlsRequired { virtual_host, .. } => (Failure::TlsRedirect, Some(virtual_host)),
            };
            trace.virtual_host = virtual_host.map(|host| step(&host.name, &host.metadata));
            if failure != Failure::TlsRedirect {
                trace.near_misses = near_misses(&route::near_misses(config, &head, &context));
            }
            return Err(failure);
        }
    };
    trace.virtual_host = Some(step(&selected.virtual_host.name, &selected.virtual_host.metadata));
    trace.route = Some(step(&selected.route.name, &selected.route.metadata));
    match &selected.route.action {
        RouteAction::Forward(forward) => {
            let choice = route::cluster(forward, &head, 0);
            let name = choice.name.to_owned();
            if let Some(weighted) = choice.weighted {
                trace.cluster = Some(step(&name, &weighted.metadata));
            }
            let timeouts = route::timeouts(hcm, forward, &head);
            let mut sent = head.clone();
            let record = Record { request: Some(&head), ..Record::default() };
            route::prepare_upstream(hcm, &selected, &choice, &timeouts, &mut sent, &context, &record);
            follow_cluster(tables, &name, trace);
            rewrite_host(tables, forward, &name, &mut sent);
            trace.upstream_request = Some(UpstreamRequest {
                method: sent.method.as_str().to_owned(),
                authority: String::from_utf8_lossy(&sent.authority).into_owned(),
                path: String::from_utf8_lossy(&sent.path).into_owned(),
            });
        }
        RouteAction::Redirect(redirect) => {
            trace.answer = Some(answer(&route::redirect(&selected, redirect, &head, &context), &head));
        }
        RouteAction::Direct(response) => {
            let record = Record { request: Some(&head), ..Record::default() };
            trace.answer = Some(answer(&route::direct(response, &record), &head));
        }
        RouteAction::NonForwarding => {}
    }
    Ok(())
}

fn request_head(call: &Call) -> Option<RequestHead> {
    let mut headers = Headers::new();
    for (name, value) in &call.headers {
        let name = lateen_proxy_core::headers::HeaderName::decode(&name.to_ascii_lowercase()).ok()?;
        headers.append(name, Bytes::from(value.clone()));
    }
    Some(RequestHead {
        method: Method::decode(call.method.as_bytes())?,
        authority: Bytes::from(call.host.clone()),
        path: Bytes::from(call.path.clone()),
        headers,
        version: if call.protocol == Protocol::Http2 { Version::Http2 } else { Version::Http11 },
        ..RequestHead::default()
    })
}

fn rewrite_host(tables: &Tables, forward: &Forward, cluster: &str, head: &mut RequestHead) {
    let endpoints = tables.clusters.get(cluster).and_then(|cluster| tables.endpoints_of(cluster));
    let first = endpoints.and_then(|all| all.localities.iter().flat_map(|locality| &locality.endpoints).next());
    if let Some(endpoint) = first {
        route::rewrite_host_auto(forward, &endpoint.hostname, head);
    }
}

fn follow_cluster(tables: &Tables, name: &str, trace: &mut Trace) {
    let cluster: Option<&Arc<Cluster>> = tables.clusters.get(name);
    match cluster {
        Some(cluster) => trace.cluster = Some(step(name, &cluster.metadata)),
        None => {
            trace.cluster.get_or_insert_with(|| Step { name: name.to_owned(), source: None });
        }
    }
    let Some(endpoints) = cluster.and_then(|cluster| tables.endpoints_of(cluster)) else { return };
    for endpoint in endpoints.localities.iter().flat_map(|locality| &locality.endpoints) {
        trace.endpoints.push(EndpointStep {
            address: endpoint.address.to_string(),
            health: format!("{:?}", endpoint.health).to_ascii_lowercase(),
            weight: endpoint.weight,
            source: Source::of(&endpoint.metadata),
        });
    }
}

fn near_misses(misses: &[route::NearMiss<'_>]) -> Vec<Miss> {
    misses
        .iter()
        .map(|miss| {
            let (route, metadata) = match miss.route {
                Some(route) => (route_name(&route.name, &miss.virtual_host.routes, route), &route.metadata),
                None => (String::new(), &miss.virtual_host.metadata),
            };
            Miss {
                virtual_host: miss.virtual_host.name.to_string(),
                route,
                reasons: miss.reasons.clone(),
                source: Source::of(metadata),
            }
        })
        .collect()
}

fn route_name<T>(name: &str, routes: &[Arc<T>], route: &Arc<T>) -> String {
    match routes.iter().position(|other| Arc::ptr_eq(other, route)) {
        _ if !name.is_empty() => name.to_owned(),
        Some(at) => format!("#{}", at + 1),
        None => String::new(),
    }
}

fn step(name: &str, metadata: &Metadata) -> Step {
    Step { name: name.to_owned(), source: Source::of(metadata) }
}

fn answer(reply: &LocalReply, request: &RequestHead) -> Answer {
    let (head, _): (ResponseHead, Bytes) = reply.response(request);
    Answer {
        status: head.status,
        flags: reply.flags.to_string(),
        details: reply.details.to_string(),
        location: head.headers.get_str("location").map(str::to_owned),
    }
}

/// The port that a listener of a gateway has for what a person calls `port`: the number itself, or the one that Istio's
/// own gateway Service maps it to when only that is listened on.
pub fn listener_port(tables: &Tables, port: u16) -> u16 {
    let listens = |port: u16| {
        tables.listeners.values().any(|listener| listener.addresses.iter().any(|address| address.port() == port))
    };
    let mapped = lateen_core::ports::gateway_target_port(port);
    if !listens(port) && listens(mapped) { mapped } else { port }
}

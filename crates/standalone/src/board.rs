//! What runs where, for a person at the start and for a script.
//! In: workloads and what was translated for them. Out: rows. Pure.

use lateen_config::Finding;
use lateen_envoy_api::v3::listener::Listener;
use lateen_envoy_api::v3::listener::filter::ConfigType;
use lateen_envoy_api::v3::route::route_match::PathSpecifier;
use lateen_envoy_api::v3::route::{RouteConfiguration, VirtualHost};
use lateen_envoy_api::v3::{core, hcm};
use lateen_model::{GatewayWorkload, Scope, Snapshot};
use std::net::SocketAddr;

/// Everything that runs.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Number of the configuration.
    pub generation: u64,
    /// Where ADS is served.
    pub xds: Option<SocketAddr>,
    /// The gateways, by name.
    pub gateways: Vec<GatewayRow>,
    /// The echo workloads that stand in for Services without endpoints.
    pub stubs: Vec<StubRow>,
    /// What is wrong with the files.
    pub findings: Vec<Finding>,
    /// What a proxy could not do: ports that are taken, resources that it rejects.
    pub problems: Vec<String>,
}

/// A gateway.
#[derive(Clone, Debug, Default)]
pub struct GatewayRow {
    /// `namespace/name` of the workload.
    pub gateway: String,
    /// Its admin interface.
    pub admin: Option<SocketAddr>,
    /// Its listeners.
    pub listeners: Vec<ListenerRow>,
}

/// A listener of a gateway.
#[derive(Clone, Debug, Default)]
pub struct ListenerRow {
    /// Name, such as `0.0.0.0_8080`.
    pub listener: String,
    /// Port.
    pub port: u16,
    /// `http`, `https` or `tcp`.
    pub scheme: &'static str,
    /// Hosts with something to try.
    pub hosts: Vec<HostRow>,
}

/// A virtual host of a listener.
#[derive(Clone, Debug, Default)]
pub struct HostRow {
    /// Host, may be a wildcard.
    pub host: String,
    /// Number of routes.
    pub routes: usize,
    /// A command that reaches the first route; `None` where there is none.
    pub command: Option<String>,
}

/// An echo workload.
#[derive(Clone, Debug)]
pub struct StubRow {
    /// `namespace/service`, for each Service that it is an endpoint of.
    pub services: Vec<String>,
    /// Name of the pod that it plays.
    pub pod: String,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The row of a gateway, from what is translated for it, and what could not be done for it.
pub(crate) fn gateway_row(
    snapshot: &Snapshot,
    workload: &GatewayWorkload,
    proxy: &lateen_model::Proxy,
    admin: Option<SocketAddr>,
) -> (GatewayRow, Vec<Finding>) {
    let scope = Scope::new(snapshot, proxy);
    let translated = lateen_translate::resources(&scope, &crate::run::translation());
    let listeners = translated.listeners.iter().map(|listener| listener_row(listener, &translated.routes)).collect();
    (GatewayRow { gateway: workload.name.to_string(), admin, listeners }, translated.findings)
}

fn listener_row(listener: &Listener, routes: &[RouteConfiguration]) -> ListenerRow {
    let port = port_of(listener).unwrap_or_default();
    let mut row = ListenerRow { listener: listener.name.clone(), port, scheme: "tcp", hosts: Vec::new() };
    for chain in &listener.filter_chains {
        let encrypted = chain.transport_socket.is_some();
        let manager = chain
            .filters
            .iter()
            .filter_map(|filter| match &filter.config_type {
                Some(ConfigType::TypedConfig(any)) => Some(any),
                _ => None,
            })
            .find_map(|any| lateen_envoy_api::unpack::<hcm::HttpConnectionManager>(any).ok());
        let Some(manager) = manager else {
            let names = chain.filter_chain_match.iter().flat_map(|m| &m.server_names);
            row.hosts.extend(names.map(|name| HostRow { host: name.clone(), ..HostRow::default() }));
            continue;
        };
        row.scheme = if encrypted { "https" } else { "http" };
        let Some(hcm::http_connection_manager::RouteSpecifier::Rds(rds)) = &manager.route_specifier else { continue };
        let Some(config) = routes.iter().find(|config| config.name == rds.route_config_name) else { continue };
        row.hosts.extend(config.virtual_hosts.iter().filter_map(|host| host_row(host, row.scheme, port)));
    }
    row
}

fn port_of(listener: &Listener) -> Option<u16> {
    match listener.address.as_ref()?.address.as_ref()? {
        core::address::Address::SocketAddress(socket) => match socket.port_specifier.as_ref()? {
            core::socket_address::PortSpecifier::PortValue(port) => u16::try_from(*port).ok(),
            core::socket_address::PortSpecifier::NamedPort(_) => None,
        },
        _ => None,
    }
}

fn host_row(virtual_host: &VirtualHost, scheme: &str, port: u16) -> Option<HostRow> {
    let host = virtual_host.domains.first()?.clone();
    if virtual_host.routes.is_empty() && virtual_host.name.starts_with("blackhole") {
        return None;
    }
    let path = virtual_host.routes.iter().find_map(|route| match route.r#match.as_ref()?.path_specifier.as_ref()? {
        PathSpecifier::Prefix(path) | PathSpecifier::Path(path) | PathSpecifier::PathSeparatedPrefix(path) => {
            Some(path.clone())
        }
        _ => None,
    });
    let name = host.replacen('*', "any", 1);
    let command = path.map(|path| {
        if scheme == "https" {
            format!("curl -k --connect-to '{name}:443:localhost:{port}' https://{name}{path}")
        } else if host == "*" {
            format!("curl http://localhost:{port}{path}")
        } else {
            format!("curl -H 'Host: {name}' http://localhost:{port}{path}")
        }
    });
    Some(HostRow { host, routes: virtual_host.routes.len(), command })
}

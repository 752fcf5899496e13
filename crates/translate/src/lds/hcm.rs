//! The HTTP connection manager.
//! In: the routes it asks for, where it stands, the mesh. Out: Envoy's configuration with Istio's settings.

use super::{access_log, network_filter};
use crate::values::{ads, boolean, duration};
use crate::{Options, filter};
use lateen_config::kinds::mesh_config::{ForwardClientCertDetails as Written, NormalizationType};
use lateen_config::kinds::proxy_config::Topology;
use lateen_core::Protocol;
use lateen_envoy_api::v3;
use lateen_envoy_api::v3::hcm::http_connection_manager::{
    ForwardClientCertDetails, PathWithEscapedSlashesAction, RouteSpecifier, SetCurrentClientCertDetails, UpgradeConfig,
};
use lateen_envoy_api::v3::hcm::{HttpConnectionManager, Rds};
use lateen_model::Mesh;
use std::time::Duration;

/// What a connection manager is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The mesh.
    pub mesh: &'a Mesh,
    /// What stands in front of the proxy.
    pub topology: Option<&'a Topology>,
    /// How resources are made.
    pub options: &'a Options,
    /// Name of the route configuration.
    pub route_name: &'a str,
    /// Name of its counters.
    pub stat_prefix: &'a str,
    /// What the port declares to speak.
    pub protocol: Protocol,
    /// Whether it is the edge of the mesh: the client's address is that of the connection, certificates of clients
    /// are passed on.
    pub edge: bool,
}

/// The network filter.
pub fn filter(input: Input<'_>) -> v3::listener::Filter {
    network_filter("envoy.filters.network.http_connection_manager", &manager(input))
}

fn manager(input: Input<'_>) -> HttpConnectionManager {
    let mesh = input.mesh;
    let mut out = HttpConnectionManager {
        stat_prefix: input.stat_prefix.to_owned(),
        server_name: "istio-envoy".to_owned(),
        http_filters: filter::chain(filter::Input { options: input.options, protocol: input.protocol }),
        use_remote_address: boolean(input.edge),
        stream_idle_timeout: duration(Duration::ZERO),
        // As Istio by default: `Expect: 100-continue` is the upstream's to answer, and interim responses go on.
        proxy_100_continue: true,
        upgrade_configs: vec![UpgradeConfig { upgrade_type: "websocket".to_owned(), ..Default::default() }],
        access_log: access_log::of_requests(mesh),
        route_specifier: Some(RouteSpecifier::Rds(Rds {
            config_source: ads(),
            route_config_name: input.route_name.to_owned(),
        })),
        path_with_escaped_slashes_action: PathWithEscapedSlashesAction::KeepUnchanged.into(),
        ..Default::default()
    };
    normalize(mesh.path_normalization(), &mut out);
    let defaults = mesh.config.default_config.as_deref();
    let headers = defaults.and_then(|config| config.proxy_headers.as_ref());
    if let Some(server) = headers.and_then(|headers| headers.server.as_ref()) {
        if server.disabled == Some(true) {
            out.server_header_transformation = PASS_THROUGH;
            out.server_name = String::new();
        } else if !server.value.is_empty() {
            out.server_name.clone_from(&server.value);
        }
    }
    if headers.and_then(|headers| headers.request_id.as_ref()).and_then(|id| id.disabled) == Some(true) {
        out.generate_request_id = boolean(false);
    }
    let forwarded_port = headers.and_then(|headers| headers.x_forwarded_port.as_ref()).and_then(|port| port.enabled);
    out.append_x_forwarded_port = forwarded_port == Some(true);
    if input.edge {
        let topology = input.topology;
        out.xff_num_trusted_hops = topology.map_or(0, |topology| topology.num_trusted_proxies);
        let details = client_cert(topology.map_or(Written::Undefined, |t| t.forward_client_cert_details));
        out.forward_client_cert_details = details.into();
        if matches!(details, ForwardClientCertDetails::AppendForward | ForwardClientCertDetails::SanitizeSet) {
            out.set_current_client_cert_details = Some(SetCurrentClientCertDetails {
                subject: boolean(true),
                cert: true,
                dns: true,
                uri: true,
                ..Default::default()
            });
        }
    }
    out
}

/// `ServerHeaderTransformation.PASS_THROUGH`.
const PASS_THROUGH: i32 = v3::hcm::http_connection_manager::ServerHeaderTransformation::PassThrough as i32;

fn normalize(how: NormalizationType, out: &mut HttpConnectionManager) {
    out.normalize_path = boolean(how != NormalizationType::None);
    match how {
        NormalizationType::None | NormalizationType::Base | NormalizationType::Default => {}
        NormalizationType::MergeSlashes => out.merge_slashes = true,
        NormalizationType::DecodeAndMergeSlashes => {
            out.merge_slashes = true;
            out.path_with_escaped_slashes_action = PathWithEscapedSlashesAction::UnescapeAndForward.into();
        }
    }
}

fn client_cert(written: Written) -> ForwardClientCertDetails {
    match written {
        Written::Undefined | Written::SanitizeSet => ForwardClientCertDetails::SanitizeSet,
        Written::Sanitize => ForwardClientCertDetails::Sanitize,
        Written::ForwardOnly => ForwardClientCertDetails::ForwardOnly,
        Written::AppendForward => ForwardClientCertDetails::AppendForward,
        Written::AlwaysForwardOnly => ForwardClientCertDetails::AlwaysForwardOnly,
    }
}

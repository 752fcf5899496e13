//! Which HTTP version is spoken upstream, and its settings.
//! In: protocol of the port, `connectionPool.http`, the mesh. Out: Envoy's `HttpProtocolOptions` extension.

use crate::values::{duration, number};
use lateen_config::kinds::destination_rule::{H2UpgradePolicy, HttpSettings};
use lateen_config::kinds::mesh_config::MeshH2UpgradePolicy;
use lateen_core::Protocol;
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::core::{
    Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions as Common, KeepaliveSettings,
};
use lateen_envoy_api::v3::http_protocol_options::HttpProtocolOptions;
use lateen_envoy_api::v3::http_protocol_options::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, UseDownstreamHttpConfig, explicit_http_config::ProtocolConfig,
};
use lateen_model::{Policy, Port, Scope};

/// Name of the extension.
const NAME: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The options for a port; none when all is as Envoy has it (HTTP/1.1).
pub fn options(scope: &Scope, port: &Port, policy: &Policy) -> Option<HttpProtocolOptions> {
    let pool = policy.connection_pool.as_ref();
    let http = pool.and_then(|pool| pool.http.as_ref());
    let tcp = pool.and_then(|pool| pool.tcp.as_ref());
    let sniffed = port.protocol == Protocol::Unsupported && !scope.proxy.is_gateway();
    let as_client = http.is_some_and(|http| http.use_client_protocol);
    let mut out = if as_client {
        as_downstream()
    } else if port.protocol.is_http2() || upgraded(scope, port, http) {
        Some(explicit(ProtocolConfig::Http2ProtocolOptions(http2(http))))
    } else if sniffed {
        as_downstream()
    } else {
        None
    };
    let idle = http.and_then(|http| http.idle_timeout).or(tcp.and_then(|tcp| tcp.idle_timeout));
    let requests = http.and_then(|http| u32::try_from(http.max_requests_per_connection).ok()).filter(|n| *n > 0);
    let age = tcp.and_then(|tcp| tcp.max_connection_duration);
    if idle.is_some() || requests.is_some() || age.is_some() {
        let options = out.get_or_insert_with(http1);
        options.common_http_protocol_options = Some(Common {
            idle_timeout: idle.and_then(duration),
            max_requests_per_connection: requests.and_then(number),
            max_connection_duration: age.and_then(duration),
            ..Default::default()
        });
    }
    out
}

/// HTTP/1.1, said explicitly because the extension asks for a protocol.
pub fn http1() -> HttpProtocolOptions {
    explicit(ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default()))
}

/// Whatever the client speaks.
pub fn as_downstream() -> Option<HttpProtocolOptions> {
    let config = UseDownstreamHttpConfig {
        http_protocol_options: Some(Http1ProtocolOptions::default()),
        http2_protocol_options: Some(Http2ProtocolOptions::default()),
        ..Default::default()
    };
    Some(HttpProtocolOptions {
        upstream_protocol_options: Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(config)),
        ..Default::default()
    })
}

/// Whether HTTP/2 is spoken for certain.
pub fn is_http2(options: Option<&HttpProtocolOptions>) -> bool {
    matches!(
        options.and_then(|options| options.upstream_protocol_options.as_ref()),
        Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(ProtocolConfig::Http2ProtocolOptions(_))
        }))
    )
}

/// Puts the options on a cluster.
pub fn put(options: Option<HttpProtocolOptions>, out: &mut Cluster) {
    if let Some(options) = options {
        out.typed_extension_protocol_options.insert(NAME.to_owned(), pack(&options));
    }
}

fn explicit(config: ProtocolConfig) -> HttpProtocolOptions {
    let config = ExplicitHttpConfig { protocol_config: Some(config) };
    HttpProtocolOptions {
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(config)),
        ..Default::default()
    }
}

/// Whether HTTP/1.1 of the client becomes HTTP/2: as the rule says, or else as the mesh says for ports that
/// declare HTTP.
fn upgraded(scope: &Scope, port: &Port, http: Option<&HttpSettings>) -> bool {
    match http.map(|http| http.h2_upgrade_policy) {
        Some(H2UpgradePolicy::Upgrade) => true,
        Some(H2UpgradePolicy::DoNotUpgrade) => false,
        None | Some(H2UpgradePolicy::Default) => {
            port.protocol.is_http() && scope.snapshot.mesh.config.h2_upgrade_policy == MeshH2UpgradePolicy::Upgrade
        }
    }
}

fn http2(http: Option<&HttpSettings>) -> Http2ProtocolOptions {
    let streams = http.and_then(|http| u32::try_from(http.max_concurrent_streams).ok()).filter(|n| *n > 0);
    let keepalive = http.and_then(|http| http.http2_keep_alive.as_ref());
    Http2ProtocolOptions {
        max_concurrent_streams: streams.and_then(number),
        connection_keepalive: keepalive.map(|keepalive| KeepaliveSettings {
            interval: keepalive.interval.and_then(duration),
            timeout: keepalive.timeout.and_then(duration),
            ..Default::default()
        }),
        ..Default::default()
    }
}

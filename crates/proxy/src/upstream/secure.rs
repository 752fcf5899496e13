//! TLS towards endpoints.
//! In: a socket, the settings that the endpoint wants. Out: a transport whose other side is who it is to be.
//! Never in plain text what was to be under TLS: without a context there is no connection.

use super::UpstreamCluster;
use crate::tls;
use crate::transport::Transport;
use lateen_proxy_core::ir::{Endpoint, UpstreamTls};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;

/// Shakes hands; the reason when it fails.
pub(super) async fn connect(
    upstream: &UpstreamCluster,
    settings: &UpstreamTls,
    endpoint: &Endpoint,
    stream: TcpStream,
    http2: Option<bool>,
    name: Option<&str>,
) -> Result<Transport, String> {
    let entry = upstream.tls(settings).ok_or("no context")?;
    let context = entry.current().clone();
    let Some(context) = context else {
        return Err(entry.problem().unwrap_or_else(|| "no context".to_owned()));
    };
    let named = name.filter(|_| upstream.cluster.auto_sni);
    let server = match named {
        Some(name) => name,
        None if settings.auto_host_sni && !endpoint.hostname.is_empty() => &endpoint.hostname,
        None => &settings.sni,
    };
    let config = if upstream.cluster.auto_san_validation { &context.config_for_name } else { &context.config };
    // An address is never sent as a name.
    let server = match ServerName::try_from(server) {
        Ok(server) => server.to_owned(),
        Err(_) => ServerName::from(endpoint.address.ip()),
    };
    // What is to be spoken is offered where the settings leave it open, as in Envoy.
    let fallback: &[&[u8]] = match http2 {
        None => &[],
        Some(true) => &[b"h2"],
        Some(false) if super::is_auto(&upstream.cluster) => &[b"h2", b"http/1.1"],
        Some(false) => &[b"http/1.1"],
    };
    let shaken = tls::connect(stream, config.clone(), server, fallback).await;
    shaken.map(Transport::Tls).map_err(|error| error.to_string())
}

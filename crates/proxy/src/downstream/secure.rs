//! TLS of a client is ended.
//! In: a socket, what was read of it, the context of its chain. Out: a transport of plain text, and who the client is.
//! A chain whose context is not there refuses; others never notice.

use crate::http::{Peer, Secure};
use crate::listener::Served;
use crate::tls::{self, ServerEntry};
use crate::transport::Transport;
use bytes::BytesMut;
use lateen_proxy_core::inspect::{Inspected, client_hello};
use lateen_proxy_core::ir::FilterChain;
use std::time::Duration;
use tokio::net::TcpStream;

/// Longest handshake where the chain sets no limit.
const PATIENCE: Duration = Duration::from_secs(15);

/// Shakes hands; the reason when it fails.
pub async fn accept(
    served: &Served,
    chain: &FilterChain,
    entry: Option<&ServerEntry>,
    stream: TcpStream,
    early: &mut BytesMut,
    peer: &mut Peer,
) -> Result<Transport, String> {
    let stats = &served.stats;
    let context = entry.and_then(|entry| entry.current().clone());
    let Some(context) = context else {
        stats.ssl_connection_error.inc();
        let problem = entry.and_then(ServerEntry::problem).unwrap_or_else(|| "no context".to_owned());
        tracing::debug!(listener = %served.listener().name, chain = %chain.name, "a connection is refused: {problem}");
        return Err(format!("TLS_error:|{problem}"));
    };
    let early = std::mem::take(early);
    let patience = chain.transport_connect_timeout.unwrap_or(PATIENCE);
    let shaken = tls::accept(stream, early, context.config.clone(), |hello| {
        if peer.server_name.is_empty()
            && let Inspected::Yes(hello) = client_hello(hello)
        {
            peer.server_name = hello.server_name;
            peer.application_protocols = hello.alpn;
        }
    });
    let stream = match tokio::time::timeout(patience, shaken).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            stats.ssl_connection_error.inc();
            tracing::debug!(listener = %served.listener().name, client = %peer.direct, "TLS: {error}");
            return Err(format!("TLS_error:|{error}"));
        }
        Err(_) => {
            stats.downstream_cx_transport_socket_connect_timeout.inc();
            return Err("TLS_error:|handshake timeout".to_owned());
        }
    };
    stats.ssl_handshake.inc();
    let certificates = stream.peer_certificates();
    peer.tls = true;
    peer.secure = Some(Box::new(Secure {
        secured: stream.secured(),
        local_uri_san: context.uri_sans.first().cloned().unwrap_or_default(),
        certificate: tls::peer_certificate(certificates, &context.uri_sans),
    }));
    Ok(Transport::Tls(stream))
}

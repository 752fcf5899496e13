//! Handshakes of both sides.
//! In: a socket, what was read of it already, a configuration. Out: a stream, or why there is none, with the alert sent.

use super::engine::Engine;
use super::stream::TlsStream;
use bytes::BytesMut;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::{ClientConfig, ServerConfig};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::net::TcpStream;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer did not do as TLS or the settings want; rustls' words.
    #[error("{0}")]
    Tls(String),
    /// The connection broke; the system's words.
    #[error("{0}")]
    Io(String),
    /// The peer went away.
    #[error("the peer closed the connection during the handshake")]
    Closed,
}

/// Takes a client. `early` was read while a filter chain was chosen; `hello` sees what the client says first.
///
/// # Errors
/// When the client goes away, or does not do what TLS and the settings want.
pub async fn accept(
    socket: TcpStream,
    early: BytesMut,
    config: Arc<ServerConfig>,
    mut hello: impl FnMut(&[u8]),
) -> Result<Box<TlsStream>, HandshakeError> {
    let session = UnbufferedServerConnection::new(config).map_err(|error| HandshakeError::Tls(error.to_string()))?;
    shake(socket, Engine::Server(Box::new(session)), early, &mut hello).await
}

/// Greets an endpoint. `fallback` is the ALPN to offer where the settings offer none.
///
/// # Errors
/// When the endpoint goes away, or its certificate will not do.
pub async fn connect(
    socket: TcpStream,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    fallback: &[&[u8]],
) -> Result<Box<TlsStream>, HandshakeError> {
    let alpn = if config.alpn_protocols.is_empty() {
        fallback.iter().map(|name| name.to_vec()).collect()
    } else {
        config.alpn_protocols.clone()
    };
    let session = UnbufferedClientConnection::new_with_alpn(config, name, alpn)
        .map_err(|error| HandshakeError::Tls(error.to_string()))?;
    shake(socket, Engine::Client(Box::new(session)), BytesMut::new(), &mut |_| {}).await
}

async fn shake(
    socket: TcpStream,
    engine: Engine,
    early: BytesMut,
    hello: &mut dyn FnMut(&[u8]),
) -> Result<Box<TlsStream>, HandshakeError> {
    let mut stream = Box::new(TlsStream::new(socket, engine, early));
    let mut first = true;
    poll_fn(|task| poll(&mut stream, task, &mut first, hello)).await?;
    Ok(stream)
}

fn poll(
    stream: &mut TlsStream,
    task: &mut Context<'_>,
    first: &mut bool,
    hello: &mut dyn FnMut(&[u8]),
) -> Poll<Result<(), HandshakeError>> {
    if std::mem::take(first) {
        // What is here already, or the hello of a client.
        let mut wire = std::mem::take(&mut stream.incoming);
        let mut plain = BytesMut::new();
        hello(&wire);
        stream.work(&mut wire, &mut plain).map_err(|error| words(&error))?;
    }
    loop {
        ready!(stream.poll_flush_wire(task)).map_err(|error| words(&error))?;
        if !stream.engine.common().is_handshaking() {
            return Poll::Ready(Ok(()));
        }
        // What comes right behind the handshake is the first plain text.
        let mut plain = std::mem::take(&mut stream.plain);
        let count = stream.poll_feed(task, &mut plain, hello);
        stream.plain = plain;
        if ready!(count).map_err(|error| words(&error))? == 0 {
            return Poll::Ready(Err(HandshakeError::Closed));
        }
    }
}

fn words(error: &io::Error) -> HandshakeError {
    match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => HandshakeError::Tls(inner.to_string()),
        _ => HandshakeError::Io(error.to_string()),
    }
}

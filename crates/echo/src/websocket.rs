//! WebSocket: every text and binary message comes back as it is.
//! In comes an upgrade (HTTP/1.1) or an extended CONNECT (HTTP/2); out comes the answer that
//! accepts it, and a task that echoes until either side closes. Messages are at most 1 MiB.

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::body::EchoBody;
use crate::limits::MAX_MESSAGE_BYTES;

/// How a client asked for a WebSocket.
pub(crate) enum Asked {
    /// `Upgrade: websocket`, with the value of `Sec-WebSocket-Key` (RFC 6455 section 4.1).
    Upgrade(HeaderValue),
    /// `:protocol: websocket` (RFC 8441).
    Connect,
}

/// Whether the request asks for a WebSocket.
pub(crate) fn asked(head: &Parts) -> Option<Asked> {
    if head.method == Method::CONNECT {
        let protocol = head.extensions.get::<Protocol>()?;
        return (protocol.as_str() == "websocket").then_some(Asked::Connect);
    }
    let upgrade = head.headers.get(header::UPGRADE)?;
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY)?;
    upgrade.as_bytes().eq_ignore_ascii_case(b"websocket").then(|| Asked::Upgrade(key.clone()))
}

/// Accepts, and echoes in a task of its own.
pub(crate) fn answer(asked: Asked, request: Request<Incoming>) -> Response<EchoBody> {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        match upgraded.await {
            Ok(io) => {
                let config = WebSocketConfig::default()
                    .max_message_size(Some(MAX_MESSAGE_BYTES))
                    .max_frame_size(Some(MAX_MESSAGE_BYTES));
                let socket = WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await;
                echo(socket).await;
            }
            Err(error) => tracing::debug!(%error, "a WebSocket was not opened"),
        }
    });
    let mut response = Response::new(EchoBody::text(""));
    if let Asked::Upgrade(key) = asked {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
    }
    response
}

async fn echo<S>(mut socket: WebSocketStream<S>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = socket.next().await {
        let sent = match message {
            Ok(message) if message.is_text() || message.is_binary() => socket.send(message).await,
            // Pings and the closing handshake are answered by the library with the next read.
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "a WebSocket ended");
            return;
        }
    }
}

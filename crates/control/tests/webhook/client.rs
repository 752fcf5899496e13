//! An API server's side of the webhook: TLS that trusts one authority, HTTP/2 or HTTP/1.1 as ALPN has it.
//! In: a question. Out: status and body.

use super::server::Server;
use base64::Engine as _;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value as Json;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection to the webhook.
pub struct Client {
    sender: Sender,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A connection for bytes that are no HTTP.
pub struct Raw(TlsStream<TcpStream>);

/// What came back.
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The patch in an AdmissionReview.
    pub fn patch(&self) -> json_patch::Patch {
        let answer = self.json();
        let patch = answer["response"]["patch"].as_str().unwrap_or_else(|| panic!("a patch in {answer}"));
        serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(patch).unwrap()).unwrap()
    }
}

impl Client {
    /// Connects with one protocol, which the server takes.
    pub async fn connect(server: &Server, alpn: &str) -> Client {
        let Raw(stream) = Client::connect_raw(server, &[alpn]).await;
        let taken = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(taken.as_deref(), Some(alpn.as_bytes()));
        let stream = TokioIo::new(stream);
        let sender = if alpn == "h2" {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else {
            let (sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        Client { sender }
    }

    pub async fn connect_raw(server: &Server, alpn: &[&str]) -> Raw {
        Raw(handshake(server, &server.authority(), alpn).await.unwrap())
    }

    /// A handshake that trusts only this authority.
    pub async fn try_connect(server: &Server, authority: &str) -> std::io::Result<()> {
        handshake(server, authority, &["h2"]).await.map(drop)
    }

    /// Asks with an AdmissionReview.
    pub async fn post(&mut self, path: &str, review: &Json) -> Reply {
        self.send("POST", path, Some("application/json"), review.to_string().as_bytes()).await
    }

    pub async fn send(&mut self, method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> Reply {
        let mut request = Request::builder().method(method);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let body = Full::new(Bytes::copy_from_slice(body));
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request.uri(path).header("host", "webhook").body(body).unwrap()).await.unwrap()
            }
            Sender::Http2(sender) => {
                sender.ready().await.unwrap();
                let uri = format!("https://webhook{path}");
                sender.send_request(request.uri(uri).body(body).unwrap()).await.unwrap()
            }
        };
        let status = response.status().as_u16();
        Reply { status, body: response.into_body().collect().await.unwrap().to_bytes() }
    }
}

impl Raw {
    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads up to the empty line after a head.
    pub async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }
}

async fn handshake(server: &Server, authority: &str, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(server.address()).await?;
    // As Go does; without it each request waits for a delayed acknowledgement.
    stream.set_nodelay(true)?;
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

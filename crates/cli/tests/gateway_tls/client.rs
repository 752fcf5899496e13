//! A TLS client that says which certificate it was shown, and a TLS server to pass connections through to.
//! Every wait on a socket ends by the limits of `testkit`.

use super::authority::{Authority, Pair};
use anyhow::{Context as _, Result};
use lateen_testkit::Reply;
use lateen_testkit::http1::{connect, read_reply};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls::{ConfigBuilder, SupportedProtocolVersion, WantsVerifier, crypto::aws_lc_rs};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// How a client connects.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    pub authority: &'a Authority,
    pub certificate: Option<&'a Pair>,
    pub versions: &'a [&'static SupportedProtocolVersion],
    /// Only this suite of TLS 1.2.
    pub suite: Option<CipherSuite>,
}

/// An open connection.
pub struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// What the server showed.
    pub certificate: CertificateDer<'static>,
    /// What both speak.
    pub alpn: Option<String>,
    host: String,
}

impl<'a> Client<'a> {
    pub fn new(authority: &'a Authority) -> Self {
        Self { authority, certificate: None, versions: rustls::ALL_VERSIONS, suite: None }
    }

    /// Shakes hands with `port`, asking for `name` and for what `alpn` lists.
    pub fn connect_as(&self, port: u16, name: &str, alpn: &[&str]) -> Result<Connection> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der.clone())?;
        let mut provider = aws_lc_rs::default_provider();
        if let Some(suite) = self.suite {
            provider.cipher_suites.retain(|known| known.suite() == suite);
            // Envoy goes by the schemes and not by the suites when it has the choice of two certificates.
            let kind = if format!("{suite:?}").contains("ECDSA") { "ECDSA" } else { "RSA" };
            let schemes = provider.signature_verification_algorithms.mapping.iter();
            let schemes: Vec<_> =
                schemes.filter(|(scheme, _)| format!("{scheme:?}").starts_with(kind)).copied().collect();
            provider.signature_verification_algorithms.mapping = schemes.leak();
        }
        let versions = if self.suite.is_some() { &[&rustls::version::TLS12][..] } else { self.versions };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)?
            .with_root_certificates(roots);
        let mut config = match self.certificate {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_auth_cert(vec![pair.der.clone()], pair.private_key())?,
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut tcp = connect(local(port))?;
        let mut tls = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned())?)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).with_context(|| format!("handshake as {name}"))?;
        }
        let certificate = tls.peer_certificates().and_then(|list| list.first()).context("no certificate")?;
        let certificate = certificate.clone().into_owned();
        let alpn = tls.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        Ok(Connection { stream: StreamOwned::new(tls, tcp), certificate, alpn, host: name.to_owned() })
    }

    pub fn connect(&self, port: u16, name: &str) -> Result<Connection> {
        self.connect_as(port, name, &["http/1.1"])
    }

    /// One request on a connection of its own.
    pub fn get(&self, port: u16, name: &str) -> Result<(Reply, CertificateDer<'static>)> {
        let mut connection = self.connect(port, name)?;
        Ok((connection.get("/")?, connection.certificate))
    }
}

impl Connection {
    pub fn get(&mut self, path: &str) -> Result<Reply> {
        let host = self.host.clone();
        self.get_as(path, &host)
    }

    /// With further header lines.
    pub fn get_with(&mut self, path: &str, more: &str) -> Result<Reply> {
        let host = self.host.clone();
        self.send(path, &host, more)
    }

    /// For another host than the one that was asked for in the handshake.
    pub fn get_as(&mut self, path: &str, host: &str) -> Result<Reply> {
        self.send(path, host, "")
    }

    fn send(&mut self, path: &str, host: &str, more: &str) -> Result<Reply> {
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n").as_bytes())?;
        self.stream.flush()?;
        read_reply(&mut self.stream, false)
    }
}

pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Starts a server that ends TLS with `pair` and answers every request with the SNI that it saw; it ends with the
/// test.
pub fn tls_backend(pair: &Pair) -> u16 {
    serve(builder().with_no_client_auth().with_single_cert(vec![pair.der.clone()], pair.private_key()).unwrap())
}

/// The same as an endpoint of the mesh: clients must show a certificate of `mesh`, and may speak `istio`.
pub fn mutual_backend(pair: &Pair, mesh: &Authority) -> u16 {
    let mut roots = RootCertStore::empty();
    roots.add(mesh.der.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let builder = builder().with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(vec![pair.der.clone()], pair.private_key()).unwrap();
    config.alpn_protocols = vec![b"istio".to_vec()];
    serve(config)
}

fn builder() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
}

fn serve(config: ServerConfig) -> u16 {
    let config = Arc::new(config);
    let listener = TcpListener::bind(local(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || {
                // A connection that breaks is the client's to notice.
                let _: Result<()> = answer(config, stream);
            });
        }
    });
    port
}

fn answer(config: Arc<ServerConfig>, stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let mut tls = StreamOwned::new(ServerConnection::new(config)?, stream);
    let mut head = [0; 1024];
    let _ = tls.read(&mut head)?;
    let name = tls.conn.server_name().unwrap_or("none").to_owned();
    write!(tls, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len())?;
    tls.flush()?;
    Ok(())
}

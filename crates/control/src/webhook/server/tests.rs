//! Connections that stall, on a clock that is turned.

use super::{GOODBYE, GREETING, HANDSHAKE, IDLE, Shared, connection};
use crate::webhook::admit::Around;
use crate::webhook::cluster::Served;
use crate::webhook::tls::Current;
use lateen_inject::{Injector, Settings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A connection of the webhook, the other end of it, and who signed its certificate.
fn begin() -> (JoinHandle<()>, DuplexStream, CertificateDer<'static>) {
    begin_until(watch::channel(false).1)
}

fn begin_until(stop: watch::Receiver<bool>) -> (JoinHandle<()>, DuplexStream, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let current = Current::new(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes()).unwrap();
    let tls = TlsAcceptor::from(Arc::new(Arc::new(current).server_config().unwrap()));
    let config = Some(("config".to_owned(), "templates: {sidecar: '{}'}".to_owned()));
    let (injector, _) =
        Injector::new(Settings { config, values: Some(("values".to_owned(), String::new())), ..Settings::default() })
            .unwrap();
    let served = Served::of(injector);
    let around = Around::default();
    let shared = Shared::new(served, around, watch::channel(true).1, Arc::default());
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    (tokio::spawn(connection(ours, peer, tls, shared, stop)), theirs, cert.der().clone())
}

async fn shake_hands(stream: DuplexStream, root: CertificateDer<'static>, alpn: &str) -> TlsStream<DuplexStream> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_ends() {
    let (serving, _stream, _) = begin();
    let begun = Instant::now();
    serving.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), HANDSHAKE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_nothing_ends() {
    for (alpn, sent) in [
        ("http/1.1", &b""[..]),
        ("http/1.1", b"POST /inject HTTP/1.1\r\nHost: x\r\n"),
        ("h2", b""),
        ("h2", b"PRI * HT"),
        ("h2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let (serving, stream, root) = begin();
        let mut stream = shake_hands(stream, root, alpn).await;
        stream.write_all(sent).await.unwrap();
        let begun = Instant::now();
        serving.await.unwrap();
        let took = begun.elapsed();
        let limit = IDLE + GOODBYE + Duration::from_secs(1);
        assert!(took <= limit, "{alpn} {:?}: {took:?}", String::from_utf8_lossy(sent));
        assert!(took >= IDLE, "{alpn} {:?}: only {took:?}", String::from_utf8_lossy(sent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_runs_when_the_webhook_stops_is_answered() {
    let head = "POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    // What was sent before, and what is sent after.
    for (before, after) in [(format!("{head}{{"), "}".to_owned()), (String::new(), format!("{head}{{}}"))] {
        let (stop, stopping) = watch::channel(false);
        let (serving, stream, root) = begin_until(stopping);
        let mut stream = shake_hands(stream, root, "http/1.1").await;
        stream.write_all(before.as_bytes()).await.unwrap();
        // The clock stands still until everybody waits for something.
        tokio::time::sleep(Duration::from_millis(1)).await;
        stop.send_replace(true);
        tokio::time::sleep(GREETING / 2).await;
        stream.write_all(after.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("kind is missing"), "{before:?}: {answer:?}");
        serving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_ends_soon_after_the_webhook_stops() {
    let asked = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";
    for (alpn, sent, limit) in
        [("http/1.1", "", GREETING), ("h2", "", GREETING), ("http/1.1", asked, Duration::from_millis(10))]
    {
        let (stop, stopping) = watch::channel(false);
        let (serving, stream, root) = begin_until(stopping);
        let mut stream = shake_hands(stream, root, alpn).await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        stop.send_replace(true);
        let begun = Instant::now();
        serving.await.unwrap();
        let took = begun.elapsed();
        assert!(took <= limit + Duration::from_millis(10), "{alpn} {sent:?}: {took:?}");
    }
}

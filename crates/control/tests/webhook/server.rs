//! A control plane with its webhook on ports of its own, its files in a folder of its own.
//! In: a template, files to write. Out: addresses, metrics, log lines.

use lateen_control::{Control, Options, WebhookOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A configuration of the injector; `MARK` is the value of a label.
pub const TEMPLATE: &str = r#"
policy: enabled
templates:
  sidecar: |
    metadata:
      labels:
        mark: MARK
        in: {{ .ObjectMeta.Namespace }}
    spec:
      containers:
      - name: istio-proxy
        image: registry.example/proxy:1
"#;

/// How long something may take to be seen.
const LIMIT: Duration = Duration::from_secs(20);

/// A running webhook.
pub struct Server {
    control: Control,
    folder: TempDir,
    authority: String,
}

/// A certificate of an authority of its own, all in PEM.
pub struct Made {
    pub certificate: String,
    pub key: String,
    pub authority: String,
}

impl Server {
    /// With a configuration and small values.
    pub async fn start(template: &str) -> Server {
        Server::with(Some(template), Some("mark: of the values\n"), Some("enablePrometheusMerge: true\n")).await
    }

    /// With configuration, values and mesh configuration, or what lateen has of its own.
    pub async fn with(config: Option<&str>, values: Option<&str>, mesh: Option<&str>) -> Server {
        let folder = TempDir::new().unwrap();
        let made = make();
        let path = |name: &str, text: Option<&str>| {
            let path = folder.path().join(name);
            text.map(|text| fs::write(&path, text).unwrap()).map(|()| path)
        };
        log();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options {
            grpc: any,
            monitoring: Some(any),
            model: Default::default(),
            translate: Default::default(),
            webhook: Some(WebhookOptions {
                address: any,
                certificate: path("cert.pem", Some(&made.certificate)).unwrap(),
                key: path("key.pem", Some(&made.key)).unwrap(),
                config: path("inject.yaml", config),
                values: path("values.yaml", values),
                mesh: path("mesh.yaml", mesh),
                revision: String::new(),
                environment: Default::default(),
                cluster: None,
                cluster_wait: Duration::ZERO,
                look_every: Duration::from_millis(10),
            }),
        };
        let control = Control::start(options).await.unwrap();
        Server { control, folder, authority: made.authority }
    }

    pub fn address(&self) -> SocketAddr {
        self.control.webhook_address().unwrap()
    }

    /// Ends it as SIGTERM does.
    pub async fn stop(self) {
        self.control.stop(LIMIT).await;
    }

    /// PEM of who signed the first certificate.
    pub fn authority(&self) -> String {
        self.authority.clone()
    }

    pub fn new_certificate(&self) -> Made {
        make()
    }

    /// Replaces a file by renaming, as a careful writer does.
    pub fn write(&self, name: &str, text: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.folder.path().join(name)).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    /// Waits until the metrics page has this value.
    pub async fn metric(&self, name: &str, value: u64) {
        let expected = format!("{name} {value}");
        let mut page = String::new();
        let seen = tokio::time::timeout(LIMIT, async {
            loop {
                page = self.metrics().await;
                if page.lines().any(|line| line == expected) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(seen.await.is_ok(), "{expected} not within {LIMIT:?} in:\n{page}");
    }

    pub async fn metrics(&self) -> String {
        let address = self.control.monitoring_address().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        page
    }

    /// Sends bytes without TLS and waits until the server has closed.
    pub async fn raw_tcp(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is a close as well.
        let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("the server closes");
    }

    /// Lines of the log that hold a text; all servers of the process write to one log.
    pub fn log_of(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8(log().lock().unwrap().clone()).unwrap();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

/// A certificate for 127.0.0.1 and who signed it.
fn make() -> Made {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Made { certificate: certificate.pem(), key: key.serialize_pem(), authority: issuer.pem() }
}

/// The log of this process.
fn log() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<&'static Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        let log: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
        let writer = move || Writer(log);
        tracing_subscriber::fmt().with_writer(writer).with_ansi(false).init();
        log
    })
}

struct Writer(&'static Mutex<Vec<u8>>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

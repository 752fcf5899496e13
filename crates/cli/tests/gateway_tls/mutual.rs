//! ISTIO_MUTUAL: the gateway shows the workload's own certificate, and takes clients of the mesh only.
//! In: a gateway that serves `mutual.yaml`, and where its certificate is. Out: nothing; it fails when a client gets more
//! or less than it should.

use super::authority::{Authority, Pair};
use super::client::{Client, local};
use super::fleet::PATIENCE;
use super::sds::Sds;
use crate::Ports;
use lateen_testkit::{Origin, eventually, request};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use std::fmt::Write as _;
use std::path::Path;

const GATEWAY: &str = "spiffe://cluster.local/ns/istio-system/sa/gateway";
const CLIENT: &str = "spiffe://cluster.local/ns/shop/sa/client";

/// The mesh of one test: its authority, its workloads, what stands behind the gateway.
pub struct Mesh {
    pub authority: Authority,
    pub ports: Ports,
    public: Authority,
    a: Pair,
    client: Pair,
    origin: Origin,
}

impl Mesh {
    pub fn new() -> Self {
        let (authority, public) = (Authority::new("mesh"), Authority::new("public"));
        let (a, client) = (public.issue(&["a.test"]), authority.issue(&[CLIENT, "client.test"]));
        Self { authority, ports: Ports::new(), public, a, client, origin: Origin::start().unwrap() }
    }

    /// A new certificate for the gateway.
    pub fn workload(&self) -> Pair {
        self.authority.issue(&[GATEWAY, "mesh.test"])
    }

    /// The folder of the gateway.
    pub fn files(&self) -> [(&'static str, String); 3] {
        let fill = [("ORIGIN", self.origin.addr.port().to_string()), ("BACKEND", "1".to_owned())];
        [
            ("a.yaml", self.a.secret("a", &[])),
            ("mutual.yaml", self.ports.fill(include_str!("mutual.yaml"), &fill)),
            ("backends.yaml", self.ports.fill(include_str!("backends.yaml"), &fill)),
        ]
    }

    /// What every gateway with the certificate `own` does.
    pub fn check(&self, own: &Pair) {
        let Self { authority, ports, client, .. } = self;
        let member = Client { certificate: Some(client), ..Client::new(authority) };
        eventually(PATIENCE, "the workload's certificate", || match member.get(ports.https, "mesh.test")? {
            (reply, shown) if shown == own.der && reply.status == 200 => Ok(()),
            (reply, _) => Err(anyhow::anyhow!("{} with another certificate", reply.status)),
        });
        // The origin is told who the client is, whatever the client says itself.
        let mut connection = member.connect(ports.https, "mesh.test").unwrap();
        let reply = connection.get_with("/", "x-forwarded-client-cert: By=spiffe://x;URI=spiffe://forged\r\n").unwrap();
        assert_eq!(reply.status, 200);
        let seen = self.origin.seen();
        let last = seen.last().unwrap();
        assert_eq!(last.header("x-forwarded-client-cert"), Some(forwarded(client).as_str()));
        // Nobody without a certificate of the mesh.
        let stranger = Authority::new("stranger").issue(&[CLIENT, "client.test"]);
        for port in [ports.https, ports.tcp] {
            for (what, certificate) in
                [("a client of the mesh", Some(client)), ("nobody", None), ("a stranger", Some(&stranger))]
            {
                let answer = Client { certificate, ..member }.get(port, "mesh.test");
                let served = answer.as_ref().is_ok_and(|(reply, shown)| reply.status == 200 && *shown == own.der);
                assert_eq!(served, what == "a client of the mesh", "{what} on {port}: {answer:?}");
                assert_eq!(answer.is_ok(), served, "{what} on {port}: {answer:?}");
            }
        }
        let plain = lateen_testkit::exchange(local(ports.https), b"GET / HTTP/1.1\r\nhost: mesh.test\r\n\r\n");
        assert!(plain.as_ref().map_or(true, Vec::is_empty), "plain text is answered: {plain:?}");
        let offered = member.connect_as(ports.tcp, "mesh.test", &["istio-peer-exchange", "h2"]).unwrap();
        assert_eq!(offered.alpn.as_deref(), Some("istio-peer-exchange"));
        self.others();
    }

    /// Servers that need no certificate of the mesh never notice.
    pub fn others(&self) {
        let shown =
            eventually(PATIENCE, "the other server", || Client::new(&self.public).get(self.ports.https, "a.test"));
        assert_eq!((shown.0.status, &shown.1), (200, &self.a.der));
        let plain = request(local(self.ports.http), "GET", "/", &[("host", "plain.test")], b"").unwrap();
        assert_eq!(plain.status, 200);
    }

    /// A gateway without a certificate: closed, and closed alone.
    pub fn closed(&self) {
        self.others();
        for certificate in [None, Some(&self.client)] {
            let answer = Client { certificate, ..Client::new(&self.authority) }.get(self.ports.https, "mesh.test");
            assert!(answer.is_err(), "served without a certificate: {answer:?}");
        }
        self.others();
    }

    /// Certificates and roots that an SDS server brings, and changes.
    pub fn follows(&self, sds: &Sds) {
        let first = self.workload();
        sds.put_certificate(&first);
        sds.put_roots(&self.authority.pem);
        self.check(&first);
        let second = self.workload();
        sds.put_certificate(&second);
        self.check(&second);
        // Other roots: who was known is a stranger now.
        sds.put_roots(&Authority::new("next").pem);
        let member = Client { certificate: Some(&self.client), ..Client::new(&self.authority) };
        eventually(PATIENCE, "the other roots", || match member.get(self.ports.https, "mesh.test") {
            Err(_) => Ok(()),
            Ok(_) => Err("the former roots still"),
        });
        self.others();
        sds.put_roots(&self.authority.pem);
        self.check(&second);
    }

    /// Puts a certificate and the roots into a folder, as one step for each file.
    pub fn mount(&self, folder: &Path, pair: &Pair) {
        let files =
            [("cert-chain.pem", &pair.certificate), ("key.pem", &pair.key), ("root-cert.pem", &self.authority.pem)];
        for (name, text) in files {
            std::fs::write(folder.join(".new"), text).unwrap();
            std::fs::rename(folder.join(".new"), folder.join(name)).unwrap();
        }
    }
}

/// What Istio's gateways say of a client: subject, certificate, URI and DNS names.
fn forwarded(client: &Pair) -> String {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let digest = suite.common.hash_provider.hash(&client.der);
    let mut hash = String::new();
    for byte in digest.as_ref() {
        write!(hash, "{byte:02x}").unwrap();
    }
    let mut pem = String::new();
    for byte in client.certificate.replace("\r\n", "\n").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => pem.push(byte.into()),
            other => write!(pem, "%{other:02X}").unwrap(),
        }
    }
    format!(
        "By={GATEWAY};Hash={hash};Cert=\"{pem}\";Subject=\"CN=rcgen self signed cert\";URI={CLIENT};DNS=client.test"
    )
}

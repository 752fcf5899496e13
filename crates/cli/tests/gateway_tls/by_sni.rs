//! AUTO_PASSTHROUGH: clients name cluster and subset by SNI and shake hands with the endpoint itself.
//! In: the port of a gateway that serves `by_sni.yaml`. Out: nothing; it fails when a connection goes elsewhere.

use super::authority::{Authority, Pair};
use super::client::{Client, mutual_backend};
use lateen_testkit::eventually;

/// Two endpoints of service `httpbin.ns` that insist on certificates of the mesh.
pub struct Backends {
    mesh: Authority,
    ports: [u16; 2],
    pairs: [Pair; 2],
    client: Pair,
}

const HTTPBIN: &str = "outbound_.8000_._.httpbin.ns.svc.cluster.local";
const SUBSET: &str = "outbound_.8000_.v1_.httpbin.ns.svc.cluster.local";
const LABELLED: &str = "outbound_.8000_._.labelled.ns.svc.cluster.local";

/// What nobody gets to: ALPN, and SNI.
const CLOSED: &[(&str, &str, &str)] = &[
    ("no service of the mesh", "istio", "outbound_.8000_._.unknown.ns.svc.cluster.local"),
    ("no port of the service", "istio", "outbound_.8001_._.httpbin.ns.svc.cluster.local"),
    ("no subset of the rule", "istio", "outbound_.8000_.v2_.httpbin.ns.svc.cluster.local"),
    ("a subset without an endpoint", "istio", "outbound_.8000_.v3_.httpbin.ns.svc.cluster.local"),
    ("a service that no host of the server covers", "istio", "outbound_.8000_._.hidden.other.svc.cluster.local"),
    ("a service whose endpoints do not insist on mutual TLS", "istio", "outbound_.8000_._.plain.ns.svc.cluster.local"),
    ("the host itself", "istio", "httpbin.ns.svc.cluster.local"),
    ("a client that does not speak the mesh's protocol", "http/1.1", HTTPBIN),
];

impl Backends {
    pub fn start() -> Self {
        let mesh = Authority::new("mesh");
        let names = [HTTPBIN, SUBSET, LABELLED, "outbound_.8000_._.plain.ns.svc.cluster.local"];
        let pairs = [mesh.issue(&names), mesh.issue(&names)];
        let ports = [0, 1].map(|index: usize| mutual_backend(&pairs[index], &mesh));
        let client = mesh.issue(&["client.test"]);
        Self { mesh, ports, pairs, client }
    }

    /// The folder of their gateway.
    pub fn yaml(&self, ports: &crate::Ports) -> String {
        let fill = [("V1", self.ports[0].to_string()), ("V2", self.ports[1].to_string())];
        ports.fill(include_str!("by_sni.yaml"), &fill)
    }

    pub fn check(&self, port: u16) {
        let client = Client { certificate: Some(&self.client), ..Client::new(&self.mesh) };
        let get = |alpn: &str, name: &str| {
            let mut connection = client.connect_as(port, name, &[alpn])?;
            Ok::<_, anyhow::Error>((connection.get("/")?.text(), connection.certificate, connection.alpn))
        };
        let [v1, v2] = &self.pairs;
        eventually(super::fleet::PATIENCE, "the gateway", || get("istio", SUBSET));
        // The endpoint's own certificate and ALPN, and it saw the client's SNI.
        for name in [SUBSET, LABELLED] {
            let shown = get("istio", name).unwrap();
            assert_eq!(shown, (name.to_owned(), v1.der.clone(), Some("istio".to_owned())), "{name}");
        }
        let mut seen = [false; 2];
        for _ in 0..20 {
            let (text, certificate, _) = get("istio", HTTPBIN).unwrap();
            assert_eq!(text, HTTPBIN);
            seen[usize::from(certificate == v2.der)] = true;
        }
        assert_eq!(seen, [true; 2], "not all endpoints of the service get connections");
        for (what, alpn, name) in CLOSED {
            let answer = get(alpn, name);
            assert!(answer.is_err(), "{what}: {name} is served: {answer:?}");
        }
        // The certificate of the client goes to the endpoint, which refuses to do without.
        let mut anonymous = Client { certificate: None, ..client }.connect_as(port, HTTPBIN, &["istio"]).unwrap();
        assert!(anonymous.get("/").is_err());
        let bytes = lateen_testkit::exchange(super::client::local(port), b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert!(bytes.as_ref().map_or(true, Vec::is_empty), "plain text is answered: {bytes:?}");
    }
}

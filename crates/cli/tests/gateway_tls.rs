//! TLS at a gateway, from a folder of YAML to handshakes: each server mode, each form of certificate, certificates that
//! rotate, turn bad and go away. The same checks for each data plane.
//! Needs stock Envoy, which `cargo xtask test` installs; without it the test fails and says so.
#![allow(clippy::unwrap_used)] // a test fails by it

mod gateway_tls {
    pub mod authority;
    pub mod by_sni;
    pub mod client;
    pub mod fleet;
    pub mod mutual;
    pub mod sds;
}

use gateway_tls::authority::{Authority, Pair, secret};
use gateway_tls::by_sni::Backends;
use gateway_tls::client::{Client, local, tls_backend};
use gateway_tls::fleet::{Control, Dataplane, PATIENCE, Program};
use gateway_tls::mutual::Mesh;
use gateway_tls::sds::Sds;
use lateen_testkit::{Origin, eventually, free_port, request};
use rustls::CipherSuite;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn envoy() -> Program {
    let path = lateen_testkit::envoy_program().expect("no stock Envoy: run `cargo xtask test`, or set LATEEN_ENVOY");
    Program { path, words: &[] }
}

fn lateen() -> Program {
    Program { path: PathBuf::from(env!("CARGO_BIN_EXE_lateen")), words: &["proxy"] }
}

#[test]
fn envoy_ends_tls_as_the_servers_say() {
    modes(&envoy());
}

#[test]
fn lateen_ends_tls_as_the_servers_say() {
    modes(&lateen());
}

#[test]
fn envoy_follows_certificates() {
    rotation(&envoy());
}

#[test]
fn lateen_follows_certificates() {
    rotation(&lateen());
}

#[test]
fn envoy_passes_connections_by_sni() {
    by_sni(&envoy());
}

#[test]
fn lateen_passes_connections_by_sni() {
    by_sni(&lateen());
}

#[test]
fn envoy_shows_the_certificate_of_the_workload() {
    mutual_over_sds(&envoy());
}

#[test]
fn lateen_shows_the_certificate_of_the_workload() {
    mutual_over_sds(&lateen());
}

/// Ports of the gateway.
pub struct Ports {
    http: u16,
    https: u16,
    tcp: u16,
    alone: u16,
}

impl Ports {
    fn new() -> Self {
        let port = || free_port().unwrap();
        Self { http: port(), https: port(), tcp: port(), alone: port() }
    }

    fn fill(&self, text: &str, more: &[(&str, String)]) -> String {
        let ports = [("HTTP", self.http), ("HTTPS", self.https), ("TCP", self.tcp), ("ALONE", self.alone)];
        let text = ports
            .iter()
            .fold(text.to_owned(), |text, (key, port)| text.replace(&format!("${{{key}}}"), &port.to_string()));
        more.iter().fold(text, |text, (key, value)| text.replace(&format!("${{{key}}}"), value))
    }
}

const MODES: &str = include_str!("gateway_tls/modes.yaml");
const BACKENDS: &str = include_str!("gateway_tls/backends.yaml");

fn modes(program: &Program) {
    let ports = Ports::new();
    let (authority, stranger) = (Authority::new("lateen test"), Authority::new("stranger"));
    let origin = Origin::start().unwrap();
    let passed = authority.issue(&["pass.test", "one.pass.test", "near.pass.test"]);
    let backend = tls_backend(&passed);
    let (a, b, m, o, new) = ("a.test", "b.test", "mutual.test", "optional.test", "new.test");
    let [a_pair, b_pair, m_pair, o_pair, new_pair] = [a, b, m, o, new].map(|name| authority.issue(&[name]));
    let rsa = authority.issue_with(&["two.test"], &rcgen::PKCS_RSA_SHA256);
    let ecdsa = authority.issue(&["two.test"]);
    let (tcp, files) = (authority.issue(&["tcp.test"]), authority.issue(&["files.test"]));
    let named = authority.issue(&["named.test"]);
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path(), &files);
    std::fs::write(folder.path().join("ca.crt"), &authority.pem).unwrap();
    let secrets = [
        a_pair.secret("a", &[]),
        b_pair.secret("b", &[]),
        m_pair.secret("m", &[("ca.crt", &authority.pem)]),
        secret("o", "Opaque", &[("cert", &o_pair.certificate), ("key", &o_pair.key)]),
        secret("o-cacert", "Opaque", &[("cacert", &authority.pem)]),
        named.secret("named", &[("ca.crt", &authority.pem)]),
        rsa.secret("rsa", &[]),
        ecdsa.secret("ecdsa", &[]),
        new_pair.secret("new", &[]),
        tcp.secret("tcp", &[]),
        // Of another namespace, so of no use here.
        a_pair.secret("nowhere", &[]).replace("istio-system", "shop"),
    ];
    let fill = [
        ("ORIGIN", origin.addr.port().to_string()),
        ("BACKEND", backend.to_string()),
        ("FILES", folder.path().display().to_string()),
    ];
    let mut control = Control::start(&[
        ("secrets.yaml", secrets.join("---\n")),
        ("modes.yaml", ports.fill(MODES, &fill)),
        ("backends.yaml", ports.fill(BACKENDS, &fill)),
    ]);
    let dataplane = Dataplane::start(program, &control, ports.https);
    control.assert_everything_accepted();
    let client = Client::new(&authority);

    // Each name gets its own certificate, and the origin sees plain HTTP.
    for (name, pair) in [(a, &a_pair), (b, &b_pair), (o, &o_pair), (new, &new_pair), ("files.test", &files)] {
        let (reply, shown) = client.get(ports.https, name).unwrap_or_else(|e| panic!("{name}: {e:#}"));
        assert_eq!((reply.status, reply.text().as_str()), (200, "ok"), "{name}");
        assert_eq!(shown, pair.der, "{name}");
    }
    assert_eq!(
        origin.seen().last().and_then(|seen| seen.header("x-forwarded-proto").map(str::to_owned)).as_deref(),
        Some("https")
    );
    assert_eq!(client.connect_as(ports.https, a, &["h2", "http/1.1"]).unwrap().alpn.as_deref(), Some("h2"));
    assert_eq!(client.connect(ports.https, a).unwrap().alpn.as_deref(), Some("http/1.1"));

    // A connection serves the hosts of its own server only.
    let mut connection = client.connect(ports.https, a).unwrap();
    let other = connection.get_as("/", b).unwrap();
    assert!(matches!(other.status, 404 | 421), "{}", other.status);

    // Certificates of clients.
    let (ours, theirs) = (authority.issue(&["client.test"]), stranger.issue(&["client.test"]));
    let wrong_name = authority.issue(&["other.test"]);
    let cases = [
        (m, None, false),
        (m, Some(&ours), true),
        (m, Some(&theirs), false),
        (m, Some(&wrong_name), false),
        (o, None, true),
        (o, Some(&ours), true),
        (o, Some(&theirs), false),
        // Who must have a name must have a certificate.
        ("named.test", None, false),
        ("named.test", Some(&ours), true),
        ("named.test", Some(&wrong_name), false),
    ];
    for (name, certificate, fine) in cases {
        let answer = Client { certificate, ..client }.get(ports.https, name);
        assert_eq!(answer.is_ok(), fine, "{name} {:?}: {answer:?}", certificate.map(|pair| &pair.certificate));
    }

    // Certificates of servers behind the gateway; without a file the authorities of the system count.
    let reply = |path| client.connect(ports.https, a).unwrap().get(path).unwrap();
    assert_eq!((reply("/trusted").status, reply("/trusted").text().as_str()), (200, "pass.test"));
    assert_eq!(reply("/untrusted").status, 503);

    // RSA beside ECDSA.
    for (suite, pair) in [
        (CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, &rsa),
        (CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, &ecdsa),
    ] {
        let connection = Client { suite: Some(suite), ..client }.connect(ports.https, "two.test");
        let connection = connection.unwrap_or_else(|error| panic!("{suite:?}: {error:#}\n{}", dataplane.output()));
        assert_eq!(connection.certificate, pair.der, "{suite:?}");
    }

    // Versions and suites.
    let old = Client { versions: &[&rustls::version::TLS12], ..client };
    assert!(old.connect(ports.https, new).is_err());
    assert!(old.connect(ports.https, a).is_ok());
    // What no client here can speak costs its own server and nothing else.
    assert!(client.connect(ports.https, "old.test").is_err());
    let suite = |suite| Client { suite: Some(suite), ..client }.connect(ports.https, b);
    assert!(suite(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384).is_ok());
    assert!(suite(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256).is_err());

    // Without ending TLS: the certificate and the SNI are the backend's affair.
    for name in ["pass.test", "one.pass.test", "near.pass.test"] {
        let (reply, shown) = client.get(ports.https, name).unwrap();
        assert_eq!((reply.text().as_str(), &shown), (name, &passed.der));
    }
    // TLS ends, and what is inside is not looked at.
    let (reply, shown) = client.get(ports.tcp, "tcp.test").unwrap();
    assert_eq!((reply.text().as_str(), &shown), ("ok", &tcp.der));

    // Nobody serves these: the connection is closed, and a wider match does not get it.
    for name in ["unknown.test", "nowhere.test", "other.nowhere.test"] {
        let refused = client.connect(ports.https, name);
        assert!(refused.is_err(), "{name} is served");
    }
    let output = control.output();
    assert!(output.contains("Secret istio-system/nowhere is not there"), "{output}");
    dataplane.stop();
}

fn put_files(folder: &Path, pair: &Pair) {
    for (name, text) in [("tls.crt", &pair.certificate), ("tls.key", &pair.key)] {
        std::fs::write(folder.join(".new"), text).unwrap();
        std::fs::rename(folder.join(".new"), folder.join(name)).unwrap();
    }
}

fn by_sni(program: &Program) {
    let (ports, backends) = (Ports::new(), Backends::start());
    let mut control = Control::start(&[("all.yaml", backends.yaml(&ports))]);
    let dataplane = Dataplane::start(program, &control, ports.https);
    control.assert_everything_accepted();
    backends.check(ports.https);
    dataplane.stop();
}

/// A folder alone is enough: the server's mode says what the gateway is for, whatever its `ROUTER_MODE`.
#[test]
fn a_folder_passes_connections_by_sni() {
    let (ports, backends) = (Ports::new(), Backends::start());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), backends.yaml(&ports)).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lateen"));
    command.args(["run", "--no-stubs", "--concurrency", "1"]).arg(folder.path());
    let _run = lateen_testkit::Process::start(command).unwrap();
    backends.check(ports.https);
}

/// An agent beside the proxy, as Istio's bootstrap names it.
fn beside(socket: PathBuf) -> impl FnOnce(&mut Value) {
    move |bootstrap| {
        bootstrap["node"]["metadata"]["ISTIO_VERSION"] = "1.32.0".into();
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut().unwrap();
        let mut agent = clusters[0].clone();
        agent["name"] = "sds-grpc".into();
        agent["load_assignment"] = json!({"cluster_name": "sds-grpc", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": socket}}}}]}]});
        clusters.push(agent);
    }
}

fn mutual_over_sds(program: &Program) {
    let mesh = Mesh::new();
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("socket");
    let sds = Sds::start(&socket);
    // As Istio says it, a listener waits for the agent without end: Envoy is not ready before there is a certificate.
    sds.put_certificate(&mesh.workload());
    sds.put_roots(&mesh.authority.pem);
    let mut control = Control::start(&mesh.files());
    let dataplane = Dataplane::start_with(program, &control, mesh.ports.http, beside(socket), &[]);
    mesh.follows(&sds);
    control.assert_everything_accepted();
    dataplane.stop();

    // Nobody who has a certificate: the server is closed by the control plane, which says so.
    let dataplane = Dataplane::start(program, &control, mesh.ports.https);
    mesh.closed();
    let output = control.output();
    assert!(output.contains("has no certificate of the mesh for tls mode ISTIO_MUTUAL"), "{output}");
    assert!(output.contains("ISTIO_VERSION") && output.contains("TLS_SERVER_CERT_CHAIN"), "{output}");
    dataplane.stop();

    // Files that the node names.
    let own = mesh.workload();
    mesh.mount(home.path(), &own);
    let names = |bootstrap: &mut Value| {
        let metadata = &mut bootstrap["node"]["metadata"];
        for (key, name) in [
            ("TLS_SERVER_CERT_CHAIN", "cert-chain.pem"),
            ("TLS_SERVER_KEY", "key.pem"),
            ("TLS_SERVER_ROOT_CERT", "root-cert.pem"),
        ] {
            metadata[key] = home.path().join(name).to_str().unwrap().into();
        }
    };
    let dataplane = Dataplane::start_with(program, &control, mesh.ports.https, names, &[]);
    mesh.check(&own);
    control.assert_everything_accepted();
    dataplane.stop();
}

/// Without an agent, lateen looks itself where an agent would.
#[test]
fn lateen_is_its_own_agent() {
    let mesh = Mesh::new();
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (socket, certificates) = (home.path().join("spire"), folder.path());
    for (name, text) in mesh.files() {
        std::fs::write(home.path().join(name), text).unwrap();
    }
    let start = |more: &[&Path]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lateen"));
        command.args(["run", "--no-stubs", "--concurrency", "1"]).args(more).arg(home.path());
        lateen_testkit::Process::start(command).unwrap()
    };
    let folder_is = [Path::new("--workload-certificates"), certificates];
    let run = start(&folder_is);
    mesh.closed();
    let looked = format!(
        "this workload has no certificate: looked for cert-chain.pem, key.pem and root-cert.pem in {}",
        certificates.display()
    );
    eventually(PATIENCE, "where was looked", || {
        let output = run.output();
        let told = output.contains(&looked) && output.contains("certificate: secret default");
        if told { Ok(()) } else { Err(output) }
    });
    // What comes later is seen, and what changes.
    for own in [mesh.workload(), mesh.workload()] {
        mesh.mount(certificates, &own);
        mesh.check(&own);
    }
    drop(run);
    let sds = Sds::start(&socket);
    let socket_is = [Path::new("--workload-identity-socket"), &socket];
    let _run = start(&[folder_is, socket_is].concat());
    mesh.follows(&sds);
}

const ROTATION: &str = include_str!("gateway_tls/rotation.yaml");

fn rotation(program: &Program) {
    let ports = Ports::new();
    let authority = Authority::new("lateen test");
    let origin = Origin::start().unwrap();
    let [first, second] = [(), ()].map(|()| authority.issue(&["a.test"]));
    let [b, c] = ["b.test", "alone.test"].map(|name| authority.issue(&[name]));
    let [early, late] = [(), ()].map(|()| authority.issue(&["files.test"]));
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path(), &early);
    let fill = [
        ("ORIGIN", origin.addr.port().to_string()),
        ("BACKEND", "1".to_owned()),
        ("FILES", folder.path().display().to_string()),
    ];
    let mut control = Control::start(&[
        ("a.yaml", first.secret("a", &[])),
        ("b.yaml", b.secret("b", &[])),
        ("alone.yaml", c.secret("alone", &[])),
        ("rotation.yaml", ports.fill(ROTATION, &fill)),
        ("backends.yaml", ports.fill(BACKENDS, &fill)),
    ]);
    let mut dataplane = Dataplane::start(program, &control, ports.https);
    let before = control.assert_everything_accepted();
    let process = dataplane.id();
    let client = Client::new(&authority);
    let shown = |port, name: &str| client.get(port, name).map(|(reply, shown)| (reply.status, shown));
    let plain = || request(local(ports.http), "GET", "/", &[("host", "plain.test")], b"").unwrap().status;
    assert_eq!(shown(ports.https, "a.test").unwrap(), (200, first.der.clone()));
    assert_eq!((shown(ports.alone, "alone.test").unwrap().0, plain()), (200, 200));

    // Another certificate: new handshakes see it, the connection that is open goes on, and nothing but SDS is pushed.
    let mut kept = client.connect(ports.https, "a.test").unwrap();
    assert_eq!(kept.get("/").unwrap().status, 200);
    control.write("a.yaml", &second.secret("a", &[]));
    eventually(PATIENCE, "the second certificate", || match shown(ports.https, "a.test")? {
        (200, der) if der == second.der => Ok(()),
        other => Err(anyhow::anyhow!("{} with another certificate", other.0)),
    });
    assert_eq!(kept.get("/").unwrap().status, 200);
    let after = control.assert_everything_accepted();
    for (kind, generation) in before.as_object().unwrap() {
        let pushed = after[kind] != *generation;
        assert_eq!(pushed, kind.ends_with("Secret"), "{kind} in {after:#} after {before:#}");
    }

    // A key of another certificate: the last good form serves, and the finding names Secret, key and line.
    let mut mixed = authority.issue(&["a.test"]);
    mixed.key.clone_from(&first.key);
    control.write("a.yaml", &mixed.secret("a", &[]));
    eventually(PATIENCE, "a finding", || {
        let output = control.output();
        let told = output.contains("Secret istio-system/a") && output.contains("is not the private key");
        if told { Ok(()) } else { Err(output) }
    });
    assert_eq!(shown(ports.https, "a.test").unwrap(), (200, second.der.clone()));

    // Without its Secret a server is closed: alone on its port, with the port; among others, alone.
    for (file, port, name) in [("alone.yaml", ports.alone, "alone.test"), ("a.yaml", ports.https, "a.test")] {
        control.remove(file);
        eventually(PATIENCE, "a closed server", || match shown(port, name) {
            Err(_) => Ok(()),
            Ok(_) => Err(format!("{name} is served still")),
        });
        assert_eq!(shown(ports.https, "b.test").unwrap(), (200, b.der.clone()));
        assert_eq!(plain(), 200);
    }
    assert!(lateen_testkit::http1::connect(local(ports.alone)).is_err(), "the port is open still");
    control.write("alone.yaml", &c.secret("alone", &[]));
    control.write("a.yaml", &first.secret("a", &[]));
    for (port, name) in [(ports.alone, "alone.test"), (ports.https, "a.test")] {
        eventually(PATIENCE, "an open server", || shown(port, name));
    }
    control.assert_everything_accepted();

    // Files are watched by the proxy.
    assert_eq!(shown(ports.https, "files.test").unwrap(), (200, early.der.clone()));
    put_files(folder.path(), &late);
    eventually(PATIENCE, "the second file", || match shown(ports.https, "files.test")? {
        (200, der) if der == late.der => Ok(()),
        _ => Err(anyhow::anyhow!("the first certificate still\n{}", dataplane.output())),
    });
    assert!(dataplane.is_running() && dataplane.id() == process);

    // Files that are not there cost their own server and nothing else.
    dataplane.stop();
    std::fs::remove_file(folder.path().join("tls.crt")).unwrap();
    let dataplane = Dataplane::start(program, &control, ports.http);
    eventually(PATIENCE, "the other servers", || shown(ports.https, "b.test"));
    assert_eq!(shown(ports.alone, "alone.test").unwrap(), (200, c.der.clone()));
    assert_eq!(plain(), 200);
    assert!(shown(ports.https, "files.test").is_err());
    dataplane.stop();
}

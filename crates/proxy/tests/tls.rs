//! TLS at listeners: who gets which certificate, who is let in, and what is done with the rest.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "support/plane.rs"]
mod plane;
#[path = "support/tls.rs"]
mod tls;

use plane::{Client, Origin, Plane, cluster, forward, named_listener, routes, until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tls::{Authority, Certificate, Dial, Key, get, read_answer, server};

/// A listener that answers with `body` over TLS.
fn answering(body: &str, socket: Value) -> Value {
    with_chains(vec![chain(body, json!({}), socket)])
}

fn chain(body: &str, matches: Value, socket: Value) -> Value {
    let direct =
        json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": body}}}]);
    let mut chain = named_listener("main", 0, routes(direct))["filter_chains"][0].clone();
    chain["filter_chain_match"] = matches;
    chain["transport_socket"] = socket;
    chain
}

fn with_chains(chains: Vec<Value>) -> Value {
    let mut listener = named_listener("main", 0, forward(json!({})));
    listener["filter_chains"] = chains.into();
    listener
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn simple(certificate: &Certificate) -> Value {
    server(json!({}), json!({"tls_certificates": [certificate.inline()], "alpn_protocols": ["h2", "http/1.1"]}))
}

#[test]
fn every_kind_of_key_and_version_serves() {
    let authority = Authority::new("root");
    for key in [Key::Ecdsa, Key::P384, Key::Rsa, Key::Ed25519] {
        let plane = Plane::start(&[answering("hello", simple(&authority.sign_with(&["a.example"], key, |_| {})))], &[]);
        for versions in [tls::TLS12, tls::TLS13] {
            let dial = Dial { versions, ..Dial::trusting(&authority) };
            assert_eq!(dial.get(plane.address("main"), "a.example"), Ok("hello".to_owned()));
        }
        assert_eq!(plane.stat("listener.127.0.0.1_0.ssl.handshake"), 2);
    }
}

#[test]
fn the_origin_sees_plain_http_and_large_bodies_come_whole() {
    let authority = Authority::new("root");
    let origin = Origin::start(|client| {
        while let Some(request) = client.read_message() {
            assert!(request.head.contains("x-forwarded-proto: https"), "{}", request.head);
            let body = "x".repeat(3_000_000);
            client.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        }
    });
    let mut listener = named_listener("main", 0, forward(json!({})));
    listener["filter_chains"][0]["transport_socket"] = simple(&authority.sign(&["a.example"]));
    let plane = Plane::start(&[listener], &[cluster(origin.address, json!({}))]);
    let mut session = Dial::trusting(&authority).dial(plane.address("main"), "a.example").unwrap();
    for _ in 0..3 {
        assert_eq!(get(&mut session, "a.example").unwrap().len(), 3_000_000);
        // The client takes new keys and wants new ones of the server.
        session.conn.refresh_traffic_keys().unwrap();
    }
    // A large request, which comes in many records.
    let body = "y".repeat(1_000_000);
    write!(session, "POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    assert_eq!(read_answer(&mut session).unwrap().1.len(), 3_000_000);
}

#[test]
fn the_server_name_chooses_chain_and_certificate() {
    let authority = Authority::new("root");
    let exact = authority.sign(&["a.example"]);
    let wild = authority.sign(&["*.wild.example"]);
    let other = authority.sign(&["other.test"]);
    let plane = Plane::start(
        &[with_chains(vec![
            chain("a", json!({"server_names": ["a.example"]}), simple(&exact)),
            chain("wild", json!({"server_names": ["*.wild.example"]}), simple(&wild)),
            chain("other", json!({"server_names": ["other.test"]}), simple(&other)),
        ])],
        &[],
    );
    let dial = Dial::trusting(&authority);
    let address = plane.address("main");
    for (name, body, certificate) in
        [("a.example", "a", &exact), ("b.wild.example", "wild", &wild), ("other.test", "other", &other)]
    {
        assert_eq!(dial.get(address, name), Ok(body.to_owned()));
        assert_eq!(dial.certificate(address, name), certificate.der);
    }
    assert!(dial.dial(address, "unknown.test").is_err(), "no chain is for this name");
    assert_eq!(plane.stat("listener.127.0.0.1_0.no_filter_chain_match"), 1);
}

#[test]
fn certificates_of_one_chain_are_chosen_by_name_and_key() {
    let authority = Authority::new("root");
    let rsa = authority.sign_with(&["a.example"], Key::Rsa, |_| {});
    let ecdsa = authority.sign(&["a.example"]);
    let wild = authority.sign(&["*.wild.example"]);
    let certificates = [&rsa, &ecdsa, &wild].map(Certificate::inline);
    let socket = server(json!({}), json!({"tls_certificates": certificates}));
    let plane = Plane::start(&[answering("hello", socket)], &[]);
    let address = plane.address("main");
    let modern = Dial::trusting(&authority);
    let old = Dial { rsa_only: true, versions: tls::TLS12, ..Dial::trusting(&authority) };
    assert_eq!(modern.certificate(address, "a.example"), ecdsa.der);
    assert_eq!(old.certificate(address, "a.example"), rsa.der);
    assert_eq!(modern.certificate(address, "b.wild.example"), wild.der);
}

#[test]
fn versions_and_ciphers_are_those_of_the_settings() {
    let authority = Authority::new("root");
    let certificate = authority.sign(&["a.example"]);
    let socket =
        |params: Value| server(json!({}), json!({"tls_certificates": [certificate.inline()], "tls_params": params}));
    let old = Dial { versions: tls::TLS12, ..Dial::trusting(&authority) };
    let new = Dial { versions: tls::TLS13, ..Dial::trusting(&authority) };
    for (params, old_works, new_works) in [
        (json!({"tls_minimum_protocol_version": "TLSv1_3"}), false, true),
        (json!({"tls_maximum_protocol_version": "TLSv1_2"}), true, false),
        (json!({"cipher_suites": ["ECDHE-ECDSA-CHACHA20-POLY1305", "AES128-SHA"]}), true, true),
    ] {
        let plane = Plane::start(&[answering("hello", socket(params.clone()))], &[]);
        let address = plane.address("main");
        assert_eq!(old.get(address, "a.example").is_ok(), old_works, "{params}");
        assert_eq!(new.get(address, "a.example").is_ok(), new_works, "{params}");
        if params.get("cipher_suites").is_some() {
            let session = old.dial(address, "a.example").unwrap();
            let suite = session.conn.negotiated_cipher_suite().unwrap().suite();
            assert_eq!(suite, rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
        }
    }
}

#[test]
fn alpn_chooses_http2() {
    let authority = Authority::new("root");
    let plane = Plane::start(&[answering("hello", simple(&authority.sign(&["a.example"])))], &[]);
    for (offered, chosen) in
        [(&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])), (&[b"http/1.1"], Some(b"http/1.1")), (&[], None)]
    {
        let alpn = offered.iter().map(|name| name.to_vec()).collect();
        let dial = Dial { alpn, ..Dial::trusting(&authority) };
        let mut session = dial.dial(plane.address("main"), "a.example").unwrap();
        assert_eq!(session.conn.alpn_protocol(), chosen);
        if chosen == Some(b"h2") {
            session.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
            let mut settings = [0; 9];
            session.read_exact(&mut settings).unwrap();
            assert_eq!(settings[3], 4, "SETTINGS is the first frame");
        } else {
            assert_eq!(get(&mut session, "a.example"), Ok("hello".to_owned()));
        }
    }
}

#[test]
fn sessions_are_resumed_unless_the_settings_forbid_it() {
    let authority = Authority::new("root");
    let certificate = authority.sign(&["a.example"]);
    for (context, resumed) in [
        (json!({}), true),
        (json!({"disable_stateless_session_resumption": true, "disable_stateful_session_resumption": true}), false),
    ] {
        let plane = Plane::start(
            &[answering("hello", server(context, json!({"tls_certificates": [certificate.inline()]})))],
            &[],
        );
        for versions in [tls::TLS12, tls::TLS13] {
            let dial = Dial {
                versions,
                resume: Some(rustls::client::Resumption::in_memory_sessions(4)),
                ..Dial::trusting(&authority)
            };
            let config = dial.config();
            let mut kinds = Vec::new();
            for _ in 0..2 {
                let mut stream = std::net::TcpStream::connect(plane.address("main")).unwrap();
                stream.set_read_timeout(Some(plane::PATIENCE)).unwrap();
                let name = rustls::pki_types::ServerName::try_from("a.example").unwrap();
                let mut session = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
                session.complete_io(&mut stream).unwrap();
                let mut session = rustls::StreamOwned::new(session, stream);
                assert_eq!(get(&mut session, "a.example"), Ok("hello".to_owned()));
                kinds.push(session.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed));
            }
            assert_eq!(kinds, [false, resumed]);
        }
    }
}

/// For a certificate that is out of date.
fn ended(params: &mut rcgen::CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
}

#[test]
fn clients_are_checked_as_the_settings_say() {
    let authority = Authority::new("root");
    let stranger = Authority::new("stranger");
    let own = authority.sign(&["a.example"]);
    let good = authority.sign(&["client.example", "spiffe://cluster.local/ns/a/sa/b"]);
    let bad = stranger.sign(&["client.example"]);
    let expired = authority.sign_with(&["client.example"], Key::Ecdsa, ended);
    let revoked = authority.sign(&["revoked.example"]);
    let hash = |bytes: &[u8]| {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)
            .as_ref()
            .iter()
            .fold(String::new(), |out, byte| out + &format!("{byte:02x}"))
    };
    let ca = json!({"inline_string": authority.pem});
    let context = |mut fields: Value| {
        fields["trusted_ca"] = ca.clone();
        fields
    };
    let named = context(json!({"match_subject_alt_names": [{"exact": "client.example"}]}));
    let pinned = context(json!({"verify_certificate_hash": [hash(&good.der)]}));
    let mut untrusted = pinned.clone();
    untrusted["trust_chain_verification"] = "ACCEPT_UNTRUSTED".into();
    let list = |days| context(json!({"crl": {"inline_string": authority.revoke(&[&revoked], days)}}));
    // (settings, required, who is let in: nobody's, good, bad, expired, revoked)
    for (validation, required, admitted) in [
        (context(json!({})), true, [false, true, false, false, true]),
        (context(json!({})), false, [true, true, false, false, true]),
        (context(json!({"allow_expired_certificate": true})), true, [false, true, false, true, true]),
        (context(json!({"trust_chain_verification": "ACCEPT_UNTRUSTED"})), true, [false, true, true, true, true]),
        (
            context(
                json!({"match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"prefix": "spiffe://cluster.local/ns/a/"}}]}),
            ),
            true,
            [false, true, false, false, false],
        ),
        (named.clone(), true, [false, true, false, false, false]),
        (pinned.clone(), true, [false, true, false, false, false]),
        // Whoever must have a name or a key must have a certificate, though the settings require none.
        (named, false, [false, true, false, false, false]),
        (pinned.clone(), false, [false, true, false, false, false]),
        (untrusted, false, [true, true, true, true, true]),
        (list(1), true, [false, true, false, false, false]),
        // Nobody knows what has been revoked since the list went out of date.
        (list(-1), true, [false, false, false, false, false]),
        (json!({"verify_certificate_hash": [hash(&bad.der)]}), true, [false, false, true, false, false]),
    ] {
        let socket = server(
            json!({"require_client_certificate": required}),
            json!({"tls_certificates": [own.inline()], "validation_context": validation}),
        );
        let plane = Plane::start(&[answering("hello", socket)], &[]);
        let address = plane.address("main");
        let dial = Dial::trusting(&authority);
        let everyone = [None, Some(&good), Some(&bad), Some(&expired), Some(&revoked)];
        let found = everyone.map(|own| {
            let dial = own.map_or_else(|| dial.clone(), |own| dial.clone().with(own));
            dial.get(address, "a.example").is_ok()
        });
        assert_eq!(found, admitted, "{validation} required: {required}");
    }
}

#[test]
fn the_origin_is_told_who_the_client_is() {
    let authority = Authority::new("root");
    let own = authority.sign(&["a.example", "spiffe://td/gateway"]);
    let client = authority.sign(&["client.example", "spiffe://td/client"]);
    let origin = Origin::mirror();
    let mut manager = forward(json!({}));
    manager["forward_client_cert_details"] = "SANITIZE_SET".into();
    manager["set_current_client_cert_details"] = json!({"subject": true, "uri": true, "dns": true});
    let mut listener = named_listener("main", 0, manager);
    listener["filter_chains"][0]["transport_socket"] = server(
        json!({"require_client_certificate": true}),
        json!({"tls_certificates": [own.inline()], "validation_context": {"trusted_ca": {"inline_string": authority.pem}}}),
    );
    let plane = Plane::start(&[listener], &[cluster(origin.address, json!({}))]);
    let seen = Dial::trusting(&authority).with(&client).get(plane.address("main"), "a.example").unwrap();
    let line =
        seen.lines().find(|line| line.starts_with("x-forwarded-client-cert: ")).unwrap_or_else(|| panic!("{seen}"));
    assert!(line.contains("By=spiffe://td/gateway;Hash="), "{line}");
    assert!(
        line.ends_with(r#";Subject="CN=client.example,O=Lateen\, Inc.";URI=spiffe://td/client;DNS=client.example"#),
        "{line}"
    );
}

/// Requests without a pause, one client on new connections and one on a kept one; each must be answered.
struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    clients: [std::thread::JoinHandle<()>; 2],
}

impl Load {
    fn start(dial: &Dial, address: SocketAddr) -> Load {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients = [true, false].map(|keep| {
            let (stop, served, dial) = (Arc::clone(&stop), Arc::clone(&served), dial.clone());
            std::thread::spawn(move || {
                let mut kept = dial.dial(address, "a.example").unwrap();
                while !stop.load(Ordering::SeqCst) {
                    if !keep {
                        kept = dial.dial(address, "a.example").unwrap();
                    }
                    assert_eq!(get(&mut kept, "a.example"), Ok("hello".to_owned()));
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Load { stop, served, clients }
    }

    /// Answers so far.
    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// Ends both clients; fails where one of them did.
    fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

#[test]
fn files_are_read_again_when_they_change_and_no_request_fails() {
    let authority = Authority::new("root");
    let folder = tempfile::tempdir().unwrap();
    let (chain_path, key_path) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let write = |certificate: &Certificate| {
        std::fs::write(&chain_path, &certificate.pem).unwrap();
        std::fs::write(&key_path, &certificate.key).unwrap();
    };
    let socket = server(
        json!({}),
        json!({"tls_certificates": [{
            "certificate_chain": {"filename": chain_path.to_str().unwrap()},
            "private_key": {"filename": key_path.to_str().unwrap()}}]}),
    );
    let plane = Plane::start(&[answering("hello", socket)], &[]);
    let address = plane.address("main");
    let dial = Dial::trusting(&authority);
    assert!(dial.dial(address, "a.example").is_err(), "there is no certificate yet");
    assert!(plane.fleet.certificates()[0].problem.as_ref().unwrap().contains("tls.crt: is not there"));

    write(&authority.sign(&["a.example"]));
    plane.fleet.look_at_files();
    assert_eq!(dial.get(address, "a.example"), Ok("hello".to_owned()));

    let load = Load::start(&dial, address);
    for _ in 0..20 {
        let before = load.served();
        let next = authority.sign(&["a.example"]);
        write(&next);
        plane.fleet.look_at_files();
        assert_eq!(dial.certificate(address, "a.example"), next.der, "new handshakes see the new certificate");
        until("requests go on", || load.served() > before + 4);
    }
    // What is bad is said, and the last good one serves on.
    let last = dial.certificate(address, "a.example");
    for (bad, words) in [
        ("no certificate", "holds no certificate"),
        (&authority.sign(&["a.example"]).pem, "is not for the private key"),
    ] {
        std::fs::write(&chain_path, bad).unwrap();
        plane.fleet.look_at_files();
        let problem = plane.fleet.certificates()[0].problem.clone().unwrap();
        assert!(problem.contains(words) && problem.contains("tls.crt"), "{problem}");
        assert_eq!(dial.certificate(address, "a.example"), last);
    }
    load.end();
}

#[test]
fn a_certificate_that_is_missing_refuses_its_own_chain_alone() {
    let authority = Authority::new("root");
    let missing = server(
        json!({}),
        json!({"tls_certificate_sds_secret_configs": [{"name": "kubernetes://lost", "sds_config": {"ads": {}}}]}),
    );
    let plane = Plane::start(
        &[
            with_chains(vec![
                chain("lost", json!({"server_names": ["lost.example"]}), missing),
                chain("a", json!({"server_names": ["a.example"]}), simple(&authority.sign(&["a.example"]))),
            ]),
            named_listener(
                "plain",
                free_port(),
                routes(json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])),
            ),
        ],
        &[],
    );
    let dial = Dial::trusting(&authority);
    assert!(dial.dial(plane.address("main"), "lost.example").is_err());
    assert_eq!(dial.get(plane.address("main"), "a.example"), Ok("a".to_owned()));
    let certificates = plane.fleet.certificates();
    assert!(
        certificates.iter().any(|one| one.problem.as_deref() == Some("secret kubernetes://lost is not there")),
        "{certificates:?}"
    );
}

#[test]
fn a_host_of_another_certificate_is_misdirected() {
    let authority = Authority::new("root");
    let both = authority.sign(&["a.example", "b.example"]);
    let hosting = |host: &str| {
        let routes = json!({"route_config": {"name": "r", "virtual_hosts": [{"name": "v", "domains": [host],
            "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]}});
        let mut chain = named_listener("main", 0, routes)["filter_chains"][0].clone();
        chain["filter_chain_match"] = json!({"server_names": [host]});
        chain["transport_socket"] = simple(&both);
        chain
    };
    let plane = Plane::start(&[with_chains(vec![hosting("a.example"), hosting("b.example")])], &[]);
    let mut session = Dial::trusting(&authority).dial(plane.address("main"), "a.example").unwrap();
    for (host, status) in [("a.example", "200"), ("b.example", "421"), ("c.example", "404")] {
        write!(session, "GET / HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let (head, _) = read_answer(&mut session).unwrap();
        assert_eq!(head.get(9..12), Some(status), "{host}: {head}");
    }
}

#[test]
fn clients_that_are_slow_or_speak_garbage_are_cut() {
    let authority = Authority::new("root");
    let mut chain = chain("a", json!({}), simple(&authority.sign(&["a.example"])));
    chain["transport_socket_connect_timeout"] = "0.2s".into();
    let mut inspected = chain.clone();
    inspected["filter_chain_match"] = json!({"server_names": ["a.example"]});
    let mut patient = with_chains(vec![inspected]);
    patient["name"] = "inspected".into();
    patient["address"]["socket_address"]["port_value"] = free_port().into();
    patient["listener_filters_timeout"] = "0.2s".into();
    let plane = Plane::start(&[with_chains(vec![chain]), patient], &[]);
    for listener in ["main", "inspected"] {
        for bytes in
            [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x04\x02\0\0\0"]
        {
            let mut client = Client::connect(plane.address(listener));
            client.stream.write_all(bytes).unwrap();
            // An alert may come before the end.
            client.drain();
        }
    }
    until("all are gone", || plane.fleet.active_connections() == 0);
}

/// Tables with these secrets beside.
fn with_secrets(listeners: &[Value], secrets: &[Value]) -> Arc<lateen_proxy_core::ir::Tables> {
    use lateen_envoy_api::{json, type_url, v3};
    use lateen_proxy_core::decode::{Resource, Update, apply, version_of};
    let bodies: Vec<_> = secrets
        .iter()
        .map(|one| lateen_envoy_api::pack(&json::decode_value::<v3::tls::Secret>(one).unwrap()))
        .collect();
    let added: Vec<_> = bodies.iter().map(|body| Resource { name: "", version: version_of(body), body }).collect();
    let update = Update { type_url: type_url::SECRET, added: &added, removed: &[] };
    let applied = apply(&plane::tables(listeners, &[]), update);
    assert!(applied.rejected.is_empty(), "{:?}", applied.rejected);
    Arc::new(applied.tables)
}

#[test]
fn secrets_rotate_under_load_and_their_loss_closes_their_port_alone() {
    let authority = Authority::new("root");
    let socket = server(
        json!({"require_client_certificate": true}),
        json!({
            "tls_certificate_sds_secret_configs": [{"name": "own", "sds_config": {"ads": {}}}],
            "validation_context_sds_secret_config": {"name": "roots", "sds_config": {"ads": {}}}}),
    );
    let listeners = [
        answering("hello", socket),
        named_listener(
            "plain",
            free_port(),
            routes(json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])),
        ),
    ];
    let secret = |certificate: &Certificate| json!({"name": "own", "tls_certificate": certificate.inline()});
    let roots = json!({"name": "roots", "validation_context": {"trusted_ca": {"inline_string": authority.pem}}});
    let plane = Plane::start(&[], &[]);
    let serve = |secrets: &[Value]| assert!(plane.fleet.apply(with_secrets(&listeners, secrets)).is_empty());
    serve(&[secret(&authority.sign(&["a.example"])), roots.clone()]);
    let address = plane.address("main");
    let dial = Dial::trusting(&authority).with(&authority.sign(&["client.example"]));
    assert_eq!(dial.get(address, "a.example"), Ok("hello".to_owned()));
    assert!(Dial::trusting(&authority).get(address, "a.example").is_err(), "without a certificate");

    let load = Load::start(&dial, address);
    for _ in 0..200 {
        let before = load.served();
        let next = authority.sign(&["a.example"]);
        serve(&[secret(&next), roots.clone()]);
        assert_eq!(dial.certificate(address, "a.example"), next.der, "new handshakes see the new certificate");
        until("requests go on", || load.served() > before + 1);
    }
    let last = dial.certificate(address, "a.example");
    let mixed = Certificate { key: authority.sign(&["a.example"]).key, ..authority.sign(&["a.example"]) };
    let expired = authority.sign_with(&["a.example"], Key::Ecdsa, ended);
    for (own, wrong) in [(&mixed, "bad"), (&expired, "expired")] {
        let revoked = authority.sign(&["client.example"]);
        let mut checked = roots.clone();
        checked["validation_context"]["crl"] = json!({"inline_string": authority.revoke(&[&revoked], 1)});
        serve(&[secret(own), checked]);
        let revoked = Dial::trusting(&authority).with(&revoked).get(address, "a.example");
        assert!(revoked.is_err(), "revoked while the server's own certificate is {wrong}");
        assert_eq!(dial.certificate(address, "a.example"), last, "what is {wrong} takes nobody's place");
    }
    load.end();
    serve(&[roots]);
    assert!(dial.dial(address, "a.example").is_err(), "the secret is gone");
    assert_eq!(Client::connect(plane.address("plain")).get("/").status(), 200);
}

#[test]
fn a_thousand_hosts_have_a_thousand_certificates() {
    let authority = Authority::new("root");
    let own: Vec<(String, Certificate)> = (0..1000)
        .map(|index| {
            let name = format!("host-{index}.example");
            let certificate = authority.sign(&[&name]);
            (name, certificate)
        })
        .collect();
    let chains = own.iter().map(|(name, own)| chain(name, json!({"server_names": [name]}), simple(own))).collect();
    let plane = Plane::start(&[with_chains(chains)], &[]);
    let dial = Dial::trusting(&authority);
    for (name, own) in own.iter().step_by(97) {
        assert_eq!(dial.certificate(plane.address("main"), name), own.der);
        assert_eq!(dial.get(plane.address("main"), name), Ok(name.clone()));
    }
}

#[test]
fn no_bytes_in_place_of_a_handshake_break_a_worker() {
    let authority = Authority::new("root");
    let plane = Plane::start(&[answering("hello", simple(&authority.sign(&["a.example"])))], &[]);
    let address = plane.address("main");
    let name = || rustls::pki_types::ServerName::try_from("a.example").unwrap();
    let dial = Dial::trusting(&authority);
    let mut hello = Vec::new();
    rustls::ClientConnection::new(dial.config(), name()).unwrap().write_tls(&mut hello).unwrap();
    let body = &hello[5..];
    for round in 0..300 {
        let (at, value) = (rand::random_range(0..hello.len()), rand::random::<u8>());
        let mut bytes = hello.clone();
        match round % 4 {
            0 => bytes[at] = value,
            1 => bytes.truncate(at),
            // The same in small records, one of them broken.
            2 => {
                let size = 1 + at % 40;
                bytes = body.chunks(size).flat_map(|part| [&[22, 3, 1, 0, part.len() as u8], part].concat()).collect();
                let last = bytes.len() - 1;
                bytes[at.min(last)] = value;
            }
            // A second message begins and does not end.
            _ => bytes.extend([22, 3, 3, 0, 5, value, 0, 0, 9, 1]),
        }
        let mut client = Client::connect(address);
        let _ = client.stream.write_all(&bytes);
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        client.drain();
    }
    // And garbage on a session that is open.
    for round in 0..60 {
        let mut session = dial.dial(address, "a.example").unwrap();
        let garbage: Vec<u8> = (0..rand::random_range(1..200)).map(|_| rand::random()).collect();
        let record = [&[20 + (round % 5) as u8, 3, 3, 0, garbage.len() as u8], &garbage[..]].concat();
        session.sock.write_all(&record).unwrap();
        session.sock.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = std::io::copy(&mut session.sock, &mut std::io::sink());
    }
    assert_eq!(plane.stat("listener.127.0.0.1_0.downstream_cx_panic"), 0);
    assert_eq!(dial.get(address, "a.example"), Ok("hello".to_owned()));
}

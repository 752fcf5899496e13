use crate::{Input, Snapshot};
use lateen_config::Severity;
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use std::collections::BTreeMap;

/// Keys and values of a Secret.
type Values<'a> = &'a [(&'a str, &'a str)];

const GATEWAY: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: default}\n\
    spec:\n  selector: {istio: ingressgateway}\n  servers:\n  - port: {number: 443, name: https, protocol: HTTPS}\n    \
    hosts: [a.example]\n    tls: {mode: SIMPLE, credentialName: one}\n---\n";

fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn secret(namespace: &str, name: &str, kind: &str, values: Values<'_>) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ntype: {kind}\nstringData:\n"
    );
    for (key, value) in values {
        text += &format!("  {key}: |\n    {}\n", value.trim_end().replace('\n', "\n    "));
    }
    text + "---\n"
}

fn build(text: &str, previous: Option<&Snapshot>) -> (Snapshot, Vec<lateen_config::Finding>) {
    let objects = lateen_config::decode("a.yaml", text).objects.into_iter().map(Into::into).collect();
    Snapshot::build(&Input { objects, previous: previous.cloned(), now: Some(1_800_000_000), ..Input::default() })
}

fn messages(findings: &[lateen_config::Finding]) -> Vec<String> {
    let mut out: Vec<String> = findings
        .iter()
        .filter(|f| f.object.as_ref().is_some_and(|o| o.kind == "Secret"))
        .map(|f| f.message.clone())
        .collect();
    out.sort();
    out
}

#[test]
fn keys_of_both_forms_are_read() {
    let (cert, key) = certificate();
    let cases: [(&str, Values<'_>, bool, bool); 5] = [
        ("kubernetes.io/tls", &[("tls.crt", &cert), ("tls.key", &key)], true, false),
        ("kubernetes.io/tls", &[("tls.crt", &cert), ("tls.key", &key), ("ca.crt", &cert)], true, true),
        ("Opaque", &[("cert", &cert), ("key", &key), ("cacert", &cert)], true, true),
        ("Opaque", &[("ca.crt", &cert)], false, true),
        ("Opaque", &[("password", "secret")], false, false),
    ];
    for (kind, values, pair, roots) in cases {
        let (world, _) = build(&(GATEWAY.to_owned() + &secret("istio-system", "one", kind, values)), None);
        let credentials = &world.credentials;
        assert_eq!(credentials.pair("istio-system", "kubernetes://one").is_some(), pair, "{kind} {values:?}");
        assert_eq!(credentials.roots("istio-system", "kubernetes://one-cacert").is_some(), roots, "{kind} {values:?}");
        assert!(credentials.pair("default", "kubernetes://one").is_none(), "another namespace");
        assert!(credentials.pair("default", "kubernetes://istio-system/one").is_none(), "another namespace, named");
    }
}

#[test]
fn a_secret_for_roots_wins_over_roots_beside_the_certificate() {
    let ((cert, key), (other, _)) = (certificate(), certificate());
    let pair = secret("istio-system", "one", "Opaque", &[("cert", &cert), ("key", &key), ("cacert", &cert)]);
    let apart = secret("istio-system", "one-cacert", "Opaque", &[("cacert", &other)]);
    let (world, _) = build(&(GATEWAY.to_owned() + &pair + &apart), None);
    let roots = world.credentials.roots("istio-system", "kubernetes://one-cacert").unwrap();
    assert_eq!(String::from_utf8_lossy(&roots.certificates).trim(), other.trim());
}

#[test]
fn mistakes_name_the_secret_the_key_and_the_line() {
    let ((cert, key), (_, other)) = (certificate(), certificate());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let cases: [(Values<'_>, &str, &str); 6] = [
        (&[("tls.crt", &cert)], "", "`tls.key` is missing or empty"),
        (&[("tls.crt", "nothing"), ("tls.key", &key)], "stringData[tls.crt]", "`tls.crt` holds no PEM certificate"),
        (&[("tls.crt", broken), ("tls.key", &key)], "stringData[tls.crt]", "malformed"),
        (&[("tls.crt", &cert), ("tls.key", "nothing")], "stringData[tls.key]", "holds no PEM private key"),
        (&[("tls.crt", &cert), ("tls.key", &other)], "stringData[tls.key]", "not the private key"),
        (&[("tls.crt", &cert), ("tls.key", &key), ("ca.crt", "x")], "stringData[ca.crt]", "no PEM certificate"),
    ];
    for (values, path, message) in cases {
        let (_, findings) =
            build(&(GATEWAY.to_owned() + &secret("istio-system", "one", "kubernetes.io/tls", values)), None);
        let finding = findings.iter().find(|f| f.message.contains(message)).unwrap_or_else(|| panic!("{findings:#?}"));
        assert_eq!((finding.path.as_str(), finding.severity), (path, Severity::Error), "{message}");
        assert_eq!(finding.object.as_ref().map(|o| o.name.as_str()), Some("one"));
        assert!(finding.place.line > 10, "{finding:?}");
    }
}

#[test]
fn the_last_good_form_keeps_serving_until_the_secret_is_deleted() {
    let ((cert, key), (_, other)) = (certificate(), certificate());
    let good = GATEWAY.to_owned()
        + &secret("istio-system", "one", "kubernetes.io/tls", &[("tls.crt", &cert), ("tls.key", &key)]);
    let bad = GATEWAY.to_owned()
        + &secret("istio-system", "one", "kubernetes.io/tls", &[("tls.crt", &cert), ("tls.key", &other)]);
    let (first, findings) = build(&good, None);
    assert_eq!(messages(&findings), Vec::<String>::new());
    let (second, _) = build(&bad, Some(&first));
    let (third, findings) = build(&bad, Some(&second));
    let pair = |world: &Snapshot| world.credentials.pair("istio-system", "kubernetes://one").cloned();
    assert!(pair(&first).is_some());
    assert_eq!(pair(&third), pair(&first));
    assert_eq!(messages(&findings).len(), 1, "{findings:#?}");
    let (last, _) = build(GATEWAY, Some(&third));
    assert_eq!(pair(&last), None);
}

#[test]
fn expired_certificates_are_served_with_a_warning() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let cert = params.self_signed(&key).unwrap().pem();
    let values: BTreeMap<&str, String> = [("tls.crt", cert), ("tls.key", key.serialize_pem())].into();
    let values: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let (world, findings) =
        build(&(GATEWAY.to_owned() + &secret("istio-system", "one", "kubernetes.io/tls", &values)), None);
    assert!(world.credentials.pair("istio-system", "kubernetes://one").is_some());
    assert_eq!(messages(&findings), ["a certificate has expired"]);
}

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

/// A list of version 1, as openssl writes it without `crlnumber`; up to date until 2049.
const OLD_LIST: &str = "-----BEGIN X509 CRL-----\nMD4wLDAKBggqhkjOPQQDAjAAFw0yMDAxMDEwMDAwMDBaFw00OTAxMDEwMDAwMDBa\nMAoGCCqGSM49BAMCAwIAAA==\n-----END X509 CRL-----\n";

/// A list of January 2027, in the middle of which these tests live, up to date until `day`.
fn list(day: u8) -> String {
    let params = rcgen::CertificateRevocationListParams {
        this_update: date_time_ymd(2027, 1, 1),
        next_update: date_time_ymd(2027, 1, day),
        crl_number: 1_u64.into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let issuer = rcgen::Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    params.signed_by(&issuer).unwrap().pem().unwrap()
}

#[test]
fn lists_of_revoked_certificates_are_read() {
    let (cert, _) = certificate();
    let malformed = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    for (list, kept, message) in [
        (list(30).as_str(), true, ""),
        (&list(10), true, "a list of revoked certificates is out of date"),
        (OLD_LIST, true, "a list of revoked certificates has no extensions"),
        ("nothing", false, "`ca.crl` holds no PEM list of revoked certificates"),
        (malformed, false, "`ca.crl` holds a malformed list of revoked certificates"),
    ] {
        let secret = secret("istio-system", "one", "Opaque", &[("ca.crt", &cert), ("ca.crl", list)]);
        let (world, findings) = build(&(GATEWAY.to_owned() + &secret), None);
        let roots = world.credentials.roots("istio-system", "kubernetes://one-cacert");
        assert_eq!(roots.is_some_and(|roots| roots.revoked.is_some()), kept, "{list}");
        match (messages(&findings).as_slice(), message) {
            ([], "") => {}
            ([one], message) => assert!(!message.is_empty() && one.starts_with(message), "{list}: {one}"),
            (others, _) => panic!("{list}: {others:#?}"),
        }
    }
}

#[test]
fn an_encrypted_key_is_called_so() {
    let (cert, key) = certificate();
    let body = key.lines().nth(1).unwrap();
    for key in [
        format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n"),
        format!("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{body}\n-----END EC PRIVATE KEY-----\n"),
    ] {
        let secret = secret("istio-system", "one", "kubernetes.io/tls", &[("tls.crt", &cert), ("tls.key", &key)]);
        let (_, findings) = build(&(GATEWAY.to_owned() + &secret), None);
        assert_eq!(messages(&findings), ["`tls.key` is encrypted with a password, which nobody is there to enter"]);
    }
}

#[test]
fn rules_whose_secret_is_not_there_are_told() {
    let (cert, key) = certificate();
    let secret = |namespace, values| secret(namespace, "one", "Opaque", values);
    let (roots, pair) = ([("ca.crt", cert.as_str())], [("tls.crt", cert.as_str()), ("tls.key", &key)]);
    let both = [roots.as_slice(), &pair].concat();
    for (tls, secret, found) in [
        ("{mode: SIMPLE, credentialName: one}", String::new(), "no Secret istio-system/one with roots is there"),
        ("{mode: SIMPLE, credentialName: one}", secret("istio-system", &roots), ""),
        ("{mode: SIMPLE, credentialName: one}", secret("default", &roots), "no Secret istio-system/one with roots"),
        ("{mode: SIMPLE, credentialName: default/one}", secret("default", &roots), "no Secret default/one with roots"),
        (
            "{mode: MUTUAL, credentialName: one}",
            secret("istio-system", &roots),
            "with a certificate, its key and roots",
        ),
        ("{mode: MUTUAL, credentialName: one}", secret("istio-system", &both), ""),
        ("{mode: MUTUAL, credentialName: one, insecureSkipVerify: true}", secret("istio-system", &pair), ""),
    ] {
        let rule = format!(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: r, namespace: default}}\n\
             spec:\n  host: api.example\n  trafficPolicy: {{portLevelSettings: [{{port: {{number: 443}}, tls: {tls}}}]}}\n---\n"
        );
        let gateway = GATEWAY.replace("tls: {mode: SIMPLE, credentialName: one}", "tls: {mode: PASSTHROUGH}");
        let (_, findings) = build(&(gateway + &rule + &secret), None);
        let told: Vec<_> = findings.iter().filter(|f| f.path.contains("credentialName")).collect();
        match (told.as_slice(), found) {
            ([], "") => {}
            ([one], found) => {
                assert_eq!(one.path, "spec.trafficPolicy.portLevelSettings[0].tls.credentialName");
                assert!(!found.is_empty() && one.message.contains(found), "{tls} {secret}: {}", one.message);
            }
            (others, _) => panic!("{tls} {secret}: {others:#?}"),
        }
    }
}

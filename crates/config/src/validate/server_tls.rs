//! TLS of a server: one source of certificates, and what each mode needs.

use std::collections::BTreeSet;

use crate::decode::context::shorten;
use crate::kinds::tls_settings::{ServerTlsMode, ServerTlsSettings, TlsProtocol};
use crate::validate::Check;

/// Cipher suites that BoringSSL knows up to TLS 1.2, as Istio lists them.
const CIPHERS: &[&str] = &[
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-SHA256",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ALL",
];

/// Whether a name is one of a cipher suite up to TLS 1.2; proxies refuse a server that names any other.
pub fn is_cipher_suite(name: &str) -> bool {
    CIPHERS.contains(&name)
}

/// Curves that BoringSSL knows by these names.
const CURVES: [&str; 10] = [
    "X25519",
    "P-256",
    "P-384",
    "P-521",
    "P-224",
    "prime256v1",
    "secp384r1",
    "secp521r1",
    "X25519MLKEM768",
    "X25519Kyber768Draft00",
];

/// Whether a name is one of a curve; proxies close a server that names any other.
pub fn is_ecdh_curve(name: &str) -> bool {
    CURVES.contains(&name)
}

/// Judges `tls` of a server.
pub(crate) fn server_tls(check: &mut Check<'_, '_>, tls: &ServerTlsSettings) {
    ciphers(check, tls);
    pins(check, tls);
    match tls.mode {
        ServerTlsMode::IstioMutual => return no_certificates(check, tls),
        ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough => {
            if let Some((field, _)) = certificates(tls).into_iter().find(|(_, given)| *given) {
                let message = format!("{} uses no certificates", tls.mode);
                check.field(field, |check| check.warning(message, "remove it, or set `mode: SIMPLE`"));
            }
        }
        ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual => {}
    }
    one_source(check, tls);
    let from_secret = !tls.credential_name.is_empty() || !tls.credential_names.is_empty();
    let terminates = matches!(tls.mode, ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual);
    if !(from_secret && terminates) {
        if terminates {
            files(check, tls);
        }
        if !tls.ca_crl.is_empty() && tls.mode == ServerTlsMode::Simple {
            check.field("ca_crl", |check| {
                check.error("SIMPLE asks for no client certificate", "remove it, or set `mode: MUTUAL`")
            });
        }
    }
}

fn certificates(tls: &ServerTlsSettings) -> [(&'static str, bool); 6] {
    [
        ("server_certificate", !tls.server_certificate.is_empty()),
        ("private_key", !tls.private_key.is_empty()),
        ("ca_certificates", !tls.ca_certificates.is_empty()),
        ("tls_certificates", !tls.tls_certificates.is_empty()),
        ("credential_name", !tls.credential_name.is_empty()),
        ("credential_names", !tls.credential_names.is_empty()),
    ]
}

fn no_certificates(check: &mut Check<'_, '_>, tls: &ServerTlsSettings) {
    for (field, given) in certificates(tls) {
        if given {
            check.field(field, |check| {
                check.error("ISTIO_MUTUAL uses the certificates of the mesh", "remove it, or set `mode: MUTUAL`")
            });
        }
    }
}

fn one_source(check: &mut Check<'_, '_>, tls: &ServerTlsSettings) {
    let sources = [
        ("server_certificate", !tls.server_certificate.is_empty() && !tls.private_key.is_empty()),
        ("credential_name", !tls.credential_name.is_empty()),
        ("credential_names", check.has("credential_names")),
        ("tls_certificates", check.has("tls_certificates")),
    ];
    let given: Vec<&str> = sources.iter().filter(|(_, given)| *given).map(|(field, _)| *field).collect();
    if let [_, .., last] = given.as_slice() {
        check.field(last, |check| {
            check.error(
                "the certificate is given twice",
                "keep one of `credentialName`, `credentialNames`, `tlsCertificates`, and `serverCertificate` with `privateKey`",
            );
        });
    }
    for (field, length) in
        [("credential_names", tls.credential_names.len()), ("tls_certificates", tls.tls_certificates.len())]
    {
        if check.has(field) && !(1..=2).contains(&length) {
            check.field(field, |check| {
                check.error(format!("one or two stand here, not {length}"), "one for each key type, RSA and ECDSA")
            });
        }
    }
}

fn files(check: &mut Check<'_, '_>, tls: &ServerTlsSettings) {
    if tls.mode != ServerTlsMode::Simple && tls.ca_certificates.is_empty() {
        let message = format!("{} needs roots for client certificates", tls.mode);
        check.error(message, "write `credentialName` of a Secret with `ca.crt`, or `caCertificates`");
    }
    let missing = |check: &mut Check<'_, '_>, certificate: &str, key: &str| {
        let (what, hint) = match (certificate.is_empty(), key.is_empty()) {
            (true, true) => ("a certificate", "write `credentialName` of a Secret with `tls.crt` and `tls.key`"),
            (true, false) => ("a certificate for this key", "write `serverCertificate`"),
            (false, true) => ("a key for this certificate", "write `privateKey`"),
            (false, false) => return,
        };
        check.error(format!("{} needs {what}", tls.mode), hint);
    };
    if tls.tls_certificates.is_empty() {
        missing(check, &tls.server_certificate, &tls.private_key);
    }
    check.each("tls_certificates", &tls.tls_certificates, |check, one| {
        missing(check, &one.server_certificate, &one.private_key);
    });
}

fn ciphers(check: &mut Check<'_, '_>, tls: &ServerTlsSettings) {
    let mut seen = BTreeSet::new();
    check.each("cipher_suites", &tls.cipher_suites, |check, cipher| {
        if !is_cipher_suite(cipher) {
            check.warning(format!("`{}` is no cipher suite and is passed over", shorten(cipher)), "");
        } else if !seen.insert(cipher) {
            check.warning(format!("`{cipher}` is here already"), "remove one of the two");
        }
    });
    check.each("ecdh_curves", &tls.ecdh_curves, |check, curve| {
        if !is_ecdh_curve(curve) {
            check.warning(format!("`{}` is no curve and is passed over", shorten(curve)), "");
        }
    });
    if matches!(tls.max_protocol_version, TlsProtocol::Tlsv10 | TlsProtocol::Tlsv11) {
        check.field("max_protocol_version", |check| {
            let hint = "leave it out, or set TLSV1_2 or TLSV1_3";
            check.warning("lateen's proxy speaks no version before 1.2 and closes these connections", hint);
        });
    }
    let old = matches!(tls.min_protocol_version, TlsProtocol::Tlsv10 | TlsProtocol::Tlsv11);
    if old && tls.cipher_suites.is_empty() {
        check.field("min_protocol_version", |check| {
            check.warning("no default cipher suite goes with so old a version", "name `cipherSuites` that do");
        });
    }
    let versions = (tls.min_protocol_version, tls.max_protocol_version);
    if versions.1 != TlsProtocol::TlsAuto && versions.0 > versions.1 {
        check.field("min_protocol_version", |check| {
            check.warning("the oldest version is newer than the newest", "swap the two")
        });
    }
}

/// Hashes have the lengths that Envoy demands (`CertificateValidationContext`).
fn pins(check: &mut Check<'_, '_>, tls: &ServerTlsSettings) {
    check.each("verify_certificate_spki", &tls.verify_certificate_spki, |check, pin| {
        if pin.len() != 44 {
            check.error("this is no SHA-256 in base64", "it has 44 characters");
        }
    });
    check.each("verify_certificate_hash", &tls.verify_certificate_hash, |check, pin| {
        if !(64..=95).contains(&pin.len()) {
            check.error("this is no SHA-256 in hex", "it has 64 digits, with or without colons between");
        }
    });
}

//! Whether the bytes of a Secret are what a proxy can serve: PEM that parses, a key that signs for the certificate.
//! In: a Secret. Out: a pair and roots, each absent, good or bad. Nothing here knows the time.

use super::{Holds, KeyPair, Lifetime, Part, Problem, Roots};
use lateen_config::Secret;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::sync::Arc;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate, X509Version};

/// Names of the keys of a pair, in the order in which they are looked for (Istio `ExtractCertInfo`).
const PAIRS: [(&str, &str); 2] = [("cert", "key"), ("tls.crt", "tls.key")];
/// The same for roots and revocation lists (Istio `extractRoot`).
const ROOTS: [(&str, &str); 2] = [("cacert", "crl"), ("ca.crt", "ca.crl")];

/// The certificate and key of a Secret.
pub fn pair(secret: &Secret) -> Part<KeyPair> {
    let value = |key| secret.value(key).filter(|value| !value.is_empty());
    let both = PAIRS.iter().find(|(cert, key)| value(cert).is_some() && value(key).is_some());
    let any = PAIRS.iter().find(|(cert, key)| secret.value(cert).is_some() || secret.value(key).is_some());
    let Some(&(cert, key)) = both.or(any) else {
        return match secret.r#type.as_str() {
            "kubernetes.io/tls" => Part::Bad(problem("tls.crt", "the Secret has no `tls.crt`")),
            _ => Part::Absent,
        };
    };
    let (Some(chain), Some(private)) = (value(cert), value(key)) else {
        let missing = if value(cert).is_none() { cert } else { key };
        return Part::Bad(problem(missing, format!("`{missing}` is missing or empty")));
    };
    match matching(cert, chain, key, private) {
        Err(problem) => Part::Bad(problem),
        Ok(lifetime) => Part::Good(
            Arc::new(KeyPair {
                certificate_chain: chain.to_vec(),
                private_key: private.to_vec(),
                ocsp_staple: value("tls.ocsp-staple").map(<[u8]>::to_vec),
            }),
            vec![lifetime],
        ),
    }
}

/// The roots of a Secret.
pub fn roots(secret: &Secret) -> Part<Roots> {
    let value = |key| secret.value(key).filter(|value| !value.is_empty());
    let Some(&(key, list)) = ROOTS.iter().find(|(key, _)| value(key).is_some()) else { return Part::Absent };
    let bytes = value(key).unwrap_or_default();
    let revoked = value(list);
    let checked = certificates(key, bytes).and_then(|(_, lifetime)| {
        let mut lifetimes = vec![lifetime];
        if let Some(pem) = revoked {
            lifetimes.push(revocations(list, pem)?);
        }
        Ok(lifetimes)
    });
    match checked {
        Err(problem) => Part::Bad(problem),
        Ok(lifetimes) => {
            let roots = Roots { certificates: bytes.to_vec(), revoked: revoked.map(<[u8]>::to_vec) };
            Part::Good(Arc::new(roots), lifetimes)
        }
    }
}

/// The time in which all lists of revoked certificates are up to date.
fn revocations(key: &'static str, pem: &[u8]) -> Result<Lifetime, Problem> {
    let mut lifetime = Lifetime { key, holds: Holds::Revocations, from: i64::MIN, to: i64::MAX };
    let mut any = false;
    for der in CertificateRevocationListDer::pem_slice_iter(pem) {
        let der = der.map_err(|error| problem(key, format!("`{key}` is not PEM: {error}")))?;
        let (_, parsed) = CertificateRevocationList::from_der(&der).map_err(|error| {
            problem(key, format!("`{key}` holds a malformed list of revoked certificates: {error}"))
        })?;
        lifetime.from = lifetime.from.max(parsed.last_update().timestamp());
        lifetime.to = lifetime.to.min(parsed.next_update().map_or(i64::MAX, |time| time.timestamp()));
        let full = parsed.version() == Some(X509Version::V2) && !parsed.extensions().is_empty();
        if !full {
            lifetime.holds = Holds::OldRevocations;
        }
        any = true;
    }
    if any { Ok(lifetime) } else { Err(problem(key, format!("`{key}` holds no PEM list of revoked certificates"))) }
}

/// The first certificate and the lifetime of all.
fn certificates(key: &'static str, pem: &[u8]) -> Result<(CertificateDer<'static>, Lifetime), Problem> {
    let mut first = None;
    let mut lifetime = Lifetime { key, holds: Holds::Certificates, from: i64::MIN, to: i64::MAX };
    for der in CertificateDer::pem_slice_iter(pem) {
        let der = der.map_err(|error| problem(key, format!("`{key}` is not PEM: {error}")))?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|error| problem(key, format!("`{key}` holds a malformed certificate: {error}")))?;
        let validity = parsed.validity();
        lifetime.from = lifetime.from.max(validity.not_before.timestamp());
        lifetime.to = lifetime.to.min(validity.not_after.timestamp());
        first.get_or_insert(der);
    }
    match first {
        Some(first) => Ok((first, lifetime)),
        None => Err(problem(key, format!("`{key}` holds no PEM certificate"))),
    }
}

fn matching(cert: &'static str, chain: &[u8], key: &'static str, private: &[u8]) -> Result<Lifetime, Problem> {
    let (leaf, lifetime) = certificates(cert, chain)?;
    // The text of these errors never holds a byte of the key.
    if is_encrypted(private) {
        return Err(Problem {
            key,
            message: format!("`{key}` is encrypted with a password, which nobody is there to enter"),
            hint: Some("write it without one: openssl pkey -in KEY -out PLAIN".to_owned()),
        });
    }
    let private = PrivateKeyDer::from_pem_slice(private)
        .map_err(|_| problem(key, format!("`{key}` holds no PEM private key")))?;
    let signer = any_supported_type(&private)
        .map_err(|_| problem(key, format!("`{key}` is a private key of a kind that no proxy serves")))?;
    let (_, parsed) = X509Certificate::from_der(&leaf)
        .map_err(|error| problem(cert, format!("`{cert}` holds a malformed certificate: {error}")))?;
    match signer.public_key() {
        Some(public) if *public != *parsed.public_key().raw => Err(Problem {
            key,
            message: format!("`{key}` is not the private key of the first certificate in `{cert}`"),
            hint: Some("write the certificate of the server first, then those that signed it".to_owned()),
        }),
        _ => Ok(lifetime),
    }
}

/// Of PKCS #8, or with the headers of RFC 1421.
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line == "-----BEGIN ENCRYPTED PRIVATE KEY-----" || line == "Proc-Type: 4,ENCRYPTED")
}

fn problem(key: &'static str, message: impl Into<String>) -> Problem {
    Problem { key, message: message.into(), hint: None }
}

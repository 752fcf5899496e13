//! Whether the bytes of a Secret are what a proxy can serve: PEM that parses, a key that signs for the certificate.
//! In: a Secret. Out: a pair and roots, each absent, good or bad. Nothing here knows the time.

use super::{KeyPair, Lifetime, Part, Problem, Roots};
use lateen_config::Secret;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, X509Certificate};

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
            lifetime,
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
        for one in revoked.iter().flat_map(|bytes| CertificateRevocationListDer::pem_slice_iter(bytes)) {
            one.map_err(|error| problem(list, format!("`{list}` is no list of revoked certificates: {error}")))?;
        }
        Ok(lifetime)
    });
    match checked {
        Err(problem) => Part::Bad(problem),
        Ok(lifetime) => {
            Part::Good(Arc::new(Roots { certificates: bytes.to_vec(), revoked: revoked.map(<[u8]>::to_vec) }), lifetime)
        }
    }
}

/// The first certificate and the lifetime of all.
fn certificates(key: &'static str, pem: &[u8]) -> Result<(CertificateDer<'static>, Lifetime), Problem> {
    let mut first = None;
    let mut lifetime = Lifetime { key: key.to_owned(), from: i64::MIN, to: i64::MAX };
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

fn problem(key: &'static str, message: impl Into<String>) -> Problem {
    Problem { key, message: message.into(), hint: None }
}

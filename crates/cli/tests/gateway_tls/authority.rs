//! Certificates for one test: an authority, and pairs that it signed.
//! In: names. Out: PEM and DER; nothing is kept on disk.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, SignatureAlgorithm};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that clients and servers trust.
pub struct Authority {
    pub pem: String,
    pub der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Pair {
    pub certificate: String,
    pub key: String,
    pub der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A new pair for these names (DNS names, and identities `spiffe://…`), with an ECDSA key.
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_with(names, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub fn issue_with(&self, names: &[&str], algorithm: &'static SignatureAlgorithm) -> Pair {
        let names: Vec<&str> = names.to_vec();
        let (identities, names): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.contains("://"));
        let mut params = CertificateParams::new(names.into_iter().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let identities = identities.into_iter().map(|name| SanType::URI(name.try_into().unwrap()));
        params.subject_alt_names.splice(0..0, identities);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
            key_der: key.serialize_der(),
        }
    }
}

impl Pair {
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key_der.clone()).into()
    }

    /// A Secret of namespace `istio-system`, with further keys.
    pub fn secret(&self, name: &str, more: &[(&str, &str)]) -> String {
        let values = [("tls.crt", self.certificate.as_str()), ("tls.key", self.key.as_str())];
        secret(name, "kubernetes.io/tls", &[&values, more].concat())
    }
}

/// A Secret of namespace `istio-system`.
pub fn secret(name: &str, kind: &str, values: &[(&str, &str)]) -> String {
    let mut out = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: istio-system}}\ntype: {kind}\nstringData:\n"
    );
    for (key, value) in values {
        out += &format!("  {key}: |\n    {}\n", value.trim_end().replace('\n', "\n    "));
    }
    out
}

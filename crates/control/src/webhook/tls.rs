//! The certificate that the webhook shows to the API server.
//! In: PEM of a chain and of its key. Out: TLS settings whose certificate can be swapped while they serve.
//! Never here: files, sockets; client certificates are not asked for.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig, version};

/// The certificate of every new handshake.
pub(crate) struct Current {
    provider: Arc<CryptoProvider>,
    certified: ArcSwap<CertifiedKey>,
}

impl Current {
    /// Starts with a certificate chain and its key, both in PEM.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn new(chain: &[u8], key: &[u8]) -> Result<Current, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certified = ArcSwap::from_pointee(certified(chain, key, &provider)?);
        Ok(Current { provider, certified })
    }

    /// Shows another certificate from the next handshake on; connections stay as they are.
    ///
    /// # Errors
    /// What is wrong with it; then the one before stays.
    pub(crate) fn swap(&self, chain: &[u8], key: &[u8]) -> Result<(), String> {
        self.certified.store(Arc::new(certified(chain, key, &self.provider)?));
        Ok(())
    }

    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1. Sessions are not resumed: a resumed one would outlive its certificate.
    ///
    /// # Errors
    /// [`rustls::Error`] when the provider of cryptography lacks what these versions need.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Current")
    }
}

/// A chain with its key: both are there, both are valid, and they belong together.
fn certified(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate is no valid PEM: {error}"))?;
    if chain.is_empty() {
        return Err("the certificate's file holds no certificate in PEM".to_owned());
    }
    if key.windows(9).any(|part| part == b"ENCRYPTED") {
        return Err("the key is encrypted; store it without a password".to_owned());
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("the key's file holds no private key: {error}"))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| "the key is not of a kind known here (RSA, ECDSA P-256, P-384 or P-521, Ed25519)".to_owned())?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err("the certificate is not for this private key".to_owned()),
        Err(error) => Err(format!("the certificate is not valid: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Current;
    use rcgen::generate_simple_self_signed;

    #[test]
    fn a_pair_that_does_not_fit_is_refused_with_its_reason() {
        let pair = || {
            let made = generate_simple_self_signed(["istiod.istio-system.svc".to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        };
        let ((chain, key), (other_chain, other_key)) = (pair(), pair());
        let current = Current::new(chain.as_bytes(), key.as_bytes()).unwrap();
        for (chain, key, expected) in [
            (chain.as_str(), other_key.as_str(), "not for this private key"),
            ("", key.as_str(), "holds no certificate"),
            (key.as_str(), key.as_str(), "holds no certificate"),
            (&chain[..chain.len() / 2], key.as_str(), "no valid PEM"),
            (chain.as_str(), chain.as_str(), "holds no private key"),
            (chain.as_str(), "", "holds no private key"),
            (chain.as_str(), "-----BEGIN ENCRYPTED PRIVATE KEY-----", "without a password"),
        ] {
            let reason = current.swap(chain.as_bytes(), key.as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{expected}: {reason}");
        }
        let before = current.certified.load_full();
        assert!(current.swap(other_chain.as_bytes(), key.as_bytes()).is_err());
        assert!(std::sync::Arc::ptr_eq(&before, &current.certified.load_full()), "the last good one stays");
        current.swap(other_chain.as_bytes(), other_key.as_bytes()).unwrap();
        assert!(!std::sync::Arc::ptr_eq(&before, &current.certified.load_full()));
    }
}

//! Versions, ciphers and groups for rustls.
//! In: parameters of the tables. Out: a provider with just those, in the order of preference.

use lateen_proxy_core::ir::{Cipher, Curve, TlsParams, TlsVersion};
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use std::sync::{Arc, LazyLock};

static DEFAULT: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(make(&TlsParams::default())));

/// Whether a handshake is possible with them.
///
/// # Errors
/// Why none is.
pub fn usable(params: &TlsParams) -> Result<(), String> {
    params.unusable.clone().map_or(Ok(()), Err)
}

/// The provider for parameters; most contexts share one.
pub fn provider(params: &TlsParams) -> Arc<CryptoProvider> {
    if params.ciphers.is_empty() && params.curves.is_empty() {
        return Arc::clone(&DEFAULT);
    }
    Arc::new(make(params))
}

fn make(params: &TlsParams) -> CryptoProvider {
    // AES-128 first, as BoringSSL where the processor has AES.
    let mut suites =
        vec![suite::TLS13_AES_128_GCM_SHA256, suite::TLS13_AES_256_GCM_SHA384, suite::TLS13_CHACHA20_POLY1305_SHA256];
    if params.ciphers.is_empty() {
        suites.extend([
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ]);
    } else {
        suites.extend(params.ciphers.iter().map(|cipher| suite_of(*cipher)));
    }
    let mut groups: Vec<&'static dyn SupportedKxGroup> = params.curves.iter().map(|curve| group_of(*curve)).collect();
    if groups.is_empty() {
        groups = vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    }
    CryptoProvider { cipher_suites: suites, kx_groups: groups, ..default_provider() }
}

/// The versions between both ends.
pub fn versions(params: &TlsParams) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
    match (params.min, params.max) {
        (TlsVersion::Tls12, TlsVersion::Tls12) => &BOTH[1..],
        (TlsVersion::Tls12, TlsVersion::Tls13) => &BOTH,
        (TlsVersion::Tls13, _) => &BOTH[..1],
    }
}

fn suite_of(cipher: Cipher) -> SupportedCipherSuite {
    match cipher {
        Cipher::EcdheEcdsaAes128Gcm => suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Cipher::EcdheRsaAes128Gcm => suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Cipher::EcdheEcdsaAes256Gcm => suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Cipher::EcdheRsaAes256Gcm => suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Cipher::EcdheEcdsaChacha20 => suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Cipher::EcdheRsaChacha20 => suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

fn group_of(curve: Curve) -> &'static dyn SupportedKxGroup {
    match curve {
        Curve::X25519 => kx_group::X25519,
        Curve::P256 => kx_group::SECP256R1,
        Curve::P384 => kx_group::SECP384R1,
        Curve::X25519MlKem768 => kx_group::X25519MLKEM768,
    }
}

/// The name of a suite as access logs write it: that of OpenSSL.
pub fn openssl_name(suite: SupportedCipherSuite) -> &'static str {
    use rustls::CipherSuite as S;
    match suite.suite() {
        S::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        S::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        S::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        S::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        S::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        S::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        S::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        S::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        S::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => "",
    }
}

//! TLS of both sides, and secrets.
//! In: what `decode` has checked. Out: settings that a TLS library is set up from, with sources that the shell reads.
//! Never here: keys that were parsed, files, sockets.

use crate::matcher::StringMatcher;
use std::sync::Arc;
use std::time::Duration;

/// `envoy.config.core.v3.DataSource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// Path of a file.
    File(String),
    /// The bytes themselves.
    Inline(Vec<u8>),
    /// Name of an environment variable.
    Environment(String),
}

/// Certificate chain and key (`TlsCertificate`), PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsCertificate {
    /// Chain, leaf first.
    pub chain: DataSource,
    /// Private key.
    pub key: DataSource,
}

/// Something that stands in the resource, or that is a secret elsewhere.
#[derive(Debug, Clone)]
pub enum OrSds<T> {
    /// In the resource.
    Here(T),
    /// Over SDS, or among the static secrets.
    Sds(SecretRef),
}

/// Which secret, and who has it (`SdsSecretConfig`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef {
    /// Its name.
    pub name: Arc<str>,
    /// Who has it.
    pub from: SecretSource,
}

/// Who has a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretSource {
    /// The one stream of discovery (`ads`), or the bootstrap.
    Discovery,
    /// A server of its own (`api_config_source`): the cluster that leads to it, such as Istio's `sds-grpc`.
    Server(Arc<str>),
}

/// A version of TLS that is spoken here; older ones are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// A cipher suite of TLS 1.2 that is spoken here. Those of TLS 1.3 cannot be chosen, as in Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Cipher {
    EcdheEcdsaAes128Gcm,
    EcdheRsaAes128Gcm,
    EcdheEcdsaAes256Gcm,
    EcdheRsaAes256Gcm,
    EcdheEcdsaChacha20,
    EcdheRsaChacha20,
}

/// A group for the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Curve {
    X25519,
    P256,
    P384,
    X25519MlKem768,
}

/// `TlsParameters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsParams {
    /// Oldest version.
    pub min: TlsVersion,
    /// Newest version.
    pub max: TlsVersion,
    /// In the order of the server's preference; empty for the default.
    pub ciphers: Vec<Cipher>,
    /// In the order of preference; empty for the default.
    pub curves: Vec<Curve>,
    /// Names that Envoy knows and that are not offered here, for a line in the log.
    pub left_out: Vec<String>,
    /// Why no handshake is possible with these. Only with certificates over SDS, where Envoy too takes the listener
    /// and finds out when the certificate has come; it costs one filter chain then, and not its listener.
    pub unusable: Option<String>,
}

impl Default for TlsParams {
    fn default() -> Self {
        Self {
            min: TlsVersion::Tls12,
            max: TlsVersion::Tls13,
            ciphers: Vec::new(),
            curves: Vec::new(),
            left_out: Vec::new(),
            unusable: None,
        }
    }
}

/// What both sides have (`CommonTlsContext`).
#[derive(Debug, Clone, Default)]
pub struct CommonTls {
    /// Versions, ciphers, curves.
    pub params: TlsParams,
    /// Own certificates; a server has at least one.
    pub certificates: Vec<OrSds<TlsCertificate>>,
    /// ALPN, in the order of preference.
    pub alpn: Vec<String>,
    /// How the peer's certificate is checked; `None` when it is not.
    pub validation: Option<Validation>,
}

impl CommonTls {
    /// The secrets that it needs.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let certificates = self.certificates.iter().filter_map(|certificate| match certificate {
            OrSds::Sds(secret) => Some(secret),
            OrSds::Here(_) => None,
        });
        certificates.chain(self.validation.iter().filter_map(|validation| validation.sds.as_ref()))
    }
}

/// How the certificate of a peer is checked; both parts count (`CombinedCertificateValidationContext`).
#[derive(Debug, Clone, Default)]
pub struct Validation {
    /// In the resource.
    pub here: ValidationContext,
    /// Over SDS, or among the static secrets; it is merged over `here`.
    pub sds: Option<SecretRef>,
}

/// `CertificateValidationContext`.
#[derive(Debug, Clone, Default)]
pub struct ValidationContext {
    /// PEM of the authorities.
    pub trusted_ca: Option<DataSource>,
    /// The authorities of the system (`system_root_certs`).
    pub system_roots: bool,
    /// One of them must match a subject alternative name; empty for any.
    pub sans: Vec<SanMatcher>,
    /// SHA-256 of a public key (SPKI, DER); empty for any.
    pub spki: Vec<[u8; 32]>,
    /// SHA-256 of a certificate (DER); empty for any.
    pub hashes: Vec<[u8; 32]>,
    /// PEM of certificate revocation lists.
    pub crl: Option<DataSource>,
    /// `only_verify_leaf_cert_crl`.
    pub crl_leaf_only: bool,
    /// `allow_expired_certificate`.
    pub allow_expired: bool,
    /// `trust_chain_verification: ACCEPT_UNTRUSTED`.
    pub accept_untrusted: bool,
    /// Most certificates between the leaf and the authority.
    pub max_depth: Option<u32>,
    /// Whether a server does not tell clients which authorities it trusts.
    pub suppress_ca_list: bool,
}

/// `SubjectAltNameMatcher`.
#[derive(Debug, Clone)]
pub struct SanMatcher {
    /// Which names are looked at; `None` for all (`match_subject_alt_names`).
    pub kind: Option<SanKind>,
    /// What the name must be like.
    pub matcher: StringMatcher,
}

/// `SubjectAltNameMatcher.SanType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SanKind {
    Email,
    Dns,
    Uri,
    IpAddress,
}

/// `DownstreamTlsContext`.
#[derive(Debug, Default)]
pub struct DownstreamTls {
    /// What both sides have.
    pub common: CommonTls,
    /// Whether a client must show a certificate.
    pub require_client_certificate: bool,
    /// Whether a client must send SNI.
    pub require_sni: bool,
    /// Whether session tickets are given out (`disable_stateless_session_resumption` is off).
    pub tickets: bool,
    /// Whether sessions are remembered (`disable_stateful_session_resumption` is off).
    pub session_ids: bool,
    /// How long a session can be resumed.
    pub session_timeout: Option<Duration>,
    /// Whether all certificates are looked at when none is for the server name.
    pub full_scan: bool,
    /// Whether the client's order of ciphers counts.
    pub prefer_client_ciphers: bool,
    /// Hash of the message.
    pub version: u64,
}

/// `UpstreamTlsContext`.
#[derive(Debug, Default)]
pub struct UpstreamTls {
    /// What both sides have.
    pub common: CommonTls,
    /// Server name to send; empty for none.
    pub sni: String,
    /// Whether the host name of the endpoint is sent.
    pub auto_host_sni: bool,
    /// Whether the certificate must be for the server name that is sent.
    pub auto_sni_san_validation: bool,
    /// Sessions that are kept to be resumed; Envoy's default is 1.
    pub max_session_keys: u32,
    /// Hash of the message.
    pub version: u64,
}

/// `envoy.extensions.transport_sockets.tls.v3.Secret`.
#[derive(Debug)]
pub struct Secret {
    /// Name that contexts refer to.
    pub name: Arc<str>,
    /// What it holds.
    pub kind: SecretKind,
    /// Hash of the resource.
    pub version: u64,
}

/// What a secret holds.
#[derive(Debug)]
pub enum SecretKind {
    /// A certificate and its key.
    Certificate(TlsCertificate),
    /// Authorities and other conditions for the peer.
    Validation(ValidationContext),
}

//! Whether the certificate of a peer will do, as Envoy's default validator decides.
//! In: conditions of the tables. Out: verifiers for both sides of rustls.
//! Without conditions a server is not checked at all, and a client is not asked: that is Envoy's contract.

use super::material;
use super::x509::{self, Leaf};
use lateen_proxy_core::ir::{SanKind, SanMatcher, ValidationContext};
use lateen_proxy_core::matcher::StringKind;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;
use webpki::{EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder};

/// Conditions for a peer's certificate.
#[derive(Debug)]
pub struct Conditions {
    authorities: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
    revoked: Vec<webpki::CertRevocationList<'static>>,
    revoked_leaf_only: bool,
    sans: Vec<SanMatcher>,
    spki: Vec<[u8; 32]>,
    hashes: Vec<[u8; 32]>,
    allow_expired: bool,
    accept_untrusted: bool,
    max_depth: Option<u32>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Conditions {
    /// Reads what the context names.
    pub fn new(context: &ValidationContext, algorithms: WebPkiSupportedAlgorithms) -> Result<Self, String> {
        let authorities = material::authorities(context)?;
        let place = || context.trusted_ca.as_ref().map_or_else(|| "system roots".to_owned(), material::describe);
        let of_system = material::of_system(context);
        let mut anchors = Vec::with_capacity(authorities.len());
        for der in &authorities {
            match webpki::anchor_from_trusted_cert(der) {
                Ok(anchor) => anchors.push(anchor.to_owned()),
                // The system's bundle may hold one that webpki does not read; the others count.
                Err(_) if of_system => {}
                Err(error) => return Err(format!("{}: no valid authority: {error}", place())),
            }
        }
        if of_system && anchors.is_empty() {
            return Err(format!("{}: no valid authority", place()));
        }
        let hints = if context.suppress_ca_list || context.system_roots {
            Vec::new()
        } else {
            anchors.iter().map(|anchor| DistinguishedName::in_sequence(&anchor.subject)).collect()
        };
        Ok(Self {
            authorities,
            anchors,
            hints,
            revoked: material::revocations(context)?,
            revoked_leaf_only: context.crl_leaf_only,
            sans: context.sans.clone(),
            spki: context.spki.clone(),
            hashes: context.hashes.clone(),
            allow_expired: context.allow_expired,
            accept_untrusted: context.accept_untrusted,
            max_depth: context.max_depth,
            algorithms,
        })
    }

    /// Whether anything is asked of a certificate.
    pub fn any(&self) -> bool {
        !(self.anchors.is_empty() && self.spki.is_empty() && self.hashes.is_empty() && self.sans.is_empty())
    }

    /// Whether nobody without a certificate can meet them, also where none is required: Envoy asks for one as soon as
    /// names or pins are given.
    pub fn demand_one(&self) -> bool {
        !(self.accept_untrusted || self.spki.is_empty() && self.hashes.is_empty() && self.sans.is_empty())
    }

    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        usage: KeyUsage,
        now: UnixTime,
        host: Option<&str>,
    ) -> Result<(), Error> {
        match self.check_all(leaf, rest, usage, now, host) {
            Err(_) if self.accept_untrusted => Ok(()),
            outcome => outcome,
        }
    }

    fn check_all(
        &self,
        der: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        usage: KeyUsage,
        now: UnixTime,
        host: Option<&str>,
    ) -> Result<(), Error> {
        if !self.anchors.is_empty() {
            self.check_chain(der, rest, usage, now)?;
        }
        if self.sans.is_empty() && self.spki.is_empty() && self.hashes.is_empty() && host.is_none() {
            return Ok(());
        }
        let leaf = x509::leaf(der).ok_or(CertificateError::BadEncoding)?;
        if host.is_some_and(|host| !is_for(&leaf, host)) {
            return Err(CertificateError::NotValidForName.into());
        }
        if !self.sans.is_empty() && !self.sans.iter().any(|wanted| matches(wanted, &leaf)) {
            return Err(CertificateError::NotValidForName.into());
        }
        // Either kind of pin will do, as in Envoy.
        let pinned = !(self.spki.is_empty() && self.hashes.is_empty());
        if pinned && !self.spki.contains(&leaf.spki) && !self.hashes.contains(&x509::sha256(der)) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(())
    }

    fn check_chain(
        &self,
        der: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        usage: KeyUsage,
        mut now: UnixTime,
    ) -> Result<(), Error> {
        if self.authorities.iter().any(|trusted| trusted.as_ref() == der.as_ref()) {
            // Trusted itself, such as a self-signed certificate; only its time counts.
            let leaf = x509::leaf(der).ok_or(CertificateError::BadEncoding)?;
            let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            if seconds < leaf.not_before {
                return Err(CertificateError::NotValidYet.into());
            }
            if seconds > leaf.not_after && !self.allow_expired {
                return Err(CertificateError::Expired.into());
            }
            return Ok(());
        }
        let leaf = EndEntityCert::try_from(der).map_err(words)?;
        // Each round goes back to before one certificate of the chain expired.
        for _ in 0..8 {
            let lists: Vec<&webpki::CertRevocationList<'_>> = self.revoked.iter().collect();
            // A list that is out of date says nothing of anybody, as in BoringSSL. None at all is no demand.
            let depth =
                if self.revoked_leaf_only { RevocationCheckDepth::EndEntity } else { RevocationCheckDepth::Chain };
            let revocation = RevocationOptionsBuilder::new(&lists)
                .ok()
                .map(|builder| builder.with_depth(depth).with_expiration_policy(ExpirationPolicy::Enforce).build());
            let algorithms = self.algorithms.all;
            match leaf.verify_for_usage(algorithms, &self.anchors, rest, now, usage, revocation, None) {
                Ok(path) => {
                    let depth = path.intermediate_certificates().count();
                    let most = self.max_depth.map_or(usize::MAX, |most| most as usize);
                    return if depth <= most { Ok(()) } else { Err(CertificateError::UnknownIssuer.into()) };
                }
                Err(webpki::Error::CertExpired { not_after, .. }) if self.allow_expired && not_after < now => {
                    now = not_after;
                }
                Err(error) => return Err(words(error)),
            }
        }
        Err(CertificateError::Expired.into())
    }
}

fn words(error: webpki::Error) -> Error {
    use webpki::Error as E;
    Error::InvalidCertificate(match error {
        E::BadDer | E::BadDerTime => CertificateError::BadEncoding,
        E::CertExpired { .. } => CertificateError::Expired,
        E::CertNotValidYet { .. } => CertificateError::NotValidYet,
        E::CertRevoked => CertificateError::Revoked,
        E::UnknownIssuer => CertificateError::UnknownIssuer,
        E::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        other => CertificateError::Other(rustls::OtherError(Arc::new(other))),
    })
}

fn matches(wanted: &SanMatcher, leaf: &Leaf) -> bool {
    leaf.names.iter().any(|(kind, name)| {
        if wanted.kind.is_some_and(|wanted| wanted != *kind) {
            return false;
        }
        match &wanted.matcher.kind {
            // A wildcard of the certificate stands for the name that is asked for.
            StringKind::Exact(host) if *kind == SanKind::Dns => dns_name_matches(name, host),
            _ => wanted.matcher.matches(name.as_bytes()),
        }
    })
}

/// Whether a certificate is for a host name or IP address.
pub fn is_for(leaf: &Leaf, host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => leaf.names_of(SanKind::IpAddress).any(|name| name == address.to_string()),
        Err(_) => leaf.names_of(SanKind::Dns).any(|name| dns_name_matches(name, host)),
    }
}

/// A wildcard stands for one whole label at the left (RFC 6125 section 6.4.3), also right below a top-level domain: as
/// Envoy has it, because an authority of one's own may well sign for `*.internal`.
pub fn dns_name_matches(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = pattern.strip_prefix("*.").filter(|suffix| !suffix.is_empty()) else { return false };
    host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix))
}

/// Asks clients for a certificate.
#[derive(Debug)]
pub struct Clients {
    /// What is asked of it.
    pub conditions: Conditions,
    /// Whether one without is refused.
    pub mandatory: bool,
}

macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signature, &self.conditions.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signature, &self.conditions.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.conditions.algorithms.supported_schemes()
        }
    };
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.conditions.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.conditions.check(leaf, rest, KeyUsage::client_auth(), now, None)?;
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}

/// Checks servers.
#[derive(Debug)]
pub struct Servers {
    /// What is asked of the certificate.
    pub conditions: Arc<Conditions>,
    /// Whether it must be for the name that was sent.
    pub for_name: bool,
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let text = name.to_str();
        let host = self.for_name.then_some(&*text);
        self.conditions.check(leaf, rest, KeyUsage::server_auth(), now, host)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

#[cfg(test)]
mod tests;

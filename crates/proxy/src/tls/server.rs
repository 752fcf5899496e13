//! Contexts for servers.
//! In: settings, certificates that were read. Out: a configuration of rustls that picks a certificate by name and key.

use super::material::Own;
use super::params;
use super::peer::{Clients, Conditions, dns_name_matches};
use super::x509::Leaf;
use lateen_proxy_core::ir::{DownstreamTls, SanKind, ValidationContext};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SignatureAlgorithm};
use std::sync::Arc;

/// Sessions that are remembered by id when tickets are off.
const SESSIONS: usize = 256;
/// Tickets after a handshake of TLS 1.3, as BoringSSL gives.
const TICKETS: usize = 2;

/// What a worker takes connections with.
#[derive(Debug)]
pub struct ServerContext {
    /// For rustls.
    pub config: Arc<ServerConfig>,
    /// URI names of the own certificate, for logs and headers.
    pub uri_sans: Vec<String>,
    /// The own certificates.
    pub leaves: Vec<Leaf>,
}

/// Builds a context.
pub fn build(
    tls: &DownstreamTls,
    own: &[Own],
    validation: Option<&ValidationContext>,
) -> Result<ServerContext, String> {
    params::usable(&tls.common.params)?;
    let provider = params::provider(&tls.common.params);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(params::versions(&tls.common.params))
        .map_err(|error| format!("tls_params: {error}"))?;
    let conditions = validation
        .map(|context| Conditions::new(context, provider.signature_verification_algorithms))
        .transpose()?
        .filter(|conditions| tls.require_client_certificate || conditions.any());
    let builder = match conditions {
        Some(conditions) => {
            let mandatory = tls.require_client_certificate || conditions.demand_one();
            builder.with_client_cert_verifier(Arc::new(Clients { conditions, mandatory }))
        }
        None if tls.require_client_certificate => {
            let open = ValidationContext::default();
            let conditions = Conditions::new(&open, provider.signature_verification_algorithms)?;
            builder.with_client_cert_verifier(Arc::new(Clients { conditions, mandatory: true }))
        }
        None => builder.with_no_client_auth(),
    };
    let choices: Vec<Choice> = own.iter().map(Choice::new).collect();
    let leaves: Vec<Leaf> = choices.iter().map(|choice| choice.leaf.clone()).collect();
    let uri_sans = leaves.first().map(|leaf| leaf.names_of(SanKind::Uri).map(str::to_owned).collect());
    let mut config = builder.with_cert_resolver(Arc::new(Choices { choices, require_sni: tls.require_sni }));
    config.alpn_protocols = tls.common.alpn.iter().map(|name| name.clone().into_bytes()).collect();
    config.ignore_client_order = !tls.prefer_client_ciphers;
    config.session_storage = if tls.session_ids && !tls.tickets {
        ServerSessionMemoryCache::new(SESSIONS)
    } else {
        Arc::new(NoServerSessionStorage {})
    };
    config.send_tls13_tickets = 0;
    if tls.tickets {
        config.ticketer =
            rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|error| format!("session tickets: {error}"))?;
        config.send_tls13_tickets = TICKETS;
    }
    Ok(ServerContext { config: Arc::new(config), uri_sans: uri_sans.unwrap_or_default(), leaves })
}

/// A certificate and the names it is for.
#[derive(Debug)]
struct Choice {
    key: Arc<CertifiedKey>,
    leaf: Leaf,
    ecdsa: bool,
}

impl Choice {
    fn new(own: &Own) -> Self {
        let ecdsa = own.key.key.algorithm() == SignatureAlgorithm::ECDSA;
        Self { key: Arc::clone(&own.key), leaf: own.leaf.clone().unwrap_or_default(), ecdsa }
    }

    /// 2 for the very name, 1 for a wildcard, 0 for another name.
    fn rank(&self, name: &str) -> u8 {
        let mut best = 0;
        let mut any = false;
        for own in self.leaf.names_of(SanKind::Dns) {
            any = true;
            if own.eq_ignore_ascii_case(name) {
                return 2;
            }
            if dns_name_matches(own, name) {
                best = 1;
            }
        }
        // Only without DNS names the common name counts.
        if !any && self.leaf.common_name.eq_ignore_ascii_case(name) { 2 } else { best }
    }
}

/// Chooses by server name, then by what signatures the client knows; ECDSA before RSA.
#[derive(Debug)]
struct Choices {
    choices: Vec<Choice>,
    require_sni: bool,
}

impl ResolvesServerCert for Choices {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        if self.require_sni && name.is_none() {
            return None;
        }
        if let [one] = self.choices.as_slice() {
            return Some(Arc::clone(&one.key));
        }
        let schemes = hello.signature_schemes();
        let fits = |choice: &Choice| choice.key.key.choose_scheme(schemes).is_some();
        // What is for the name and fits the client; then what fits; then the first, as in Envoy.
        let rank = |choice: &Choice| {
            let named = name.map_or(0, |name| choice.rank(name));
            (fits(choice), named, choice.ecdsa)
        };
        let mut best: Option<(&Choice, (bool, u8, bool))> = None;
        for choice in &self.choices {
            let rank = rank(choice);
            if best.is_none_or(|(_, known)| rank > known) {
                best = Some((choice, rank));
            }
        }
        best.map(|(choice, _)| Arc::clone(&choice.key))
    }
}

//! Contexts for clients: TLS towards endpoints.
//! In: settings, certificates that were read. Out: a configuration of rustls, and one that checks the name too.

use super::material::Own;
use super::params;
use super::peer::{Conditions, Servers};
use super::x509::Leaf;
use lateen_proxy_core::ir::{UpstreamTls, ValidationContext};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use std::sync::Arc;

/// What a worker opens connections with.
#[derive(Debug)]
pub struct ClientContext {
    /// For rustls.
    pub config: Arc<ClientConfig>,
    /// The same for a server that must prove the name that was sent (`auto_san_validation`).
    pub config_for_name: Arc<ClientConfig>,
    /// The own certificate.
    pub leaf: Option<Leaf>,
}

/// Builds a context.
pub fn build(
    tls: &UpstreamTls,
    own: Option<&Own>,
    validation: Option<&ValidationContext>,
) -> Result<ClientContext, String> {
    params::usable(&tls.common.params)?;
    let provider = params::provider(&tls.common.params);
    let leaf = own.and_then(|own| own.leaf.clone());
    let open = ValidationContext::default();
    let conditions =
        Arc::new(Conditions::new(validation.unwrap_or(&open), provider.signature_verification_algorithms)?);
    let make = |for_name: bool| -> Result<Arc<ClientConfig>, String> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(params::versions(&tls.common.params))
            .map_err(|error| format!("tls_params: {error}"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Servers { conditions: Arc::clone(&conditions), for_name }));
        let mut config = match own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(One(Arc::clone(&own.key)))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = tls.common.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        // A server may choose none of the protocols, or one of its own, as Envoy allows.
        config.check_selected_alpn = false;
        config.resumption = match tls.max_session_keys {
            0 => Resumption::disabled(),
            sessions => Resumption::in_memory_sessions(sessions.min(64) as usize),
        };
        Ok(Arc::new(config))
    };
    let config = make(tls.auto_sni_san_validation)?;
    let config_for_name = if tls.auto_sni_san_validation { Arc::clone(&config) } else { make(true)? };
    Ok(ClientContext { config, config_for_name, leaf })
}

/// The same certificate for every server.
#[derive(Debug)]
struct One(Arc<CertifiedKey>);

impl ResolvesClientCert for One {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).map(|_| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

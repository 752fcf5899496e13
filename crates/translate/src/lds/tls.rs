//! TLS that ends at a gateway.
//! In: the settings of a server. Out: Envoy's context, with secrets by name over SDS.

use crate::values::{ads, boolean};
use lateen_config::kinds::gateway::{ServerTlsMode, ServerTlsSettings, TlsProtocol as Written};
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::core::TransportSocket;
use lateen_envoy_api::v3::core::transport_socket::ConfigType;
use lateen_envoy_api::v3::matcher::StringMatcher;
use lateen_envoy_api::v3::matcher::string_matcher::MatchPattern;
use lateen_envoy_api::v3::tls::common_tls_context::{CombinedCertificateValidationContext, ValidationContextType};
use lateen_envoy_api::v3::tls::tls_parameters::TlsProtocol;
use lateen_envoy_api::v3::tls::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsParameters,
};
use std::collections::BTreeSet;

/// Name of the secret that holds the workload's own certificate.
pub const WORKLOAD_CERTIFICATE: &str = "default";
/// Name of the secret that holds the roots of the mesh.
pub const WORKLOAD_ROOT: &str = "ROOTCA";

/// The transport socket of a server that ends TLS; the names of its secrets are added to `secrets`.
pub fn downstream(settings: &ServerTlsSettings, secrets: &mut BTreeSet<String>) -> TransportSocket {
    let demand = matches!(settings.mode, ServerTlsMode::Mutual | ServerTlsMode::IstioMutual);
    let mut common =
        CommonTlsContext { alpn_protocols: vec!["h2".to_owned(), "http/1.1".to_owned()], ..Default::default() };
    let certificates = certificate_names(settings);
    if demand || settings.mode == ServerTlsMode::OptionalMutual {
        common.validation_context_type = validation(settings, certificates.first(), secrets);
    }
    secrets.extend(certificates.iter().cloned());
    common.tls_certificate_sds_secret_configs = certificates.into_iter().map(secret).collect();
    common.tls_params = parameters(settings);
    let context = DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: boolean(demand),
        ..Default::default()
    };
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(ConfigType::TypedConfig(pack(&context))),
    }
}

/// A secret that comes over ADS.
pub fn secret(name: String) -> SdsSecretConfig {
    SdsSecretConfig { name, sds_config: ads() }
}

/// Names of certificates: of the workload, of Kubernetes secrets, or of files.
fn certificate_names(settings: &ServerTlsSettings) -> Vec<String> {
    if settings.mode == ServerTlsMode::IstioMutual {
        return vec![WORKLOAD_CERTIFICATE.to_owned()];
    }
    if !settings.credential_names.is_empty() {
        return settings.credential_names.iter().map(|name| resource_name(name)).collect();
    }
    if !settings.credential_name.is_empty() {
        return vec![resource_name(&settings.credential_name)];
    }
    if !settings.tls_certificates.is_empty() {
        let file = |c: &lateen_config::kinds::gateway::TlsCertificate| {
            format!("file-cert:{}~{}", c.server_certificate, c.private_key)
        };
        return settings.tls_certificates.iter().map(file).collect();
    }
    vec![format!("file-cert:{}~{}", settings.server_certificate, settings.private_key)]
}

/// Istio's name of a secret: `kubernetes://name`, unless a scheme is written.
pub fn resource_name(credential: &str) -> String {
    if credential.contains("://") { credential.to_owned() } else { format!("kubernetes://{credential}") }
}

fn validation(
    settings: &ServerTlsSettings,
    certificate: Option<&String>,
    secrets: &mut BTreeSet<String>,
) -> Option<ValidationContextType> {
    let roots = if settings.mode == ServerTlsMode::IstioMutual {
        WORKLOAD_ROOT.to_owned()
    } else if !settings.ca_cert_credential_name.is_empty() {
        resource_name(&settings.ca_cert_credential_name)
    } else if !settings.ca_certificates.is_empty() {
        format!("file-root:{}", settings.ca_certificates)
    } else {
        format!("{}-cacert", certificate?)
    };
    secrets.insert(roots.clone());
    let context = CertificateValidationContext {
        match_typed_subject_alt_names: Vec::new(),
        verify_certificate_spki: settings.verify_certificate_spki.clone(),
        verify_certificate_hash: settings.verify_certificate_hash.clone(),
        ..subject_alt_names(&settings.subject_alt_names)
    };
    Some(ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(context),
        validation_context_sds_secret_config: Some(secret(roots)),
        ..Default::default()
    }))
}

/// Checks that one of `names` is in the certificate.
#[allow(deprecated)] // Istio's form: one list for names of every type.
pub fn subject_alt_names(names: &[String]) -> CertificateValidationContext {
    let exact =
        |name: &String| StringMatcher { match_pattern: Some(MatchPattern::Exact(name.clone())), ..Default::default() };
    CertificateValidationContext { match_subject_alt_names: names.iter().map(exact).collect(), ..Default::default() }
}

fn parameters(settings: &ServerTlsSettings) -> Option<TlsParameters> {
    let untouched = settings.min_protocol_version == Written::TlsAuto
        && settings.max_protocol_version == Written::TlsAuto
        && settings.cipher_suites.is_empty();
    if untouched || settings.mode == ServerTlsMode::IstioMutual {
        return None;
    }
    Some(TlsParameters {
        tls_minimum_protocol_version: version(settings.min_protocol_version).into(),
        tls_maximum_protocol_version: version(settings.max_protocol_version).into(),
        cipher_suites: settings.cipher_suites.clone(),
        ..Default::default()
    })
}

fn version(written: Written) -> TlsProtocol {
    match written {
        Written::TlsAuto => TlsProtocol::TlsAuto,
        Written::Tlsv10 => TlsProtocol::TlSv10,
        Written::Tlsv11 => TlsProtocol::TlSv11,
        Written::Tlsv12 => TlsProtocol::TlSv12,
        Written::Tlsv13 => TlsProtocol::TlSv13,
    }
}

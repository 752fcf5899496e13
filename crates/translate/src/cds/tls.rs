//! TLS towards an upstream.
//! In: `tls` of the policy. Out: a transport socket; secrets come by name over SDS, roots from files or the system.

use super::build::Input;
use super::protocol;
use crate::lds::tls::{known, subject_alt_names};
use crate::sds::{self, Secrets, Wanted};
use lateen_config::kinds::destination_rule::{ClientTlsMode, ClientTlsSettings};
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::cluster::Cluster;
use lateen_envoy_api::v3::core::transport_socket::ConfigType;
use lateen_envoy_api::v3::core::{TransportSocket, UpstreamHttpProtocolOptions};
use lateen_envoy_api::v3::http_protocol_options::HttpProtocolOptions;
use lateen_envoy_api::v3::tls::common_tls_context::{CombinedCertificateValidationContext, ValidationContextType};
use lateen_envoy_api::v3::tls::tls_parameters::TlsProtocol;
use lateen_envoy_api::v3::tls::{CertificateValidationContext, CommonTlsContext, TlsParameters, UpstreamTlsContext};
use lateen_model::{Mesh, Policy, Registry, Scope, Service};
use std::collections::BTreeSet;

/// Sets TLS of a cluster; without settings, or with mode DISABLE, it speaks in clear.
pub fn apply(
    input: Input<'_>,
    policy: &Policy,
    upstream: &mut Option<HttpProtocolOptions>,
    out: &mut Cluster,
    secrets: &mut Secrets,
) {
    let Some(settings) = &policy.tls else { return };
    let files = with_files(input, settings);
    let settings = files.as_ref().unwrap_or(settings);
    let mut common =
        CommonTlsContext { tls_params: Some(parameters(input.scope, settings.mode)), ..CommonTlsContext::default() };
    let mut sni = settings.sni.clone();
    let http2 = protocol::is_http2(upstream.as_ref());
    match settings.mode {
        ClientTlsMode::Disable => return,
        ClientTlsMode::IstioMutual => {
            let certificate = Wanted::client_certificate();
            common.tls_certificate_sds_secret_configs = vec![certificate.ask(&input.scope.proxy, secrets)];
            common.validation_context_type = Some(combined(input, settings, Wanted::client_roots(), secrets));
            common.alpn_protocols = if http2 { alpn(&["istio", "h2"]) } else { alpn(&["istio"]) };
            if sni.is_empty() {
                sni = input.name.sni();
            }
        }
        ClientTlsMode::Simple | ClientTlsMode::Mutual => {
            if settings.mode == ClientTlsMode::Mutual {
                let certificate = client_certificate(settings);
                common.tls_certificate_sds_secret_configs = vec![certificate.ask(&input.scope.proxy, secrets)];
            }
            common.validation_context_type = validation(input, settings, secrets);
            if http2 {
                common.alpn_protocols = alpn(&["h2"]);
            }
            let checked = common.validation_context_type.is_some();
            if sni.is_empty() && input.port.protocol != lateen_core::Protocol::Tcp {
                // The name that the client asks for is the name that the server must prove.
                let options = upstream.get_or_insert_with(protocol::http1);
                options.upstream_http_protocol_options = Some(UpstreamHttpProtocolOptions {
                    auto_sni: true,
                    auto_san_validation: checked && settings.subject_alt_names.is_empty(),
                    ..Default::default()
                });
            }
        }
    }
    let context = UpstreamTlsContext { common_tls_context: Some(common), sni, ..Default::default() };
    out.transport_socket = Some(TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(ConfigType::TypedConfig(pack(&context))),
    });
}

/// Mutual TLS of the mesh with the files that the node names.
fn with_files(input: Input<'_>, settings: &ClientTlsSettings) -> Option<ClientTlsSettings> {
    let [chain, key, roots] = sds::client_files(&input.scope.proxy)?;
    (settings.mode == ClientTlsMode::IstioMutual).then(|| ClientTlsSettings {
        mode: ClientTlsMode::Mutual,
        client_certificate: chain.to_owned(),
        private_key: key.to_owned(),
        ca_certificates: roots.to_owned(),
        sni: if settings.sni.is_empty() { input.name.sni() } else { settings.sni.clone() },
        ..settings.clone()
    })
}

/// TLS 1.2 and 1.3, as clients of Envoy stop at 1.2 when nothing is said; outside of the mesh with the curves and cipher
/// suites that the mesh says for all (Istio `applyTLSDefaults`).
fn parameters(scope: &Scope, mode: ClientTlsMode) -> TlsParameters {
    let mut out = TlsParameters {
        tls_minimum_protocol_version: TlsProtocol::TlSv12.into(),
        tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
        ..Default::default()
    };
    if let Some(defaults) = &scope.snapshot.mesh.config.tls_defaults
        && mode != ClientTlsMode::IstioMutual
    {
        out.ecdh_curves.clone_from(&defaults.ecdh_curves);
        out.cipher_suites = known(&defaults.cipher_suites);
    }
    out
}

/// Names of which the server's certificate must carry one. Where the rule has none, a mesh workload proves that it is
/// one of those behind the service, and a ServiceEntry may have names of its own.
fn names(input: Input<'_>, settings: &ClientTlsSettings) -> CertificateValidationContext {
    let service = input.service;
    let own = settings.mode == ClientTlsMode::IstioMutual || service.registry == Registry::External;
    if own && settings.subject_alt_names.is_empty() {
        return subject_alt_names(&identities(&input.scope.snapshot.mesh, service));
    }
    subject_alt_names(&settings.subject_alt_names)
}

/// Who runs a service (Istio `PushContext.ServiceAccounts`), sorted.
fn identities(mesh: &Mesh, service: &Service) -> Vec<String> {
    let aliases = mesh.config.trust_domain_aliases.iter().map(String::as_str);
    let domains: Vec<&str> = std::iter::once(mesh.trust_domain()).chain(aliases).collect();
    let mut out: BTreeSet<String> = service.subject_alt_names.iter().cloned().collect();
    let accounts: BTreeSet<(&str, &str)> = service
        .endpoints
        .values()
        .flatten()
        .filter(|endpoint| !endpoint.service_account.is_empty())
        .map(|endpoint| (endpoint.source.namespace(), endpoint.service_account.as_str()))
        .collect();
    for (namespace, account) in accounts {
        out.extend(domains.iter().map(|domain| format!("spiffe://{domain}/ns/{namespace}/sa/{account}")));
    }
    out.into_iter().collect()
}

fn client_certificate(settings: &ClientTlsSettings) -> Wanted {
    if settings.credential_name.is_empty() {
        Wanted::pair_files(&settings.client_certificate, &settings.private_key)
    } else {
        Wanted::pair(&settings.credential_name)
    }
}

/// What the server's certificate is checked against: a secret, a file, or the roots of the system.
fn validation(input: Input<'_>, settings: &ClientTlsSettings, secrets: &mut Secrets) -> Option<ValidationContextType> {
    if settings.insecure_skip_verify == Some(true) {
        return None;
    }
    let roots = if settings.credential_name.is_empty() {
        let file = Some(settings.ca_certificates.as_str()).filter(|file| !file.is_empty());
        Wanted::roots_files(&input.scope.proxy, file.unwrap_or(sds::SYSTEM_ROOTS), &settings.ca_crl)
    } else {
        Wanted::roots(&settings.credential_name)
    };
    Some(combined(input, settings, roots, secrets))
}

fn combined(
    input: Input<'_>,
    settings: &ClientTlsSettings,
    roots: Wanted,
    secrets: &mut Secrets,
) -> ValidationContextType {
    let mut context = names(input, settings);
    // With the agent's certificate Istio takes nothing but names from the settings.
    let revoked = if settings.mode == ClientTlsMode::IstioMutual { "" } else { &settings.ca_crl };
    sds::agent_revoked(&input.scope.proxy, &roots, revoked, &mut context);
    ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(context),
        validation_context_sds_secret_config: Some(roots.ask(&input.scope.proxy, secrets)),
        ..Default::default()
    })
}

fn alpn(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

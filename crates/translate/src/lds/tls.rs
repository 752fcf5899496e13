//! TLS that ends at a gateway.
//! In: the settings of a server. Out: Envoy's context, with secrets by name over SDS.

use crate::sds::{self, Secrets, Wanted};
use crate::values::boolean;
use crate::{MissingCredentials, Options};
use lateen_config::kinds::gateway::{ServerTlsMode, ServerTlsSettings, TlsProtocol as Written};
use lateen_config::kinds::mesh_config::MeshTlsProtocol;
use lateen_config::{is_cipher_suite, is_ecdh_curve};
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::core::TransportSocket;
use lateen_envoy_api::v3::core::transport_socket::ConfigType;
use lateen_envoy_api::v3::matcher::StringMatcher;
use lateen_envoy_api::v3::matcher::string_matcher::MatchPattern;
use lateen_envoy_api::v3::tls::certificate_validation_context::TrustChainVerification;
use lateen_envoy_api::v3::tls::common_tls_context::{CombinedCertificateValidationContext, ValidationContextType};
use lateen_envoy_api::v3::tls::tls_parameters::TlsProtocol;
use lateen_envoy_api::v3::tls::{CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, TlsParameters};
use lateen_model::Scope;

/// What a server that ends TLS is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The view of the proxy.
    pub scope: &'a Scope,
    /// How resources are made.
    pub options: &'a Options,
    /// What is written.
    pub settings: &'a ServerTlsSettings,
    /// Whether what is inside goes on as it is, and nobody looks for requests.
    pub opaque: bool,
}

/// The transport socket of a server that ends TLS, its secrets added to `secrets`; none when the server cannot do
/// without a secret that nobody has, and is to be closed then.
pub fn downstream(input: Input<'_>, secrets: &mut Secrets) -> Option<TransportSocket> {
    let Input { scope, options, settings, opaque } = input;
    let demand = matches!(settings.mode, ServerTlsMode::Mutual | ServerTlsMode::IstioMutual);
    let mut certificates = certificates(scope, settings);
    let roots = (demand || settings.mode == ServerTlsMode::OptionalMutual).then(|| roots(scope, settings));
    if options.missing_credentials == MissingCredentials::Close {
        certificates.retain(|wanted| wanted.is_held(scope));
        if certificates.is_empty() || roots.as_ref().is_some_and(|roots| !roots.is_held(scope)) {
            return None;
        }
    }
    let certificates = certificates.into_iter().map(|wanted| wanted.ask(&scope.proxy, secrets)).collect();
    let common = CommonTlsContext {
        alpn_protocols: alpn(settings, opaque),
        tls_certificate_sds_secret_configs: certificates,
        validation_context_type: roots.map(|roots| validation(input, roots, secrets)),
        tls_params: parameters(scope, settings),
        ..Default::default()
    };
    let context = DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: boolean(demand),
        ..Default::default()
    };
    Some(TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(ConfigType::TypedConfig(pack(&context))),
    })
}

/// What is offered inside: HTTP, and between proxies of the mesh that forward TCP the exchange of who they are
/// (Istio `ALPNDownstreamWithMxc`).
fn alpn(settings: &ServerTlsSettings, opaque: bool) -> Vec<String> {
    let exchange = (opaque && settings.mode == ServerTlsMode::IstioMutual).then_some("istio-peer-exchange");
    exchange.into_iter().chain(["h2", "http/1.1"]).map(str::to_owned).collect()
}

/// Of the workload, of Kubernetes secrets, or of files.
fn certificates(scope: &Scope, settings: &ServerTlsSettings) -> Vec<Wanted> {
    if settings.mode == ServerTlsMode::IstioMutual {
        vec![Wanted::workload_certificate(&scope.proxy)]
    } else if !settings.credential_names.is_empty() {
        settings.credential_names.iter().map(|name| Wanted::pair(name)).collect()
    } else if !settings.credential_name.is_empty() {
        vec![Wanted::pair(&settings.credential_name)]
    } else if !settings.tls_certificates.is_empty() {
        let files = settings.tls_certificates.iter();
        files.map(|files| Wanted::pair_files(&files.server_certificate, &files.private_key)).collect()
    } else {
        vec![Wanted::pair_files(&settings.server_certificate, &settings.private_key)]
    }
}

/// What certificates of clients are checked against.
fn roots(scope: &Scope, settings: &ServerTlsSettings) -> Wanted {
    let beside = settings.credential_names.first().unwrap_or(&settings.credential_name);
    if settings.mode == ServerTlsMode::IstioMutual {
        Wanted::workload_roots(&scope.proxy, &settings.ca_crl)
    } else if !settings.ca_cert_credential_name.is_empty() {
        Wanted::roots(&settings.ca_cert_credential_name)
    } else if !beside.is_empty() {
        Wanted::roots(beside)
    } else {
        let beside = settings.tls_certificates.iter().map(|files| &files.ca_certificates);
        let file = std::iter::once(&settings.ca_certificates).chain(beside).find(|file| !file.is_empty());
        Wanted::roots_files(&scope.proxy, file.map_or("", String::as_str), &settings.ca_crl)
    }
}

fn validation(input: Input<'_>, roots: Wanted, secrets: &mut Secrets) -> ValidationContextType {
    let Input { scope, settings, .. } = input;
    let mut context = CertificateValidationContext {
        verify_certificate_spki: settings.verify_certificate_spki.clone(),
        verify_certificate_hash: settings.verify_certificate_hash.clone(),
        ..subject_alt_names(&settings.subject_alt_names)
    };
    if settings.insecure_skip_verify == Some(true) {
        context.trust_chain_verification = TrustChainVerification::AcceptUntrusted.into();
    }
    sds::agent_revoked(&scope.proxy, &roots, &settings.ca_crl, &mut context);
    ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(context),
        validation_context_sds_secret_config: Some(roots.ask(&scope.proxy, secrets)),
        ..Default::default()
    })
}

/// Checks that one of `names` is in the certificate.
#[allow(deprecated)] // Istio's form: one list for names of every type.
pub fn subject_alt_names(names: &[String]) -> CertificateValidationContext {
    let exact =
        |name: &String| StringMatcher { match_pattern: Some(MatchPattern::Exact(name.clone())), ..Default::default() };
    CertificateValidationContext { match_subject_alt_names: names.iter().map(exact).collect(), ..Default::default() }
}

/// What the server says, over what the mesh says for all of them (Istio `applyDownstreamTLSDefaults`).
fn parameters(scope: &Scope, settings: &ServerTlsSettings) -> Option<TlsParameters> {
    if settings.mode == ServerTlsMode::IstioMutual {
        return None;
    }
    let mut out = TlsParameters::default();
    if let Some(defaults) = &scope.snapshot.mesh.config.tls_defaults {
        out.ecdh_curves.clone_from(&defaults.ecdh_curves);
        out.cipher_suites = known(&defaults.cipher_suites);
        out.tls_minimum_protocol_version = match defaults.min_protocol_version {
            MeshTlsProtocol::TlsAuto => TlsProtocol::TlsAuto,
            MeshTlsProtocol::Tlsv12 => TlsProtocol::TlSv12,
            MeshTlsProtocol::Tlsv13 => TlsProtocol::TlSv13,
        }
        .into();
    }
    if settings.min_protocol_version != Written::TlsAuto {
        out.tls_minimum_protocol_version = version(settings.min_protocol_version).into();
    }
    if settings.max_protocol_version != Written::TlsAuto {
        out.tls_maximum_protocol_version = version(settings.max_protocol_version).into();
    }
    if !settings.cipher_suites.is_empty() {
        out.cipher_suites = known(&settings.cipher_suites);
    }
    if !settings.ecdh_curves.is_empty() {
        out.ecdh_curves = settings.ecdh_curves.iter().filter(|name| is_ecdh_curve(name)).cloned().collect();
    }
    (out != TlsParameters::default()).then_some(out)
}

/// Envoy refuses a listener for a suite that it does not know; the file's reader has told of it.
pub fn known(suites: &[String]) -> Vec<String> {
    suites.iter().filter(|name| is_cipher_suite(name)).cloned().collect()
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

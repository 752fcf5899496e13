//! What both sides of TLS have: certificates, ALPN, how the peer is checked.
//! In: `CommonTlsContext` and its parts. Out: the same with everything in it understood.

#![allow(deprecated)]

use super::super::at::At;
use super::super::value::{data_source, flag, number};
use super::super::{DecodeError, matching};
use super::params;
use crate::ir::{
    CommonTls, OrSds, SanKind, SanMatcher, SecretRef, SecretSource, TlsCertificate, TlsParams, Validation,
    ValidationContext,
};
use lateen_envoy_api::v3::{core, tls as api};
use std::mem::take;

pub(super) fn common(mut message: api::CommonTlsContext, at: At<'_>) -> Result<CommonTls, DecodeError> {
    let mut certificates = Vec::new();
    for (index, given) in take(&mut message.tls_certificates).into_iter().enumerate() {
        certificates.push(OrSds::Here(certificate(given, at.index("tls_certificates", index))?));
    }
    for (index, given) in take(&mut message.tls_certificate_sds_secret_configs).into_iter().enumerate() {
        certificates.push(OrSds::Sds(sds(given, at.index("tls_certificate_sds_secret_configs", index))?));
    }
    let alpn = take(&mut message.alpn_protocols);
    for (index, name) in alpn.iter().enumerate() {
        if name.is_empty() || name.len() > 255 {
            return Err(at.index("alpn_protocols", index).invalid(name, "must have 1 to 255 bytes"));
        }
    }
    if let Some(log) = message.key_log.take() {
        return Err(at.field("key_log").unsupported(log.path, "keys are never written down"));
    }
    let later = certificates.iter().any(|certificate| matches!(certificate, OrSds::Sds(_)));
    let params = match params::decode(message.tls_params.take(), at.field("tls_params")) {
        Err(error) if later => TlsParams { unusable: Some(error.to_string()), ..TlsParams::default() },
        params => params?,
    };
    let decoded = CommonTls {
        params,
        certificates,
        alpn,
        validation: validation_of(message.validation_context_type.take(), at)?,
    };
    at.nothing_left(&message)?;
    Ok(decoded)
}

pub(super) fn certificate(mut given: api::TlsCertificate, at: At<'_>) -> Result<TlsCertificate, DecodeError> {
    for (field, source) in [("pkcs12", given.pkcs12.take()), ("password", given.password.take())] {
        if source.is_some() {
            return Err(at
                .field(field)
                .unsupported("", "give certificate_chain and an unencrypted private_key as PEM"));
        }
    }
    if given.ocsp_staple.take().is_some() {
        return Err(at.field("ocsp_staple").unsupported("", "OCSP staples are not sent"));
    }
    if let Some(provider) = given.private_key_provider.take() {
        return Err(at.field("private_key_provider").unsupported(provider.provider_name, "use private_key"));
    }
    // Files are looked at by themselves, whatever directory they are in.
    given.watched_directory = None;
    let part = |source: Option<core::DataSource>, field: &str| match source {
        Some(source) => sourced(source, at.field(field)),
        None => Err(at.field(field).missing("")),
    };
    let decoded = TlsCertificate {
        chain: part(given.certificate_chain.take(), "certificate_chain")?,
        key: part(given.private_key.take(), "private_key")?,
    };
    at.nothing_left(&given)?;
    Ok(decoded)
}

fn sourced(mut source: core::DataSource, at: At<'_>) -> Result<crate::ir::DataSource, DecodeError> {
    source.watched_directory = None;
    data_source(source, at)
}

/// Which secret: on the one stream of discovery or in the bootstrap, or at a server of its own.
fn sds(given: api::SdsSecretConfig, at: At<'_>) -> Result<SecretRef, DecodeError> {
    use core::config_source::ConfigSourceSpecifier as Source;
    if given.name.is_empty() {
        return Err(at.field("name").missing("name of the secret"));
    }
    let config = at.field("sds_config");
    let from = match given.sds_config.and_then(|source| source.config_source_specifier) {
        None | Some(Source::Ads(_) | Source::Self_(_)) => SecretSource::Discovery,
        Some(Source::ApiConfigSource(source)) => server(source, config.field("api_config_source"))?,
        Some(Source::PathConfigSource(source)) => {
            return Err(config
                .field("path_config_source")
                .unsupported(source.path, "use ads, or filename in tls_certificates"));
        }
        Some(Source::Path(path)) => {
            return Err(config.field("path").unsupported(path, "use ads, or filename in tls_certificates"));
        }
    };
    Ok(SecretRef { name: given.name.into(), from })
}

/// The cluster of an SDS server.
fn server(source: core::ApiConfigSource, at: At<'_>) -> Result<SecretSource, DecodeError> {
    use core::api_config_source::ApiType;
    use core::grpc_service::TargetSpecifier;
    if source.api_type != i32::from(ApiType::Grpc) {
        return Err(at.field("api_type").unsupported(source.api_type().as_str_name(), "use GRPC"));
    }
    let services = at.index("grpc_services", 0);
    match source.grpc_services.into_iter().next().and_then(|service| service.target_specifier) {
        Some(TargetSpecifier::EnvoyGrpc(to)) if to.cluster_name.is_empty() => {
            Err(services.field("envoy_grpc").field("cluster_name").missing("name of a cluster"))
        }
        Some(TargetSpecifier::EnvoyGrpc(to)) => Ok(SecretSource::Server(to.cluster_name.into())),
        Some(TargetSpecifier::GoogleGrpc(to)) => {
            Err(services.field("google_grpc").unsupported(to.target_uri, "use envoy_grpc"))
        }
        None => Err(services.missing("envoy_grpc")),
    }
}

fn validation_of(
    given: Option<api::common_tls_context::ValidationContextType>,
    at: At<'_>,
) -> Result<Option<Validation>, DecodeError> {
    use api::common_tls_context::ValidationContextType as Type;
    Ok(match given {
        None => None,
        Some(Type::ValidationContext(given)) => {
            Some(Validation { here: validation(given, at.field("validation_context"))?, sds: None })
        }
        Some(Type::ValidationContextSdsSecretConfig(given)) => Some(Validation {
            here: ValidationContext::default(),
            sds: Some(sds(given, at.field("validation_context_sds_secret_config"))?),
        }),
        Some(Type::CombinedValidationContext(mut given)) => {
            let at = at.field("combined_validation_context");
            let here = given.default_validation_context.take().unwrap_or_default();
            let secret = match given.validation_context_sds_secret_config.take() {
                Some(config) => sds(config, at.field("validation_context_sds_secret_config"))?,
                None => return Err(at.field("validation_context_sds_secret_config").missing("")),
            };
            at.nothing_left(&given)?;
            Some(Validation { here: validation(here, at.field("default_validation_context"))?, sds: Some(secret) })
        }
        Some(Type::ValidationContextCertificateProvider(_) | Type::ValidationContextCertificateProviderInstance(_)) => {
            return Err(at.field("validation_context_certificate_provider").unsupported("", "use validation_context"));
        }
    })
}

pub(super) fn validation(
    mut given: api::CertificateValidationContext,
    at: At<'_>,
) -> Result<ValidationContext, DecodeError> {
    let mut sans = Vec::new();
    for (index, matcher) in take(&mut given.match_typed_subject_alt_names).into_iter().enumerate() {
        let at = at.index("match_typed_subject_alt_names", index);
        let kind = match matcher.san_type {
            1 => SanKind::Email,
            2 => SanKind::Dns,
            3 => SanKind::Uri,
            4 => SanKind::IpAddress,
            5 => return Err(at.field("san_type").unsupported("OTHER_NAME", "use DNS, URI, EMAIL or IP_ADDRESS")),
            other => return Err(at.field("san_type").invalid(other, "must be EMAIL, DNS, URI or IP_ADDRESS")),
        };
        let wanted = matcher.matcher.ok_or_else(|| at.field("matcher").missing(""))?;
        sans.push(SanMatcher { kind: Some(kind), matcher: matching::string(wanted, at.field("matcher"))? });
    }
    for (index, matcher) in take(&mut given.match_subject_alt_names).into_iter().enumerate() {
        let at = at.index("match_subject_alt_names", index);
        sans.push(SanMatcher { kind: None, matcher: matching::string(matcher, at)? });
    }
    let mut spki = Vec::new();
    for (index, text) in take(&mut given.verify_certificate_spki).iter().enumerate() {
        let at = at.index("verify_certificate_spki", index);
        spki.push(base64_sha256(text).ok_or_else(|| at.invalid(text, "must be the base64 of a SHA-256"))?);
    }
    let mut hashes = Vec::new();
    for (index, text) in take(&mut given.verify_certificate_hash).iter().enumerate() {
        let at = at.index("verify_certificate_hash", index);
        hashes.push(hex_sha256(text).ok_or_else(|| at.invalid(text, "must be a SHA-256 in hex"))?);
    }
    let accept_untrusted = match take(&mut given.trust_chain_verification) {
        0 => false,
        1 => true,
        other => return Err(at.field("trust_chain_verification").invalid(other, "unknown value")),
    };
    if flag(given.require_signed_certificate_timestamp.take(), false) {
        return Err(at.field("require_signed_certificate_timestamp").unsupported(true, ""));
    }
    given.watched_directory = None;
    let decoded = ValidationContext {
        trusted_ca: given.trusted_ca.take().map(|source| sourced(source, at.field("trusted_ca"))).transpose()?,
        system_roots: given.system_root_certs.take().is_some(),
        sans,
        spki,
        hashes,
        crl: given.crl.take().map(|source| sourced(source, at.field("crl"))).transpose()?,
        crl_leaf_only: take(&mut given.only_verify_leaf_cert_crl),
        allow_expired: take(&mut given.allow_expired_certificate),
        accept_untrusted,
        max_depth: number(given.max_verify_depth.take()),
        suppress_ca_list: take(&mut given.suppress_client_ca_list),
    };
    at.nothing_left(&given)?;
    Ok(decoded)
}

/// 64 hex digits, with colons between pairs or without.
fn hex_sha256(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    if digits.len() != 64 || !matches!(text.len(), 64 | 95) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(hash)
}

/// 44 characters of base64 (RFC 4648).
fn base64_sha256(text: &str) -> Option<[u8; 32]> {
    let text = text.strip_suffix('=').filter(|text| text.len() == 43)?;
    let mut bits: u32 = 0;
    let (mut count, mut at) = (0, 0);
    let mut hash = [0; 32];
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0x3fff;
        count += 6;
        if count >= 8 {
            count -= 8;
            *hash.get_mut(at)? = u8::try_from(bits >> count & 0xff).ok()?;
            at += 1;
        }
    }
    // Bits that are left over must be zero.
    (at == 32 && bits & ((1 << count) - 1) == 0).then_some(hash)
}

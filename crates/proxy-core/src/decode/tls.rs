//! Transport sockets: plain text, and TLS of both sides.
//! In: `TransportSocket`. Out: what a TLS library is set up from; the whole message is kept for the shell.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::value::{data_source, flag};
use crate::ir::{DataSource, DownstreamTls, TlsCertificate, UpstreamTls};
use lateen_envoy_api::v3::{core, tls as api};
use lateen_envoy_api::{Any, prost::Message, type_url};
use std::sync::Arc;

const RAW_BUFFER: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/// `None` for plain text.
fn typed(socket: Option<core::TransportSocket>, at: At<'_>) -> Result<Option<Any>, DecodeError> {
    let Some(socket) = socket else { return Ok(None) };
    match socket.config_type {
        Some(core::transport_socket::ConfigType::TypedConfig(any)) => {
            Ok((type_url::full_name(&any.type_url) != RAW_BUFFER).then_some(any))
        }
        None if socket.name == "envoy.transport_sockets.raw_buffer" => Ok(None),
        None => Err(at.field("typed_config").missing("")),
    }
}

pub(crate) fn downstream(
    socket: Option<core::TransportSocket>,
    at: At<'_>,
) -> Result<Option<Arc<DownstreamTls>>, DecodeError> {
    let Some(any) = typed(socket, at)? else { return Ok(None) };
    let at = at.field("typed_config");
    if type_url::full_name(&any.type_url) != "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext" {
        return Err(at.unknown_extension(&any, "DownstreamTlsContext, RawBuffer"));
    }
    let context: api::DownstreamTlsContext = at.unpack(&any)?;
    let raw = context.encode_to_vec();
    let common = context.common_tls_context.unwrap_or_default();
    let at = at.field("common_tls_context");
    let mut certificates = Vec::with_capacity(common.tls_certificates.len());
    for (index, certificate) in common.tls_certificates.into_iter().enumerate() {
        let at = at.index("tls_certificates", index);
        let part = |source: Option<core::DataSource>, field: &str| match source {
            Some(source) => data_source(source, at.field(field)),
            None => Err(at.field(field).missing("")),
        };
        certificates.push(TlsCertificate {
            chain: part(certificate.certificate_chain, "certificate_chain")?,
            key: part(certificate.private_key, "private_key")?,
        });
    }
    let certificate_sds: Vec<Arc<str>> =
        common.tls_certificate_sds_secret_configs.into_iter().map(|config| config.name.into()).collect();
    if certificates.is_empty() && certificate_sds.is_empty() {
        return Err(at.missing("a server needs tls_certificates or tls_certificate_sds_secret_configs"));
    }
    let (trusted_ca, validation_sds) = validation(common.validation_context_type, at)?;
    Ok(Some(Arc::new(DownstreamTls {
        certificates,
        certificate_sds,
        alpn: common.alpn_protocols,
        require_client_certificate: flag(context.require_client_certificate, false),
        trusted_ca,
        validation_sds,
        raw,
    })))
}

type Validation = (Option<DataSource>, Option<Arc<str>>);

fn validation(
    context: Option<api::common_tls_context::ValidationContextType>,
    at: At<'_>,
) -> Result<Validation, DecodeError> {
    use api::common_tls_context::ValidationContextType as Context;
    let ca = |context: api::CertificateValidationContext, at: At<'_>| {
        context.trusted_ca.map(|source| data_source(source, at.field("trusted_ca"))).transpose()
    };
    match context {
        None => Ok((None, None)),
        Some(Context::ValidationContext(context)) => Ok((ca(context, at.field("validation_context"))?, None)),
        Some(Context::ValidationContextSdsSecretConfig(config)) => Ok((None, Some(config.name.into()))),
        Some(Context::CombinedValidationContext(combined)) => {
            let at = at.field("combined_validation_context");
            let sds = combined.validation_context_sds_secret_config.map(|config| config.name.into());
            let default = combined.default_validation_context.unwrap_or_default();
            Ok((ca(default, at.field("default_validation_context"))?, sds))
        }
        Some(
            Context::ValidationContextCertificateProvider(_) | Context::ValidationContextCertificateProviderInstance(_),
        ) => Err(at.field("validation_context_certificate_provider").unsupported("", "use validation_context")),
    }
}

pub(crate) fn upstream(
    socket: Option<core::TransportSocket>,
    at: At<'_>,
) -> Result<Option<Arc<UpstreamTls>>, DecodeError> {
    let Some(any) = typed(socket, at)? else { return Ok(None) };
    let at = at.field("typed_config");
    if type_url::full_name(&any.type_url) != "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext" {
        return Err(at.unknown_extension(&any, "UpstreamTlsContext, RawBuffer"));
    }
    let context: api::UpstreamTlsContext = at.unpack(&any)?;
    let raw = context.encode_to_vec();
    let alpn = context.common_tls_context.map(|common| common.alpn_protocols).unwrap_or_default();
    Ok(Some(Arc::new(UpstreamTls { sni: context.sni, alpn, raw })))
}

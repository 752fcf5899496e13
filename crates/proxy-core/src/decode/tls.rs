//! Transport sockets: plain text, and TLS of both sides.
//! In: `TransportSocket`. Out: settings of TLS, or the field that cannot be done.
//! What a TLS library finds wrong with keys and certificates is not known here.

#![allow(deprecated)]

mod context;
mod params;
mod secret;
#[cfg(test)]
mod tests;

pub(super) use secret::decode as secret;

use super::DecodeError;
use super::at::At;
use super::value::{duration, flag, number};
use crate::hash::xx_hash64;
use crate::ir::{DownstreamTls, UpstreamTls};
use lateen_envoy_api::v3::{core, tls as api};
use lateen_envoy_api::{Any, type_url};
use std::mem::take;
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
    use api::downstream_tls_context::SessionTicketKeysType as Keys;
    let Some(any) = typed(socket, at)? else { return Ok(None) };
    let at = at.field("typed_config");
    if type_url::full_name(&any.type_url) != "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext" {
        return Err(at.unknown_extension(&any, "DownstreamTlsContext, RawBuffer"));
    }
    let mut message: api::DownstreamTlsContext = at.unpack(&any)?;
    let place = at.field("common_tls_context");
    let common = context::common(message.common_tls_context.take().unwrap_or_default(), place)?;
    if common.certificates.is_empty() {
        return Err(place.missing("a server needs tls_certificates or tls_certificate_sds_secret_configs"));
    }
    let tickets = match message.session_ticket_keys_type.take() {
        None | Some(Keys::DisableStatelessSessionResumption(false)) => true,
        Some(Keys::DisableStatelessSessionResumption(true)) => false,
        Some(Keys::SessionTicketKeys(_)) => {
            let hint = "leave it out: keys are made at random and change with the certificate";
            return Err(at.field("session_ticket_keys").unsupported("", hint));
        }
        Some(Keys::SessionTicketKeysSdsSecretConfig(config)) => {
            let hint = "leave it out: keys are made at random and change with the certificate";
            return Err(at.field("session_ticket_keys_sds_secret_config").unsupported(config.name, hint));
        }
    };
    match take(&mut message.ocsp_staple_policy) {
        // Without a staple in a certificate there is nothing to send, and these two go on without.
        0 | 1 => {}
        _ => {
            let hint = "OCSP staples are not sent; use LENIENT_STAPLING";
            return Err(at.field("ocsp_staple_policy").unsupported("MUST_STAPLE", hint));
        }
    }
    let decoded = DownstreamTls {
        common,
        require_client_certificate: flag(message.require_client_certificate.take(), false),
        require_sni: flag(message.require_sni.take(), false),
        tickets,
        session_ids: !take(&mut message.disable_stateful_session_resumption),
        session_timeout: duration(message.session_timeout.take(), at.field("session_timeout"))?,
        full_scan: flag(message.full_scan_certs_on_sni_mismatch.take(), false),
        prefer_client_ciphers: take(&mut message.prefer_client_ciphers),
        version: xx_hash64(&any.value, 0),
    };
    at.nothing_left(&message)?;
    Ok(Some(Arc::new(decoded)))
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
    let mut message: api::UpstreamTlsContext = at.unpack(&any)?;
    let place = at.field("common_tls_context");
    let common = context::common(message.common_tls_context.take().unwrap_or_default(), place)?;
    if common.certificates.len() > 1 {
        let reason = "multiple TLS certificates are not supported for client contexts";
        return Err(place.field("tls_certificates").invalid(common.certificates.len(), reason));
    }
    if take(&mut message.allow_renegotiation) {
        return Err(at.field("allow_renegotiation").unsupported(true, "renegotiation is never done"));
    }
    // Always enforced.
    message.enforce_rsa_key_usage = None;
    let sni = take(&mut message.sni);
    if sni.len() > 255 {
        return Err(at.field("sni").invalid(sni, "must be at most 255 bytes"));
    }
    let decoded = UpstreamTls {
        common,
        sni,
        auto_host_sni: take(&mut message.auto_host_sni),
        auto_sni_san_validation: take(&mut message.auto_sni_san_validation),
        max_session_keys: number(message.max_session_keys.take()).unwrap_or(1),
        version: xx_hash64(&any.value, 0),
    };
    at.nothing_left(&message)?;
    Ok(Some(Arc::new(decoded)))
}

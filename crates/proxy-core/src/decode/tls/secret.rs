//! Secrets (SDS).
//! In: `Secret`. Out: a certificate, or conditions for the peer's.

use super::super::DecodeError;
use super::super::at::At;
use super::context;
use crate::ir::{Secret, SecretKind};
use lateen_envoy_api::v3::tls as api;

pub(crate) fn decode(message: api::Secret, version: u64, at: At<'_>) -> Result<Secret, DecodeError> {
    use api::secret::Type;
    let kind = match message.r#type {
        Some(Type::TlsCertificate(given)) => {
            SecretKind::Certificate(context::certificate(given, at.field("tls_certificate"))?)
        }
        Some(Type::ValidationContext(given)) => {
            SecretKind::Validation(context::validation(given, at.field("validation_context"))?)
        }
        Some(Type::SessionTicketKeys(_)) => return Err(at.field("session_ticket_keys").unsupported("", "")),
        Some(Type::GenericSecret(_)) => return Err(at.field("generic_secret").unsupported("", "")),
        None => return Err(at.missing("tls_certificate or validation_context")),
    };
    Ok(Secret { name: message.name.into(), kind, version })
}

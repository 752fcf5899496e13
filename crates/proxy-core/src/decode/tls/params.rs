//! Versions, ciphers and curves by the names that Envoy takes (those of BoringSSL).
//! In: `TlsParameters`. Out: what of it is spoken here; an error when nothing is left.
//! A name that Envoy knows and that is weak or missing here is left out and remembered, so that a common list works.

use super::super::DecodeError;
use super::super::at::At;
use crate::ir::{Cipher, Curve, TlsParams, TlsVersion};
use lateen_envoy_api::v3::tls as api;
use std::mem::take;

/// Ciphers of TLS 1.2 that BoringSSL has and that are not spoken here: none of them has forward secrecy with AEAD.
const LEFT_OUT: [&str; 16] = [
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "AES128-SHA256",
    "AES256-SHA256",
    "DES-CBC3-SHA",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-PSK-CHACHA20-POLY1305",
];

/// Those that are spoken here, in the order of preference.
const ALL: [Cipher; 6] = [
    Cipher::EcdheEcdsaAes128Gcm,
    Cipher::EcdheRsaAes128Gcm,
    Cipher::EcdheEcdsaChacha20,
    Cipher::EcdheRsaChacha20,
    Cipher::EcdheEcdsaAes256Gcm,
    Cipher::EcdheRsaAes256Gcm,
];

pub(super) fn decode(given: Option<api::TlsParameters>, at: At<'_>) -> Result<TlsParams, DecodeError> {
    let Some(mut given) = given else { return Ok(TlsParams::default()) };
    let mut params = TlsParams::default();
    match take(&mut given.tls_minimum_protocol_version) {
        // Older versions are not spoken (RFC 8996); a floor below 1.2 is met by 1.2.
        0..=3 => {}
        4 => params.min = TlsVersion::Tls13,
        other => return Err(at.field("tls_minimum_protocol_version").invalid(other, "unknown version")),
    }
    let ceiling = at.field("tls_maximum_protocol_version");
    match take(&mut given.tls_maximum_protocol_version) {
        0 | 4 => {}
        1 | 2 => return Err(ceiling.unsupported("TLSv1_0 or TLSv1_1", "versions before TLSv1_2 are not spoken")),
        3 => params.max = TlsVersion::Tls12,
        other => return Err(ceiling.invalid(other, "unknown version")),
    }
    if params.min > params.max {
        return Err(ceiling.invalid("TLSv1_2", "is below tls_minimum_protocol_version"));
    }
    let names = take(&mut given.cipher_suites);
    for (index, group) in names.iter().enumerate() {
        // `[a|b]` is a group of equal preference.
        for name in group.trim_start_matches('[').trim_end_matches(']').split('|') {
            match cipher(name) {
                // BoringSSL's word for all that it has.
                None if name == "ALL" => {
                    let more: Vec<Cipher> = ALL.into_iter().filter(|one| !params.ciphers.contains(one)).collect();
                    params.ciphers.extend(more);
                }
                Some(cipher) if params.ciphers.contains(&cipher) => {}
                Some(cipher) => params.ciphers.push(cipher),
                None if LEFT_OUT.contains(&name) => params.left_out.push(name.to_owned()),
                None => return Err(at.index("cipher_suites", index).invalid(name, "unknown cipher suite")),
            }
        }
    }
    if !names.is_empty() && params.ciphers.is_empty() && params.min == TlsVersion::Tls12 {
        if params.max == TlsVersion::Tls12 {
            let hint = "none of these is spoken here; add ECDHE-ECDSA-AES128-GCM-SHA256 or ECDHE-RSA-AES128-GCM-SHA256";
            return Err(at.field("cipher_suites").unsupported(names.join(","), hint));
        }
        // Only TLS 1.3 is left, whose ciphers cannot be chosen.
        params.min = TlsVersion::Tls13;
    }
    let names = take(&mut given.ecdh_curves);
    for (index, name) in names.iter().enumerate() {
        match name.as_str() {
            "X25519" => params.curves.push(Curve::X25519),
            "P-256" | "prime256v1" => params.curves.push(Curve::P256),
            "P-384" | "secp384r1" => params.curves.push(Curve::P384),
            "X25519MLKEM768" => params.curves.push(Curve::X25519MlKem768),
            "P-521" | "P-224" | "X25519Kyber768Draft00" => params.left_out.push(name.clone()),
            _ => return Err(at.index("ecdh_curves", index).invalid(name, "unknown curve")),
        }
    }
    if !names.is_empty() && params.curves.is_empty() {
        return Err(at.field("ecdh_curves").unsupported(names.join(","), "add X25519, P-256 or P-384"));
    }
    if !given.signature_algorithms.is_empty() {
        return Err(at.field("signature_algorithms").unsupported(given.signature_algorithms.join(","), ""));
    }
    if !given.compliance_policies.is_empty() {
        return Err(at.field("compliance_policies").unsupported(given.compliance_policies.len(), ""));
    }
    at.nothing_left(&given)?;
    Ok(params)
}

fn cipher(name: &str) -> Option<Cipher> {
    Some(match name {
        "ECDHE-ECDSA-AES128-GCM-SHA256" | "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => Cipher::EcdheEcdsaAes128Gcm,
        "ECDHE-RSA-AES128-GCM-SHA256" | "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => Cipher::EcdheRsaAes128Gcm,
        "ECDHE-ECDSA-AES256-GCM-SHA384" | "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => Cipher::EcdheEcdsaAes256Gcm,
        "ECDHE-RSA-AES256-GCM-SHA384" | "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => Cipher::EcdheRsaAes256Gcm,
        "ECDHE-ECDSA-CHACHA20-POLY1305" | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => Cipher::EcdheEcdsaChacha20,
        "ECDHE-RSA-CHACHA20-POLY1305" | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" => Cipher::EcdheRsaChacha20,
        _ => return None,
    })
}

//! What certificates say about their holder.
//! In: DER. Out: names, subject, life time, and PEM for headers.
//! Certificates come from anyone: one that cannot be read has no names.

use aws_lc_rs::digest::{SHA256, digest};
use lateen_proxy_core::ir::SanKind;
use lateen_proxy_core::request::PeerCertificate;
use rustls_pki_types::CertificateDer;
use std::fmt::Write as _;
use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// What a certificate says.
#[derive(Debug, Clone, Default)]
pub struct Leaf {
    /// RFC 2253.
    pub subject: String,
    /// Subject alternative names in order.
    pub names: Vec<(SanKind, String)>,
    /// The last common name of the subject.
    pub common_name: String,
    /// Hex, lower case.
    pub serial: String,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
    /// SHA-256 of the public key (SPKI).
    pub spki: [u8; 32],
}

impl Leaf {
    /// Names of one kind.
    pub fn names_of(&self, kind: SanKind) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(found, _)| *found == kind).map(|(_, name)| name.as_str())
    }
}

/// Reads a certificate.
pub fn leaf(der: &[u8]) -> Option<Leaf> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut leaf = Leaf {
        subject: rfc2253(certificate.subject()),
        common_name: certificate
            .subject()
            .iter_common_name()
            .last()
            .and_then(|name| name.as_str().ok())
            .unwrap_or_default()
            .to_owned(),
        serial: hex(certificate.raw_serial()).trim_start_matches("00").to_owned(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        spki: sha256(certificate.public_key().raw),
        names: Vec::new(),
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Some(leaf) };
    for name in &names.value.general_names {
        match name {
            GeneralName::DNSName(name) => leaf.names.push((SanKind::Dns, (*name).to_owned())),
            GeneralName::URI(uri) => leaf.names.push((SanKind::Uri, (*uri).to_owned())),
            GeneralName::RFC822Name(name) => leaf.names.push((SanKind::Email, (*name).to_owned())),
            GeneralName::IPAddress(bytes) => {
                let address = <[u8; 4]>::try_from(*bytes)
                    .map(IpAddr::from)
                    .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                if let Ok(address) = address {
                    leaf.names.push((SanKind::IpAddress, address.to_string()));
                }
            }
            _ => {}
        }
    }
    Some(leaf)
}

/// The last part first, special characters escaped.
fn rfc2253(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in name.iter() {
        let mut text = String::new();
        for (index, attribute) in part.iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            let oid = attribute.attr_type().to_id_string();
            let _ = write!(text, "{}=", short_name(&oid).unwrap_or(&oid));
            escape(attribute.as_str().unwrap_or_default(), &mut text);
        }
        parts.push(text);
    }
    parts.reverse();
    parts.join(",")
}

fn short_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}

fn escape(value: &str, out: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let edge = (index == 0 && matches!(character, ' ' | '#')) || (index == last && character == ' ');
        if edge || matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
            out.push(character);
        } else if character.is_ascii_graphic() || character == ' ' {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "\\{byte:02X}");
            }
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// What a client's certificates say, for headers, rules and logs; `None` when it has shown none.
pub fn peer_certificate(chain: &[CertificateDer<'_>], own_uris: &[String]) -> Option<PeerCertificate> {
    let first = chain.first()?;
    let leaf = leaf(first)?;
    let names = |kind| leaf.names_of(kind).map(str::to_owned).collect();
    Some(PeerCertificate {
        local_uri_sans: own_uris.to_vec(),
        sha256: hex(&sha256(first)),
        uri_sans: names(SanKind::Uri),
        dns_sans: names(SanKind::Dns),
        pem: encoded_pem(first),
        chain: chain.iter().map(|der| encoded_pem(der)).collect(),
        subject: leaf.subject,
    })
}

/// PEM as x-forwarded-client-cert has it: percent-encoded.
pub fn encoded_pem(der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::with_capacity(der.len() * 4 / 3 + 4);
    for group in der.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            if place > group.len() {
                base64.push('=');
            } else {
                base64.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
            }
        }
    }
    let mut out = String::with_capacity(base64.len() * 5 / 4);
    out.push_str("-----BEGIN%20CERTIFICATE-----%0A");
    for (index, character) in base64.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            out.push_str("%0A");
        }
        match character {
            '+' => out.push_str("%2B"),
            '/' => out.push_str("%2F"),
            '=' => out.push_str("%3D"),
            other => out.push(other),
        }
    }
    out.push_str("%0A-----END%20CERTIFICATE-----%0A");
    out
}

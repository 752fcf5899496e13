//! Bytes behind data sources: inline, in files, in the environment.
//! In: sources. Out: certificates, keys and lists, parsed; and what a file looked like, so that a change is seen.
//! Only the control thread reads files.

use super::x509::{self, Leaf};
use lateen_proxy_core::ir::{DataSource, TlsCertificate, ValidationContext};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::borrow::Cow;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// Where the system keeps its authorities, first that is there.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What a file looked like. A ConfigMap or Secret changes through a symbolic link, so the inode counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// `None` for a file that is not there.
pub fn stamp(path: &str) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some(Stamp { inode: found.ino(), length: found.len(), modified: (found.mtime(), found.mtime_nsec()) })
}

/// Reads a source.
pub fn read(source: &DataSource) -> Result<Cow<'_, [u8]>, String> {
    match source {
        DataSource::Inline(bytes) => Ok(Cow::Borrowed(bytes)),
        DataSource::File(path) => {
            std::fs::read(path).map(Cow::Owned).map_err(|error| format!("file {path}: {}", words(&error)))
        }
        DataSource::Environment(name) => std::env::var_os(name)
            .map(|value| Cow::Owned(std::os::unix::ffi::OsStringExt::into_vec(value)))
            .ok_or_else(|| format!("environment variable {name} is not set")),
    }
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "is not there".to_owned(),
        _ => error.to_string(),
    }
}

/// How a source is called in messages.
pub fn describe(source: &DataSource) -> String {
    match source {
        DataSource::Inline(_) => "inline bytes".to_owned(),
        DataSource::File(path) => format!("file {path}"),
        DataSource::Environment(name) => format!("environment variable {name}"),
    }
}

/// Files among sources.
pub fn file(source: &DataSource) -> Option<&str> {
    match source {
        DataSource::File(path) => Some(path),
        DataSource::Inline(_) | DataSource::Environment(_) => None,
    }
}

/// Files that a validation context reads.
pub fn files(context: &ValidationContext) -> impl Iterator<Item = &str> {
    context.trusted_ca.iter().chain(&context.crl).filter_map(file)
}

fn certificates(source: &DataSource) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(source)?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let parsed = parsed.map_err(|error| format!("{}: no valid PEM: {error}", describe(source)))?;
    if parsed.is_empty() {
        return Err(format!("{}: holds no certificate in PEM", describe(source)));
    }
    Ok(parsed)
}

/// An own certificate with its key.
#[derive(Debug, Clone)]
pub struct Own {
    /// For rustls.
    pub key: Arc<CertifiedKey>,
    /// What the certificate says.
    pub leaf: Option<Leaf>,
}

/// Reads a certificate and its key: the parts are there, they are valid, and they belong together.
pub fn own(given: &TlsCertificate, provider: &CryptoProvider) -> Result<Own, String> {
    let key = Arc::new(certified(given, provider)?);
    let leaf = key.cert.first().and_then(|der| x509::leaf(der));
    Ok(Own { key, leaf })
}

fn certified(given: &TlsCertificate, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = certificates(&given.chain)?;
    let bytes = read(&given.key)?;
    let place = describe(&given.key);
    if bytes.windows(9).any(|part| part == b"ENCRYPTED") {
        return Err(format!("{place}: the key is encrypted; store it without a password"));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| format!("{place}: no private key: {error}"))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| format!("{place}: not a key that is known here (RSA, ECDSA P-256, P-384 or P-521, Ed25519)"))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(format!("{}: the certificate is not for the private key in {place}", describe(&given.chain)))
        }
        Err(error) => Err(format!("{}: no valid certificate: {error}", describe(&given.chain))),
    }
}

/// Whether a context trusts the authorities of the system: it says so, or names the file where images of Envoy have
/// them, which is all that can be told to Envoy. Not every system has that file.
pub fn of_system(context: &ValidationContext) -> bool {
    is_of_system(context, &SYSTEM_ROOTS)
}

fn is_of_system(context: &ValidationContext, places: &[&str]) -> bool {
    context.system_roots || is_usual_place(context, places)
}

fn is_usual_place(context: &ValidationContext, places: &[&str]) -> bool {
    context.trusted_ca.as_ref().and_then(file).is_some_and(|path| places.first() == Some(&path))
}

/// Authorities that a context trusts; empty for none.
pub fn authorities(context: &ValidationContext) -> Result<Vec<CertificateDer<'static>>, String> {
    authorities_at(context, &SYSTEM_ROOTS)
}

fn authorities_at(context: &ValidationContext, places: &[&str]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = match &context.trusted_ca {
        Some(source) if !is_usual_place(context, places) => certificates(source)?,
        _ => Vec::new(),
    };
    if is_of_system(context, places) {
        let path = places.iter().find(|path| Path::new(path).exists());
        let path = path.ok_or("the system has no file of trusted authorities (package ca-certificates)")?;
        found.extend(certificates(&DataSource::File((*path).to_owned()))?);
    }
    Ok(found)
}

/// Revocation lists of a context.
pub fn revocations(context: &ValidationContext) -> Result<Vec<webpki::CertRevocationList<'static>>, String> {
    let Some(source) = &context.crl else { return Ok(Vec::new()) };
    let bytes = read(source)?;
    let place = describe(source);
    let mut lists = Vec::new();
    for list in CertificateRevocationListDer::pem_slice_iter(&bytes) {
        let list = list.map_err(|error| format!("{place}: no valid PEM: {error}"))?;
        let list = webpki::OwnedCertRevocationList::from_der(&list)
            .map_err(|error| format!("{place}: no valid revocation list: {error}"))?;
        lists.push(list.into());
    }
    if lists.is_empty() {
        return Err(format!("{place}: holds no revocation list in PEM"));
    }
    Ok(lists)
}

#[cfg(test)]
mod tests;

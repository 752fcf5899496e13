//! What the connection manager does to a request before filters, and to a response after them.
//! In: settings, a head as it came, the connection, random bits. Out: the head as filters may see it, or a local reply.
//! Behaves as Envoy's `ConnectionManagerUtility`.

mod certificate;
mod check;
mod forwarded;
mod host;
#[cfg(test)]
mod tests;

use crate::flags::ResponseFlags;
use crate::headers::{Headers, Method, RequestHead, ResponseHead, Version};
use crate::http1::hop::{self, Hop};
use crate::ir::{Forward, HttpConnectionManager, ServerHeader};
use crate::local_reply::LocalReply;
use bytes::Bytes;
use std::net::SocketAddr;

/// The connection that a request came on.
#[derive(Debug, Clone, Copy)]
pub struct Downstream<'a> {
    /// The peer; what PROXY protocol said when there was some.
    pub peer: SocketAddr,
    /// The address that the peer connected to.
    pub local: SocketAddr,
    /// Whether it is TLS.
    pub tls: bool,
    /// The peer's certificate when mutual TLS was done.
    pub certificate: Option<&'a PeerCertificate>,
}

/// What x-forwarded-client-cert is made of.
#[derive(Debug, Clone, Default)]
pub struct PeerCertificate {
    /// URI SANs of the own certificate (`By=`).
    pub local_uri_sans: Vec<String>,
    /// SHA-256 of the certificate, lower-case hex.
    pub sha256: String,
    /// Subject, RFC 2253.
    pub subject: String,
    /// URI SANs.
    pub uri_sans: Vec<String>,
    /// DNS SANs.
    pub dns_sans: Vec<String>,
    /// PEM, percent-encoded.
    pub pem: String,
    /// PEM of the whole chain, percent-encoded.
    pub chain: String,
}

/// What was found out about a request.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The client as trusted (`%DOWNSTREAM_REMOTE_ADDRESS%`).
    pub client: SocketAddr,
    /// Whether the client is internal.
    pub internal: bool,
    /// Whether the scheme as the client sees it is https (`x-forwarded-proto`).
    pub https: bool,
    /// x-request-id of the request.
    pub request_id: Option<Bytes>,
    /// Whether the request came with an x-request-id or the response shows it anyway.
    pub request_id_in_response: bool,
    /// The upgrade that is asked for.
    pub upgrade: Option<Upgrade>,
    /// Whether the response is the last of its connection (HTTP/1.0, `connection: close`).
    pub close_after: bool,
    /// Whether the request was HEAD.
    pub head: bool,
}

/// An upgrade that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// `upgrade: <this>`, lower case.
    Protocol(String),
    /// CONNECT.
    Connect,
}

/// Checks and changes a request as it comes in.
///
/// # Errors
/// The reply to send when the request may not go on.
pub fn admit(
    hcm: &HttpConnectionManager,
    head: &mut RequestHead,
    downstream: &Downstream<'_>,
    random: &mut dyn FnMut() -> u64,
) -> Result<Admitted, Box<LocalReply>> {
    check::version_and_host(hcm, head)?;
    check::path(hcm, head)?;
    host::normalize(hcm, head, downstream.local.port());
    let upgrade = upgrade_of(head);
    let close_after = closes(head);
    // Upgrades keep `connection` and `upgrade`, which go upstream as they are.
    let hop = if upgrade.is_some() { Hop::Upgrade } else { Hop::Plain };
    hop::strip_request(&mut head.headers, hop);
    head.headers.remove("x-envoy-internal");
    if let Some(scheme) = &hcm.scheme_override {
        head.scheme = Some(Bytes::copy_from_slice(scheme.as_bytes()));
    }
    let found = forwarded::client(hcm, head, downstream);
    let edge = hcm.use_remote_address && !found.internal;
    if found.internal {
        head.headers.set("x-envoy-internal", Bytes::from_static(b"true"));
    } else {
        forwarded::strip_internal(head, edge);
    }
    if hcm.add_user_agent {
        head.headers.set("x-envoy-downstream-service-cluster", hcm.server_name.as_bytes().to_vec());
    }
    append_via(&hcm.via, &mut head.headers);
    if edge {
        head.headers.set("x-envoy-external-address", found.client.ip().to_canonical().to_string());
    }
    let kept = !edge || hcm.preserve_external_request_id;
    if hcm.generate_request_id && !(kept && head.headers.contains("x-request-id")) {
        head.headers.set("x-request-id", uuid(random));
    }
    certificate::forward(hcm, head, downstream.certificate.filter(|_| downstream.tls));
    let https = match &hcm.scheme_override {
        Some(scheme) => **scheme == *"https",
        None => {
            head.headers.get("x-forwarded-proto").map_or(downstream.tls, |proto| proto.eq_ignore_ascii_case(b"https"))
        }
    };
    if head.scheme.is_none() {
        head.scheme = Some(Bytes::from_static(if https { b"https" } else { b"http" }));
    }
    Ok(Admitted {
        client: found.client,
        internal: found.internal,
        https,
        request_id: head.headers.get_bytes("x-request-id"),
        request_id_in_response: hcm.always_set_request_id_in_response || head.headers.contains("x-envoy-force-trace"),
        upgrade,
        close_after,
        head: head.method == Method::Head,
    })
}

/// The upgrade that a request asks for.
fn upgrade_of(head: &RequestHead) -> Option<Upgrade> {
    let lower = |token: &[u8]| Upgrade::Protocol(String::from_utf8_lossy(token).trim().to_ascii_lowercase());
    if let Some(protocol) = &head.protocol {
        return Some(lower(protocol));
    }
    if head.method == Method::Connect {
        return Some(Upgrade::Connect);
    }
    let token = head.headers.get("upgrade")?;
    (head.version != Version::Http2 && hop::names(&head.headers, "connection", b"upgrade")).then(|| lower(token))
}

fn closes(head: &RequestHead) -> bool {
    match head.version {
        Version::Http10 => !hop::names(&head.headers, "connection", b"keep-alive"),
        Version::Http11 => hop::names(&head.headers, "connection", b"close"),
        Version::Http2 => false,
    }
}

fn append_via(via: &str, headers: &mut Headers) {
    if via.is_empty() {
        return;
    }
    let joined = match headers.get_joined("via").filter(|known| !known.is_empty()) {
        Some(known) => [&known[..], &b", "[..], via.as_bytes()].concat(),
        None => via.as_bytes().to_vec(),
    };
    headers.set("via", joined);
}

/// A random UUID (RFC 9562, version 4).
fn uuid(random: &mut dyn FnMut() -> u64) -> String {
    let (high, low) = (random(), random());
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// Whether the upgrade that a request asks for is allowed by the connection manager or the route.
///
/// # Errors
/// 403 as Envoy answers.
pub fn check_upgrade(
    hcm: &HttpConnectionManager,
    admitted: &Admitted,
    forward: Option<&Forward>,
) -> Result<(), Box<LocalReply>> {
    let name = match &admitted.upgrade {
        None => return Ok(()),
        Some(Upgrade::Protocol(name)) => name.as_str(),
        Some(Upgrade::Connect) => "connect",
    };
    let of_route = forward.and_then(|forward| forward.upgrades.iter().find(|(known, _)| known == name));
    let allowed = of_route.map_or_else(|| hcm.upgrades.iter().any(|known| known == name), |(_, enabled)| *enabled);
    if allowed { Ok(()) } else { Err(Box::new(LocalReply::new(403, ResponseFlags::NONE, "upgrade_failed"))) }
}

/// Makes a response fit to be sent downstream: `server`, `via`, x-request-id, hop-by-hop headers.
/// The shell adds `date`. `from_upstream` is false for local replies.
pub fn finish_response(hcm: &HttpConnectionManager, admitted: &Admitted, head: &mut ResponseHead, from_upstream: bool) {
    let _ = from_upstream;
    let upgraded = admitted.upgrade.is_some() && head.headers.contains("upgrade");
    hop::strip_response(&mut head.headers, if upgraded { Hop::Upgrade } else { Hop::Plain });
    match hcm.server_header {
        ServerHeader::Overwrite => head.headers.set("server", hcm.server_name.as_bytes().to_vec()),
        ServerHeader::AppendIfAbsent if !head.headers.contains("server") => {
            head.headers.set("server", hcm.server_name.as_bytes().to_vec());
        }
        ServerHeader::AppendIfAbsent | ServerHeader::PassThrough => {}
    }
    append_via(&hcm.via, &mut head.headers);
    if let Some(id) = admitted.request_id.as_ref().filter(|_| admitted.request_id_in_response) {
        head.headers.set("x-request-id", id.clone());
    }
}

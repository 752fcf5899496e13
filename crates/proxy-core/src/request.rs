//! What the connection manager does to a request before filters, and to a response after them.
//! In: settings, a head as it came, the connection, random bits. Out: the head as filters may see it, or a local reply.
//! Behaves as Envoy's `ConnectionManagerUtility`.

#[cfg(test)]
mod tests;

use crate::headers::{RequestHead, ResponseHead};
use crate::ir::{Forward, HttpConnectionManager};
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
    let _ = (hcm, head, random);
    Ok(Admitted {
        client: downstream.peer,
        internal: false,
        https: downstream.tls,
        request_id: None,
        request_id_in_response: false,
        upgrade: None,
        close_after: false,
        head: false,
    })
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
    let _ = (hcm, admitted, forward);
    Ok(())
}

/// Makes a response fit to be sent downstream: `server`, `via`, x-request-id, hop-by-hop headers.
/// The shell adds `date`. `from_upstream` is false for local replies.
pub fn finish_response(hcm: &HttpConnectionManager, admitted: &Admitted, head: &mut ResponseHead, from_upstream: bool) {
    let _ = (hcm, admitted, head, from_upstream);
}

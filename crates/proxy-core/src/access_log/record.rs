//! Everything a line of an access log may tell about a request or a connection.
//! In: borrowed values that the shell has at hand. Out: nothing by itself; templates read it.

use crate::flags::ResponseFlags;
use crate::headers::{Headers, RequestHead, ResponseHead};
use crate::ir::Metadata;
use std::net::SocketAddr;
use std::time::Duration;

/// A point in time since 1970-01-01T00:00:00Z.
pub type UnixTime = Duration;

/// Facts of a downstream connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection<'a> {
    /// Number of the connection.
    pub id: u64,
    /// The directly connected peer.
    pub direct_peer: Option<SocketAddr>,
    /// The address that the peer connected to (restored destination).
    pub local: Option<SocketAddr>,
    /// SNI; empty for none.
    pub server_name: &'a str,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// TLS version, such as `TLSv1.3`; empty for plain text.
    pub tls_version: &'a str,
    /// TLS cipher.
    pub tls_cipher: &'a str,
    /// Subject of the peer's certificate.
    pub peer_subject: &'a str,
    /// First URI SAN of the peer's certificate.
    pub peer_uri_san: &'a str,
    /// First URI SAN of the own certificate.
    pub local_uri_san: &'a str,
    /// Why the connection ended, such as `rbac_access_denied_matched_policy[x]`.
    pub termination_details: &'a str,
    /// Why TLS with the peer failed.
    pub transport_failure: &'a str,
}

/// One request, or one TCP connection. Copied freely: it borrows everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record<'a> {
    /// The request; `None` for TCP.
    pub request: Option<&'a RequestHead>,
    /// The response.
    pub response: Option<&'a ResponseHead>,
    /// Trailers of the response.
    pub trailers: Option<&'a Headers>,
    /// When the request (or connection) began.
    pub start: UnixTime,
    /// From the beginning to the end of everything; `None` while it is going on.
    pub duration: Option<Duration>,
    /// From the beginning to the last byte of the request.
    pub request_duration: Option<Duration>,
    /// From the beginning to the first byte of the upstream's response.
    pub response_duration: Option<Duration>,
    /// From the first byte of the upstream's response to the last byte sent downstream.
    pub response_tx_duration: Option<Duration>,
    /// Status sent downstream; `None` when none was sent.
    pub status: Option<u16>,
    /// `response_code_details`; empty for none.
    pub details: &'a str,
    /// Flags.
    pub flags: ResponseFlags,
    /// Body bytes from downstream.
    pub bytes_received: u64,
    /// Body bytes to downstream.
    pub bytes_sent: u64,
    /// Bytes of the upstream stream received and sent, on the wire.
    pub upstream_wire_bytes: (u64, u64),
    /// Bytes of the downstream stream received and sent, on the wire.
    pub downstream_wire_bytes: (u64, u64),
    /// The client as trusted (`Admitted::client`).
    pub client: Option<SocketAddr>,
    /// Downstream connection.
    pub connection: Connection<'a>,
    /// Upstream endpoint.
    pub upstream: Option<SocketAddr>,
    /// Host name of the upstream endpoint.
    pub upstream_hostname: &'a str,
    /// Own address of the upstream connection.
    pub upstream_local: Option<SocketAddr>,
    /// Cluster of the upstream.
    pub upstream_cluster: &'a str,
    /// Metadata of the upstream cluster.
    pub upstream_cluster_metadata: Option<&'a Metadata>,
    /// Metadata of the upstream endpoint.
    pub upstream_metadata: Option<&'a Metadata>,
    /// Why the upstream connection failed.
    pub upstream_transport_failure: &'a str,
    /// Number of tries.
    pub attempts: u32,
    /// Name of the route.
    pub route_name: &'a str,
    /// Metadata of the route.
    pub route_metadata: Option<&'a Metadata>,
    /// Name of the virtual host.
    pub virtual_host: &'a str,
    /// Body of a local reply.
    pub local_reply_body: &'a [u8],
    /// Number of the stream, for `%STREAM_ID%`; 0 for none.
    pub stream_id: u128,
    /// Name of this machine (`%HOSTNAME%`).
    pub hostname: &'a str,
}

impl Record<'_> {
    /// The gRPC status of trailers, headers, or as it follows from the HTTP status.
    #[must_use]
    pub fn grpc_status(&self) -> Option<u32> {
        let of = |headers: &Headers| headers.get_str("grpc-status").and_then(|text| text.trim().parse().ok());
        self.trailers.and_then(of).or_else(|| self.response.and_then(|head| of(&head.headers))).or_else(|| {
            match self.status {
                Some(status) if status != 200 => Some(crate::local_reply::grpc_status_of_http(status)),
                _ => None,
            }
        })
    }
}

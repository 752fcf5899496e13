//! Answers that the proxy gives itself.
//! In: a decision (no route, redirect, denied, …). Out: head and body as Envoy's `sendLocalReply` makes them.
//! Never here: the `date` and `server` headers, which the shell and `request::finish_response` put in.

use crate::flags::ResponseFlags;
use crate::headers::{Headers, Method, RequestHead, ResponseHead};
use bytes::Bytes;
use std::borrow::Cow;

/// An answer of the proxy itself.
#[derive(Debug, Clone, Default)]
pub struct LocalReply {
    /// Status.
    pub status: u16,
    /// Headers besides `content-type` and `content-length`.
    pub headers: Headers,
    /// Body; empty for none.
    pub body: Bytes,
    /// What the log says.
    pub flags: ResponseFlags,
    /// Envoy's `response_code_details`, such as `route_not_found`.
    pub details: Cow<'static, str>,
    /// `grpc-status` for gRPC requests in place of the one that follows from the status.
    pub grpc_status: Option<u32>,
}

impl LocalReply {
    /// A reply without headers and body.
    #[must_use]
    pub fn new(status: u16, flags: ResponseFlags, details: impl Into<Cow<'static, str>>) -> Self {
        Self { status, flags, details: details.into(), ..Self::default() }
    }

    /// The same with a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Head and body for `request`: trailers-only gRPC for a gRPC request, no body for HEAD.
    #[must_use]
    pub fn response(&self, request: &RequestHead) -> (ResponseHead, Bytes) {
        let mut head = ResponseHead { version: request.version, ..ResponseHead::new(self.status) };
        head.headers = self.headers.clone();
        if is_grpc(&request.headers) {
            head.status = 200;
            head.headers.set("content-type", Bytes::from_static(b"application/grpc"));
            let status = self.grpc_status.unwrap_or_else(|| grpc_status_of_http(self.status));
            head.headers.set("grpc-status", status.to_string());
            if !self.body.is_empty() && request.method != Method::Head {
                head.headers.set("grpc-message", percent_encode(&self.body));
            }
            return (head, Bytes::new());
        }
        if !self.body.is_empty() {
            head.headers.set("content-length", self.body.len().to_string());
            if !head.headers.contains("content-type") {
                head.headers.set("content-type", Bytes::from_static(b"text/plain"));
            }
        } else if self.may_have_body() && !head.headers.contains("content-length") {
            // HTTP/1 needs a length to keep the connection; Envoy's codec writes the same.
            head.headers.set("content-length", Bytes::from_static(b"0"));
        }
        let body = if request.method == Method::Head { Bytes::new() } else { self.body.clone() };
        (head, body)
    }

    fn may_have_body(&self) -> bool {
        self.status >= 200 && self.status != 204 && self.status != 304
    }
}

/// Whether a message is gRPC: content-type `application/grpc` or `application/grpc+…`.
#[must_use]
pub fn is_grpc(headers: &Headers) -> bool {
    let Some(value) = headers.get("content-type") else { return false };
    let Some(rest) = value.strip_prefix(b"application/grpc".as_slice()) else { return false };
    rest.first().is_none_or(|next| *next == b'+')
}

/// The gRPC status for an HTTP status (Envoy `Grpc::Utility::httpToGrpcStatus`).
#[must_use]
pub fn grpc_status_of_http(status: u16) -> u32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

/// `grpc-message` encoding: bytes outside printable ASCII and `%` become `%XX`.
pub(crate) fn percent_encode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if (0x20..0x7f).contains(&byte) && byte != b'%' {
            out.push(byte);
        } else {
            out.push(b'%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(b"0123456789ABCDEF"[usize::from(nibble)]);
            }
        }
    }
    out
}

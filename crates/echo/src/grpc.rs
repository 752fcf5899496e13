//! gRPC: every call is answered with its own messages, whatever service and method it names.
//! In comes a request of content type `application/grpc`; out come the same bytes as they arrive,
//! and status 0 in the trailers. Messages are never decoded.

use bytes::Bytes;
use http::{HeaderValue, Response, header, request::Parts};
use hyper::body::Incoming;

use crate::body::EchoBody;

/// `grpc.health.v1.HealthCheckResponse` with status SERVING, in a gRPC frame.
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];

/// Whether the request is a gRPC call.
pub(crate) fn is_call(head: &Parts) -> bool {
    head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/grpc"))
    })
}

/// The answer to a gRPC call.
pub(crate) fn answer(head: &Parts, body: Incoming) -> Response<EchoBody> {
    let body = match head.uri.path() {
        "/grpc.health.v1.Health/Check" => EchoBody::Message { text: Bytes::from_static(SERVING), done: false },
        _ => EchoBody::Request { body, done: false },
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

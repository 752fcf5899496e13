//! What can be wrong with bytes that claim to be HTTP/1.
//!
//! Out: the status to answer with and Envoy's response code details for the access log.
//! Every error ends the connection: after it the framing of further bytes is unknown.

use thiserror::Error;

/// Why a message was refused. After an error the connection is closed, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The method is no known method, or no token where custom methods are allowed.
    #[error("invalid method in the request line")]
    InvalidMethod,
    /// The request target has forbidden bytes or is of no allowed form.
    #[error("invalid target in the request line")]
    InvalidUrl,
    /// An absolute-form target with a scheme other than `http` and `https`.
    #[error("invalid scheme in the request line")]
    InvalidScheme,
    /// An absolute-form target with `https` on a connection without TLS, where the listener is the edge.
    #[error("https URL in the request line of a connection without TLS")]
    HttpsUrl,
    /// The version is not of the form `HTTP/1.1`.
    #[error("invalid HTTP version")]
    InvalidVersion,
    /// The request uses HTTP/1.0 (or another version) and the listener takes HTTP/1.1 only.
    #[error("HTTP version too low: HTTP/1.1 is required")]
    LowVersion,
    /// The status line of a response cannot be read.
    #[error("invalid status line")]
    InvalidStatusLine,
    /// A line ends with LF alone.
    #[error("line ends with LF instead of CRLF")]
    BareLf,
    /// A header line without a colon, or a folded one (RFC 9112 section 5.2).
    #[error("header line without colon, or folded")]
    InvalidHeaderLine,
    /// A header name that is no token, or whitespace before the colon.
    #[error("invalid header name")]
    InvalidHeaderName,
    /// A control byte in a header value.
    #[error("invalid bytes in a header value")]
    InvalidHeaderValue,
    /// A header name with an underscore where `headers_with_underscores_action` rejects it.
    #[error("underscore in a header name")]
    Underscore,
    /// The head is larger than the limit.
    #[error("headers too large")]
    HeadersTooLarge,
    /// More headers than the limit.
    #[error("too many headers")]
    TooManyHeaders,
    /// The trailers are larger than the limit, or too many.
    #[error("trailers too large")]
    TrailersTooLarge,
    /// `Host` is missing.
    #[error("no Host header")]
    MissingHost,
    /// `Host` occurs twice.
    #[error("more than one Host header")]
    DuplicateHost,
    /// `Host` or the authority of the target has forbidden bytes.
    #[error("invalid authority")]
    InvalidAuthority,
    /// An absolute-form target whose path is empty but has a query.
    #[error("request without a path")]
    MissingPath,
    /// A target that is no path, such as `*`, or an absolute URL where none is allowed.
    #[error("request target is no path")]
    AbsolutePath,
    /// `Content-Length` is no number, too large, or has leading zeros.
    #[error("invalid Content-Length")]
    InvalidContentLength,
    /// `Content-Length` occurs twice, also when equal.
    #[error("more than one Content-Length header")]
    DuplicateContentLength,
    /// Both `Content-Length` and `Transfer-Encoding`, or a length where none may be.
    #[error("Content-Length not allowed here")]
    ContentLengthNotAllowed,
    /// `Transfer-Encoding` other than exactly `chunked`.
    #[error("unsupported Transfer-Encoding")]
    InvalidTransferEncoding,
    /// `Transfer-Encoding` in HTTP/1.0, or in a 1xx or 204 response.
    #[error("Transfer-Encoding not allowed here")]
    TransferEncodingNotAllowed,
    /// A body with CONNECT or with an upgrade.
    #[error("body not allowed here")]
    BodyDisallowed,
    /// `Connection` names headers that must not be named, or too many.
    #[error("Connection header names forbidden headers")]
    ConnectionHeaderRejected,
    /// A chunk size that is no number or too large.
    #[error("invalid chunk size")]
    InvalidChunkSize,
    /// A chunk extension with control bytes or beyond the limit.
    #[error("invalid chunk extension")]
    InvalidChunkExtension,
    /// Chunk data without CRLF after it.
    #[error("no CRLF after chunk data")]
    InvalidChunkEnd,
    /// The peer closed the connection inside a message.
    #[error("connection closed inside a message")]
    UnexpectedEof,
    /// A 101 response to a request that asked for no upgrade.
    #[error("101 response without an upgrade request")]
    UnexpectedUpgrade,
}

impl ParseError {
    /// The status to answer a client with. An upstream's error is 502 (`UPE`) instead.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            ParseError::LowVersion => 426,
            ParseError::HttpsUrl => 403,
            ParseError::HeadersTooLarge | ParseError::TooManyHeaders | ParseError::TrailersTooLarge => 431,
            ParseError::InvalidTransferEncoding => 501,
            ParseError::MissingPath | ParseError::AbsolutePath => 404,
            _ => 400,
        }
    }

    /// Envoy's `%RESPONSE_CODE_DETAILS%` for a downstream error.
    #[must_use]
    pub fn details(self) -> &'static str {
        match self {
            ParseError::LowVersion => "low_version",
            ParseError::HeadersTooLarge => "http1.headers_too_large",
            ParseError::TooManyHeaders => "http1.too_many_headers",
            ParseError::TrailersTooLarge => "http1.trailers_too_large",
            ParseError::InvalidTransferEncoding => "http1.invalid_transfer_encoding",
            ParseError::TransferEncodingNotAllowed => "http1.transfer_encoding_not_allowed",
            ParseError::ContentLengthNotAllowed => "http1.content_length_not_allowed",
            ParseError::BodyDisallowed => "http1.body_disallowed",
            ParseError::ConnectionHeaderRejected => "http1.connection_header_rejected",
            ParseError::InvalidHeaderValue => "http1.invalid_characters",
            ParseError::Underscore => "http1.unexpected_underscore",
            ParseError::InvalidUrl => "http1.invalid_url",
            ParseError::InvalidScheme => "http1.invalid_scheme",
            ParseError::HttpsUrl => "http1.https_url_on_plaintext_connection",
            ParseError::InvalidAuthority => "http.invalid_authority",
            ParseError::MissingHost => "missing_host_header",
            ParseError::MissingPath => "missing_path_rejected",
            ParseError::AbsolutePath => "absolute_path_rejected",
            _ => "http1.codec_error",
        }
    }
}

//! Answers of the proxy itself for what went wrong on the way upstream.
//! In: a failure. Out: status, text, flags and details as Envoy 1.40's router gives them.
//! Never here: answers that need the request alone; those are decided in `lateen_proxy_core`.

use super::deadlines::Limit;
use super::piece::Failure;
use lateen_proxy_core::flags::ResponseFlags as Flags;
use lateen_proxy_core::local_reply::LocalReply;

/// Why there is no response from the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No endpoint.
    NoHealthyUpstream,
    /// Connecting failed; what the system said.
    Connect(String),
    /// Connecting took too long.
    ConnectTimeout,
    /// A circuit breaker is open.
    Overflow,
    /// The stream failed.
    Stream(Failure),
    /// A limit is over.
    Limit(Limit),
}

impl Trouble {
    /// Envoy's words for the reset reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connect(_) => "remote connection failure",
            Self::ConnectTimeout => "connection timeout",
            Self::Overflow => "overflow",
            Self::Stream(Failure::Closed) => "connection termination",
            Self::Stream(Failure::Reset) => "remote reset",
            Self::Stream(Failure::Refused) => "remote refused stream reset",
            Self::Stream(Failure::Protocol) => "protocol error",
            Self::Stream(Failure::Local) => "local reset",
            Self::NoHealthyUpstream | Self::Limit(_) => "",
        }
    }

    /// The flag for the log.
    pub fn flags(&self) -> Flags {
        match self {
            Self::NoHealthyUpstream => Flags::NO_HEALTHY_UPSTREAM,
            Self::Connect(_) | Self::ConnectTimeout => Flags::UPSTREAM_CONNECTION_FAILURE,
            Self::Overflow => Flags::UPSTREAM_OVERFLOW,
            Self::Stream(Failure::Closed) => Flags::UPSTREAM_CONNECTION_TERMINATION,
            Self::Stream(Failure::Reset | Failure::Refused) => Flags::UPSTREAM_REMOTE_RESET,
            Self::Stream(Failure::Protocol) => Flags::UPSTREAM_PROTOCOL_ERROR,
            Self::Stream(Failure::Local) => Flags::LOCAL_RESET,
            Self::Limit(Limit::Overall | Limit::PerTry | Limit::PerTryIdle) => Flags::UPSTREAM_REQUEST_TIMEOUT,
            Self::Limit(Limit::Idle) => Flags::STREAM_IDLE_TIMEOUT,
            Self::Limit(Limit::Duration) => Flags::DURATION_TIMEOUT,
            Self::Limit(Limit::Request) => Flags::NONE,
        }
    }

    /// What else was learned about a failed connection.
    pub fn transport_failure(&self) -> String {
        match self {
            Self::Connect(error) => format!("delayed connect error: {error}"),
            _ => String::new(),
        }
    }

    /// The answer before anything of a response was sent.
    pub fn reply(&self, attempts: u32, request_ended: bool, suppress_envoy_headers: bool) -> LocalReply {
        let flags = self.flags();
        match self {
            Self::NoHealthyUpstream => {
                LocalReply::new(503, flags, "no_healthy_upstream").with_body("no healthy upstream")
            }
            Self::Limit(limit) => {
                // Envoy answers 408 while the request is not complete.
                let late = if request_ended { 504 } else { 408 };
                let (status, body, details) = match limit {
                    Limit::Overall => (504, "upstream request timeout", "response_timeout"),
                    Limit::PerTry => (504, "upstream request timeout", "upstream_per_try_timeout"),
                    Limit::PerTryIdle => (504, "upstream request timeout", "upstream_per_try_idle_timeout"),
                    Limit::Idle => (late, "stream timeout", "stream_idle_timeout"),
                    Limit::Duration => (late, "downstream duration timeout", "max_duration_timeout"),
                    Limit::Request => (408, "request timeout", "request_overall_timeout"),
                };
                LocalReply::new(status, flags, details).with_body(body)
            }
            _ => self.reset_reply(flags, attempts, suppress_envoy_headers),
        }
    }

    fn reset_reply(&self, flags: Flags, attempts: u32, suppress_envoy_headers: bool) -> LocalReply {
        let status = if *self == Self::Stream(Failure::Protocol) { 502 } else { 503 };
        let transport = self.transport_failure();
        let retried = if attempts > 1 { "retried and the latest " } else { "" };
        let mut body = format!(
            "upstream connect error or disconnect/reset before headers. {retried}reset reason: {}",
            self.reason()
        );
        if !transport.is_empty() {
            body.push_str(", transport failure reason: ");
            body.push_str(&transport);
        }
        let details = self.details("upstream_reset_before_response_started");
        let mut reply = LocalReply::new(status, flags, details).with_body(body);
        if *self == Self::Overflow && !suppress_envoy_headers {
            reply.headers.set("x-envoy-overloaded", "true");
        }
        reply
    }

    /// `response_code_details` with the reason.
    pub fn details(&self, what: &str) -> String {
        let transport = self.transport_failure();
        let separator = if transport.is_empty() { "" } else { "|" };
        format!("{what}{{{}{separator}{transport}}}", self.reason()).replace(' ', "_")
    }
}

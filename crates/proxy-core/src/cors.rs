//! Cross-origin resource sharing (`envoy.extensions.filters.http.cors.v3.CorsPolicy`).
//! In: a policy and a request. Out: the answer to a preflight, or headers for the response.

#[cfg(test)]
mod tests;

use crate::flags::ResponseFlags;
use crate::headers::{Headers, Method, RequestHead, ResponseHead};
use crate::local_reply::LocalReply;
use crate::matcher::StringMatcher;
use bytes::Bytes;

/// Policy of a route.
#[derive(Debug, Clone, Default)]
pub struct CorsPolicy {
    /// Origins that are allowed.
    pub origins: Vec<StringMatcher>,
    /// `access-control-allow-methods`; empty for none.
    pub methods: String,
    /// `access-control-allow-headers`; empty for none.
    pub headers: String,
    /// `access-control-expose-headers`; empty for none.
    pub expose: String,
    /// `access-control-max-age`; empty for none.
    pub max_age: String,
    /// Whether credentials may be sent.
    pub credentials: bool,
    /// Share of requests that the policy is for, per million.
    pub per_million: u32,
    /// Whether a preflight of an origin that is not allowed goes upstream (Envoy's default, true).
    pub forward_unmatched_preflights: bool,
    /// `allow_private_network_access`.
    pub private_network: bool,
}

/// What CORS does with one request.
#[derive(Debug, Clone)]
pub enum Cors {
    /// Answer the preflight.
    Preflight(Box<LocalReply>),
    /// Put headers into the response, with [`CorsPolicy::finish`].
    Allowed {
        /// The origin as sent.
        origin: Bytes,
    },
    /// Nothing.
    Pass,
}

impl CorsPolicy {
    /// What is done with a request.
    #[must_use]
    pub fn decide(&self, head: &RequestHead, random: u64) -> Cors {
        let Some(origin) = head.headers.get_bytes("origin").filter(|origin| !origin.is_empty()) else {
            return Cors::Pass;
        };
        if random % 1_000_000 >= u64::from(self.per_million) {
            return Cors::Pass;
        }
        let preflight = head.method == Method::Options
            && head.headers.get("access-control-request-method").is_some_and(|method| !method.is_empty());
        let allowed = self.origins.iter().any(|wanted| wanted.matches(&origin));
        match (preflight, allowed) {
            (false, true) => Cors::Allowed { origin },
            (false, false) => Cors::Pass,
            (true, true) => Cors::Preflight(Box::new(self.preflight(head, origin))),
            (true, false) if self.forward_unmatched_preflights => Cors::Pass,
            (true, false) => Cors::Preflight(Box::new(LocalReply::new(200, ResponseFlags::NONE, "cors_response"))),
        }
    }

    fn preflight(&self, head: &RequestHead, origin: Bytes) -> LocalReply {
        let mut reply = LocalReply::new(200, ResponseFlags::NONE, "cors_response");
        self.origin(&mut reply.headers, origin);
        for (name, value) in [
            ("access-control-allow-methods", &self.methods),
            ("access-control-allow-headers", &self.headers),
            ("access-control-max-age", &self.max_age),
            // Envoy's filter sees its own preflight answer on the way back, and adds this as to any other.
            ("access-control-expose-headers", &self.expose),
        ] {
            if !value.is_empty() {
                reply.headers.set(name, value.clone());
            }
        }
        if self.private_network && head.headers.get("access-control-request-private-network") == Some(b"true") {
            reply.headers.set("access-control-allow-private-network", Bytes::from_static(b"true"));
        }
        reply
    }

    fn origin(&self, headers: &mut Headers, origin: Bytes) {
        headers.set("access-control-allow-origin", origin);
        if self.credentials {
            headers.set("access-control-allow-credentials", Bytes::from_static(b"true"));
        }
    }

    /// Puts the headers into the response to a request that was `Allowed`.
    pub fn finish(&self, origin: Bytes, head: &mut ResponseHead) {
        self.origin(&mut head.headers, origin);
        if !self.expose.is_empty() {
            head.headers.set("access-control-expose-headers", self.expose.clone());
        }
    }
}

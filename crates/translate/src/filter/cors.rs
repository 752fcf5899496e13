//! Cross-origin requests: the filter on every listener, the policy on routes.
//! In: `corsPolicy` of a rule. Out: Envoy's policy.

use super::{Input, named};
use crate::rds::string_matcher;
use crate::values::{boolean, per_hundred, runtime_fraction};
use lateen_config::kinds::virtual_service::{CorsPolicy as Written, UnmatchedPreflights};
use lateen_envoy_api::v3::hcm::HttpFilter;
use lateen_envoy_api::v3::http_filter::cors::{Cors, CorsPolicy};
use lateen_envoy_api::v3::matcher::StringMatcher;
use lateen_envoy_api::v3::matcher::string_matcher::MatchPattern;
use lateen_envoy_api::{Any, pack};

const NAME: &str = "envoy.filters.http.cors";

/// The filter.
pub fn filter(_: Input<'_>) -> Option<HttpFilter> {
    Some(named(NAME, pack(&Cors {})))
}

/// The policy of a rule.
pub fn per_route(written: &Written) -> (String, Any) {
    let exact =
        |text: &String| StringMatcher { match_pattern: Some(MatchPattern::Exact(text.clone())), ..Default::default() };
    let origins = if written.allow_origins.is_empty() {
        written.allow_origin.iter().map(exact).collect()
    } else {
        written.allow_origins.iter().filter_map(string_matcher).collect()
    };
    let policy = CorsPolicy {
        allow_origin_string_match: origins,
        allow_methods: written.allow_methods.join(","),
        allow_headers: written.allow_headers.join(","),
        expose_headers: written.expose_headers.join(","),
        max_age: written.max_age.map(|age| age.as_secs().to_string()).unwrap_or_default(),
        allow_credentials: written.allow_credentials.and_then(boolean),
        filter_enabled: runtime_fraction(per_hundred(100)),
        forward_not_matching_preflights: boolean(written.unmatched_preflights != UnmatchedPreflights::Ignore),
        ..Default::default()
    };
    (NAME.to_owned(), pack(&policy))
}

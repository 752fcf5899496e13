//! Conditions on requests.
//! In: a condition of a VirtualService. Out: Envoy's match; the conditions that Envoy cannot see are gone before.

use crate::values::{boolean, regex};
use lateen_config::kinds::virtual_service::{HttpMatchRequest, MatchType, StringMatch};
use lateen_envoy_api::v3::matcher::StringMatcher;
use lateen_envoy_api::v3::matcher::string_matcher::MatchPattern;
use lateen_envoy_api::v3::route::header_matcher::HeaderMatchSpecifier;
use lateen_envoy_api::v3::route::query_parameter_matcher::QueryParameterMatchSpecifier;
use lateen_envoy_api::v3::route::route_match::PathSpecifier;
use lateen_envoy_api::v3::route::{HeaderMatcher, QueryParameterMatcher, RouteMatch};

/// What stands in place of a header name when a claim of a JSON Web Token is meant.
const CLAIM: &str = "@request.auth.claims";

/// Whether a condition asks for a claim. No filter validates tokens yet, so that no request has any; the model says so
/// in a finding.
pub fn wants_claim(request: &HttpMatchRequest) -> bool {
    request.headers.keys().any(|name| name.starts_with(CLAIM))
}

/// Envoy's match for a condition; none stands for every request.
pub fn translate(request: Option<&HttpMatchRequest>) -> RouteMatch {
    let any = || Some(PathSpecifier::Prefix("/".to_owned()));
    let Some(request) = request else {
        return RouteMatch { path_specifier: any(), ..Default::default() };
    };
    let mut headers: Vec<HeaderMatcher> = request.headers.iter().map(|(name, value)| header(name, value)).collect();
    let without = request.without_headers.iter().filter(|(name, _)| !name.starts_with(CLAIM));
    headers.extend(without.map(|(name, value)| HeaderMatcher {
        invert_match: true,
        // A missing header is one that does not match; Envoy has no such option beside a presence match.
        treat_missing_header_as_empty: !is_presence(value),
        ..header(name, value)
    }));
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    let pseudo = [(":method", &request.method), (":authority", &request.authority), (":scheme", &request.scheme)];
    headers.extend(pseudo.iter().filter_map(|(name, value)| Some(header(name, value.as_ref()?))));
    let path = request.uri.as_ref().and_then(|uri| match uri.match_type.as_ref()? {
        MatchType::Exact(path) => Some(PathSpecifier::Path(path.clone())),
        // A prefix of characters, not of segments: `/apis/v1` matches `/apis/v12` too.
        MatchType::Prefix(prefix) => Some(PathSpecifier::Prefix(prefix.clone())),
        MatchType::Regex(expression) => Some(PathSpecifier::SafeRegex(regex(expression))),
    });
    RouteMatch {
        path_specifier: path.or_else(any),
        case_sensitive: boolean(!request.ignore_uri_case),
        headers,
        query_parameters: request.query_params.iter().map(|(name, value)| query(name, value)).collect(),
        ..Default::default()
    }
}

/// Envoy's matcher for a string; `None` when any string will do.
pub fn string(value: &StringMatch) -> Option<StringMatcher> {
    let pattern = match value.match_type.as_ref()? {
        MatchType::Exact(text) => MatchPattern::Exact(text.clone()),
        MatchType::Prefix(text) => MatchPattern::Prefix(text.clone()),
        MatchType::Regex(expression) => MatchPattern::SafeRegex(regex(expression)),
    };
    Some(StringMatcher { match_pattern: Some(pattern), ignore_case: false })
}

/// `{}` and `regex: "*"` ask for presence only; the latter is no expression of RE2.
fn is_presence(value: &StringMatch) -> bool {
    match &value.match_type {
        None => true,
        Some(MatchType::Regex(expression)) => expression == "*",
        Some(_) => false,
    }
}

fn header(name: &str, value: &StringMatch) -> HeaderMatcher {
    let specifier = match string(value) {
        Some(matcher) if !is_presence(value) => HeaderMatchSpecifier::StringMatch(matcher),
        _ => HeaderMatchSpecifier::PresentMatch(true),
    };
    HeaderMatcher { name: name.to_owned(), header_match_specifier: Some(specifier), ..Default::default() }
}

fn query(name: &str, value: &StringMatch) -> QueryParameterMatcher {
    let specifier = match string(value) {
        Some(matcher) if !is_presence(value) => QueryParameterMatchSpecifier::StringMatch(matcher),
        _ => QueryParameterMatchSpecifier::PresentMatch(true),
    };
    QueryParameterMatcher { name: name.to_owned(), query_parameter_match_specifier: Some(specifier) }
}

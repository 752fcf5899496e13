//! Matchers of strings, headers, query parameters and paths.
//! In: protobuf. Out: matchers with compiled expressions, or an error at the place.

pub(crate) mod expressions;

use super::DecodeError;
use super::at::At;
use crate::headers::HeaderName;
use crate::matcher::{HeaderMatch, HeaderMatcher, PathMatch, QueryMatch, QueryMatcher, StringKind, StringMatcher};
use lateen_core::Re2;
use lateen_envoy_api::v3;

pub(crate) fn regex(matcher: v3::matcher::RegexMatcher, at: At<'_>) -> Result<Re2, DecodeError> {
    let at = at.field("regex");
    if matcher.regex.is_empty() {
        return Err(at.missing(""));
    }
    expressions::full(&matcher.regex)
        .map_err(|error| at.invalid(&matcher.regex, format!("no valid expression: {error}")))
}

pub(crate) fn string(matcher: v3::matcher::StringMatcher, at: At<'_>) -> Result<StringMatcher, DecodeError> {
    use v3::matcher::string_matcher::MatchPattern;
    let kind = match matcher.match_pattern {
        Some(MatchPattern::Exact(text)) => StringKind::Exact(text),
        Some(MatchPattern::Prefix(text)) => StringKind::Prefix(not_empty(text, at.field("prefix"))?),
        Some(MatchPattern::Suffix(text)) => StringKind::Suffix(not_empty(text, at.field("suffix"))?),
        Some(MatchPattern::Contains(text)) => StringKind::Contains(not_empty(text, at.field("contains"))?),
        Some(MatchPattern::SafeRegex(matcher)) => StringKind::Regex(regex(matcher, at.field("safe_regex"))?),
        Some(MatchPattern::Custom(custom)) => return Err(at.field("custom").unsupported(custom.name, "")),
        None => return Err(at.missing("exact, prefix, suffix, contains or safe_regex")),
    };
    if matcher.ignore_case && matches!(kind, StringKind::Regex(_)) {
        return Err(at.field("ignore_case").invalid(true, "ignore_case has no effect for safe_regex"));
    }
    Ok(StringMatcher { kind, ignore_case: matcher.ignore_case })
}

fn not_empty(text: String, at: At<'_>) -> Result<String, DecodeError> {
    if text.is_empty() { Err(at.missing("")) } else { Ok(text) }
}

/// A header name for lookups: lower case; pseudo headers too.
pub(crate) fn header_key(name: &str, at: At<'_>) -> Result<String, DecodeError> {
    let plain = name.strip_prefix(':').unwrap_or(name);
    HeaderName::decode(plain).map_err(|error| at.invalid(name, error.to_string()))?;
    Ok(name.to_ascii_lowercase())
}

pub(crate) fn headers(
    matchers: Vec<v3::route::HeaderMatcher>,
    field: &str,
    at: At<'_>,
) -> Result<Vec<HeaderMatcher>, DecodeError> {
    matchers.into_iter().enumerate().map(|(index, matcher)| header(matcher, at.index(field, index))).collect()
}

#[allow(deprecated)]
pub(crate) fn header(matcher: v3::route::HeaderMatcher, at: At<'_>) -> Result<HeaderMatcher, DecodeError> {
    use v3::route::header_matcher::HeaderMatchSpecifier as Specifier;
    let text = |kind| HeaderMatch::Value(StringMatcher { kind, ignore_case: false });
    let kind = match matcher.header_match_specifier {
        None => HeaderMatch::Present(true),
        Some(Specifier::PresentMatch(present)) => HeaderMatch::Present(present),
        Some(Specifier::StringMatch(wanted)) => HeaderMatch::Value(string(wanted, at.field("string_match"))?),
        Some(Specifier::ExactMatch(value)) => text(StringKind::Exact(value)),
        Some(Specifier::PrefixMatch(value)) => text(StringKind::Prefix(value)),
        Some(Specifier::SuffixMatch(value)) => text(StringKind::Suffix(value)),
        Some(Specifier::ContainsMatch(value)) => text(StringKind::Contains(value)),
        Some(Specifier::SafeRegexMatch(value)) => text(StringKind::Regex(regex(value, at.field("safe_regex_match"))?)),
        Some(Specifier::RangeMatch(range)) => HeaderMatch::Range(range.start..range.end),
    };
    let name = header_key(&matcher.name, at.field("name"))?;
    let missing_as_empty = matcher.treat_missing_header_as_empty;
    Ok(HeaderMatcher { name, kind, invert: matcher.invert_match, missing_as_empty })
}

pub(crate) fn query(matcher: v3::route::QueryParameterMatcher, at: At<'_>) -> Result<QueryMatcher, DecodeError> {
    use v3::route::query_parameter_matcher::QueryParameterMatchSpecifier as Specifier;
    if matcher.name.is_empty() {
        return Err(at.field("name").missing(""));
    }
    let kind = match matcher.query_parameter_match_specifier {
        None => QueryMatch::Present(true),
        Some(Specifier::PresentMatch(present)) => QueryMatch::Present(present),
        Some(Specifier::StringMatch(wanted)) => QueryMatch::Value(string(wanted, at.field("string_match"))?),
    };
    Ok(QueryMatcher { name: matcher.name, kind })
}

pub(crate) fn path(
    specifier: Option<v3::route::route_match::PathSpecifier>,
    at: At<'_>,
) -> Result<PathMatch, DecodeError> {
    use v3::route::route_match::PathSpecifier;
    match specifier {
        None => Err(at
            .field("path_specifier")
            .missing("prefix, path, safe_regex, path_separated_prefix or connect_matcher")),
        Some(PathSpecifier::Prefix(text)) => Ok(PathMatch::Prefix(text)),
        Some(PathSpecifier::Path(text)) => Ok(PathMatch::Exact(text)),
        Some(PathSpecifier::PathSeparatedPrefix(text)) => {
            if !text.starts_with('/') || text.ends_with('/') || text.contains(['?', '#']) {
                let reason = "must begin with / and have neither a / at the end nor ? or #";
                return Err(at.field("path_separated_prefix").invalid(text, reason));
            }
            Ok(PathMatch::SeparatedPrefix(text))
        }
        Some(PathSpecifier::SafeRegex(matcher)) => Ok(PathMatch::Regex(regex(matcher, at.field("safe_regex"))?)),
        Some(PathSpecifier::ConnectMatcher(_)) => Ok(PathMatch::Connect),
        Some(PathSpecifier::PathMatchPolicy(policy)) => template(policy, at.field("path_match_policy")),
    }
}

fn template(policy: v3::core::TypedExtensionConfig, at: At<'_>) -> Result<PathMatch, DecodeError> {
    let at = at.field("typed_config");
    let Some(any) = policy.typed_config else { return Err(at.missing("")) };
    if super::at::extension_type(&any) != "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig" {
        return Err(at.unknown_extension(&any, "uri_template"));
    }
    let config: lateen_envoy_api::envoy::extensions::path::r#match::uri_template::v3::UriTemplateMatchConfig =
        at.unpack(&any)?;
    let at = at.field("path_template");
    let pattern = config.path_template;
    let regex = template_regex(&pattern).ok_or_else(|| at.invalid(&pattern, "no valid path template"))?;
    Ok(PathMatch::Template { pattern, regex })
}

/// `*` is one segment, `**` the rest, `{name}` and `{name=pattern}` the same with a name.
fn template_regex(pattern: &str) -> Option<Re2> {
    const SEGMENT: &str = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+";
    const REST: &str = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=/]*";
    let mut out = String::new();
    for segment in split_template(pattern.strip_prefix('/')?)? {
        out.push('/');
        let (name, inner) = match segment.strip_prefix('{') {
            Some(variable) => {
                let variable = variable.strip_suffix('}')?;
                let (name, inner) = variable.split_once('=').unwrap_or((variable, "*"));
                let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                (Some(valid.then_some(name)?), inner)
            }
            None => (None, segment),
        };
        let parts: Vec<String> = inner
            .split('/')
            .map(|part| match part {
                "*" => Some(SEGMENT.to_owned()),
                "**" => Some(REST.to_owned()),
                literal if literal.contains(['*', '{', '}']) => None,
                literal if literal.contains(r"\E") => None,
                literal => Some(format!(r"\Q{literal}\E")),
            })
            .collect::<Option<_>>()?;
        match name {
            Some(name) => out.push_str(&format!("(?P<{name}>{})", parts.join("/"))),
            None => out.push_str(&parts.join("/")),
        }
    }
    expressions::full(&out).ok()
}

/// Segments of a template; a `/` between braces does not divide.
fn split_template(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            b'/' if depth == 0 => {
                parts.push(text.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (depth == 0).then_some(parts)
}

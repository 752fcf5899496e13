//! Conditions of HTTP routes: string matches, ports, labels, gateways.

use std::collections::BTreeMap;

use crate::decode::context::shorten;
use crate::kinds::virtual_service::{HttpMatchRequest, MatchType, StringMatch};
use crate::validate::{Check, Rule, headers, labels, limits, names, regex, wrong};

/// Bytes of the name of a query parameter that Envoy takes.
const LONGEST_PARAMETER: usize = 1024;

/// Judges one entry of `match`.
pub(crate) fn http_match(check: &mut Check<'_, '_>, request: &HttpMatchRequest) {
    // Only a path may have an empty prefix: every path begins with it.
    check.some("uri", request.uri.as_ref(), |check, text| expression(check, text));
    for (field, text) in [("scheme", &request.scheme), ("method", &request.method), ("authority", &request.authority)] {
        check.some(field, text.as_ref(), |check, text| string_match(check, text));
    }
    header_matches(check, "headers", &request.headers, false);
    header_matches(check, "without_headers", &request.without_headers, true);
    for (name, text) in &request.query_params {
        check.field("query_params", |check| {
            if name.is_empty() || name.len() > LONGEST_PARAMETER {
                check.key(name, |check| check.error("the name of a query parameter has 1 to 1024 bytes", ""));
            }
            check.entry(name, |check| string_match(check, text));
        });
    }
    if request.port != 0 {
        check.rule_of("port", limits::port(request.port));
    }
    labels::labels(check, "source_labels", &request.source_labels);
    gateways(check, &request.gateways);
    if !request.source_namespace.is_empty() {
        check.rule_of("source_namespace", names::label("namespace", &request.source_namespace));
    }
}

fn header_matches(check: &mut Check<'_, '_>, field: &str, matches: &BTreeMap<String, StringMatch>, absent: bool) {
    for (name, text) in matches {
        check.field(field, |check| {
            if let Err(wrong) = headers::matched_name(name) {
                check.key(name, |check| check.rule(Err(wrong)));
            }
            // `*` is no expression; under `withoutHeaders` it stands for any value.
            let any = matches!(&text.match_type, Some(MatchType::Regex(text)) if text == "*");
            if !(absent && any) {
                check.entry(name, |check| string_match(check, text));
            }
        });
    }
}

/// A match of a text that may be anything but a path.
pub(crate) fn string_match(check: &mut Check<'_, '_>, text: &StringMatch) {
    if matches!(&text.match_type, Some(MatchType::Prefix(prefix)) if prefix.is_empty()) {
        check.field("prefix", |check| check.error("the prefix is empty", "leave the match empty (`{}`) for any value"));
    }
    expression(check, text);
}

/// The expression of a match, if it has one.
pub(crate) fn expression(check: &mut Check<'_, '_>, text: &StringMatch) {
    if let Some(MatchType::Regex(text)) = &text.match_type {
        check.rule_of("regex", regex::regex(text));
    }
}

/// Judges the field `gateways`.
pub(crate) fn gateways(check: &mut Check<'_, '_>, gateways: &[String]) {
    check.each("gateways", gateways, |check, name| match name.split_once('/') {
        None => {
            if let (true, Some((gateway, rest))) = (names::host(name).is_ok(), name.split_once('.')) {
                let namespace = rest.split('.').next().unwrap_or_default();
                check.warning("this form of a gateway's name is old", &format!("write `{namespace}/{gateway}`"));
            }
            check.rule(names::host(name));
        }
        Some((namespace, name)) => check.rule(names_of(namespace, name)),
    });
}

fn names_of(namespace: &str, name: &str) -> Rule {
    match [namespace, name].iter().find(|part| !names::is_label(part)) {
        None => Ok(()),
        Some(part) => wrong(
            format!("`{}` is no name of a namespace or gateway", shorten(part)),
            "write `namespace/name`, both of letters, digits and `-`",
        ),
    }
}

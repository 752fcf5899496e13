//! Header names, and the header operations of routes and destinations.

use crate::decode::context::shorten;
use crate::kinds::http_route::{HeaderOperations, Headers};
use crate::validate::{Check, Rule, header_values, wrong};

/// Pseudo headers that a match may name.
const PSEUDO: &[&str] = &[":method", ":scheme", ":authority", ":path", ":status"];

/// How a match names a claim of a token.
const CLAIM: &str = "@request.auth.claims";

/// Whether the proxy may write the authority under this name.
pub(crate) fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

/// Whether a match names a claim of a token and not a header.
pub(crate) fn is_claim(name: &str) -> bool {
    let Some((start, rest)) = name.split_at_checked(CLAIM.len()) else { return false };
    let dotted = rest.starts_with('.') && rest.len() > 1;
    let bracketed = rest.starts_with('[') && rest.ends_with(']') && rest.len() > 2;
    start.eq_ignore_ascii_case(CLAIM) && (dotted || bracketed)
}

/// A token of RFC 9110, section 5.6.2.
pub(crate) fn name(name: &str) -> Rule {
    if name.is_empty() {
        return wrong("a header name is missing", "write a name such as `x-user`");
    }
    if name.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c)) {
        return Ok(());
    }
    wrong(
        format!("`{}` is no header name", shorten(name)),
        "header names have letters, digits and `-`, no spaces and no `:`",
    )
}

/// A name in a match: a header, a pseudo header, or a claim.
pub(crate) fn matched_name(text: &str) -> Rule {
    if is_claim(text) || PSEUDO.contains(&text) {
        return Ok(());
    }
    name(text)
}

/// Judges the field `headers` of a route or destination.
pub(crate) fn headers(check: &mut Check<'_, '_>, headers: Option<&Headers>) {
    check.some("headers", headers, |check, headers| {
        check.some("request", headers.request.as_ref(), |check, changes| operations(check, changes, true));
        check.some("response", headers.response.as_ref(), |check, changes| operations(check, changes, false));
    });
}

fn operations(check: &mut Check<'_, '_>, changes: &HeaderOperations, authority: bool) {
    for (field, values) in [("set", &changes.set), ("add", &changes.add)] {
        for (name, value) in values {
            let allowed = authority && is_authority(name);
            if let (false, Err(wrong)) = (allowed, changed_name(name)) {
                check.field(field, |check| check.key(name, |check| check.rule(Err(wrong))));
            }
            if let Err(wrong) = header_values::header_value(value) {
                check.field(field, |check| check.entry(name, |check| check.rule(Err(wrong))));
            }
        }
    }
    check.each("remove", &changes.remove, |check, name| check.rule(changed_name(name)));
}

/// A header that an operation may change.
fn changed_name(text: &str) -> Rule {
    if text.eq_ignore_ascii_case("host") {
        return wrong("`host` cannot be changed here", "requests take it under `set`, or `rewrite.authority`");
    }
    if text.starts_with(':') {
        return wrong(
            format!("`{}` cannot be changed by a header operation", shorten(text)),
            "use `rewrite` for path and authority",
        );
    }
    name(text)
}

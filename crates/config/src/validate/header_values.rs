//! Header values with Envoy's command operators: `%REQ(x-user)%`, `%%` for a percent sign.
//!
//! A proxy refuses the whole route configuration for a value that it cannot parse.

use crate::decode::context::shorten;
use crate::validate::{Rule, wrong};

const HINT: &str = "write `%%` for a percent sign";

/// Command operators of Envoy's substitution formatter (configuration reference, access logging).
const COMMANDS: &[&str] = &[
    "ACCESS_LOG_TYPE",
    "BYTES_RECEIVED",
    "BYTES_SENT",
    "CEL",
    "CLUSTER_METADATA",
    "COALESCE",
    "COMMON_DURATION",
    "CONNECTION_ID",
    "CONNECTION_TERMINATION_DETAILS",
    "CUSTOM_FLAGS",
    "DURATION",
    "DYNAMIC_METADATA",
    "EMIT_TIME",
    "ENVIRONMENT",
    "FILE_CONTENT",
    "FILTER_CHAIN_NAME",
    "FILTER_STATE",
    "GRPC_STATUS",
    "GRPC_STATUS_NUMBER",
    "HOSTNAME",
    "LOCAL_REPLY_BODY",
    "METADATA",
    "PATH",
    "PER_REQUEST_STATE",
    "PROTOCOL",
    "QUERY_PARAM",
    "QUERY_PARAMS",
    "QUIC_CONNECTION_CLOSE_DETAILS",
    "REQ",
    "REQUESTED_SERVER_NAME",
    "REQUEST_DURATION",
    "REQUEST_HEADERS_BYTES",
    "REQUEST_HEADER_BYTES",
    "REQUEST_TX_DURATION",
    "REQ_WITHOUT_QUERY",
    "RESP",
    "RESPONSE_CODE",
    "RESPONSE_CODE_DETAILS",
    "RESPONSE_DURATION",
    "RESPONSE_FLAGS",
    "RESPONSE_FLAGS_LONG",
    "RESPONSE_HEADERS_BYTES",
    "RESPONSE_TRAILERS_BYTES",
    "RESPONSE_TX_DURATION",
    "ROUNDTRIP_DURATION",
    "ROUTE_NAME",
    "SECRET",
    "SPAN_ID",
    "START_TIME",
    "START_TIME_LOCAL",
    "EMIT_TIME_LOCAL",
    "STREAM_ID",
    "TLS_JA3_FINGERPRINT",
    "TLS_JA4_FINGERPRINT",
    "TRACE_ID",
    "TRAILER",
    "UNIQUE_ID",
    "VIRTUAL_CLUSTER_NAME",
];

/// Families of command operators, with what all their names begin with.
const FAMILIES: &[&str] = &["DOWNSTREAM_", "UPSTREAM_"];

/// A value that a route may set.
pub(crate) fn header_value(value: &str) -> Rule {
    if let Some(bad) = value.chars().find(|c| c.is_ascii_control() && *c != '\t') {
        return wrong(format!("the control character {} may not stand in a header", bad.escape_default()), "remove it");
    }
    if value.len() > 16384 {
        return wrong("this header value is longer than 16384 bytes", "");
    }
    let mut rest = value;
    while let Some(start) = rest.find('%') {
        rest = &rest[start + 1..];
        rest = match rest.strip_prefix('%') {
            Some(after) => after,
            None => command(rest)?,
        };
    }
    Ok(())
}

/// The text after one `NAME%`, `NAME:10%`, `NAME(ARGUMENT)%` or `NAME(ARGUMENT):10%`.
fn command(text: &str) -> Result<&str, crate::validate::check::Wrong> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let known = COMMANDS.contains(&name)
        || FAMILIES.iter().any(|family| name.strip_prefix(family).is_some_and(|rest| !rest.is_empty()));
    let refuse = |message: String| wrong(message, HINT).map(|()| "");
    if name.is_empty() {
        return refuse("a `%` here begins a command without a name".to_owned());
    }
    if !known {
        return refuse(format!("`%{}` is no command operator", shorten(name)));
    }
    let rest = match rest.strip_prefix('(') {
        None => rest,
        Some(after) => match arguments_end(after) {
            Some(end) => &after[end + 1..],
            None => return refuse(format!("`%{name}(` is not closed")),
        },
    };
    let rest = match rest.strip_prefix(':') {
        Some(after) => after.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    match rest.strip_prefix('%') {
        Some(rest) => Ok(rest),
        None => refuse(format!("`%{name}` does not end in `%`")),
    }
}

/// Where the parenthesis of the arguments closes: the last `)` before the closing `%`.
fn arguments_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut depth = 0_u32;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, c)) = bytes.next() {
        match c {
            b'\\' => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted && depth == 0 => return Some(at),
            b')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;

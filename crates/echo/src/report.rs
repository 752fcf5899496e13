//! What a request looked like, as httpbin reports it.
//! In comes the head of a request and, for some, its body; out comes JSON.
//! Nothing is answered from here.

use std::net::SocketAddr;

use http::request::Parts;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use crate::identity::Echo;

/// All headers by name; values of the same name are joined with commas, as httpbin does.
pub(crate) fn headers(head: &Parts) -> Value {
    let mut out = Map::new();
    if let Some(host) = host(head) {
        out.insert("Host".into(), host.into());
    }
    for name in head.headers.keys().filter(|name| *name != header::HOST) {
        out.insert(title(name.as_str()), joined(&head.headers, name.as_str()).into());
    }
    out.into()
}

/// Method, URL, arguments, headers and origin; the body too when there is one.
pub(crate) fn request(head: &Parts, body: Option<&[u8]>, peer: SocketAddr, echo: &Echo) -> Value {
    let mut out = json!({
        "args": args(head.uri.query().unwrap_or_default()),
        "headers": headers(head),
        "method": head.method.as_str(),
        "origin": origin(head, peer),
        "protocol": format!("{:?}", head.version),
        "url": url(head),
        "echo": echo.to_json(),
    });
    if let Some(body) = body {
        out["data"] = String::from_utf8_lossy(body).into();
        out["json"] = serde_json::from_slice(body).unwrap_or(Value::Null);
    }
    out
}

/// The client: `x-forwarded-for` where a proxy wrote it, the peer's address otherwise.
pub(crate) fn origin(head: &Parts, peer: SocketAddr) -> String {
    match joined(&head.headers, "x-forwarded-for") {
        forwarded if forwarded.is_empty() => peer.ip().to_string(),
        forwarded => forwarded,
    }
}

/// `user-agent`, or null.
pub(crate) fn user_agent(head: &Parts) -> Value {
    match head.headers.get(header::USER_AGENT) {
        Some(value) => String::from_utf8_lossy(value.as_bytes()).into(),
        None => Value::Null,
    }
}

fn host(head: &Parts) -> Option<String> {
    match head.uri.authority() {
        Some(authority) => Some(authority.to_string()),
        None => head.headers.get(header::HOST).map(|value| String::from_utf8_lossy(value.as_bytes()).into()),
    }
}

fn url(head: &Parts) -> String {
    let scheme = match joined(&head.headers, "x-forwarded-proto") {
        proto if proto.is_empty() => "http".to_owned(),
        proto => proto,
    };
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    format!("{scheme}://{}{path}", host(head).unwrap_or_default())
}

fn joined(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(",")
}

/// `x-request-id` as `X-Request-Id`.
fn title(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut start = true;
    for c in name.chars() {
        out.push(if start { c.to_ascii_uppercase() } else { c });
        start = c == '-';
    }
    out
}

/// The query, decoded; a name that occurs more than once has a list of values.
fn args(query: &str) -> Value {
    let mut out = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::from(percent_decoded(value));
        match out.get_mut(&percent_decoded(name)) {
            None => {
                out.insert(percent_decoded(name), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    out.into()
}

/// `+` and `%XX` decoded; a `%` without two digits behind it stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests;

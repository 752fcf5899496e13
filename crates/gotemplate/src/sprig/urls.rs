//! URLs taken apart and put together.
//! In: text, or a map of parts. Out: a map of parts, or text.
//! Never here: a connection.

use super::args::{made, map, text};
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Map as Dict, String as Str};
use crate::value::{Map, Value};

pub(super) const FUNCTIONS: &[Row] = &[("urlParse", &[Str], None, parse), ("urlJoin", &[Dict], None, join)];

fn parse(_: &Budget, args: &[Value]) -> Result {
    let whole = text(args, 0);
    let refuse_url = |url: &str, why: &str| {
        CallError::new(format!("unable to parse url: parse {}: {why}", crate::quote::quote(url)))
    };
    let (url, fragment) = whole.split_once('#').unwrap_or((whole, ""));
    let refuse = |why: &str| refuse_url(url, why);
    if url.chars().any(|c| c.is_ascii_control()) {
        return Err(refuse("net/url: invalid control character in URL"));
    }
    let (scheme, rest) = split_scheme(url).map_err(refuse)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = [
        ("scheme", scheme.to_ascii_lowercase()),
        ("host", String::new()),
        ("hostname", String::new()),
        ("path", String::new()),
        ("query", query.to_owned()),
        ("opaque", String::new()),
        ("fragment", String::new()),
        ("userinfo", String::new()),
    ];
    if !scheme.is_empty() && !rest.is_empty() && !rest.starts_with('/') {
        parts[5].1 = rest.to_owned();
    } else {
        let mut path = rest;
        if let Some(after) = rest.strip_prefix("//")
            && (!scheme.is_empty() || !rest.starts_with("///"))
        {
            let end = after.find('/').unwrap_or(after.len());
            path = &after[end..];
            let (user, host) = match after[..end].rsplit_once('@') {
                Some((user, host)) => (user, host),
                None => ("", &after[..end]),
            };
            let hostname = host_name(host).map_err(|why| refuse(&why))?;
            parts[1].1 = host.to_owned();
            parts[2].1 = hostname.to_owned();
            parts[7].1 = user.to_owned();
        }
        parts[3].1 = unescape(path).map_err(|why| refuse(&why))?;
    }
    parts[6].1 = unescape(fragment).map_err(|why| refuse_url(whole, &why))?;
    Ok(Value::map(parts))
}

/// What stands before the first colon, if it can be a scheme.
fn split_scheme(url: &str) -> std::result::Result<(&str, &str), &'static str> {
    for (at, c) in url.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme"),
            ':' => return Ok((&url[..at], &url[at + 1..])),
            _ => break,
        }
    }
    let first = url.split(['/', '?']).next().unwrap_or_default();
    if first.contains(':') {
        return Err("first path segment in URL cannot contain colon");
    }
    Ok(("", url))
}

/// The host without its port and brackets.
fn host_name(host: &str) -> std::result::Result<&str, String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(inner) => {
            let (name, after) = inner.split_once(']').ok_or_else(|| "missing ']' in host".to_owned())?;
            (name, after)
        }
        None => host.rfind(':').map_or((host, ""), |at| host.split_at(at)),
    };
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        return Err(format!("invalid port {} after host", crate::quote::quote(port)));
    }
    if host.contains(' ') {
        return Err("invalid character \" \" in host name".into());
    }
    Ok(name)
}

fn unescape(text: &str) -> std::result::Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'%' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let escape = bytes.get(at..).unwrap_or_default();
        let escape = &escape[..escape.len().min(3)];
        let digit = |i: usize| escape.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (digit(1), digit(2)) {
            (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
            _ => {
                let shown = crate::quote::quote(&String::from_utf8_lossy(escape));
                return Err(format!("invalid URL escape {shown}"));
            }
        }
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Escapes what may not stand in a part as it is.
fn escape(text: &str, keep: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn part(parts: &Map, name: &str) -> Result<String> {
    match parts.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(other) => {
            let kind = other.kind_name();
            Err(CallError::new(format!("unable to parse {name} key, must be of type string, but {kind} found")))
        }
    }
}

fn join(budget: &Budget, args: &[Value]) -> Result {
    let parts = map(args, 0);
    let get = |name: &str| part(&parts, name);
    let (scheme, host, path, user, opaque) =
        (get("scheme")?, get("host")?, get("path")?, get("userinfo")?, get("opaque")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    if !opaque.is_empty() {
        out.push_str(&opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                out.push_str(&user);
                out.push('@');
            }
            out.push_str(&escape(&host, "!$&'()*+,;=:[]<>\""));
        }
        let path = if path == "*" { path } else { escape(&path, "$&+,/:;=@") };
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        if out.is_empty() && path.split('/').next().is_some_and(|first| first.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&path);
    }
    let query = get("query")?;
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    let fragment = get("fragment")?;
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&escape(&fragment, "$&+,/:;=?@!()*"));
    }
    made(out, budget)
}

//! What a route does: cluster, redirect, direct response, mirrors, hash.
//! In: the action, the request, random numbers. Out: names, local replies, hashes; nothing is changed here.

use super::select::{before_colon, matched_path};
use super::{RouteContext, Selected};
use crate::access_log::Record;
use crate::flags::ResponseFlags;
use crate::hash::xx_hash64;
use crate::headers::RequestHead;
use crate::ir::{
    ClusterSpecifier, DirectResponse, Forward, HashSource, Mirror, PathRewrite, Redirect, WeightedCluster,
};
use crate::local_reply::LocalReply;
use crate::matcher::{PathMatch, parameters, pseudo_or_header};
use bytes::Bytes;
use std::borrow::Cow;
use std::time::Duration;

/// The cluster of a request.
#[derive(Debug, Clone, Copy)]
pub struct ClusterChoice<'r> {
    /// Name; empty when it comes from a header that is not there.
    pub name: &'r str,
    /// The entry when the route has several clusters.
    pub weighted: Option<&'r WeightedCluster>,
}

/// Which cluster a request goes to. A name from a header borrows the head.
#[must_use]
pub fn cluster<'r>(forward: &'r Forward, head: &'r RequestHead, random: u64) -> ClusterChoice<'r> {
    match &forward.cluster {
        ClusterSpecifier::Cluster(name) => ClusterChoice { name, weighted: None },
        ClusterSpecifier::Header(name) => {
            let name = match name.as_str() {
                ":authority" => head.authority_str(),
                ":path" => head.path_str(),
                name => head.headers.get_str(name).unwrap_or_default(),
            };
            ClusterChoice { name, weighted: None }
        }
        ClusterSpecifier::Weighted(weighted) => {
            let mut left = random % weighted.total.max(1);
            for cluster in &weighted.clusters {
                let weight = u64::from(cluster.weight);
                if left < weight {
                    return ClusterChoice { name: &cluster.name, weighted: Some(cluster) };
                }
                left -= weight;
            }
            // Only when there is no cluster at all, which decoding refuses.
            ClusterChoice { name: "", weighted: None }
        }
    }
}

/// The answer of a redirect.
#[must_use]
pub fn redirect(
    selected: &Selected<'_>,
    redirect: &Redirect,
    head: &RequestHead,
    context: &RouteContext,
) -> LocalReply {
    let mut reply = LocalReply::new(redirect.status, ResponseFlags::NONE, "direct_response");
    reply.headers.set("location", location(selected, redirect, head, context));
    reply
}

fn location(selected: &Selected<'_>, redirect: &Redirect, head: &RequestHead, context: &RouteContext) -> Vec<u8> {
    let current: &[u8] = if context.https { b"https" } else { b"http" };
    let scheme: &[u8] = match &redirect.scheme {
        Some(scheme) => scheme,
        None if redirect.https => b"https",
        None => current,
    };
    let mut out = Vec::with_capacity(head.authority.len() + head.path.len() + 16);
    out.extend_from_slice(scheme);
    out.extend_from_slice(b"://");
    match &redirect.host {
        Some(host) => out.extend_from_slice(host),
        None => out.extend_from_slice(request_host(head, scheme, redirect.port.is_some())),
    }
    if let Some(port) = redirect.port {
        out.extend_from_slice(format!(":{port}").as_bytes());
    }
    match &redirect.path {
        Some(PathRewrite::Full(path)) => {
            out.extend_from_slice(path);
            // A path with a query of its own replaces that of the request.
            if let Some(query) = head.query().filter(|_| !redirect.strip_query && !path.contains(&b'?')) {
                out.push(b'?');
                out.extend_from_slice(query);
            }
        }
        other => {
            let rewritten = other.as_ref().map(|rewrite| rewrite_path(rewrite, &selected.route.path, head));
            let path: &[u8] = rewritten.as_deref().unwrap_or(&head.path);
            let end = if redirect.strip_query { memchr::memchr(b'?', path).unwrap_or(path.len()) } else { path.len() };
            out.extend_from_slice(&path[..end]);
        }
    }
    out
}

/// The host of the request, without a port that is replaced or that was the default of the other scheme.
fn request_host<'h>(head: &'h RequestHead, scheme: &[u8], new_port: bool) -> &'h [u8] {
    let host = head.authority_str();
    let bare = before_colon(host);
    let port = host.get(bare.len() + 1..);
    let other_default = matches!((scheme, port), (b"https", Some("80")) | (b"http", Some("443")));
    if new_port || other_default { bare.as_bytes() } else { &head.authority }
}

/// The path and query after a rewrite.
pub(crate) fn rewrite_path(rewrite: &PathRewrite, matched: &PathMatch, head: &RequestHead) -> Bytes {
    let path = matched_path(head);
    let (replaced, new): (usize, Cow<'_, [u8]>) = match rewrite {
        PathRewrite::Prefix(prefix) => (matched.replaced(path.len()), Cow::Borrowed(prefix)),
        PathRewrite::Regex { regex, substitution } => (path.len(), regex.replace_all(path, substitution)),
        PathRewrite::Full(full) => (path.len(), Cow::Borrowed(full)),
    };
    let rest = head.path.get(replaced..).unwrap_or_default();
    let mut out = Vec::with_capacity(new.len() + rest.len());
    out.extend_from_slice(&new);
    out.extend_from_slice(rest);
    out.into()
}

/// The answer of a direct response.
#[must_use]
pub fn direct(response: &DirectResponse, record: &Record<'_>) -> LocalReply {
    let reply = LocalReply::new(response.status, ResponseFlags::NONE, "direct_response");
    let Some(format) = &response.format else { return reply.with_body(response.body.clone()) };
    let mut body = Vec::new();
    format.render(&Record { local_reply_body: &response.body, status: Some(response.status), ..*record }, &mut body);
    let mut reply = reply.with_body(body);
    reply.headers.set("content-type", Bytes::from_static(format.content_type().as_bytes()));
    reply
}

/// The clusters that get a copy of the request.
pub fn mirrors(forward: &Forward, random: u64) -> impl Iterator<Item = &Mirror> {
    forward.mirrors.iter().filter(move |mirror| random % 1_000_000 < u64::from(mirror.per_million))
}

/// The hash for consistent hashing, and a cookie to set when one was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashKey {
    /// The hash; `None` for any endpoint.
    pub hash: Option<u64>,
    /// `set-cookie` for the response.
    pub set_cookie: Option<String>,
}

/// The hash of a request. `random` makes the value of a new cookie.
pub fn hash(forward: &Forward, head: &RequestHead, context: &RouteContext, random: &mut dyn FnMut() -> u64) -> HashKey {
    let mut key = HashKey::default();
    for policy in &forward.hash {
        let part = match &policy.source {
            HashSource::Header(name) => header_hash(head, name),
            HashSource::Cookie { name, ttl, path } => match cookie(head, name) {
                Some(value) => Some(xx_hash64(value, 0)),
                None => ttl.map(|ttl| {
                    let value = format!("{:016x}", random());
                    let hash = xx_hash64(value.as_bytes(), 0);
                    key.set_cookie = Some(set_cookie(name, &value, path, ttl));
                    hash
                }),
            },
            HashSource::SourceIp => Some(xx_hash64(context.client.to_canonical().to_string().as_bytes(), 0)),
            HashSource::QueryParameter(name) => head
                .query()
                .and_then(|query| parameters(query).find(|(found, _)| *found == name.as_bytes()))
                .map(|(_, value)| xx_hash64(value, 0)),
        };
        if let Some(part) = part {
            // Rotated, so that two equal parts do not cancel each other out.
            key.hash = Some(key.hash.map_or(part, |so_far| so_far.rotate_left(1) ^ part));
        }
        if policy.terminal && key.hash.is_some() {
            break;
        }
    }
    key
}

/// Several values are hashed in sorted order, each with the hash before as its seed.
fn header_hash(head: &RequestHead, name: &str) -> Option<u64> {
    if name.starts_with(':') {
        return pseudo_or_header(head, name).map(|value| xx_hash64(&value, 0));
    }
    let mut values: Vec<&[u8]> = head.headers.get_all(name).collect();
    values.sort_unstable();
    (!values.is_empty()).then(|| values.iter().fold(0, |seed, value| xx_hash64(value, seed)))
}

/// The value of a cookie, without quotes; `None` when it is empty.
fn cookie<'h>(head: &'h RequestHead, name: &str) -> Option<&'h [u8]> {
    let pairs = head.headers.get_all("cookie").flat_map(|header| header.split(|byte| *byte == b';'));
    for pair in pairs {
        let pair = pair.trim_ascii();
        let Some(at) = memchr::memchr(b'=', pair) else { continue };
        if &pair[..at] == name.as_bytes() {
            let value = &pair[at + 1..];
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            return (!value.is_empty()).then_some(value);
        }
    }
    None
}

fn set_cookie(name: &str, value: &str, path: &str, ttl: Duration) -> String {
    let mut cookie = format!("{name}=\"{value}\"");
    if ttl.as_secs() > 0 {
        cookie.push_str(&format!("; Max-Age={}", ttl.as_secs()));
    }
    if !path.is_empty() {
        cookie.push_str(&format!("; Path={path}"));
    }
    cookie.push_str("; HttpOnly");
    cookie
}

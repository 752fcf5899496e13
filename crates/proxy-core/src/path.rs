//! Path normalisation as Envoy 1.40 does it, before any route or policy looks at the path.
//!
//! In: path and query as received, and the listener's options. Out: unchanged, changed, a
//! redirect, or a refusal. The query is never touched.
//! Order: fragment, escaped slashes, dot segments and percent-decoding, slashes.

use std::borrow::Cow;

use bytes::Bytes;

mod canonical;
#[cfg(test)]
mod tests;

/// What to do with `%2F` and `%5C` in a path (Envoy's `path_with_escaped_slashes_action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EscapedSlashes {
    /// Leave them; also Envoy's `IMPLEMENTATION_SPECIFIC_DEFAULT`.
    #[default]
    Keep,
    /// Refuse the request with 400.
    Reject,
    /// Decode them and answer 307 to the new path.
    UnescapeAndRedirect,
    /// Decode them and go on.
    UnescapeAndForward,
}

/// What to do with `#` in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fragment {
    /// Refuse the request with 400: Envoy's default.
    #[default]
    Reject,
    /// Cut it off: Envoy with the runtime key
    /// `envoy.reloadable_features.http_reject_path_with_fragment` set to false, as Istio does.
    Strip,
}

/// How a listener normalises paths; the default changes nothing and refuses fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Resolve dot segments, decode unreserved characters, turn `\` into `/` (RFC 3986 section 6).
    pub normalize_path: bool,
    /// Join slashes that follow each other.
    pub merge_slashes: bool,
    /// What to do with `%2F` and `%5C`.
    pub escaped_slashes: EscapedSlashes,
    /// What to do with `#`.
    pub fragment: Fragment,
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is normal already.
    Unchanged,
    /// Go on with this path and query.
    Changed(Bytes),
    /// Answer 307 with this `location`; a gRPC request is refused with 400 instead.
    RedirectTo(Bytes),
    /// Answer 400 (`path_normalization_failed`).
    Reject,
}

/// Normalises `path_and_query`, which starts with `/`; other paths are refused.
///
/// `*` and the empty path of CONNECT are no paths: do not ask for them.
#[must_use]
pub fn normalize(path_and_query: &[u8], options: Options) -> Outcome {
    if path_and_query.first() != Some(&b'/') {
        return Outcome::Reject;
    }
    let mut whole = path_and_query;
    if let Some(at) = memchr::memchr(b'#', whole) {
        match options.fragment {
            Fragment::Reject => return Outcome::Reject,
            Fragment::Strip => whole = &whole[..at],
        }
    }
    let query_at = memchr::memchr(b'?', whole).unwrap_or(whole.len());
    let (path, query) = whole.split_at(query_at);
    let mut path = Cow::Borrowed(path);
    let mut redirect = false;
    if options.escaped_slashes != EscapedSlashes::Keep
        && let Some(unescaped) = unescape_slashes(&path)
    {
        match options.escaped_slashes {
            EscapedSlashes::Reject => return Outcome::Reject,
            EscapedSlashes::UnescapeAndRedirect => redirect = true,
            EscapedSlashes::UnescapeAndForward | EscapedSlashes::Keep => {}
        }
        path = Cow::Owned(unescaped);
    }
    if options.normalize_path {
        match canonical::canonicalize(&path) {
            Ok(None) => {}
            Ok(Some(canonical)) => path = Cow::Owned(canonical),
            Err(canonical::Invalid) => return Outcome::Reject,
        }
    }
    if options.merge_slashes
        && let Some(merged) = merge_slashes(&path)
    {
        path = Cow::Owned(merged);
    }
    match path {
        Cow::Borrowed(_) if whole.len() == path_and_query.len() => Outcome::Unchanged,
        path => {
            let mut changed = path.into_owned();
            changed.extend_from_slice(query);
            if redirect {
                Outcome::RedirectTo(changed.into())
            } else if changed == path_and_query {
                Outcome::Unchanged
            } else {
                Outcome::Changed(changed.into())
            }
        }
    }
}

/// Decodes `%2F` and `%5C`; `None` when there is none.
fn unescape_slashes(path: &[u8]) -> Option<Vec<u8>> {
    let escaped = |at: usize| match path.get(at..at + 3) {
        Some([b'%', b'2', b'f' | b'F']) => Some(b'/'),
        Some([b'%', b'5', b'c' | b'C']) => Some(b'\\'),
        _ => None,
    };
    let first = memchr::memchr_iter(b'%', path).find(|&at| escaped(at).is_some())?;
    let mut out = Vec::with_capacity(path.len());
    out.extend_from_slice(&path[..first]);
    let mut at = first;
    while at < path.len() {
        if let Some(slash) = escaped(at) {
            out.push(slash);
            at += 3;
        } else {
            out.push(path[at]);
            at += 1;
        }
    }
    Some(out)
}

/// Joins slashes that follow each other; `None` when none do.
fn merge_slashes(path: &[u8]) -> Option<Vec<u8>> {
    if !path.windows(2).any(|pair| pair == b"//") {
        return None;
    }
    let mut out = Vec::with_capacity(path.len());
    for &byte in path {
        if byte != b'/' || out.last() != Some(&b'/') {
            out.push(byte);
        }
    }
    Some(out)
}

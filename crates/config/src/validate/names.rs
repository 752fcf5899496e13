//! Which texts are names: DNS labels, host names with and without wildcards, object and port names.

use crate::decode::context::shorten;
use crate::validate::{Rule, wrong};

/// Bytes of a DNS label (RFC 1123).
const LONGEST_LABEL: usize = 63;

/// Bytes of a host name, as Istio counts.
const LONGEST_HOST: usize = 255;

const LABEL_HINT: &str = "use letters, digits and `-`, at most 63, with a letter or digit at both ends";

/// Whether this is a DNS label; case does not matter to Istio.
pub(crate) fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |c: &u8| c.is_ascii_alphanumeric() || *c == b'-';
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            bytes.len() <= LONGEST_LABEL
                && first.is_ascii_alphanumeric()
                && last.is_ascii_alphanumeric()
                && bytes.iter().all(inner)
        }
        _ => false,
    }
}

/// A DNS label of some sort, such as a subset or a port name.
pub(crate) fn label(what: &str, text: &str) -> Rule {
    if is_label(text) {
        return Ok(());
    }
    match text {
        "" => wrong(format!("{what} is missing"), LABEL_HINT),
        _ => wrong(format!("`{}` is no valid {what}", shorten(text)), LABEL_HINT),
    }
}

/// Name of an object in Kubernetes: a DNS subdomain in lower case.
pub(crate) fn object(text: &str) -> Rule {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    };
    if text.len() <= 253 && text.split('.').all(part) {
        return Ok(());
    }
    wrong(
        format!("`{}` is no valid name of an object", shorten(text)),
        "use small letters, digits, `-` and `.`, at most 253, with a letter or digit at both ends",
    )
}

/// A full host name without wildcard.
pub(crate) fn host(text: &str) -> Rule {
    length(text)?;
    labels(text, text)
}

/// A host name whose first label may be `*` or begin with it.
pub(crate) fn wildcard_host(text: &str) -> Rule {
    length(text)?;
    let (first, rest) = match text.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    let plain = match first.strip_prefix('*') {
        None => first,
        Some("") => "x",
        Some(after) => after.strip_prefix('-').unwrap_or(after),
    };
    if first.len() > LONGEST_LABEL || !is_label(plain) {
        return bad_label(text, first);
    }
    rest.map_or(Ok(()), |rest| labels(text, rest))
}

/// A wildcard must be the whole first label: `*-a.example.com` is none that TLS or DNS knows.
pub(crate) fn whole_wildcard(text: &str) -> Rule {
    if text.contains('*') && text != "*" && !text.starts_with("*.") {
        return wrong(
            format!("`{}` has a wildcard that is not a label of its own", shorten(text)),
            "write `*.` before the domain, or the full name",
        );
    }
    Ok(())
}

fn length(text: &str) -> Rule {
    match text.len() {
        0 => wrong("a host name is missing", "write a name such as `shop.example.com`"),
        1..=LONGEST_HOST => Ok(()),
        _ => wrong(format!("`{}` is longer than {LONGEST_HOST} characters", shorten(text)), ""),
    }
}

fn labels(whole: &str, text: &str) -> Rule {
    let last = text.rsplit('.').next().unwrap_or_default();
    if last.parse::<i64>().is_ok() {
        return wrong(
            format!("`{}` is no host name: its last label is a number", shorten(whole)),
            "write a name; an IP address cannot stand here",
        );
    }
    // A name may end in a dot, which says that it is complete.
    if text.is_empty() && text.len() < whole.len() {
        return Ok(());
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    match text.split('.').find(|label| !is_label(label)) {
        Some(label) => bad_label(whole, label),
        None => Ok(()),
    }
}

fn bad_label(whole: &str, label: &str) -> Rule {
    match label {
        "" => wrong(format!("`{}` is no host name: a label is empty", shorten(whole)), "remove the extra dot"),
        _ => wrong(format!("`{}` is no host name: `{}` is no label", shorten(whole), shorten(label)), LABEL_HINT),
    }
}

#[cfg(test)]
mod tests;

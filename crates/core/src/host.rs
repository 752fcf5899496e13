//! Host names as Istio's API writes them: exact, `*`, or with a leading wildcard label.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A lower-case host name, `*`, or a wildcard such as `*.example.com`.
///
/// `Host` only lower-cases; whether the text is a legal DNS name is judged where it enters (`config`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Arc<str>);

impl Host {
    /// The host named by `text`, in lower case and without a trailing dot.
    pub fn new(text: &str) -> Self {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Self(text.to_ascii_lowercase().into())
        } else {
            Self(text.into())
        }
    }

    /// The text of the host.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name begins with `*`.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// Whether every name that `other` stands for is also one of ours (Istio `host.Name.SubsetOf`, turned round).
    ///
    /// `*` covers all; `*.a.com` covers `b.a.com`, `*.b.a.com` and itself, but not `a.com`.
    pub fn covers(&self, other: &Host) -> bool {
        match self.0.strip_prefix('*') {
            None => self == other,
            Some(suffix) => {
                let name = other.0.strip_prefix('*').unwrap_or(&other.0);
                name.len() >= suffix.len()
                    && name.ends_with(suffix)
                    && (other.is_wildcard() || name.len() > suffix.len())
            }
        }
    }

    /// Whether the two have a name in common.
    pub fn overlaps(&self, other: &Host) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The narrower of the two if they overlap.
    pub fn intersection<'a>(&'a self, other: &'a Host) -> Option<&'a Host> {
        if self.covers(other) {
            Some(other)
        } else if other.covers(self) {
            Some(self)
        } else {
            None
        }
    }

    /// Order from the most to the least specific: exact names first, then wildcards by falling length,
    /// `*` last; equal ones by the alphabet (Istio `host.MoreSpecific`).
    pub fn cmp_specific(&self, other: &Host) -> Ordering {
        self.is_wildcard()
            .cmp(&other.is_wildcard())
            .then_with(|| other.0.len().cmp(&self.0.len()))
            .then_with(|| self.0.cmp(&other.0))
    }

    /// The full name that a host in an Istio resource means: names without a dot belong to a Service in the
    /// namespace of the resource (Istio `ResolveShortnameToFQDN`).
    pub fn resolve(text: &str, namespace: &str, domain_suffix: &str) -> Self {
        if text.contains('.') || text.starts_with('*') || text.is_empty() || namespace.is_empty() {
            Self::new(text)
        } else {
            Self::new(&format!("{text}.{namespace}.svc.{domain_suffix}"))
        }
    }
}

impl From<&str> for Host {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

#[cfg(test)]
mod tests;

//! Certificates, keys and roots that Secrets hold.
//! In: Secrets, what is known of them from the world before, the time. Out: what each is good for, and a finding for
//! each mistake; a Secret that turns bad stands for its last good form. Keys never show in debug output.

mod check;

use crate::source::Source;
use lateen_config::{Finding, Secret, Severity};
use lateen_core::NamespacedName;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// Scheme of the names under which proxies ask for Secrets.
const SCHEME: &str = "kubernetes://";

/// Suffix of names that stand for roots alone.
pub const ROOTS_SUFFIX: &str = "-cacert";

/// A certificate with its key, PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// Certificates, the leaf first.
    pub certificate_chain: Vec<u8>,
    /// The key of the leaf.
    pub private_key: Vec<u8>,
    /// A stapled OCSP response, DER.
    pub ocsp_staple: Option<Vec<u8>>,
}

/// Roots that certificates of others are checked against, PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roots {
    /// Certificates.
    pub certificates: Vec<u8>,
    /// Revoked certificates.
    pub revoked: Option<Vec<u8>>,
}

/// What one Secret is good for.
#[derive(Clone, Debug, Default)]
pub struct Credential {
    /// Certificate and key.
    pub pair: Option<Arc<KeyPair>>,
    /// Roots.
    pub roots: Option<Arc<Roots>>,
    checked: Arc<Checked>,
}

/// A Secret and what was found out about it, without regard to time.
#[derive(Debug, Default)]
struct Checked {
    secret: Arc<Secret>,
    pair: Part<KeyPair>,
    roots: Part<Roots>,
}

/// Something that a Secret may hold.
#[derive(Debug, Default)]
enum Part<T> {
    /// No key of it is there.
    #[default]
    Absent,
    Good(Arc<T>, Vec<Lifetime>),
    Bad(Problem),
}

/// When what a key holds is valid, in seconds since 1970: the narrowest of all of it.
#[derive(Clone, Debug)]
struct Lifetime {
    /// The key of the Secret.
    key: &'static str,
    holds: Holds,
    from: i64,
    to: i64,
}

/// What a key of a Secret holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Certificates,
    /// Lists of revoked certificates.
    Revocations,
    /// The same, one of them in the form of version 1 or without extensions, which Envoy takes and lateen's proxy
    /// does not (RFC 5280 section 5.2 demands them).
    OldRevocations,
}

impl Lifetime {
    /// What is to be said at this time, and what follows from it.
    fn remarks(&self, now: Option<i64>) -> impl Iterator<Item = (&'static str, &'static str)> {
        let refused = "as long as it is so, the certificates of all clients are refused";
        let served = "it is served as it is; clients refuse it";
        let certificates = self.holds == Holds::Certificates;
        let late = now.is_some_and(|now| now > self.to).then_some(match certificates {
            true => ("a certificate has expired", served),
            false => ("a list of revoked certificates is out of date", refused),
        });
        let early = now.is_some_and(|now| now < self.from).then_some(match certificates {
            true => ("a certificate is not valid yet", served),
            false => ("a list of revoked certificates is not valid yet", refused),
        });
        let old = (self.holds == Holds::OldRevocations).then_some((
            "a list of revoked certificates has no extensions, and lateen's proxy takes those of version 2 with a number only",
            "write it with a number: `crlnumber` in the configuration of openssl ca; Envoy takes it as it is",
        ));
        late.or(early).into_iter().chain(old)
    }
}

/// A mistake in the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    key: &'static str,
    message: String,
    hint: Option<String>,
}

/// All credentials of a world.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    by_name: HashMap<NamespacedName, Credential>,
}

impl Credentials {
    /// Reads the Secrets of type `kubernetes.io/tls` and those that `referenced` names.
    pub(crate) fn build(
        secrets: &[(Arc<Source>, &Arc<Secret>)],
        referenced: &BTreeSet<String>,
        previous: Option<&Self>,
        now: Option<i64>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut by_name = HashMap::new();
        for (source, secret) in secrets {
            let name = source.name.name.as_ref();
            let base = name.strip_suffix(ROOTS_SUFFIX).unwrap_or(name);
            let wanted = referenced.contains(name) || referenced.contains(base);
            if !wanted && secret.r#type != "kubernetes.io/tls" {
                continue;
            }
            let before = previous.and_then(|previous| previous.by_name.get(&source.name));
            let checked = match before {
                Some(before) if before.checked.secret == **secret => before.checked.clone(),
                _ => Arc::new(Checked::new(secret)),
            };
            // With another place for each finding, as the Secret may have moved in its file.
            let checked = if Arc::ptr_eq(&checked.secret, secret) {
                checked
            } else {
                Arc::new(Checked {
                    secret: (*secret).clone(),
                    pair: checked.pair.clone(),
                    roots: checked.roots.clone(),
                })
            };
            checked.report(source, before.is_some(), wanted, now, findings);
            let credential = Credential {
                pair: checked.pair.good_or(before.and_then(|before| before.pair.clone())),
                roots: checked.roots.good_or(before.and_then(|before| before.roots.clone())),
                checked,
            };
            by_name.insert(source.name.clone(), credential);
        }
        Self { by_name }
    }

    /// The certificate that a proxy of `namespace` gets under `name` (`kubernetes://NAME`): only from Secrets of its
    /// own namespace, whatever the name says (Istio's `filterAuthorizedResources`).
    pub fn pair(&self, namespace: &str, name: &str) -> Option<&Arc<KeyPair>> {
        self.by_name.get(&own(namespace, name)?)?.pair.as_ref()
    }

    /// The roots that a proxy of `namespace` gets under `name` (`kubernetes://NAME-cacert`): those of that Secret, or
    /// where there is none those in the Secret without the suffix (Istio's `GetCaCert`).
    pub fn roots(&self, namespace: &str, name: &str) -> Option<&Arc<Roots>> {
        let mut name = own(namespace, name)?;
        if !self.by_name.contains_key(&name) {
            let base = name.name.strip_suffix(ROOTS_SUFFIX)?.to_owned();
            name = NamespacedName::new(namespace, &base);
        }
        self.by_name.get(&name)?.roots.as_ref()
    }

    /// Whether there is a Secret, be it good or bad, under a name as [`Credentials::pair`] takes it.
    pub fn knows(&self, namespace: &str, name: &str) -> bool {
        own(namespace, name).is_some_and(|name| self.by_name.contains_key(&name))
    }
}

/// The Secret that a name means for a proxy of `namespace`; none for another scheme or a foreign namespace.
fn own(namespace: &str, name: &str) -> Option<NamespacedName> {
    let name = name.strip_prefix(SCHEME)?;
    match name.split_once('/') {
        None => Some(NamespacedName::new(namespace, name)),
        Some((other, name)) if other == namespace => Some(NamespacedName::new(namespace, name)),
        Some(_) => None,
    }
}

/// Istio's name of a secret: `kubernetes://name`, unless a scheme is written.
pub fn resource_name(credential: &str) -> String {
    if credential.contains("://") { credential.to_owned() } else { format!("{SCHEME}{credential}") }
}

impl<T> Part<T> {
    fn good_or(&self, last: Option<Arc<T>>) -> Option<Arc<T>> {
        match self {
            Self::Absent => None,
            Self::Good(good, _) => Some(good.clone()),
            Self::Bad(_) => last,
        }
    }
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Absent => Self::Absent,
            Self::Good(good, lifetimes) => Self::Good(good.clone(), lifetimes.clone()),
            Self::Bad(problem) => Self::Bad(problem.clone()),
        }
    }
}

impl Checked {
    fn new(secret: &Arc<Secret>) -> Self {
        Self { secret: secret.clone(), pair: check::pair(secret), roots: check::roots(secret) }
    }

    fn report(&self, source: &Source, served: bool, wanted: bool, now: Option<i64>, findings: &mut Vec<Finding>) {
        let mut tell = |key: &str, message: String, hint: Option<String>, severity| {
            let (at, path) = self.secret.place_of(key).unwrap_or_else(|| (Default::default(), String::new()));
            let mut finding = source.warn(at, path, message);
            finding.severity = severity;
            finding.hint = hint;
            findings.push(finding);
        };
        let problems = [self.pair.problem(), self.roots.problem()];
        for problem in problems.into_iter().flatten() {
            let hint = match (&problem.hint, served) {
                (None, true) => Some("its last good form keeps serving".to_owned()),
                (hint, _) => hint.clone(),
            };
            tell(problem.key, problem.message.clone(), hint, Severity::Error);
        }
        if let (Part::Absent, Part::Absent, true) = (&self.pair, &self.roots, wanted) {
            let hint = "it needs `tls.crt` and `tls.key` (or `cert` and `key`), or `ca.crt` (or `cacert`) for roots";
            tell("", "the Secret holds no certificate".to_owned(), Some(hint.to_owned()), Severity::Error);
        }
        for lifetime in self.pair.lifetimes().iter().chain(self.roots.lifetimes()) {
            for (message, hint) in lifetime.remarks(now) {
                tell(lifetime.key, message.to_owned(), Some(hint.to_owned()), Severity::Warning);
            }
        }
    }
}

impl<T> Part<T> {
    fn problem(&self) -> Option<&Problem> {
        if let Self::Bad(problem) = self { Some(problem) } else { None }
    }

    fn lifetimes(&self) -> &[Lifetime] {
        if let Self::Good(_, lifetimes) = self { lifetimes } else { &[] }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("certificate_chain", &self.certificate_chain.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

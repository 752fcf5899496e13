//! TLS contexts of the tables: built when they are new, rebuilt when a secret or a file changes.
//! In: tables, from the control thread. Out: entries that workers hold; what is in them is swapped as a whole.
//! What is bad is said once and never takes the place of what is good; what is gone refuses connections.

use super::client::{self, ClientContext};
use super::material::{self, Own, Stamp};
use super::params;
use super::server::{self, ServerContext};
use super::x509::Leaf;
use arc_swap::{ArcSwapOption, Guard};
use lateen_proxy_core::ir::{
    CommonTls, DownstreamTls, OrSds, Secret, SecretKind, Tables, TlsCertificate, UpstreamTls, ValidationContext,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A context of a filter chain.
pub type ServerEntry = Entry<DownstreamTls>;
/// A context of a cluster.
pub type ClientEntry = Entry<UpstreamTls>;

/// All contexts of one state of the tables, by the hash of their settings.
#[derive(Debug, Default)]
pub struct Contexts {
    servers: HashMap<u64, Arc<ServerEntry>>,
    clients: HashMap<u64, Arc<ClientEntry>>,
}

impl Contexts {
    /// Those of new tables; what stays the same is shared. Reads files and parses keys, so it is not for workers.
    pub fn next(&self, tables: &Tables) -> Self {
        let chains = tables.listeners.values().flat_map(|listener| {
            listener.filter_chains.iter().chain(&listener.default_filter_chain).filter_map(|chain| chain.tls.as_ref())
        });
        let sockets = tables.clusters.values().flat_map(|cluster| {
            cluster.transport_matches.iter().filter_map(|one| one.tls.as_ref()).chain(&cluster.tls)
        });
        Self {
            servers: advance(&self.servers, chains, |tls| tls.version, tables),
            clients: advance(&self.clients, sockets, |tls| tls.version, tables),
        }
    }

    /// Looks at the files again.
    pub fn look_at_files(&self) {
        for entry in self.servers.values() {
            entry.look_at_files();
        }
        for entry in self.clients.values() {
            entry.look_at_files();
        }
    }

    /// The context of a filter chain.
    pub fn server(&self, tls: &DownstreamTls) -> Option<&Arc<ServerEntry>> {
        self.servers.get(&tls.version)
    }

    /// The context of a cluster or one of its transport sockets.
    pub fn client(&self, tls: &UpstreamTls) -> Option<&Arc<ClientEntry>> {
        self.clients.get(&tls.version)
    }

    /// For `/certs`.
    pub fn status(&self) -> Vec<CertificateStatus> {
        let servers = self.servers.values().map(|entry| entry.status(|context| context.leaves.clone()));
        let clients = self.clients.values().map(|entry| entry.status(|context| context.leaf.iter().cloned().collect()));
        servers.chain(clients).collect()
    }
}

fn advance<T: Settings>(
    known: &HashMap<u64, Arc<Entry<T>>>,
    wanted: impl Iterator<Item = impl std::borrow::Borrow<Arc<T>>>,
    version: impl Fn(&T) -> u64,
    tables: &Tables,
) -> HashMap<u64, Arc<Entry<T>>> {
    let mut next: HashMap<u64, Arc<Entry<T>>> = HashMap::new();
    for tls in wanted {
        let tls = tls.borrow();
        next.entry(version(tls)).or_insert_with(|| {
            let entry = known.get(&version(tls)).cloned().unwrap_or_else(|| Arc::new(Entry::new(tls)));
            entry.look_at_secrets(&tables.secrets);
            entry
        });
    }
    next
}

/// What a context says of its certificates.
#[derive(Debug, Clone)]
pub struct CertificateStatus {
    /// Secrets and files that the context is made of.
    pub sources: Vec<String>,
    /// Why what is there now is not in use.
    pub problem: Option<String>,
    /// Own certificates that are in use.
    pub(crate) leaves: Vec<Leaf>,
}

/// Settings that a context is built from.
pub trait Settings {
    /// What is built.
    type Context;
    /// What both sides have.
    fn common(&self) -> &CommonTls;
    /// Builds it from own certificates and what secrets and files hold for checking the peer.
    ///
    /// # Errors
    /// Which source is bad, and why.
    fn build(&self, own: &[Own], peer: Option<&ValidationContext>) -> Result<Self::Context, String>;
}

impl Settings for DownstreamTls {
    type Context = ServerContext;

    fn common(&self) -> &CommonTls {
        &self.common
    }

    fn build(&self, own: &[Own], peer: Option<&ValidationContext>) -> Result<ServerContext, String> {
        server::build(self, own, peer)
    }
}

impl Settings for UpstreamTls {
    type Context = ClientContext;

    fn common(&self) -> &CommonTls {
        &self.common
    }

    fn build(&self, own: &[Own], peer: Option<&ValidationContext>) -> Result<ClientContext, String> {
        client::build(self, own.first(), peer)
    }
}

/// A context in its present form.
#[derive(Debug)]
pub struct Entry<T: Settings> {
    settings: Arc<T>,
    current: ArcSwapOption<T::Context>,
    seen: Mutex<Seen>,
}

/// What the present form was made of.
#[derive(Debug, Default)]
struct Seen {
    /// In the order of `CommonTls::secrets`; `None` before the first look.
    secrets: Option<Vec<Option<Arc<Secret>>>>,
    files: Vec<(String, Option<Stamp>)>,
    /// Own certificates of the present form; `None` while there is no such form.
    own: Option<Vec<Own>>,
    problem: Option<String>,
}

impl<T: Settings> Entry<T> {
    fn new(settings: &Arc<T>) -> Self {
        let left_out = &settings.common().params.left_out;
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            tracing::warn!(target: "lateen_proxy::tls", "cipher suites and curves that are not spoken here: {names}");
        }
        Self { settings: Arc::clone(settings), current: ArcSwapOption::empty(), seen: Mutex::default() }
    }

    /// The context; `None` while something is missing.
    pub fn current(&self) -> Guard<Option<Arc<T::Context>>> {
        self.current.load()
    }

    /// Why there is none, or why the newest is not in use.
    pub fn problem(&self) -> Option<String> {
        self.seen().problem.clone()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_at_secrets(&self, table: &HashMap<Arc<str>, Arc<Secret>>) {
        let mut seen = self.seen();
        let names = self.settings.common().secrets();
        let now: Vec<Option<Arc<Secret>>> = names.map(|secret| table.get(&secret.name).cloned()).collect();
        let same = |(a, b): (&Option<Arc<Secret>>, &Option<Arc<Secret>>)| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if seen.secrets.as_ref().is_some_and(|known| known.iter().zip(&now).all(same)) {
            return;
        }
        seen.secrets = Some(now);
        self.rebuild(&mut seen);
    }

    fn look_at_files(&self) {
        let mut seen = self.seen();
        if seen.files.iter().any(|(path, known)| material::stamp(path) != *known) {
            self.rebuild(&mut seen);
        }
    }

    fn rebuild(&self, seen: &mut Seen) {
        let secrets = seen.secrets.clone().unwrap_or_default();
        match self.resolve(&secrets) {
            // What is not there any more serves nobody.
            Err(missing) => {
                self.current.store(None);
                seen.own = None;
                self.tell(seen, Some(missing));
            }
            Ok((own, peer)) => {
                // First what files look like, then what is in them: a change in between is seen next time.
                let sources = own.iter().flat_map(|certificate| [&certificate.chain, &certificate.key]);
                let paths = sources.filter_map(material::file).chain(peer.iter().flat_map(material::files));
                seen.files = paths.map(|path| (path.to_owned(), material::stamp(path))).collect();
                let built = self.choose(seen.own.as_deref(), &own).and_then(|(own, problem)| {
                    let context = self.settings.build(&own, peer.as_ref())?;
                    Ok((context, own, problem))
                });
                match built {
                    Ok((context, own, problem)) => {
                        self.current.store(Some(Arc::new(context)));
                        seen.own = Some(own);
                        self.tell(seen, problem);
                    }
                    Err(problem) => self.tell(seen, Some(problem)),
                }
            }
        }
    }

    /// The own certificates as they are given, or the former ones while those are malformed or have ended: what else
    /// has changed, such as a list of revoked certificates, must not wait for them.
    fn choose(&self, former: Option<&[Own]>, given: &[TlsCertificate]) -> Result<Chosen, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let provider = params::provider(&self.settings.common().params);
        let loaded: Result<Vec<Own>, String> = given.iter().map(|one| material::own(one, &provider)).collect();
        match (loaded, former) {
            (Ok(own), _) if not_after(&own) >= now => Ok((own, None)),
            (Ok(_), Some(former)) if not_after(former) >= now => {
                Ok((former.to_vec(), Some("the certificate has expired; the former one stays in use".to_owned())))
            }
            (Ok(own), _) => Ok((own, Some("the certificate has expired; clients will refuse it".to_owned()))),
            (Err(problem), Some(former)) => Ok((former.to_vec(), Some(problem))),
            (Err(problem), None) => Err(problem),
        }
    }

    fn tell(&self, seen: &mut Seen, problem: Option<String>) {
        if seen.problem == problem {
            return;
        }
        let sources = self.sources().join(", ");
        match &problem {
            Some(problem) => tracing::warn!(target: "lateen_proxy::tls", "TLS context of {sources}: {problem}"),
            None => tracing::info!(target: "lateen_proxy::tls", "TLS context of {sources} is in use"),
        }
        seen.problem = problem;
    }

    /// What stands in the settings and in secrets, put together.
    fn resolve(
        &self,
        secrets: &[Option<Arc<Secret>>],
    ) -> Result<(Vec<TlsCertificate>, Option<ValidationContext>), String> {
        let common = self.settings.common();
        let mut secrets = common.secrets().zip(secrets);
        let mut next = || match secrets.next() {
            Some((_, Some(secret))) => Ok(secret),
            Some((secret, None)) => Err(format!("secret {} is not there", secret.name)),
            None => Err("a secret is not there".to_owned()),
        };
        let mut own = Vec::with_capacity(common.certificates.len());
        for certificate in &common.certificates {
            own.push(match certificate {
                OrSds::Here(certificate) => certificate.clone(),
                OrSds::Sds(_) => {
                    let secret = next()?;
                    match &secret.kind {
                        SecretKind::Certificate(certificate) => certificate.clone(),
                        SecretKind::Validation(_) => return Err(format!("secret {} holds no key", secret.name)),
                    }
                }
            });
        }
        let Some(validation) = &common.validation else { return Ok((own, None)) };
        let mut peer = validation.here.clone();
        if validation.sds.is_some() {
            let secret = next()?;
            match &secret.kind {
                SecretKind::Validation(context) => merge(&mut peer, context),
                SecretKind::Certificate(_) => return Err(format!("secret {} holds no authorities", secret.name)),
            }
        }
        Ok((own, Some(peer)))
    }

    fn sources(&self) -> Vec<String> {
        let common = self.settings.common();
        let here = common.certificates.iter().filter_map(|certificate| match certificate {
            OrSds::Here(certificate) => Some(material::describe(&certificate.chain)),
            OrSds::Sds(_) => None,
        });
        let roots = common.validation.iter().filter_map(|validation| validation.here.trusted_ca.as_ref());
        common
            .secrets()
            .map(|secret| format!("secret {}", secret.name))
            .chain(here)
            .chain(roots.map(material::describe))
            .collect()
    }

    fn status(&self, leaves: impl Fn(&T::Context) -> Vec<Leaf>) -> CertificateStatus {
        let current = self.current.load();
        CertificateStatus {
            sources: self.sources(),
            problem: self.problem(),
            leaves: current.as_ref().map(|context| leaves(context)).unwrap_or_default(),
        }
    }
}

/// Certificates to use, and why they are not those that are given.
type Chosen = (Vec<Own>, Option<String>);

/// When the first of some certificates ends, seconds since 1970.
fn not_after(own: &[Own]) -> i64 {
    own.iter().filter_map(|own| own.leaf.as_ref()).map(|leaf| leaf.not_after).min().unwrap_or(i64::MAX)
}

/// As protobuf merges: single values of the second win, lists grow.
fn merge(into: &mut ValidationContext, from: &ValidationContext) {
    if from.trusted_ca.is_some() {
        into.trusted_ca.clone_from(&from.trusted_ca);
    }
    if from.crl.is_some() {
        into.crl.clone_from(&from.crl);
    }
    into.sans.extend(from.sans.iter().cloned());
    into.spki.extend(&from.spki);
    into.hashes.extend(&from.hashes);
    into.system_roots |= from.system_roots;
    into.crl_leaf_only |= from.crl_leaf_only;
    into.allow_expired |= from.allow_expired;
    into.accept_untrusted |= from.accept_untrusted;
    into.suppress_ca_list |= from.suppress_ca_list;
    into.max_depth = from.max_depth.or(into.max_depth);
}

//! Secrets that the stream of discovery does not bring: the workload's own certificate, the roots of the mesh, files.
//! In: names that listeners and clusters ask for. Out: Secrets, from the SDS server that a cluster leads to; or, where
//! no cluster has that name, from the places in which Istio's agent looks, so that no agent is needed.
//! Never here: the content of a key in a file; what stands here is its path, and whoever serves reads and watches it.

mod places;
mod server;

#[cfg(test)]
mod tests;

pub use places::{IdentityArgs, Places};

use crate::ads::{TargetError, server_at, server_of};
use crate::process::{Shared, Update};
use lateen_envoy_api::{Any, pack, type_url, unpack, v3};
use lateen_proxy_core::ir::{SecretRef, SecretSource};
use places::{Files, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;
use v3::core::DataSource;
use v3::core::data_source::Specifier;
use v3::tls::certificate_validation_context::SystemRootCerts;
use v3::tls::{CertificateValidationContext, Secret, TlsCertificate, secret};

/// Name of the workload's own certificate.
const CERTIFICATE: &str = "default";
/// Name of the roots of the mesh.
const ROOTS: &str = "ROOTCA";
/// Before the paths of a certificate and its key, with `~` between them (Istio `SdsCertificateConfig`).
const FILE_CERTIFICATE: &str = "file-cert:";
/// Before the path of roots.
const FILE_ROOTS: &str = "file-root:";
/// The path that stands for the roots of the system.
const SYSTEM: &str = "system";

/// Answers for the secrets of servers other than the one of discovery.
pub(crate) struct Identity {
    places: Places,
    node: v3::core::Node,
    /// Where the certificate is; once found it is not looked for again, as in Istio's agent.
    place: Option<Place>,
    streams: BTreeMap<SecretRef, JoinHandle<()>>,
    /// What was said already: nobody has it.
    told: BTreeSet<String>,
}

/// Where a secret comes from.
enum Source {
    Server(String, Endpoint),
    Files(Secret),
    Nowhere(String),
}

impl Source {
    fn of_server(secret: &str, server: Result<(String, Endpoint), TargetError>) -> Self {
        match server {
            Ok((uri, endpoint)) => Self::Server(uri, endpoint),
            Err(error) => Self::Nowhere(format!("secret {secret}: {error}")),
        }
    }
}

impl Identity {
    /// `node` is how the proxy introduces itself to SDS servers.
    pub fn new(places: Places, node: v3::core::Node) -> Self {
        Self { places, node, place: None, streams: BTreeMap::new(), told: BTreeSet::new() }
    }

    /// Brings what is wanted now, and stops bringing what is not. Called after each change, and from time to time.
    pub fn follow(&mut self, shared: &Arc<Shared>) {
        let wanted: BTreeSet<SecretRef> = {
            let state = shared.state();
            let secrets = state.discovery.secrets(&state.accepted, &state.serving);
            secrets.into_iter().filter(|secret| secret.from != SecretSource::Discovery).cloned().collect()
        };
        self.streams.retain(|secret, task| {
            let keep = wanted.contains(secret);
            if !keep {
                task.abort();
            }
            keep
        });
        let mut files = Update { type_url: type_url::SECRET.to_owned(), ..Update::default() };
        for secret in wanted {
            if self.streams.contains_key(&secret) {
                continue;
            }
            match self.source(shared, &secret) {
                Source::Server(uri, endpoint) => {
                    tracing::info!(target: "lateen_proxy::identity", "secret {}: from the SDS server at {uri}", secret.name);
                    let name = secret.name.to_string();
                    let stream = server::follow(Arc::clone(shared), uri, endpoint, self.node.clone(), name);
                    self.streams.insert(secret, tokio::spawn(stream));
                }
                Source::Files(made) => {
                    let body = pack(&made);
                    if !is_known(shared, &made.name, &body) {
                        files.added.push((made.name, body));
                    }
                }
                Source::Nowhere(problem) => self.tell(problem),
            }
        }
        if !files.added.is_empty() {
            // What is rejected is said there.
            let _ = shared.update(&files, Instant::now());
        }
    }

    /// A cluster of that name leads to the server; without one, the places of the agent count.
    fn source(&mut self, shared: &Shared, secret: &SecretRef) -> Source {
        let SecretSource::Server(cluster) = &secret.from else {
            return Source::Nowhere(format!("secret {} is not for this place", secret.name));
        };
        match cluster_of(shared, cluster) {
            Some(cluster) => Source::of_server(&secret.name, server_of(&cluster)),
            None => self.own(&secret.name),
        }
    }

    /// As Istio's agent has it.
    fn own(&mut self, name: &str) -> Source {
        if let Some(kind) = of_files(name) {
            return Source::Files(Secret { name: name.to_owned(), r#type: Some(kind) });
        }
        if name != CERTIFICATE && name != ROOTS {
            return Source::Nowhere(format!(
                "secret {name}: there is no cluster to its SDS server, and the proxy itself has {CERTIFICATE}, {ROOTS}, \
                 {FILE_CERTIFICATE}CHAIN~KEY and {FILE_ROOTS}PATH only"
            ));
        }
        if self.place.is_none() {
            self.place = self.places.find();
            match &self.place {
                Some(place) => tracing::info!(target: "lateen_proxy::identity", "certificate of the workload: {place}"),
                None => self.tell(self.places.missing()),
            }
        }
        match &self.place {
            Some(Place::Socket(path)) => Source::of_server(name, server_at(path)),
            Some(Place::Files(files)) => Source::Files(workload(name, files)),
            None => match self.places.expected() {
                // Not there, and watched from now on; connections that need it are refused, with this path as the reason.
                Some(files) => Source::Files(workload(name, &files)),
                None => Source::Nowhere(self.places.missing()),
            },
        }
    }

    fn tell(&mut self, problem: String) {
        if !self.told.contains(&problem) {
            tracing::warn!(target: "lateen_proxy::identity", "{problem}");
            self.told.insert(problem);
        }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        for task in self.streams.values() {
            task.abort();
        }
    }
}

/// Whether this form of a secret is in use or was refused, or the bootstrap has one of this name.
fn is_known(shared: &Shared, name: &str, body: &Any) -> bool {
    let state = shared.state();
    let entry = state.resources.kind(type_url::SECRET).and_then(|kind| kind.entries.get(name));
    entry.is_some_and(|entry| {
        let accepted = entry.accepted.as_ref().map(|form| &form.body);
        let rejected = entry.rejected.as_ref().map(|failure| &failure.form.body);
        entry.is_static || accepted == Some(body) || rejected == Some(body)
    })
}

/// A cluster as it came, from the bootstrap or over discovery.
fn cluster_of(shared: &Shared, name: &str) -> Option<v3::cluster::Cluster> {
    let state = shared.state();
    let entry = state.resources.kind(type_url::CLUSTER)?.entries.get(name)?;
    unpack(&entry.accepted.as_ref()?.body).ok()
}

/// What a name of files stands for.
fn of_files(name: &str) -> Option<secret::Type> {
    if let Some(paths) = name.strip_prefix(FILE_CERTIFICATE) {
        let (chain, key) = paths.split_once('~')?;
        return Some(certificate(Path::new(chain), Path::new(key)));
    }
    match name.strip_prefix(FILE_ROOTS)? {
        SYSTEM => Some(secret::Type::ValidationContext(CertificateValidationContext {
            system_root_certs: Some(SystemRootCerts {}),
            ..CertificateValidationContext::default()
        })),
        path => Some(roots(Path::new(path))),
    }
}

fn workload(name: &str, files: &Files) -> Secret {
    let kind = if name == ROOTS { roots(&files.roots) } else { certificate(&files.chain, &files.key) };
    Secret { name: name.to_owned(), r#type: Some(kind) }
}

fn certificate(chain: &Path, key: &Path) -> secret::Type {
    secret::Type::TlsCertificate(TlsCertificate {
        certificate_chain: file(chain),
        private_key: file(key),
        ..TlsCertificate::default()
    })
}

fn roots(path: &Path) -> secret::Type {
    secret::Type::ValidationContext(CertificateValidationContext {
        trusted_ca: file(path),
        ..CertificateValidationContext::default()
    })
}

fn file(path: &Path) -> Option<DataSource> {
    let specifier = Some(Specifier::Filename(path.to_string_lossy().into_owned()));
    Some(DataSource { specifier, ..DataSource::default() })
}

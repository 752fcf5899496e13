//! Envoy resources to the intermediate representation.
//! In: protobuf in `Any`, by resource. Out: new tables that share what did not change, and rejections by resource.
//! A field or extension that changes behaviour and is not understood is an error, never skipped.

mod access_log;
pub(crate) mod at;
mod cluster;
mod endpoint;
mod error;
mod hcm;
mod http_filter;
mod listener;
mod load_balancing;
mod matching;
mod mutation;
mod outlier;
mod protocol;
mod rbac;
mod retry;
mod route;
mod route_action;
mod tcp_proxy;
mod tls;
pub(crate) mod value;

#[cfg(test)]
mod tests;

pub use error::{DecodeError, Problem};

use crate::ir::{Cluster, Endpoints, Features, Listener, RouteConfiguration, Secret, Tables};
use at::At;
use lateen_envoy_api::prost::Name;
use lateen_envoy_api::{Any, type_url, v3};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a discovery response (or a file) changes for one type of resource.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// Type url of the resources.
    pub type_url: &'a str,
    /// New and changed ones.
    pub added: &'a [Resource<'a>],
    /// Names of those that are gone.
    pub removed: &'a [String],
}

/// One resource.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Name in the response; empty when the protocol has none (state of the world), then that of the message counts.
    pub name: &'a str,
    /// Hash of the bytes, so that an unchanged resource is recognised; see [`version_of`].
    pub version: u64,
    /// The message.
    pub body: &'a Any,
}

/// What became of an update.
#[derive(Debug, Default)]
pub struct Applied {
    /// The tables with what was accepted.
    pub tables: Tables,
    /// Names of resources that are new or changed in `tables`.
    pub accepted: Vec<String>,
    /// Names of resources that are the same as before.
    pub unchanged: usize,
    /// What was not accepted; the former version stays.
    pub rejected: Vec<Rejected>,
}

/// A resource that was not accepted.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Its name.
    pub name: String,
    /// Why.
    pub error: DecodeError,
}

/// The hash of a resource for [`Resource::version`].
#[must_use]
pub fn version_of(body: &Any) -> u64 {
    crate::hash::xx_hash64(&body.value, 0)
}

/// Applies an update. A bad resource never keeps a good one out; what was there under its name stays.
#[must_use]
pub fn apply(tables: &Tables, update: Update<'_>) -> Applied {
    apply_without(tables, update, &mut |_| false)
}

/// The same without the clusters that `leave_out` picks.
pub(crate) fn apply_without(
    tables: &Tables,
    update: Update<'_>,
    leave_out: &mut dyn FnMut(&v3::cluster::Cluster) -> bool,
) -> Applied {
    let mut tables = tables.clone();
    let features = tables.features;
    let outcome = &mut Outcome::default();
    match update.type_url {
        type_url::LISTENER => put(&mut tables.listeners, &LISTENER, update, features, outcome, &mut |_| false),
        type_url::ROUTE => put(&mut tables.routes, &ROUTE, update, features, outcome, &mut |_| false),
        type_url::CLUSTER => put(&mut tables.clusters, &CLUSTER, update, features, outcome, leave_out),
        type_url::ENDPOINT => put(&mut tables.endpoints, &ENDPOINT, update, features, outcome, &mut |_| false),
        type_url::SECRET => put(&mut tables.secrets, &SECRET, update, features, outcome, &mut |_| false),
        other => {
            for resource in update.added {
                let error = At::root("resource", resource.name).field("type_url").unsupported(other, "");
                outcome.rejected.push(Rejected { name: resource.name.to_owned(), error });
            }
        }
    }
    let Outcome { accepted, unchanged, rejected } = std::mem::take(outcome);
    Applied { tables, accepted, unchanged, rejected }
}

#[derive(Default)]
struct Outcome {
    accepted: Vec<String>,
    unchanged: usize,
    rejected: Vec<Rejected>,
}

/// How one kind of resource is decoded.
struct Kind<M, T> {
    label: &'static str,
    name: fn(&M) -> &str,
    decode: fn(M, u64, At<'_>) -> Result<T, DecodeError>,
    version: fn(&T) -> u64,
}

static LISTENER: Kind<v3::listener::Listener, Listener> =
    Kind { label: "Listener", name: |message| &message.name, decode: listener::decode, version: |known| known.version };
static ROUTE: Kind<v3::route::RouteConfiguration, RouteConfiguration> = Kind {
    label: "RouteConfiguration",
    name: |message| &message.name,
    decode: route::decode,
    version: |known| known.version,
};
static CLUSTER: Kind<v3::cluster::Cluster, Cluster> =
    Kind { label: "Cluster", name: |message| &message.name, decode: cluster::decode, version: |known| known.version };
static ENDPOINT: Kind<v3::endpoint::ClusterLoadAssignment, Endpoints> = Kind {
    label: "ClusterLoadAssignment",
    name: |message| &message.cluster_name,
    decode: endpoint::decode,
    version: |known| known.version,
};
static SECRET: Kind<v3::tls::Secret, Secret> =
    Kind { label: "Secret", name: |message| &message.name, decode: tls::secret, version: |known| known.version };

type Table<T> = HashMap<Arc<str>, Arc<T>>;

fn put<M: Name + Default, T>(
    table: &mut Table<T>,
    kind: &Kind<M, T>,
    update: Update<'_>,
    features: Features,
    outcome: &mut Outcome,
    leave_out: &mut dyn FnMut(&M) -> bool,
) {
    for name in update.removed {
        table.remove(name.as_str());
    }
    let mut seen = HashSet::new();
    for resource in update.added {
        let known = table.get(resource.name).is_some_and(|known| (kind.version)(known) == resource.version);
        if known && !resource.name.is_empty() && seen.insert(resource.name.to_owned()) {
            outcome.unchanged += 1;
            continue;
        }
        match one(kind, resource, features, &mut seen, leave_out) {
            Ok(None) => {}
            Ok(Some((name, decoded))) => {
                outcome.accepted.push(name.clone());
                table.insert(name.into(), Arc::new(decoded));
            }
            Err(rejected) => outcome.rejected.push(*rejected),
        }
    }
}

fn one<M: Name + Default, T>(
    kind: &Kind<M, T>,
    resource: &Resource<'_>,
    features: Features,
    seen: &mut HashSet<String>,
    leave_out: &mut dyn FnMut(&M) -> bool,
) -> Result<Option<(String, T)>, Box<Rejected>> {
    let reject = |name: &str, error| Box::new(Rejected { name: name.to_owned(), error });
    let message: M =
        At::root(kind.label, resource.name).unpack(resource.body).map_err(|error| reject(resource.name, error))?;
    if leave_out(&message) {
        return Ok(None);
    }
    let name = (kind.name)(&message).to_owned();
    let at = At::root(kind.label, &name).with(features);
    if name.is_empty() {
        return Err(reject(resource.name, at.field("name").missing("a resource needs a name")));
    }
    if !resource.name.is_empty() && resource.name != name {
        let error =
            at.field("name").invalid(&name, format!("differs from the name of the resource, {}", resource.name));
        return Err(reject(resource.name, error));
    }
    if !seen.insert(name.clone()) {
        return Err(reject(&name, at.field("name").invalid(&name, "duplicate resource in one update")));
    }
    match (kind.decode)(message, resource.version, at) {
        Ok(decoded) => Ok(Some((name, decoded))),
        Err(error) => Err(reject(&name, error)),
    }
}

/// What a state-of-the-world response leaves out is gone: the names in `tables` of this type that are not in `present`.
/// A resource that is present and was not accepted stays, so it is not among them.
#[must_use]
pub fn missing(tables: &Tables, type_url: &str, present: &[Resource<'_>]) -> Vec<String> {
    fn absent<T>(table: &Table<T>, present: &HashSet<String>) -> Vec<String> {
        table.keys().filter(|name| !present.contains(&***name)).map(|name| name.to_string()).collect()
    }
    fn names<M: Name + Default, T>(kind: &Kind<M, T>, present: &[Resource<'_>]) -> HashSet<String> {
        let name = |resource: &Resource<'_>| match resource.name {
            "" => lateen_envoy_api::unpack::<M>(resource.body)
                .map(|message| (kind.name)(&message).to_owned())
                .unwrap_or_default(),
            name => name.to_owned(),
        };
        present.iter().map(name).collect()
    }
    match type_url {
        type_url::LISTENER => absent(&tables.listeners, &names(&LISTENER, present)),
        type_url::ROUTE => absent(&tables.routes, &names(&ROUTE, present)),
        type_url::CLUSTER => absent(&tables.clusters, &names(&CLUSTER, present)),
        type_url::ENDPOINT => absent(&tables.endpoints, &names(&ENDPOINT, present)),
        type_url::SECRET => absent(&tables.secrets, &names(&SECRET, present)),
        _ => Vec::new(),
    }
}

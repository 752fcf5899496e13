//! From the world to the tables of one proxy: translated, encoded and decoded as if it had gone over the wire.
//! In: a snapshot and a proxy. Out: tables, and every resource that our own data plane would refuse.

use lateen_envoy_api::type_url;
use lateen_model::{Proxy, Scope, Snapshot};
use lateen_proxy_core::decode::{self, Resource, Update};
use lateen_proxy_core::ir::Tables;

/// A resource that our own data plane refuses: a bug, or something that it cannot do yet.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the proxy refuses {name}: {reason}")]
pub struct ResourceError {
    /// Name of the resource.
    pub name: String,
    /// Field and reason.
    pub reason: String,
}

/// What `proxy` would run on.
pub fn tables(snapshot: &Snapshot, proxy: &Proxy) -> (Tables, Vec<ResourceError>) {
    let scope = Scope::new(snapshot, proxy);
    let options = lateen_translate::Options { provenance: true, ..Default::default() };
    let translated = lateen_translate::resources(&scope, &options);
    let mut tables = Tables::default();
    let mut refused = Vec::new();
    for type_url in [type_url::CLUSTER, type_url::ENDPOINT, type_url::LISTENER, type_url::ROUTE] {
        let resources = translated.packed(type_url);
        let added: Vec<Resource<'_>> =
            resources.iter().map(|(name, body)| Resource { name, version: decode::version_of(body), body }).collect();
        let applied = decode::apply(&tables, Update { type_url, added: &added, removed: &[] });
        tables = applied.tables;
        refused.extend(
            applied.rejected.into_iter().map(|one| ResourceError { name: one.name, reason: one.error.to_string() }),
        );
    }
    (tables, refused)
}

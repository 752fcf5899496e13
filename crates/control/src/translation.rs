//! The resources of one proxy, packed for the wire.
//! In: a snapshot and a proxy. Out: a set of named, versioned resources. Pure.

use lateen_config::Finding;
use lateen_envoy_api::type_url;
use lateen_model::{Proxy, Scope, Snapshot};
use lateen_xds::{Resource, ResourceSet};

/// Everything that `proxy` gets.
pub fn resource_set(snapshot: &Snapshot, proxy: &Proxy, options: &lateen_translate::Options) -> ResourceSet {
    with_findings(snapshot, proxy, options).0
}

/// The same, with what could not be done for this proxy.
pub(crate) fn with_findings(
    snapshot: &Snapshot,
    proxy: &Proxy,
    options: &lateen_translate::Options,
) -> (ResourceSet, Vec<Finding>) {
    let scope = Scope::new(snapshot, proxy);
    let translated = lateen_translate::resources(&scope, options);
    let types = [type_url::CLUSTER, type_url::ENDPOINT, type_url::LISTENER, type_url::ROUTE, type_url::SECRET];
    let set = types.into_iter().fold(ResourceSet::new(), |set, type_url| {
        let resources = translated.packed(type_url).into_iter();
        set.with(type_url, resources.map(|(name, body)| Resource::new(name, body)).collect())
    });
    (set, translated.findings)
}

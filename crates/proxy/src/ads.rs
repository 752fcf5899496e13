//! Discovery: one stream to a control plane, as `lateen-xds` keeps it.
//! In: responses. Out: updates of the process, with what was refused going back as NACK.
//! While there is no control plane, what was accepted last goes on serving.

pub(crate) mod node;
mod target;

#[cfg(test)]
mod tests;

pub(crate) use target::{Target, TargetError, server_at, server_of};

use crate::process::{Shared, Update};
use lateen_envoy_api::{type_url, v3};
use lateen_xds::client::{Handler, Options, Scope, Subscription, run};
use lateen_xds::{Rejected, Variant};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// Keeps a stream open for as long as the process runs.
pub(crate) async fn follow(shared: Arc<Shared>, target: Target, node: v3::core::Node) {
    let channel = target.endpoint.connect_lazy();
    let mut options = Options::new(channel, node, rand::random::<f64>);
    options.variant = if target.delta { Variant::Delta } else { Variant::StateOfTheWorld };
    options.types = subscriptions(target.clusters, target.listeners);
    let metadata = target.metadata;
    options.metadata = Box::new(move || metadata.clone());
    run(options, Stream { shared }, std::future::pending()).await;
}

/// Types in the order that breaks nothing.
fn subscriptions(clusters: bool, listeners: bool) -> Vec<Subscription> {
    let wanted = |type_url: &str| match type_url {
        type_url::CLUSTER => clusters,
        type_url::LISTENER => listeners,
        _ => true,
    };
    Subscription::of_a_proxy().into_iter().filter(|one| one.scope == Scope::Named || wanted(&one.type_url)).collect()
}

/// What `lateen-xds` calls.
struct Stream {
    shared: Arc<Shared>,
}

impl Handler for Stream {
    fn interests(&self) -> Vec<(String, BTreeSet<String>)> {
        let state = self.shared.state();
        let own = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
        vec![
            (type_url::ENDPOINT.to_owned(), own(state.discovery.endpoint_names(&state.accepted, &state.serving))),
            (type_url::ROUTE.to_owned(), own(state.discovery.route_names(&state.accepted, &state.serving))),
            (type_url::SECRET.to_owned(), own(state.discovery.secret_names(&state.accepted, &state.serving))),
        ]
    }

    fn apply(&mut self, update: lateen_xds::client::Update) -> Vec<Rejected> {
        let update = Update {
            added: update.added.into_iter().map(|resource| (resource.name, resource.body)).collect(),
            type_url: update.type_url,
            version: update.version,
            removed: update.removed,
        };
        let rejected = self.shared.update(&update, Instant::now());
        rejected.into_iter().map(|(name, reason)| Rejected { name, reason }).collect()
    }

    fn connected(&mut self) {
        tracing::info!("connected to the control plane");
        self.shared.stats.server.connected_state.set(1);
    }

    fn disconnected(&mut self, error: &tonic::Status) {
        tracing::warn!(code = ?error.code(), "no control plane, serving goes on: {}", error.message());
        let stats = &self.shared.stats.server;
        stats.connected_state.set(0);
        stats.cds_update_failure.inc();
        stats.lds_update_failure.inc();
    }
}

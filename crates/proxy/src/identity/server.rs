//! One secret from an SDS server, as Envoy asks for it: a stream of its own, state of the world.
//! In: an address and a name. Out: updates for as long as it runs.
//! While there is no server, what it gave last stays in use.

use crate::process::{Shared, Update};
use lateen_envoy_api::{type_url, v3};
use lateen_xds::Rejected;
use lateen_xds::client::{self, Handler, Options, Scope, Service, Subscription};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tonic::transport::Endpoint;

/// Follows the secret `name`.
pub(super) async fn follow(shared: Arc<Shared>, uri: String, endpoint: Endpoint, node: v3::core::Node, name: String) {
    let mut options = Options::new(endpoint.connect_lazy(), node, rand::random::<f64>);
    options.service = Service::Secrets;
    options.types = vec![Subscription { type_url: type_url::SECRET.to_owned(), scope: Scope::Named }];
    client::run(options, Stream { shared, uri, name, told: false }, std::future::pending()).await;
}

struct Stream {
    shared: Arc<Shared>,
    uri: String,
    name: String,
    /// It was said that there is no server.
    told: bool,
}

impl Handler for Stream {
    fn interests(&self) -> Vec<(String, BTreeSet<String>)> {
        vec![(type_url::SECRET.to_owned(), BTreeSet::from([self.name.clone()]))]
    }

    fn apply(&mut self, update: client::Update) -> Vec<Rejected> {
        let update = Update {
            added: update.added.into_iter().map(|resource| (resource.name, resource.body)).collect(),
            type_url: update.type_url,
            version: update.version,
            // Absence says nothing in this form of the protocol.
            removed: Vec::new(),
        };
        self.told = false;
        let rejected = self.shared.update(&update, Instant::now());
        rejected.into_iter().map(|(name, reason)| Rejected { name, reason }).collect()
    }

    fn disconnected(&mut self, error: &tonic::Status) {
        if !self.told {
            self.told = true;
            let Self { uri, name, .. } = self;
            let code = error.code();
            tracing::warn!(
                target: "lateen_proxy::identity",
                "secret {name}: the SDS server at {uri} does not answer ({code:?}: {}); asking again", error.message()
            );
        }
    }
}

//! What comes back from the proxies: who is connected, what was accepted, what was rejected.
//! In come reports of the protocol, out comes a picture that a person or a status writer can read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

/// A resource that a proxy did not take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejection {
    /// Type url without the `type.googleapis.com/`.
    pub kind: String,
    /// Name of the resource; empty when the proxy named none.
    pub name: String,
    /// What the proxy said.
    pub message: String,
}

/// One connected proxy.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Id of its node.
    pub node: String,
    /// Last generation of which everything was answered, by type.
    pub answered: BTreeMap<String, u64>,
    /// Last generation that the proxy was served from.
    pub seen: u64,
    /// Types that were sent and not answered yet.
    pub waiting: BTreeSet<String>,
    /// What it rejects just now.
    pub rejected: BTreeMap<(String, String), String>,
}

/// All connected proxies.
#[derive(Debug, Default)]
pub struct Reports {
    clients: Mutex<BTreeMap<u64, Client>>,
}

impl Reports {
    /// Every connected proxy, in the order in which they came.
    pub fn clients(&self) -> Vec<Client> {
        self.lock().values().cloned().collect()
    }

    /// Everything that somebody rejects just now.
    pub fn rejections(&self) -> Vec<Rejection> {
        let all: BTreeSet<Rejection> = self
            .lock()
            .values()
            .flat_map(|client| &client.rejected)
            .map(|((kind, name), message)| Rejection {
                kind: kind.clone(),
                name: name.clone(),
                message: message.clone(),
            })
            .collect();
        all.into_iter().collect()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Client>> {
        self.clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

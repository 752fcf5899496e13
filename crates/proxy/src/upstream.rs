//! Clusters as one worker uses them: balancers, connections, circuit breakers.
//! In: the worker's view of the tables. Out: an endpoint for a request, and a stream to it.
//! What is not asked for is not built; what has changed is rebuilt when it is next asked for.

mod cluster;
mod connect;
mod host;
mod limits;
mod outlier;
mod secure;
mod stream;

pub use cluster::{Bound, UpstreamCluster};
use connect::is_auto;
pub use connect::{AcquireError, Acquired, Wanted, acquire, open_tcp};
pub use host::{Host, Slot};
pub use limits::{AllCounts, Breakers, Permit};
pub use outlier::AllOutliers;
pub use stream::UpstreamStream;

use crate::worker::{Context, View};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// All clusters that this worker has been asked for.
#[derive(Default)]
pub struct Upstreams {
    clusters: RefCell<HashMap<Arc<str>, Rc<UpstreamCluster>>>,
    begun: tokio::sync::Notify,
}

impl Upstreams {
    /// The cluster with this name, up to date; `None` when there is none.
    pub fn cluster(&self, context: &Context, view: &View, name: &str) -> Option<Rc<UpstreamCluster>> {
        let known = self.clusters.borrow().get(name).cloned();
        if let Some(known) = &known
            && known.generation() == view.generation
        {
            return Some(Rc::clone(known));
        }
        let current = match view.tables.clusters.get(name) {
            Some(current) => current,
            None => {
                self.clusters.borrow_mut().remove(name);
                return None;
            }
        };
        if let Some(known) = known
            && (Arc::ptr_eq(&known.cluster, current) || known.cluster.version == current.version)
        {
            known.update(context, view);
            return Some(known);
        }
        let fresh = Rc::new(UpstreamCluster::new(context, current));
        fresh.update(context, view);
        self.begun.notify_one();
        // Requests that hold the old one finish on it; its idle connections are closed with it.
        self.clusters.borrow_mut().insert(Arc::clone(&current.name), Rc::clone(&fresh));
        Some(fresh)
    }

    /// Ready when a cluster has been asked for that was not there.
    pub async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Whether there may be idle connections.
    pub fn any_idle(&self) -> bool {
        !self.clusters.borrow().is_empty()
    }

    /// Closes idle connections that are too old, that the server has closed, or whose endpoint is gone.
    pub fn sweep(&self, context: &Context) {
        let view = context.view();
        let names: Vec<Arc<str>> = self.clusters.borrow().keys().cloned().collect();
        for name in names {
            if let Some(cluster) = self.cluster(context, &view, &name) {
                cluster.sweep(context);
            }
        }
    }
}

//! The control thread: discovery, DNS, certificates, the admin interface and the end of the process.
//! In: orders, and changes that others noticed. Out: new tables when something has waited long enough, draining.
//! Never here: traffic.

use super::state::Shared;
use crate::dns::Lookups;
use crate::drain;
use crate::identity::Identity;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How often files of certificates are looked at.
const FILES: Duration = Duration::from_secs(1);

/// What the process is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// End, gracefully.
    Drain,
    /// End now.
    Quit,
    /// Drain the listeners and go on without them; at once or over the drain time.
    DrainListeners {
        /// Over the drain time.
        graceful: bool,
    },
}

/// Runs until the process is to end. `ended` tells whoever waits.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut identity: Identity,
    minimum_drain: Duration,
    ended: watch::Sender<bool>,
) {
    let mut lookups = Lookups::system();
    let mut draining: Option<tokio::task::JoinHandle<()>> = None;
    let mut files = tokio::time::interval(FILES);
    files.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        lookups.follow(&shared);
        identity.follow(&shared);
        let deadline = shared.state().deadline(Instant::now());
        let wait = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let drained = async {
            match draining.as_mut() {
                // A drain that failed is over too.
                Some(task) => drop(task.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => shared.advance(Instant::now()),
            () = shared.changed.notified() => {}
            // Also a new round: the places of certificates are looked at again.
            _ = files.tick() => shared.publish.look_at_files(),
            () = drained => break,
            order = orders.recv() => match order {
                Some(Order::Drain) if draining.is_none() => {
                    draining = Some(tokio::spawn(drain::process(Arc::clone(&shared), minimum_drain)));
                }
                Some(Order::DrainListeners { graceful }) => {
                    tokio::spawn(drain::listeners(Arc::clone(&shared), graceful));
                }
                // A second order to drain, or nobody left to give any.
                Some(Order::Drain | Order::Quit) | None => break,
            },
        }
    }
    shared.start_draining();
    let publish = Arc::clone(&shared.publish);
    // Joining the workers may take a moment; nothing else is done on this thread any more.
    publish.shutdown();
    if !shared.access_logs.flush(Duration::from_secs(5)) {
        tracing::warn!(target: "lateen_proxy::main", "access logs were not written in time");
    }
    ended.send_replace(true);
}

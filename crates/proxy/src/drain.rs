//! Ending gracefully.
//! In: the order to drain. Out: a failing health check, closed connections, closed listeners, in this order.
//! Never here: which connection may end; the workers know.

#[cfg(test)]
mod tests;

use crate::process::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How often open connections are counted.
const LOOK: Duration = Duration::from_millis(20);

/// Drains the whole process; returns when its connections are gone or the drain time is over.
/// For `minimum` new connections are still taken, so that load balancers have time to leave.
pub(crate) async fn process(shared: Arc<Shared>, minimum: Duration) {
    let start = Instant::now();
    let end = start + shared.drain_time;
    tracing::info!(target: "lateen_proxy::main", "draining for at most {:?}", shared.drain_time);
    shared.start_draining();
    shared.publish.drain();
    if !minimum.is_zero() {
        sleep(minimum.min(shared.drain_time)).await;
    }
    shared.publish.stop_accepting();
    let gone = async {
        while shared.publish.active_connections() > 0 {
            sleep(LOOK).await;
        }
    };
    if timeout_at(end, gone).await.is_err() {
        let left = shared.publish.active_connections();
        tracing::warn!(target: "lateen_proxy::main", left, "the drain time is over, open connections are cut");
    }
}

/// `/drain_listeners`: the process stays.
pub(crate) async fn listeners(shared: Arc<Shared>, graceful: bool) {
    if graceful {
        shared.publish.drain();
        sleep(shared.drain_time).await;
    }
    shared.publish.stop_accepting();
}

//! `/drain_listeners`.

use super::Answer;
use super::query::Query;
use crate::process::{Order, Shared};

pub(super) fn answer(shared: &Shared, query: &Query) -> Answer {
    if query.has("inboundonly") {
        tracing::warn!(target: "lateen_proxy::admin", "inboundonly is not told apart: all listeners are drained");
    }
    let graceful = query.has("graceful");
    // Without a control task the process ends already.
    let _ = shared.orders.send(Order::DrainListeners { graceful });
    Answer::text("OK\n")
}

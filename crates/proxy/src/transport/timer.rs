//! One timer for a connection, armed lazily.
//! In: the deadline of the moment, which may move with every request. Out: ready when it has passed.
//! Moving a deadline into the future costs nothing; the timer fires early once and is armed again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::Sleep;

/// A timer that is asked with the current deadline at each poll.
#[derive(Default)]
pub struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready when `deadline` is over; never for `None`.
    pub fn poll(&mut self, task: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let target = tokio::time::Instant::from_std(deadline);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(target)));
        if sleep.deadline() > target {
            sleep.as_mut().reset(target);
        }
        while sleep.as_mut().poll(task).is_ready() {
            if sleep.deadline() >= target {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(target);
        }
        Poll::Pending
    }

    /// Waits until `deadline`.
    pub async fn wait(&mut self, deadline: Instant) {
        std::future::poll_fn(|task| self.poll(task, Some(deadline))).await;
    }
}

use super::*;
use crate::process::{Phase, fixture::Fixture};
use std::sync::atomic::Ordering::SeqCst;

/// Drains with connections that end after some seconds; returns how many seconds it took, and whether the listeners
/// were closed after one second.
async fn drain(connections_end: Option<u64>, minimum: u64) -> (u64, bool) {
    let proxy = Fixture::new("{}", false);
    proxy.workers.connections.store(1, SeqCst);
    let start = Instant::now();
    let task = tokio::spawn(process(Arc::clone(&proxy.shared), Duration::from_secs(minimum)));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(proxy.shared.phase(), Phase::Draining);
    assert!(proxy.workers.drains.load(SeqCst));
    let closed = proxy.workers.accepts_no_more.load(SeqCst);
    if let Some(end) = connections_end {
        sleep(Duration::from_secs(end - 1)).await;
        proxy.workers.connections.store(0, SeqCst);
    }
    task.await.expect("drained");
    assert!(proxy.workers.accepts_no_more.load(SeqCst));
    (start.elapsed().as_secs(), closed)
}

#[tokio::test(start_paused = true)]
async fn ends_with_its_connections_or_with_its_time() {
    // The fixture drains for at most 5 s.
    assert_eq!(drain(Some(2), 0).await, (2, true));
    assert_eq!(drain(None, 0).await, (5, true));
    assert_eq!(drain(Some(1), 3).await, (3, false));
}

#[tokio::test(start_paused = true)]
async fn draining_the_listeners_leaves_the_process_live() {
    let proxy = Fixture::new("{}", false);
    let start = Instant::now();
    listeners(Arc::clone(&proxy.shared), true).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(proxy.workers.accepts_no_more.load(SeqCst));
    assert_eq!(proxy.shared.phase(), Phase::Live);
}

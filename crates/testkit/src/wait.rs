//! Waits that end: ask again until the answer is there or the deadline has passed.
//! In come a deadline and a question; out comes the answer, or a failed test that says what was missing.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks until the answer is `Ok`, and fails the test with the last `Err` after `limit`.
///
/// # Panics
/// When the deadline passes.
#[track_caller]
pub fn eventually<T, E: Debug>(limit: Duration, what: &str, ask: impl FnMut() -> Result<T, E>) -> T {
    match try_eventually(limit, ask) {
        Ok(answer) => answer,
        Err(last) => panic!("{what}: not within {limit:?}; last: {last:?}"),
    }
}

/// Asks until the answer is `Ok`, and gives the last `Err` after `limit`.
pub fn try_eventually<T, E>(limit: Duration, mut ask: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + limit;
    loop {
        match ask() {
            Err(_) if Instant::now() < deadline => thread::sleep(PAUSE),
            answer => return answer,
        }
    }
}

//! The body of a request, read within bounds.
//! In: an incoming body. Out: its bytes, or why they are not taken.
//! Never here: what they mean.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Istio's limit: twice what the API server takes, as a question also has the old object and who asks.
pub(crate) const LONGEST: usize = 6 << 20;
/// Room that is made at once for a body of a known length; a length is easily said.
const PROMPT: usize = 64 << 10;
/// So much of a body that is too long is read and thrown away, so that its sender hears why.
const DRAINED: usize = 16 << 20;
/// Time for the whole body. The API server itself waits 10 s, at most 30 s, for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of all bodies at once.
pub(crate) const BUDGET: usize = 256 << 20;

/// Why a body is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is longer than {} MiB, which no pod is", LONGEST >> 20)]
    TooLong,
    #[error("the body did not come within {} s; {came} bytes of it came", PATIENCE.as_secs())]
    TooSlow { came: usize },
    #[error("the body broke off after {came} bytes: {error}")]
    Broken { came: usize, error: String },
    #[error("too many requests at once; try again")]
    Busy,
}

/// A whole body. Its share of the budget goes back when it is dropped.
pub(crate) struct Whole {
    pub bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads a body.
///
/// # Errors
/// [`BodyError`] when it is too long, too slow, broken, or there is no room for it.
pub(crate) async fn read<B>(mut body: B, budget: &Arc<Semaphore>) -> Result<Whole, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: fmt::Display,
{
    let deadline = Instant::now() + PATIENCE;
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(expected.min(PROMPT));
    let mut share: Option<OwnedSemaphorePermit> = None;
    loop {
        let came = bytes.len();
        let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| BodyError::TooSlow { came })? else {
            return Ok(Whole { bytes, _share: share });
        };
        let frame = frame.map_err(|error| BodyError::Broken { came, error: error.to_string() })?;
        // Trailers mean nothing here.
        let Ok(data) = frame.into_data() else { continue };
        if came + data.len() > LONGEST {
            drop((bytes, share));
            drain(body, deadline).await;
            return Err(BodyError::TooLong);
        }
        let more = part(budget, &data).ok_or(BodyError::Busy)?;
        match &mut share {
            Some(share) => share.merge(more),
            none => *none = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
}

fn part(budget: &Arc<Semaphore>, data: &Bytes) -> Option<OwnedSemaphorePermit> {
    budget.clone().try_acquire_many_owned(u32::try_from(data.len()).ok()?).ok()
}

async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B, deadline: Instant) {
    let mut thrown = 0;
    while thrown < DRAINED {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => thrown += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyError, read};
    use futures_util::{StreamExt as _, stream};
    use http_body_util::StreamBody;
    use hyper::body::{Bytes, Frame};
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    type Part = Result<Frame<Bytes>, &'static str>;

    fn part(length: usize) -> Part {
        Ok(Frame::data(Bytes::from(vec![b' '; length])))
    }

    /// Reads parts from a sender that then ends, or never says anything again.
    async fn outcome(parts: Vec<Part>, ends: bool, budget: &Arc<Semaphore>) -> Result<usize, BodyError> {
        let parts = stream::iter(parts);
        let body = match ends {
            true => parts.left_stream(),
            false => parts.chain(stream::pending()).right_stream(),
        };
        read(StreamBody::new(body), budget).await.map(|whole| whole.bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn bounds_hold() {
        let budget = Arc::new(Semaphore::new(8 << 20));
        let (mib, longest) = (|| part(1 << 20), || (0..6).map(|_| part(1 << 20)));
        let (whole, slow) = (true, false);
        for (what, parts, ends, expected) in [
            ("nothing", vec![], whole, "0 bytes"),
            ("the longest", longest().collect(), whole, "6291456 bytes"),
            ("one more", longest().chain([part(1)]).collect(), whole, "longer than 6 MiB"),
            ("endless", longest().chain([mib()]).collect(), slow, "longer than 6 MiB"),
            ("stalled", vec![part(5)], slow, "did not come within 10 s; 5 bytes of it came"),
            ("broken", vec![part(5), Err("reset")], whole, "broke off after 5 bytes: reset"),
        ] {
            let outcome = outcome(parts, ends, &budget).await;
            let shown = outcome.map_or_else(|error| error.to_string(), |length| format!("{length} bytes"));
            assert!(shown.contains(expected), "{what}: {shown}");
            assert_eq!(budget.available_permits(), 8 << 20, "{what} gives its share back");
        }
        let narrow = Arc::new(Semaphore::new(1 << 20));
        let busy = outcome(vec![mib(), part(1)], whole, &narrow).await.unwrap_err();
        assert!(matches!(busy, BodyError::Busy), "{busy}");
    }
}

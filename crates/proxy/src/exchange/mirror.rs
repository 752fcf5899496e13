//! Copies of requests for other clusters (`request_mirror_policies`).
//! In: a head as it goes upstream, and its whole body. Out: a request of its own whose response nobody sees.
//! Never here: anything that the client could notice.

use crate::transport::Timer;
use crate::upstream::{Acquired, Bound, UpstreamStream, Wanted, acquire};
use crate::worker::Context;
use bytes::Bytes;
use lateen_proxy_core::headers::{Headers, RequestHead};
use lateen_proxy_core::http1::BodyFraming;
use lateen_proxy_core::ir::Mirror;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Longest life of a copy when the route gives the request none.
const PATIENCE: Duration = Duration::from_secs(15);

/// One copy.
pub struct Copy {
    /// As it goes upstream.
    pub head: RequestHead,
    /// Of the request.
    pub framing: BodyFraming,
    /// The whole body.
    pub pieces: Vec<Bytes>,
    /// After the body.
    pub trailers: Option<Headers>,
    /// Where the client was bound for before it was redirected.
    pub original: Option<SocketAddr>,
    /// Longest life.
    pub timeout: Option<Duration>,
}

/// Sends a copy and forgets it.
pub fn send(context: &Rc<Context>, mirror: &Mirror, mut copy: Copy) {
    if mirror.host_suffix {
        copy.head.authority = shadow_host(&copy.head.authority);
    }
    let context = Rc::clone(context);
    let cluster = Rc::<str>::from(&*mirror.cluster);
    tokio::task::spawn_local(async move {
        // A copy that fails has no one to tell; the counters of its cluster do.
        let _ = run(&context, &cluster, copy).await;
    });
}

/// `-shadow` after the host and before its port, as Envoy puts it.
fn shadow_host(authority: &[u8]) -> Bytes {
    let colon = authority.iter().rposition(|byte| *byte == b':');
    let bracket = authority.iter().rposition(|byte| *byte == b']');
    let end = colon.filter(|colon| bracket.is_none_or(|bracket| bracket < *colon)).unwrap_or(authority.len());
    let (host, port) = authority.split_at(end);
    [host, b"-shadow", port].concat().into()
}

async fn run(context: &Rc<Context>, cluster: &str, copy: Copy) -> Option<()> {
    let view = context.view();
    let upstream = context.upstreams.cluster(context, &view, cluster)?;
    let host = upstream.choose(
        context,
        &Bound { original: copy.original, headers: Some(&copy.head.headers) },
        None,
        &[],
        1,
    )?;
    let _request = upstream.breakers.requests.acquire()?;
    let _active = host.begin_request();
    let wanted = Wanted::of(&copy.head, &upstream.cluster, true);
    let mut stream = match host.take_ready(&upstream.cluster, &wanted) {
        Some(stream) => stream,
        None => {
            let Acquired::Stream(stream) = acquire(&upstream, &host, &wanted).await.ok()?;
            stream
        }
    };
    upstream.stats.upstream_rq_total.inc();
    stream.send_head(&copy.head, copy.framing).ok()?;
    for piece in copy.pieces {
        stream.send_data(piece).ok()?;
    }
    stream.send_end(copy.trailers.as_ref()).ok()?;
    let end = Instant::now() + copy.timeout.unwrap_or(PATIENCE);
    let mut timer = Timer::default();
    let mut begun = false;
    let whole = std::future::poll_fn(|task| {
        if let Poll::Ready(Err(_)) = stream.poll_flush(task) {
            return Poll::Ready(false);
        }
        match poll_end(&mut stream, task, &mut begun, |status| upstream.stats.response(status)) {
            Poll::Ready(whole) => Poll::Ready(whole),
            Poll::Pending => timer.poll(task, Some(end)).map(|()| false),
        }
    })
    .await;
    if whole {
        stream.finish();
    }
    Some(())
}

/// Reads the response and drops it; true when all of it has come.
fn poll_end(
    stream: &mut UpstreamStream,
    task: &mut std::task::Context<'_>,
    begun: &mut bool,
    count: impl Fn(u16),
) -> Poll<bool> {
    while !*begun {
        match std::task::ready!(stream.poll_head(task)) {
            Ok((head, _)) => {
                *begun = !head.is_informational();
                if *begun {
                    count(head.status);
                }
            }
            Err(_) => return Poll::Ready(false),
        }
    }
    loop {
        match std::task::ready!(stream.poll_piece(task)) {
            Ok(crate::exchange::Piece::Data(_)) => {}
            Ok(_) => return Poll::Ready(true),
            Err(_) => return Poll::Ready(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shadow_host;

    #[test]
    fn the_name_and_not_the_port_is_marked() {
        for (host, marked) in [
            ("a.example", "a.example-shadow"),
            ("a.example:80", "a.example-shadow:80"),
            ("[::1]", "[::1]-shadow"),
            ("[::1]:80", "[::1]-shadow:80"),
        ] {
            assert_eq!(shadow_host(host.as_bytes()), marked);
        }
    }
}

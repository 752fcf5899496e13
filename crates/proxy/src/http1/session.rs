//! The life of a downstream HTTP/1.1 connection.
//! In: a transport. Out: its requests served in order, until one side wants no more.
//! A connection ends gently: what the client still sends is read for a while, so that it sees the last response.

use super::server::ServerStream;
use crate::exchange::{self, Downstream, Incoming, Refusal};
use crate::http::{Manager, Peer};
use crate::listener::Registration;
use crate::transport::{Timer, Transport};
use crate::worker::Context;
use bytes::BytesMut;
use lateen_proxy_core::flags::ResponseFlags as Flags;
use lateen_proxy_core::headers::ResponseHead;
use lateen_proxy_core::http1::{BodyFraming, ParseError, ParsedRequest, encode};
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// What waiting for a request has come to.
enum Next {
    Request(Box<ParsedRequest>, Instant),
    Refused(ParseError),
    /// The head did not come in time.
    HeaderTimeout,
    /// The client is gone, idle for too long, or the listener drains.
    Close,
}

/// Serves a connection to its end. `early` was read while the protocol was recognised.
pub async fn serve(
    context: &Rc<Context>,
    manager: &Rc<Manager>,
    peer: &Peer,
    registration: &Registration,
    transport: Transport,
    early: BytesMut,
) {
    let stats = &manager.stats;
    let config = &manager.config;
    stats.downstream_cx_http1_total.inc();
    let ending = registration.ending();
    let mut stream = ServerStream::new(transport, ending, config.http1.enable_trailers, manager.buffer_limit);
    stream.input.buffer = early;
    let mut timer = Timer::default();
    let mut served = 0_u32;
    let end = config.max_connection_duration.map(|limit| registration.since() + limit);
    loop {
        match next(&mut stream, manager, registration, &mut timer, end).await {
            Next::Request(parsed, start) => {
                let mut parsed = *parsed;
                stats.downstream_rq_http1_total.inc();
                served += 1;
                stream.begin(&parsed);
                let last = config.max_requests_per_connection.is_some_and(|max| served >= max);
                stream.last = last || end.is_some_and(|end| start >= end);
                if last {
                    stats.downstream_cx_max_requests_reached.inc();
                }
                if parsed.expect_continue && !config.proxy_100_continue {
                    stream.send_continue();
                    parsed.head.headers.remove("expect");
                    // What cannot be written now goes out with the response.
                    let _ = std::future::poll_fn(|task| Poll::Ready(stream.poll_flush(task))).await;
                }
                let incoming = Incoming { head: parsed.head, framing: parsed.body, upgrade: parsed.upgrade, start };
                // In a box of its own, so that a connection without a request is small.
                Box::pin(exchange::serve(context, manager, peer, &mut stream, &mut timer, incoming)).await;
                if stream.aborted {
                    return;
                }
                if !stream.keep_alive || !stream.request_ended() {
                    break;
                }
            }
            Next::Refused(error) => {
                stats.downstream_cx_protocol_error.inc();
                refuse(context, manager, peer, &mut stream, &Refusal::of(error)).await;
                break;
            }
            Next::HeaderTimeout => {
                stats.downstream_rq_header_timeout.inc();
                let late = Refusal {
                    status: 408,
                    body: "request header timeout",
                    details: "request_header_timeout",
                    flags: Flags::NONE,
                };
                refuse(context, manager, peer, &mut stream, &late).await;
                break;
            }
            Next::Close => return,
        }
    }
    linger(&mut stream, config.delayed_close_timeout, &mut timer).await;
}

/// Waits for the next head.
async fn next(
    stream: &mut ServerStream,
    manager: &Manager,
    registration: &Registration,
    timer: &mut Timer,
    end: Option<Instant>,
) -> Next {
    let config = &manager.config;
    let waiting_since = Instant::now();
    let mut begun = None;
    std::future::poll_fn(|task| {
        loop {
            if !stream.input.buffer.is_empty() {
                match stream.parser.parse(&mut stream.input.buffer, &manager.http1) {
                    Ok(Some(parsed)) => {
                        return Poll::Ready(Next::Request(Box::new(parsed), begun.unwrap_or_else(Instant::now)));
                    }
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Next::Refused(error)),
                }
                if begun.is_none() && !stream.parser.is_idle(&stream.input.buffer) {
                    begun = Some(Instant::now());
                }
            }
            match stream.input.poll_fill(task, &mut stream.transport) {
                Poll::Ready(Ok(true)) => {
                    if begun.is_none() {
                        begun = Some(Instant::now());
                    }
                }
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(Next::Close),
                Poll::Pending => break,
            }
        }
        let deadline = match begun {
            // Without a limit of its own a head falls under that of its stream, as in Envoy.
            Some(begun) => config.request_headers_timeout.or(config.stream_idle_timeout).map(|limit| begun + limit),
            None => {
                let idle = config.idle_timeout.map(|limit| waiting_since + limit);
                [idle, end, registration.idle_end(waiting_since)].into_iter().flatten().min()
            }
        };
        match timer.poll(task, deadline) {
            Poll::Ready(()) if begun.is_some() => Poll::Ready(Next::HeaderTimeout),
            Poll::Ready(()) => {
                if registration.is_draining() {
                    manager.stats.downstream_cx_drain_close.inc();
                } else {
                    manager.stats.downstream_cx_idle_timeout.inc();
                }
                Poll::Ready(Next::Close)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Answers bytes that are no request.
async fn refuse(context: &Context, manager: &Manager, peer: &Peer, stream: &mut ServerStream, refusal: &Refusal) {
    exchange::refused(context, manager, peer, refusal);
    let body = refusal.body;
    let mut head = ResponseHead::new(refusal.status);
    head.headers.append("content-type", "text/plain");
    head.headers.append("date", context.date.now());
    head.headers.append("server", manager.config.server_name.as_bytes().to_vec());
    head.headers.append("connection", "close");
    let mut bytes = BytesMut::new();
    encode::encode_response_head(&head, BodyFraming::Length(body.len() as u64), &mut bytes);
    bytes.extend_from_slice(body.as_bytes());
    let written = tokio::time::timeout(Duration::from_secs(5), stream.transport.write_all(&bytes)).await;
    if !matches!(written, Ok(Ok(()))) {
        stream.aborted = true;
    }
}

/// Ends our direction and reads the rest of the other for a while.
async fn linger(stream: &mut ServerStream, at_most: Option<Duration>, timer: &mut Timer) {
    if stream.aborted || stream.transport.shutdown().await.is_err() {
        return;
    }
    let Some(at_most) = at_most else { return };
    let end = Instant::now() + at_most;
    std::future::poll_fn(|task| {
        loop {
            stream.input.buffer.clear();
            match stream.input.poll_fill(task, &mut stream.transport) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return timer.poll(task, Some(end)),
            }
        }
    })
    .await;
}

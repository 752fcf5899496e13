//! TCP proxying: bytes of a client to an endpoint and back.
//! In: a connection. Out: both directions copied, each ended on its own, until both have or nothing moves for too long.
//! Never here: what the bytes mean.

mod copy;
mod splice;

use crate::http::Peer;
use crate::listener::Registration;
use crate::stats::TcpStats;
use crate::transport::{Timer, Transport};
use crate::upstream::open_tcp;
use crate::worker::Context;
use bytes::BytesMut;
use copy::Direction;
use lateen_proxy_core::access_log::Record;
use lateen_proxy_core::flags::ResponseFlags as Flags;
use lateen_proxy_core::ir::TcpProxy;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A TCP proxy of this worker.
pub struct TcpRoute {
    config: Arc<TcpProxy>,
    stats: Arc<TcpStats>,
}

impl TcpRoute {
    /// Makes the settings ready.
    pub fn new(config: &Arc<TcpProxy>, context: &Context) -> Self {
        Self { config: Arc::clone(config), stats: context.stats.tcp(&config.stat_prefix) }
    }

    /// The cluster for a connection.
    fn cluster(&self, random: u64) -> &str {
        let total: u64 = self.config.clusters.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut at = random % total.max(1);
        for (name, weight) in &self.config.clusters {
            if at < u64::from(*weight) {
                return name;
            }
            at -= u64::from(*weight);
        }
        self.config.clusters.first().map_or("", |(name, _)| name)
    }
}

/// Serves a connection to its end.
pub async fn serve(
    context: &Rc<Context>,
    route: &TcpRoute,
    peer: &Peer,
    registration: &Registration,
    mut downstream: Transport,
    early: BytesMut,
) {
    let start = Instant::now();
    let wall_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    route.stats.downstream_cx_total.inc();
    let name = route.cluster(context.random());
    let view = context.view();
    let mut flags = Flags::NONE;
    let (mut received, mut sent) = (0, 0);
    let (mut upstream_address, mut upstream_local) = (None, None);
    match context.upstreams.cluster(context, &view, name) {
        None => {
            route.stats.downstream_cx_no_route.inc();
            flags.insert(Flags::NO_CLUSTER_FOUND);
        }
        Some(cluster) => {
            let hash = route
                .config
                .hash_source_ip
                .then(|| lateen_proxy_core::hash::xx_hash64(peer.client.ip().to_string().as_bytes(), 0));
            match open_tcp(context, &cluster, peer.original, hash, route.config.max_connect_attempts).await {
                Ok((mut upstream, host, _slot)) => {
                    upstream_address = Some(host.address);
                    upstream_local = upstream.local_addr().ok();
                    (received, sent) = exchange(route, registration, &mut downstream, early, &mut upstream).await;
                    cluster.stats.upstream_cx_tx_bytes_total.add(received);
                    cluster.stats.upstream_cx_rx_bytes_total.add(sent);
                }
                Err(trouble) => flags.insert(trouble),
            }
        }
    }
    route.stats.downstream_cx_rx_bytes_total.add(received);
    route.stats.downstream_cx_tx_bytes_total.add(sent);
    if route.config.access_log.is_empty() {
        return;
    }
    let record = Record {
        start: wall_start,
        duration: Some(start.elapsed()),
        flags,
        bytes_received: received,
        bytes_sent: sent,
        client: Some(peer.client),
        connection: peer.record(),
        upstream: upstream_address,
        upstream_local,
        upstream_cluster: name,
        ..Record::default()
    };
    let mut writer = context.access_logs.borrow_mut();
    for log in &route.config.access_log {
        if log.filter.as_ref().is_none_or(|filter| filter.accepts(&record, context.random())) {
            writer.write(&log.sink, |out| log.format.render(&record, out));
        }
    }
}

/// Copies both ways; returns bytes from the client and bytes to it.
async fn exchange(
    route: &TcpRoute,
    registration: &Registration,
    downstream: &mut Transport,
    early: BytesMut,
    upstream: &mut Transport,
) -> (u64, u64) {
    let mut there = Direction::beginning_with(early);
    let mut back = Direction::default();
    let mut timer = Timer::default();
    let mut moved = Instant::now();
    let end = route.config.max_connection_duration.map(|limit| registration.since() + limit);
    std::future::poll_fn(|task| {
        let before = there.total() + back.total();
        let forth = there.poll(task, downstream, upstream);
        let reply = back.poll(task, upstream, downstream);
        if there.total() + back.total() != before {
            moved = Instant::now();
        }
        match (forth, reply) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => return Poll::Ready(()),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(()),
            _ => {}
        }
        let idle = route.config.idle_timeout.map(|limit| moved + limit);
        let over = timer.poll(task, [idle, end].into_iter().flatten().min());
        if over.is_ready() {
            route.stats.idle_timeout.inc();
        }
        over
    })
    .await;
    (there.total(), back.total())
}

//! What is remembered of a request for counts and logs.
//! In: notes along the way. Out: counters and one line for each access log.
//! Never here: a decision about the request.

use crate::http::{Manager, Peer};
use crate::upstream::{Host, UpstreamCluster};
use crate::worker::Context;
use bytes::Bytes;
use lateen_proxy_core::access_log::Record;
use lateen_proxy_core::flags::ResponseFlags;
use lateen_proxy_core::headers::{Headers, RequestHead, ResponseHead};
use lateen_proxy_core::ir::Endpoint;
use lateen_proxy_core::route::Selected;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is remembered of a request.
pub struct Facts<'a> {
    /// When it began.
    pub start: Instant,
    wall_start: Duration,
    /// Status that was sent.
    pub status: Option<u16>,
    /// What went wrong.
    pub flags: ResponseFlags,
    /// `response_code_details`.
    pub details: Cow<'static, str>,
    /// Body bytes from the client.
    pub bytes_received: u64,
    /// Body bytes to the client.
    pub bytes_sent: u64,
    /// The client as trusted.
    pub client: Option<SocketAddr>,
    /// The route.
    pub selected: Option<Selected<'a>>,
    /// The cluster.
    pub cluster: Option<Rc<UpstreamCluster>>,
    /// The endpoint of the last try.
    pub host: Option<Rc<Host>>,
    endpoint: Option<Arc<Endpoint>>,
    /// Own address of the upstream connection.
    pub upstream_local: Option<SocketAddr>,
    /// Bytes of the upstream connection: received, sent.
    pub upstream_wire: (u64, u64),
    /// Why connecting failed.
    pub transport_failure: String,
    /// Tries.
    pub attempts: u32,
    /// When the last byte of the request was in.
    pub request_end: Option<Instant>,
    /// When the response began.
    pub response_start: Option<Instant>,
    /// The response, kept only for the log.
    pub response: Option<ResponseHead>,
    /// Its trailers.
    pub trailers: Option<Headers>,
    /// Body of a local reply, for the log.
    pub local_reply_body: Bytes,
}

impl<'a> Facts<'a> {
    /// At the begin of a request.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            wall_start: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            status: None,
            flags: ResponseFlags::NONE,
            details: Cow::Borrowed(""),
            bytes_received: 0,
            bytes_sent: 0,
            client: None,
            selected: None,
            cluster: None,
            host: None,
            endpoint: None,
            upstream_local: None,
            upstream_wire: (0, 0),
            transport_failure: String::new(),
            attempts: 0,
            request_end: None,
            response_start: None,
            response: None,
            trailers: None,
            local_reply_body: Bytes::new(),
        }
    }

    /// What templates in header values see now, without the heads.
    pub fn record<'s>(&'s self, peer: &'s Peer) -> Record<'s> {
        let since = |at: Option<Instant>| at.map(|at| at.duration_since(self.start));
        Record {
            start: self.wall_start,
            request_duration: since(self.request_end),
            response_duration: since(self.response_start),
            status: self.status,
            details: &self.details,
            flags: self.flags,
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            upstream_wire_bytes: self.upstream_wire,
            client: self.client,
            connection: peer.record(),
            upstream: self.host.as_ref().map(|host| host.address),
            upstream_hostname: self.endpoint.as_ref().map_or("", |endpoint| &endpoint.hostname),
            upstream_metadata: self.endpoint.as_ref().map(|endpoint| &endpoint.metadata),
            upstream_local: self.upstream_local,
            upstream_cluster: self.cluster.as_ref().map_or("", |cluster| &cluster.cluster.name),
            upstream_cluster_metadata: self.cluster.as_ref().map(|cluster| &cluster.cluster.metadata),
            upstream_transport_failure: &self.transport_failure,
            attempts: self.attempts,
            route_name: self.selected.as_ref().map_or("", |selected| &selected.route.name),
            route_metadata: self.selected.as_ref().map(|selected| &selected.route.metadata),
            virtual_host: self.selected.as_ref().map_or("", |selected| &selected.virtual_host.name),
            local_reply_body: &self.local_reply_body,
            ..Record::default()
        }
    }

    /// The endpoint of this try.
    pub fn tried(&mut self, host: &Rc<Host>, endpoint: Arc<Endpoint>) {
        self.host = Some(Rc::clone(host));
        self.endpoint = Some(endpoint);
    }

    /// Counts the request and writes its lines.
    pub fn finish(
        &mut self,
        context: &Context,
        manager: &Manager,
        peer: &Peer,
        head: Option<&RequestHead>,
        downstream_wire: (u64, u64),
    ) {
        let now = Instant::now();
        let duration = now.duration_since(self.start);
        manager.stats.downstream_rq_time.record(duration);
        match self.status {
            Some(status) => manager.stats.response(status),
            None => manager.stats.downstream_rq_rx_reset.inc(),
        }
        manager.stats.downstream_cx_rx_bytes_total.add(downstream_wire.0);
        manager.stats.downstream_cx_tx_bytes_total.add(downstream_wire.1);
        if let Some(cluster) = &self.cluster {
            cluster.stats.upstream_cx_rx_bytes_total.add(self.upstream_wire.0);
            cluster.stats.upstream_cx_tx_bytes_total.add(self.upstream_wire.1);
        }
        if manager.config.access_log.is_empty() {
            return;
        }
        let record = Record {
            request: head,
            response: self.response.as_ref(),
            trailers: self.trailers.as_ref(),
            duration: Some(duration),
            response_tx_duration: self.response_start.map(|start| now.duration_since(start)),
            downstream_wire_bytes: downstream_wire,
            ..self.record(peer)
        };
        let mut writer = context.access_logs.borrow_mut();
        for log in &manager.config.access_log {
            if log.filter.as_ref().is_none_or(|filter| filter.accepts(&record, context.random())) {
                writer.write(&log.sink, |out| log.format.render(&record, out));
            }
        }
    }
}

//! The HTTP connection manager as one worker runs it.
//! In: settings of the tables. Out: the same in the form that codecs want, its counters, its routes of the moment.
//! Never here: a request.

use crate::stats::HttpStats;
use crate::tls::Secured;
use crate::worker::{Context, View};
use bytes::Bytes;
use lateen_proxy_core::access_log::Connection;
use lateen_proxy_core::connection::{ConnectionFacts, misdirected};
use lateen_proxy_core::http1::{Options, UnderscoresAction};
use lateen_proxy_core::ir::{FilterChain, HttpConnectionManager, Listener, RouteConfiguration, Underscores};
use lateen_proxy_core::local_reply::LocalReply;
use lateen_proxy_core::request::PeerCertificate;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// A connection manager of this worker.
pub struct Manager {
    /// Settings.
    pub config: Arc<HttpConnectionManager>,
    /// `http.<stat_prefix>.`
    pub stats: Arc<HttpStats>,
    /// What the HTTP/1 codec accepts.
    pub http1: Options,
    /// Bytes that wait in one direction before the other side is read no further.
    pub buffer_limit: usize,
    routes: RefCell<Option<(u64, Rc<Routes>)>>,
    /// Where it stands now.
    place: RefCell<(Arc<FilterChain>, Arc<Listener>)>,
}

/// Routes as the requests of one worker share them, without a count that other workers write.
pub struct Routes(pub Arc<RouteConfiguration>);

/// Facts about a downstream connection that its requests share.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Number of the connection.
    pub id: u64,
    /// Where the bytes come from.
    pub direct: SocketAddr,
    /// The client, which PROXY protocol may name.
    pub client: SocketAddr,
    /// The address that the client connected to.
    pub local: SocketAddr,
    /// The same where it is known to be another than that of the socket: the client was redirected.
    pub original: Option<SocketAddr>,
    /// Whether it is TLS.
    pub tls: bool,
    /// SNI; empty for none.
    pub server_name: String,
    /// ALPN that was offered.
    pub application_protocols: Vec<String>,
    /// What TLS has brought.
    pub secure: Option<Box<Secure>>,
}

/// What TLS has brought about a downstream connection.
#[derive(Debug, Clone)]
pub struct Secure {
    /// Version and cipher.
    pub secured: Secured,
    /// First URI name of the own certificate.
    pub local_uri_san: String,
    /// The client's certificate, if it has shown one.
    pub certificate: Option<PeerCertificate>,
}

impl Peer {
    /// The client's certificate, if it has shown one.
    pub fn certificate(&self) -> Option<&PeerCertificate> {
        self.secure.as_ref().and_then(|secure| secure.certificate.as_ref())
    }

    /// For access logs.
    pub fn record(&self) -> Connection<'_> {
        let certificate = self.certificate();
        let uri = certificate.and_then(|certificate| certificate.uri_sans.first());
        let secure = self.secure.as_ref();
        Connection {
            id: self.id,
            direct_peer: Some(self.direct),
            local: Some(self.local),
            server_name: &self.server_name,
            tls: self.tls,
            tls_version: secure.map_or("", |secure| secure.secured.version),
            tls_cipher: secure.map_or("", |secure| secure.secured.cipher),
            peer_subject: certificate.map_or("", |certificate| &certificate.subject),
            peer_uri_san: uri.map_or("", String::as_str),
            local_uri_san: secure.map_or("", |secure| &secure.local_uri_san),
            ..Connection::default()
        }
    }
}

impl Manager {
    /// Makes the settings ready.
    pub fn new(
        config: &Arc<HttpConnectionManager>,
        chain: &Arc<FilterChain>,
        listener: &Arc<Listener>,
        context: &Context,
    ) -> Self {
        let http1 = Options {
            max_head_bytes: config.max_request_headers_kb as usize * 1024,
            max_headers: config.max_headers_count as usize,
            allow_http10: config.http1.accept_http_10,
            default_host: Bytes::from(config.http1.default_host_for_http_10.clone()),
            headers_with_underscores: match config.underscores {
                Underscores::Allow => UnderscoresAction::Allow,
                Underscores::RejectRequest => UnderscoresAction::RejectRequest,
                Underscores::DropHeader => UnderscoresAction::DropHeader,
            },
            allow_absolute_url: config.http1.allow_absolute_url,
            // As Envoy 1.40: a listener that is the edge knows better than the client which scheme is spoken.
            reject_https_url: config.use_remote_address && config.xff_num_trusted_hops == 0 && chain.tls.is_none(),
            allow_chunked_length: config.http1.allow_chunked_length,
            enable_trailers: config.http1.enable_trailers,
            allow_custom_methods: false,
        };
        Self {
            stats: context.stats.http(&config.stat_prefix),
            config: Arc::clone(config),
            http1,
            buffer_limit: (listener.per_connection_buffer_limit as usize).clamp(16 << 10, 1 << 20),
            routes: RefCell::new(None),
            place: RefCell::new((Arc::clone(chain), Arc::clone(listener))),
        }
    }

    /// It stands in a listener whose other chains have changed.
    pub fn moved(&self, chain: &Arc<FilterChain>, listener: &Arc<Listener>) {
        self.place.replace((Arc::clone(chain), Arc::clone(listener)));
    }

    /// 421 for a request whose host another chain of the listener serves.
    pub fn misdirected(&self, peer: &Peer, authority: &[u8], view: &View) -> Option<LocalReply> {
        let facts = ConnectionFacts {
            destination: peer.local,
            direct_peer: peer.direct,
            client: peer.client,
            server_name: &peer.server_name,
            application_protocols: &peer.application_protocols,
            transport_protocol: "tls",
        };
        let (chain, listener) = &*self.place.borrow();
        misdirected(listener, chain, &facts, authority, &view.tables)
    }

    /// The routes of now; `None` while they have not come.
    pub fn routes(&self, view: &View) -> Option<Rc<Routes>> {
        let mut cached = self.routes.borrow_mut();
        if let Some((generation, routes)) = &*cached
            && *generation == view.generation
        {
            return Some(Rc::clone(routes));
        }
        let routes = Rc::new(Routes(Arc::clone(view.tables.route_configuration(&self.config.routes)?)));
        *cached = Some((view.generation, Rc::clone(&routes)));
        Some(routes)
    }
}

//! Workers in this process, an origin that does what a test says, and a client that shows every byte.
//! All of it on loopback, all of it gone when dropped.
#![allow(dead_code)] // each test takes what it needs

use lateen_envoy_api::{json, type_url, v3};
use lateen_proxy::logging::AccessLogs;
use lateen_proxy::stats::{Registry, Value};
use lateen_proxy::worker::{Fleet, FleetOptions, ListenerRejected};
use lateen_proxy_core::decode::{Resource, Update, apply, version_of};
use lateen_proxy_core::ir::Tables;
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Far more than loopback needs; only a broken test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Workers with their statistics.
pub struct Plane {
    pub fleet: Fleet,
    pub stats: Arc<Registry>,
    pub logs: Arc<AccessLogs>,
}

impl Plane {
    /// Workers that serve these listeners and clusters.
    pub fn start(listeners: &[Json], clusters: &[Json]) -> Self {
        Self::with(2, Duration::from_secs(30), listeners, clusters)
    }

    /// The same with a number of workers and a drain time.
    pub fn with(concurrency: usize, drain_time: Duration, listeners: &[Json], clusters: &[Json]) -> Self {
        let stats = Registry::new();
        let logs = AccessLogs::start().unwrap();
        let options =
            FleetOptions { concurrency, drain_time, stats: Arc::clone(&stats), access_logs: Arc::clone(&logs) };
        let plane = Self { fleet: Fleet::start(options).unwrap(), stats, logs };
        let rejected = plane.apply(listeners, clusters);
        assert!(rejected.is_empty(), "{rejected:?}");
        plane
    }

    /// Puts other listeners and clusters in force.
    pub fn apply(&self, listeners: &[Json], clusters: &[Json]) -> Vec<ListenerRejected> {
        self.fleet.apply(Arc::new(tables(listeners, clusters)))
    }

    /// Where a listener was bound.
    pub fn address(&self, listener: &str) -> SocketAddr {
        let all = self.fleet.listeners();
        all.iter().find(|one| &*one.name == listener).unwrap_or_else(|| panic!("{all:?}")).addresses[0]
    }

    /// A counter or gauge over all workers.
    pub fn stat(&self, name: &str) -> u64 {
        let samples = self.stats.samples();
        match samples.into_iter().find(|sample| sample.full_name() == name).map(|sample| sample.value) {
            Some(Value::Counter(value) | Value::Gauge(value)) => value,
            _ => 0,
        }
    }

    /// A client of listener `main`.
    pub fn client(&self) -> Client {
        Client::connect(self.address("main"))
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.fleet.shutdown();
    }
}

/// Tables of these resources; all must be accepted.
pub fn tables(listeners: &[Json], clusters: &[Json]) -> Tables {
    let listeners: Vec<_> = listeners
        .iter()
        .map(|one| lateen_envoy_api::pack(&json::decode_value::<v3::listener::Listener>(one).unwrap()))
        .collect();
    let clusters: Vec<_> = clusters
        .iter()
        .map(|one| lateen_envoy_api::pack(&json::decode_value::<v3::cluster::Cluster>(one).unwrap()))
        .collect();
    let mut tables = Tables::default();
    for (url, bodies) in [(type_url::CLUSTER, &clusters), (type_url::LISTENER, &listeners)] {
        let added: Vec<_> = bodies.iter().map(|body| Resource { name: "", version: version_of(body), body }).collect();
        let applied = apply(&tables, Update { type_url: url, added: &added, removed: &[] });
        assert!(applied.rejected.is_empty(), "{:?}", applied.rejected);
        tables = applied.tables;
    }
    tables
}

/// Listener `main` on a free port, with these fields of its connection manager.
pub fn listener(manager: Json) -> Json {
    named_listener("main", 0, manager)
}

/// A listener with a name and a port.
pub fn named_listener(name: &str, port: u16, manager: Json) -> Json {
    let mut config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
        }],
    });
    for (key, value) in manager.as_object().unwrap() {
        config[key] = value.clone();
    }
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "hcm", "typed_config": config}]}],
    })
}

/// A connection manager whose every request goes to cluster `origin`, by a route with these fields.
pub fn forward(route: Json) -> Json {
    let mut action = json!({"cluster": "origin"});
    for (key, value) in route.as_object().unwrap() {
        action[key] = value.clone();
    }
    routes(json!([{"match": {"prefix": "/"}, "route": action}]))
}

/// A connection manager with these routes for every host.
pub fn routes(routes: Json) -> Json {
    json!({"route_config": {"name": "r", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]}})
}

/// Cluster `origin` at an address, with these fields.
pub fn cluster(address: SocketAddr, fields: Json) -> Json {
    let mut cluster = json!({
        "name": "origin", "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "origin", "endpoints": [{"lb_endpoints": [{"endpoint": {
            "address": {"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}}}}]}]},
    });
    for (key, value) in fields.as_object().unwrap() {
        cluster[key] = value.clone();
    }
    cluster
}

/// Fields of a cluster that speaks HTTP/2.
pub fn http2() -> Json {
    json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}}}})
}

/// A server that does what a test says, one thread for each connection.
pub struct Origin {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Origin {
    /// Serves every connection with `serve`.
    pub fn start(serve: impl Fn(&mut Client) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (serve, count) = (Arc::new(serve), Arc::clone(&connections));
        // The thread ends with the test's process; nothing keeps the port from being taken again.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(&mut Client::of(stream)));
            }
        });
        Self { address, connections }
    }

    /// Answers every request with 200 and this body.
    pub fn answering(body: &'static str) -> Self {
        Self::start(move |client| {
            while let Some(_request) = client.read_message() {
                client.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
            }
        })
    }

    /// Answers every request with its own head as body.
    pub fn mirror() -> Self {
        Self::start(|client| {
            while let Some(request) = client.read_message() {
                let text = format!("{}|{}", request.head, request.body);
                client.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()));
            }
        })
    }

    /// Connections that were accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A whole message, as text.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub head: String,
    pub body: String,
    pub trailers: String,
}

impl Message {
    pub fn status(&self) -> u16 {
        self.head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let find = |line: &&str| line.split(": ").next().is_some_and(|key| key.eq_ignore_ascii_case(name));
        self.head.lines().skip(1).find(find).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }
}

/// One side of a connection, with the bytes as they are.
pub struct Client {
    pub stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// From an address of this machine.
    pub fn connect_from(source: &str, address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source.parse().unwrap(), 0).into()).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).unwrap();
        Self::of(socket.into())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    /// Writes text; a peer that is gone shows when its answer is read.
    pub fn write(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes());
    }

    pub fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Sends a GET and reads the answer.
    pub fn get(&mut self, path: &str) -> Message {
        self.write(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        self.read_response()
    }

    /// Whether the peer answers this with nothing but the end of the connection.
    pub fn is_refused(&mut self, request: &str) -> bool {
        self.write(request);
        self.is_ended()
    }

    /// One response; panics when there is none.
    pub fn read_response(&mut self) -> Message {
        self.read_message().expect("no response")
    }

    /// Lines up to the empty one; `None` at the end of the stream.
    pub fn read_head(&mut self) -> Option<String> {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                return Some(head);
            }
            head.push_str(&line);
        }
    }

    /// One line without its end; empty at the end of the stream.
    pub fn read_head_line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.reader.read_line(&mut line);
        line.trim_end().to_owned()
    }

    /// A message with its body, framed as its head says.
    pub fn read_message(&mut self) -> Option<Message> {
        let mut message = Message { head: self.read_head()?, ..Message::default() };
        let response = message.head.starts_with("HTTP/1");
        let status = if response { message.status() } else { 0 };
        if message.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
            loop {
                let mut size = String::new();
                self.reader.read_line(&mut size).ok()?;
                let size = usize::from_str_radix(size.trim(), 16).ok()?;
                if size == 0 {
                    message.trailers = self.read_head()?;
                    return Some(message);
                }
                message.body.push_str(&self.read_exact(size)?);
                self.read_exact(2)?;
            }
        }
        if let Some(length) = message.header("content-length") {
            let length = length.parse().ok()?;
            message.body = self.read_exact(length)?;
        } else if response && !matches!(status, 100..=199 | 204 | 304) {
            self.reader.read_to_string(&mut message.body).ok()?;
        }
        Some(message)
    }

    pub fn read_exact(&mut self, size: usize) -> Option<String> {
        let mut bytes = vec![0; size];
        self.reader.read_exact(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads and counts; the number of bytes up to the end of the stream.
    pub fn drain(&mut self) -> u64 {
        std::io::copy(&mut self.reader, &mut std::io::sink()).unwrap_or(0)
    }

    /// Whether the peer has ended the stream, with nothing before the end.
    pub fn is_ended(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.reader.read(&mut byte), Ok(0))
            || matches!(self.reader.read(&mut byte), Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset)
    }
}

/// Waits for something that comes soon.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

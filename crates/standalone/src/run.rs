//! Keeps a folder running: generations in, a control plane, gateways and stubs out.
//! In: paths. Out: a [`Standalone`] that follows the folder until it is stopped.

use crate::board::{Board, gateway_row};
use crate::ports::{PortTable, Wanted};
use crate::running_stubs::RunningStubs;
use crate::stubs;
use lateen_control::{Change, Control, World};
use lateen_core::{NamespacedName, ports};
use lateen_model::{GatewayWorkload, Scope, gateway_workloads};
use lateen_sources::{Generation, OpenError, Source};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a change may take to reach the proxies before the board is shown without it.
const SETTLE: Duration = Duration::from_secs(3);

/// How a folder is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Whether echo workloads stand in for Services without endpoints.
    pub stubs: bool,
    /// Worker threads of each gateway; one for each core when `None`.
    pub concurrency: Option<usize>,
    /// How long connections may go on after a gateway is stopped.
    pub drain_time: Duration,
    /// Where the gateways find their certificate of the mesh; it is one for all of them.
    pub identity: lateen_proxy::identity::Places,
}

/// Why a folder does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The paths cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The control plane does not start.
    #[error(transparent)]
    Control(#[from] lateen_control::StartError),
    /// A gateway does not start.
    #[error("gateway {gateway} does not start: {source}")]
    Gateway {
        /// Which.
        gateway: String,
        /// Why.
        source: Box<lateen_proxy::StartError>,
    },
    /// A stub has no port.
    #[error("no echo workload can be started: {0}")]
    Stub(std::io::Error),
}

/// A running folder.
pub struct Standalone {
    options: Options,
    model: lateen_model::Options,
    source: Source,
    control: Control,
    gateways: BTreeMap<NamespacedName, Gateway>,
    stubs: RunningStubs,
    ports: PortTable,
    board: Board,
}

struct Gateway {
    workload: GatewayWorkload,
    proxy: lateen_proxy::Proxy,
}

impl Standalone {
    /// Reads the folder, starts everything and waits until the gateways serve.
    ///
    /// # Errors
    /// [`RunError`] when a path does not exist or nothing can be started; mistakes in files are findings of the board.
    pub async fn start(options: Options) -> Result<Self, RunError> {
        let source = Source::open(&options.paths)?;
        let model = lateen_model::Options::default();
        let control = Control::start(lateen_control::Options {
            grpc: free_or_any(ports::XDS_PLAINTEXT),
            monitoring: Some(free_or_any(ports::CONTROL_MONITORING)),
            model: model.clone(),
            translate: translation(),
            webhook: None,
        })
        .await?;
        let mut standalone = Self {
            options,
            model,
            source,
            control,
            gateways: BTreeMap::new(),
            stubs: RunningStubs::default(),
            ports: PortTable::default(),
            board: Board::default(),
        };
        let first = standalone.source.current();
        standalone.apply(&first).await?;
        Ok(standalone)
    }

    /// What runs just now.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Waits for the next change of the folder and applies it; `None` when watching has ended.
    ///
    /// # Errors
    /// As [`Standalone::start`]; what ran before goes on.
    pub async fn changed(&mut self) -> Option<Result<&Board, RunError>> {
        let generation = self.source.changed().await?;
        Some(self.apply(&generation).await.map(|()| &self.board))
    }

    /// Drains the gateways and ends.
    pub async fn stop(self) {
        for gateway in self.gateways.values() {
            gateway.proxy.drain();
        }
        for gateway in self.gateways.values() {
            gateway.proxy.ended().await;
        }
    }

    async fn apply(&mut self, generation: &Generation) -> Result<(), RunError> {
        let workloads = gateway_workloads(&generation.objects, &self.model);
        let planned = match self.options.stubs {
            true => stubs::plan(&generation.objects, &workloads, &self.model.default_namespace),
            false => Vec::new(),
        };
        let mut objects = generation.objects.clone();
        objects.extend(self.stubs.apply(planned).await.map_err(RunError::Stub)?);
        let mut change = Change { objects, refused: generation.findings.clone(), ..Change::default() };
        change.moved_ports = self.ports.assign(&wanted_ports(&change, &workloads, &self.model, &self.control.world()));
        self.control.change_and_wait(change).await;
        self.start_and_stop(&workloads)?;
        let settled = self.settle().await;
        self.show(generation, settled);
        Ok(())
    }

    /// One proxy for each workload, and none for the others.
    fn start_and_stop(&mut self, workloads: &[GatewayWorkload]) -> Result<(), RunError> {
        let gone: Vec<NamespacedName> = self
            .gateways
            .iter()
            .filter(|(_, gateway)| !workloads.contains(&gateway.workload))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            if let Some(gateway) = self.gateways.remove(&name) {
                gateway.proxy.drain();
                tokio::spawn(async move { gateway.proxy.ended().await });
            }
        }
        for workload in workloads {
            if self.gateways.contains_key(&workload.name) {
                continue;
            }
            let proxy = self.start_proxy(workload)?;
            self.gateways.insert(workload.name.clone(), Gateway { workload: workload.clone(), proxy });
        }
        Ok(())
    }

    fn start_proxy(&self, workload: &GatewayWorkload) -> Result<lateen_proxy::Proxy, RunError> {
        let uri = format!("http://{}", self.control.grpc_address());
        let mut options = lateen_proxy::Options::new(lateen_proxy::Source::Ads { uri });
        options.node = lateen_control::node_of(&workload.proxy());
        options.concurrency = self.options.concurrency;
        options.admin = Some(free_or_any(ports::PROXY_ADMIN));
        options.health = Some(free_or_any(ports::HEALTH));
        options.prometheus = Some(free_or_any(ports::PROMETHEUS));
        options.drain_time = self.options.drain_time;
        options.identity = self.options.identity.clone();
        lateen_proxy::Proxy::start(options)
            .map_err(|source| RunError::Gateway { gateway: workload.name.to_string(), source: Box::new(source) })
    }

    /// Waits until every gateway has answered the present configuration; false when that takes too long.
    async fn settle(&self) -> bool {
        let generation = self.control.world().generation;
        let start = Instant::now();
        while start.elapsed() < SETTLE {
            let clients = self.control.reports().clients();
            let done = |gateway: &Gateway| {
                let id = gateway.workload.node_id();
                let client = clients.iter().find(|client| client.node == id);
                client.is_some_and(|client| client.seen == generation && client.waiting.is_empty())
                    && gateway.proxy.is_ready()
            };
            if self.gateways.values().all(done) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    fn show(&mut self, generation: &Generation, settled: bool) {
        let world = self.control.world();
        let mut findings = generation.findings.clone();
        findings.extend(world.findings.iter().cloned());
        let mut gateways = Vec::with_capacity(self.gateways.len());
        for gateway in self.gateways.values() {
            let mut proxy = gateway.workload.proxy();
            world.place_ports(&mut proxy);
            let admin = gateway.proxy.admin_address();
            let (row, more) = gateway_row(&world.snapshot, &gateway.workload, &proxy, admin);
            gateways.push(row);
            for finding in more {
                // Gateways that serve the same have the same to say.
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        let rejections = self.control.reports().rejections();
        let mut problems: Vec<String> =
            rejections.iter().map(|rejection| format!("{}: {}", rejection.name, rejection.message)).collect();
        for (name, gateway) in &self.gateways {
            let certificates = gateway.proxy.certificate_problems().into_iter();
            problems.extend(certificates.map(|problem| format!("{name}: certificate: {problem}")));
        }
        if !settled {
            problems.push(format!("not every gateway has taken the configuration within {} s", SETTLE.as_secs()));
        }
        self.board = Board {
            generation: generation.number,
            xds: Some(self.control.grpc_address()),
            gateways,
            stubs: self.stubs.rows(),
            findings,
            problems,
        };
    }
}

/// How resources are made: Secrets are in the folder or nowhere.
pub(crate) fn translation() -> lateen_translate::Options {
    let missing_credentials = lateen_translate::MissingCredentials::Close;
    lateen_translate::Options { provenance: true, missing_credentials, ..Default::default() }
}

/// The ports that each gateway would listen on if it were alone.
fn wanted_ports(
    change: &Change,
    workloads: &[GatewayWorkload],
    options: &lateen_model::Options,
    present: &World,
) -> Wanted {
    let world = World::build(0, change.clone(), options, Some(present.snapshot.clone()), None);
    workloads
        .iter()
        .map(|workload| {
            let scope = Scope::new(&world.snapshot, &workload.proxy());
            (workload.name.clone(), scope.gateway.ports.iter().map(|port| port.number).collect())
        })
        .collect()
}

/// `port` of the loopback interface, or any port when somebody has it already.
fn free_or_any(port: u16) -> SocketAddr {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    match TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}

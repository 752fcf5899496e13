//! The command line of `lateen proxy`: Envoy's, and what a pod of Istio's needs in its place.
//! In: arguments. Out: options; what is taken and has no effect is named in a warning.

use super::bootstrap;
use super::options::{Options, Source, log_format};
use crate::ads::node;
use crate::identity::IdentityArgs;
use crate::logging::{LogFormat, LogHandle, LogLevel, init};
use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;
use lateen_core::ports;
use lateen_envoy_api::google::protobuf::Duration as ProtoDuration;
use lateen_envoy_api::v3;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Forward traffic as Envoy resources say
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Bootstrap file, JSON
    #[arg(short = 'c', long, value_name = "FILE")]
    pub config_path: Option<PathBuf>,

    /// Bootstrap as JSON text
    #[arg(long, value_name = "JSON", conflicts_with = "config_path")]
    pub config_yaml: Option<String>,

    /// Control plane to take everything from, without a bootstrap (http://host:port)
    #[arg(long, value_name = "URI", env = "LATEEN_DISCOVERY_ADDRESS", conflicts_with_all = ["config_path", "config_yaml"])]
    pub discovery_address: Option<String>,

    /// Worker threads; as many as processors by default
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,

    /// trace, debug, info, warning, error, critical or off
    #[arg(short = 'l', long, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,

    /// Levels of components (http:debug,pool:trace)
    #[arg(long, value_name = "LIST")]
    pub component_log_level: Option<String>,

    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = log_format)]
    pub log_format: LogFormat,

    /// File for the log of the process
    #[arg(long, value_name = "FILE")]
    pub log_path: Option<PathBuf>,

    /// Id of the node
    #[arg(long, value_name = "ID")]
    pub service_node: Option<String>,

    /// Cluster of the node
    #[arg(long, value_name = "NAME")]
    pub service_cluster: Option<String>,

    /// Zone of the node
    #[arg(long, value_name = "NAME")]
    pub service_zone: Option<String>,

    /// Longest time to drain, seconds; 600, and 5 with --discovery-address
    #[arg(long, value_name = "SECONDS")]
    pub drain_time_s: Option<u64>,

    /// While draining, take new connections for this long, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub minimum_drain_time_s: u64,

    /// What to do with the configuration
    #[arg(long, value_name = "MODE", default_value = "serve")]
    pub mode: Mode,

    /// Admin interface; the bootstrap's by default, 127.0.0.1:15000 with --discovery-address
    #[arg(long, value_name = "ADDRESS")]
    pub admin_address: Option<SocketAddr>,

    /// File to write the address of the admin interface to
    #[arg(long, value_name = "FILE")]
    pub admin_address_path: Option<PathBuf>,

    /// Port of /healthz/ready; off by default, 0.0.0.0:15021 with --discovery-address
    #[arg(long, value_name = "ADDRESS")]
    pub health_address: Option<SocketAddr>,

    /// Port of /stats/prometheus; off by default, 0.0.0.0:15090 with --discovery-address
    #[arg(long, value_name = "ADDRESS")]
    pub prometheus_address: Option<SocketAddr>,

    #[command(flatten)]
    identity: IdentityArgs,

    #[command(flatten)]
    tolerated: Tolerated,
}

/// Arguments of Envoy's that have nothing to change here.
#[derive(Debug, Clone, Default, clap::Args)]
struct Tolerated {
    #[arg(long, hide = true)]
    base_id: Option<u64>,
    #[arg(long, hide = true)]
    use_dynamic_base_id: bool,
    #[arg(long, hide = true)]
    base_id_path: Option<PathBuf>,
    #[arg(long, hide = true)]
    restart_epoch: Option<u32>,
    #[arg(long, hide = true)]
    parent_shutdown_time_s: Option<u64>,
    #[arg(long, hide = true)]
    drain_strategy: Option<String>,
    #[arg(long, hide = true)]
    disable_hot_restart: bool,
    #[arg(long, hide = true)]
    skip_hot_restart_on_no_parent: bool,
    #[arg(long, hide = true)]
    skip_hot_restart_parent_stats: bool,
    #[arg(long, hide = true)]
    socket_path: Option<String>,
    #[arg(long, hide = true)]
    socket_mode: Option<String>,
    #[arg(long, hide = true)]
    cpuset_threads: bool,
    #[arg(long, hide = true)]
    enable_mutex_tracing: bool,
    #[arg(long, hide = true)]
    enable_core_dump: bool,
    #[arg(long, hide = true)]
    enable_fine_grain_logging: bool,
    #[arg(long, hide = true)]
    log_format_escaped: bool,
    #[arg(long, hide = true)]
    log_stacktrace_single_entry: bool,
    #[arg(long, hide = true)]
    skip_deprecated_logs: bool,
    #[arg(long, hide = true)]
    allow_unknown_fields: bool,
    #[arg(long, hide = true)]
    allow_unknown_static_fields: bool,
    #[arg(long, hide = true)]
    reject_unknown_dynamic_fields: bool,
    #[arg(long, hide = true)]
    ignore_unknown_dynamic_fields: bool,
    #[arg(long, hide = true)]
    disable_extensions: Option<String>,
    #[arg(long, hide = true)]
    local_address_ip_version: Option<String>,
    #[arg(long, hide = true)]
    file_flush_interval_msec: Option<u64>,
    #[arg(long, hide = true)]
    file_flush_min_size_kb: Option<u64>,
    #[arg(long, hide = true)]
    stats_tag: Vec<String>,
}

impl Tolerated {
    /// Names of those that were given and that somebody could expect something of. The others ask for what is
    /// done anyway: there is no hot restart, so its switches are silent.
    fn without_effect(&self) -> Vec<&'static str> {
        let given = [
            ("--drain-strategy", self.drain_strategy.is_some()),
            ("--cpuset-threads", self.cpuset_threads),
            ("--enable-mutex-tracing", self.enable_mutex_tracing),
            ("--enable-core-dump", self.enable_core_dump),
            ("--enable-fine-grain-logging", self.enable_fine_grain_logging),
            ("--log-format-escaped", self.log_format_escaped),
            ("--allow-unknown-fields", self.allow_unknown_fields),
            ("--allow-unknown-static-fields", self.allow_unknown_static_fields),
            ("--disable-extensions", self.disable_extensions.is_some()),
            ("--local-address-ip-version", self.local_address_ip_version.is_some()),
            ("--file-flush-interval-msec", self.file_flush_interval_msec.is_some()),
            ("--file-flush-min-size-kb", self.file_flush_min_size_kb.is_some()),
            ("--stats-tag", !self.stats_tag.is_empty()),
            ("--restart-epoch", self.restart_epoch.is_some_and(|epoch| epoch > 0)),
            ("--base-id-path", self.base_id_path.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// What is done with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Mode {
    /// Serve.
    #[default]
    Serve,
    /// Say whether it could be served, and end.
    Validate,
    /// As validate.
    #[value(name = "init_only")]
    InitOnly,
}

impl Args {
    /// Sets up the log of the process as the arguments say.
    ///
    /// # Errors
    /// When the log file cannot be opened, or a component's level is none.
    pub(super) fn log(&self) -> anyhow::Result<LogHandle> {
        let log = init(self.log_level, self.log_format, self.log_path.as_deref())
            .with_context(|| format!("cannot open the log file {:?}", self.log_path.clone().unwrap_or_default()))?;
        for pair in self.component_log_level.iter().flat_map(|list| list.split(',')).filter(|pair| !pair.is_empty()) {
            let (component, level) = pair
                .rsplit_once(':')
                .ok_or_else(|| anyhow!("--component-log-level: `{pair}` is not component:level"))?;
            let level = level.parse().map_err(|error: String| anyhow!("--component-log-level: {error}"))?;
            log.set_component(component, level);
        }
        for name in self.tolerated.without_effect() {
            tracing::warn!(target: "lateen_proxy::main", "{name} has no effect");
        }
        Ok(log)
    }

    /// The options that the arguments stand for.
    ///
    /// # Errors
    /// When there is no configuration, or it cannot be read.
    pub(super) fn options(&self, log: LogHandle) -> anyhow::Result<Options> {
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let source = match (&self.config_path, &self.config_yaml, &self.discovery_address) {
            (Some(path), _, _) => Source::Bootstrap(Box::new(bootstrap::read(path)?)),
            (None, Some(text), _) => {
                let bootstrap = lateen_envoy_api::Bootstrap::decode(text).context("--config-yaml")?;
                Source::Bootstrap(Box::new(bootstrap))
            }
            (None, None, Some(uri)) => Source::Ads { uri: uri.clone() },
            (None, None, None) => bail!("no configuration: give --config-path FILE or --discovery-address URI"),
        };
        let mesh = matches!(source, Source::Ads { .. });
        let in_mesh = |ip, port| mesh.then(|| SocketAddr::new(ip, port));
        let mut options = Options::new(source);
        options.node = if mesh { node::of_environment(std::env::vars()) } else { v3::core::Node::default() };
        if let Some(id) = &self.service_node {
            options.node.id.clone_from(id);
        }
        if let Some(cluster) = &self.service_cluster {
            options.node.cluster.clone_from(cluster);
        }
        if let Some(zone) = &self.service_zone {
            options.node.locality.get_or_insert_default().zone.clone_from(zone);
        }
        if mesh && options.node.id.is_empty() {
            bail!("no node id: set POD_NAME, POD_NAMESPACE and INSTANCE_IP, or give --service-node");
        }
        options.concurrency = self.concurrency;
        options.admin = self.admin_address.or(in_mesh(local, ports::PROXY_ADMIN));
        options.health = self.health_address.or(in_mesh(everywhere, ports::HEALTH));
        options.prometheus = self.prometheus_address.or(in_mesh(everywhere, ports::PROMETHEUS));
        let drain = self.drain_time_s.unwrap_or(if mesh { 5 } else { 600 });
        options.drain_time = Duration::from_secs(drain);
        options.minimum_drain = Duration::from_secs(self.minimum_drain_time_s);
        options.identity = self.identity.places();
        options.command_line = self.command_line(drain);
        options.log = log;
        Ok(options)
    }

    fn command_line(&self, drain: u64) -> v3::admin::CommandLineOptions {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        v3::admin::CommandLineOptions {
            concurrency: self.concurrency.and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            config_path: path(&self.config_path),
            config_yaml: self.config_yaml.clone().unwrap_or_default(),
            admin_address_path: path(&self.admin_address_path),
            log_level: self.log_level.name().to_owned(),
            component_log_level: self.component_log_level.clone().unwrap_or_default(),
            log_path: path(&self.log_path),
            service_cluster: self.service_cluster.clone().unwrap_or_default(),
            service_node: self.service_node.clone().unwrap_or_default(),
            service_zone: self.service_zone.clone().unwrap_or_default(),
            drain_time: Some(ProtoDuration { seconds: i64::try_from(drain).unwrap_or(i64::MAX), nanos: 0 }),
            base_id: self.tolerated.base_id.unwrap_or_default(),
            disable_hot_restart: true,
            ..v3::admin::CommandLineOptions::default()
        }
    }
}

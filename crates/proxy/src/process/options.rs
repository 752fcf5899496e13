//! What a proxy is started with.

use crate::identity::Places;
use crate::logging::{AccessLogs, LogFormat, LogHandle, LogLevel};
use lateen_envoy_api::{Bootstrap, v3};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A bootstrap, as `envoy -c` takes it; it may name a discovery server.
    Bootstrap(Box<Bootstrap>),
    /// A discovery server alone: everything over one stream, only what changes (delta).
    Ads {
        /// `http://host:port`.
        uri: String,
    },
}

/// What a proxy is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the configuration comes from.
    pub source: Source,
    /// Who the proxy says it is; wins over the bootstrap's node field by field.
    pub node: v3::core::Node,
    /// Worker threads; the number of processors when `None`.
    pub concurrency: Option<usize>,
    /// Admin interface; the bootstrap's when `None`. Port 0 takes any.
    pub admin: Option<SocketAddr>,
    /// `/healthz/ready`, not there when `None`.
    pub health: Option<SocketAddr>,
    /// `/stats/prometheus`, not there when `None`.
    pub prometheus: Option<SocketAddr>,
    /// Time between the order to drain and the end of connections that are left.
    pub drain_time: Duration,
    /// While draining, new connections are still taken for this long.
    pub minimum_drain: Duration,
    /// Where the certificate of the workload is looked for.
    pub identity: Places,
    /// Sinks of access logs; own ones when `None`.
    pub access_logs: Option<Arc<AccessLogs>>,
    /// The log of the process.
    pub log: LogHandle,
    /// Command line, for `/server_info`.
    pub command_line: v3::admin::CommandLineOptions,
}

impl Options {
    /// With Envoy's defaults and no addresses of its own.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            node: v3::core::Node::default(),
            concurrency: None,
            admin: None,
            health: None,
            prometheus: None,
            drain_time: Duration::from_secs(600),
            minimum_drain: Duration::ZERO,
            identity: Places::default(),
            access_logs: None,
            log: LogHandle::detached(LogLevel::Info),
            command_line: v3::admin::CommandLineOptions::default(),
        }
    }
}

/// Form of the process log by its name.
///
/// # Errors
/// A sentence for the user.
pub(super) fn log_format(name: &str) -> Result<LogFormat, String> {
    match name {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        // Envoy takes a spdlog pattern here, of which only the two forms are made.
        pattern if pattern.contains('%') => {
            Ok(if pattern.trim_start().starts_with('{') { LogFormat::Json } else { LogFormat::Text })
        }
        other => Err(format!("`{other}` is no log format; use text, json or a pattern of Envoy's")),
    }
}

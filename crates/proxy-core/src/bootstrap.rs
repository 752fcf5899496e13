//! The file that a proxy is started from (`envoy.config.bootstrap.v3.Bootstrap`).
//! In: the message. Out: static resources as tables, where discovery is, the admin address, the node, errors.

#[cfg(test)]
mod tests;

use crate::decode::{DecodeError, Rejected};
use crate::ir::Tables;
use lateen_envoy_api::v3;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a bootstrap says.
#[derive(Debug, Default)]
pub struct Static {
    /// The node to name in discovery requests, as it stands in the resource.
    pub node: v3::core::Node,
    /// Where the admin interface listens.
    pub admin: Option<SocketAddr>,
    /// Access logs of the admin interface are ignored; this is its `profile_path` and so on left out.
    /// Static resources.
    pub tables: Tables,
    /// Resources that were not accepted.
    pub rejected: Vec<Rejected>,
    /// Fields that cannot be done. Envoy would not start; the shell decides.
    pub errors: Vec<DecodeError>,
    /// Fields that were left out because they change nothing here, for a line in the log.
    pub ignored: Vec<String>,
    /// Discovery over one stream.
    pub ads: Option<AdsConfig>,
    /// Static runtime values by key, as text.
    pub runtime: BTreeMap<String, String>,
    /// How much time a stop may take and the like is the shell's; this is `drain` of hot restarts, unused.
    /// Static secrets, for TLS.
    pub secrets: Vec<v3::tls::Secret>,
    /// Bytes of `Bootstrap` as JSON, for `/config_dump`.
    pub config_dump: serde_json::Value,
}

/// Where discovery is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdsConfig {
    /// Cluster of the gRPC service (among the static ones).
    pub cluster: String,
    /// Whether the delta protocol is spoken.
    pub delta: bool,
    /// Whether listeners come over it (`lds_config`).
    pub listeners: bool,
    /// Whether clusters come over it (`cds_config`).
    pub clusters: bool,
    /// Headers of the stream (`initial_metadata`).
    pub metadata: Vec<(String, String)>,
    /// `:authority` of the stream; empty for that of the cluster.
    pub authority: String,
    /// `set_node_on_first_message_only`.
    pub node_on_first_message_only: bool,
}

/// Decodes a bootstrap. Never fails as a whole: what was not accepted is listed.
#[must_use]
pub fn decode(bootstrap: &v3::bootstrap::Bootstrap) -> Static {
    Static { node: bootstrap.node.clone().unwrap_or_default(), ..Static::default() }
}

//! The mesh configuration with Istio's defaults applied at one place.
//! In: `MeshConfig` as written. Out: answers without an `Option` where there is a default.

use lateen_config::MeshConfig;
use lateen_config::kinds::mesh_config::{NormalizationType, OutboundTrafficPolicyMode};
use std::sync::Arc;
use std::time::Duration;

/// Mesh-wide settings.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// As written.
    pub config: Arc<MeshConfig>,
    /// Namespace of mesh-wide configuration, such as `istio-system`.
    pub root_namespace: Arc<str>,
    /// Suffix of the names of Services, such as `cluster.local`.
    pub domain_suffix: Arc<str>,
}

impl Mesh {
    /// Limit for connecting to an upstream; Istio's default is 10 s.
    pub fn connect_timeout(&self) -> Duration {
        match self.config.connect_timeout {
            Some(limit) if !limit.is_zero() => limit,
            _ => Duration::from_secs(10),
        }
    }

    /// Begins the identities of workloads; Istio's default is `cluster.local`.
    pub fn trust_domain(&self) -> &str {
        match self.config.trust_domain.as_str() {
            "" => "cluster.local",
            domain => domain,
        }
    }

    /// How often names are looked up; Istio's default is 60 s.
    pub fn dns_refresh_rate(&self) -> Duration {
        match self.config.dns_refresh_rate {
            Some(rate) if !rate.is_zero() => rate,
            _ => Duration::from_secs(60),
        }
    }

    /// How paths are normalised; `DEFAULT` is `BASE`.
    pub fn path_normalization(&self) -> NormalizationType {
        match self.config.path_normalization.as_ref().map(|p| p.normalization) {
            None | Some(NormalizationType::Default) => NormalizationType::Base,
            Some(other) => other,
        }
    }

    /// What happens to calls to unknown hosts; Istio's default is `ALLOW_ANY`.
    pub fn outbound_policy(&self) -> OutboundTrafficPolicyMode {
        self.config.outbound_traffic_policy.as_ref().map_or(OutboundTrafficPolicyMode::AllowAny, |policy| policy.mode)
    }

    /// Port that captured outbound traffic is sent to.
    pub fn outbound_port(&self) -> u16 {
        u16::try_from(self.config.proxy_listen_port)
            .ok()
            .filter(|port| *port != 0)
            .unwrap_or(lateen_core::ports::OUTBOUND_CAPTURE)
    }
}

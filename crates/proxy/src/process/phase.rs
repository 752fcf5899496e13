//! Where in its life the process is (`envoy.admin.v3.ServerInfo.State`).

/// Envoy's states of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Clusters are not known yet.
    PreInitializing,
    /// Listeners wait for their routes, clusters for their endpoints.
    Initializing,
    /// Serving.
    Live,
    /// Ending, or failed by `/healthcheck/fail`.
    Draining,
}

impl Phase {
    /// As `/ready` and `/server_info` write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PreInitializing => "PRE_INITIALIZING",
            Self::Initializing => "INITIALIZING",
            Self::Live => "LIVE",
            Self::Draining => "DRAINING",
        }
    }

    /// Value of `server.state`.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Live => 0,
            Self::Draining => 1,
            Self::PreInitializing => 2,
            Self::Initializing => 3,
        }
    }
}

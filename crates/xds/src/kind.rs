//! What the protocol knows of the types: their order, and which of them are
//! always sent in full.
//!
//! In: a type url. Out: its [`Kind`].

use lateen_envoy_api::type_url;

/// In the order in which a server sends them, so that nothing names what the
/// client does not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Cluster,
    Endpoint,
    Listener,
    Route,
    /// Secrets, extensions, runtime, and whatever else is served.
    Other,
}

impl Kind {
    pub(crate) fn of(url: &str) -> Self {
        match url {
            type_url::CLUSTER => Self::Cluster,
            type_url::ENDPOINT => Self::Endpoint,
            type_url::LISTENER => Self::Listener,
            type_url::ROUTE | type_url::SCOPED_ROUTE | type_url::VIRTUAL_HOST => Self::Route,
            _ => Self::Other,
        }
    }

    /// Listeners and clusters: an empty first request asks for all of them, and
    /// a state-of-the-world response holds all of them, so that absence means
    /// removal (xDS protocol, "How the client specifies what resources to return"
    /// and "Knowing when a requested resource does not exist").
    pub(crate) fn is_full_state(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener)
    }

    /// Names clusters, and therefore waits for them.
    pub(crate) fn names_clusters(self) -> bool {
        matches!(self, Self::Listener | Self::Route)
    }
}

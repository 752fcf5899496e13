//! The server side of aggregated discovery.
//!
//! In: a [`Provider`] with the resources of each client. Out: a tonic service
//! that speaks state of the world and delta, and [`Report`]s of what clients
//! made of it.
//! [`Session`] is the protocol of one stream, pure; `stream` is its tokio shell.

mod exchange;
mod session;
mod stream;
mod watch;

pub use exchange::{Change, Feedback, Outcome, Request, Response};
pub use session::{RequestError, Session};
pub use stream::AdsServer;

use crate::resource::ResourceSet;
use crate::variant::Variant;
use lateen_envoy_api::v3::core::Node;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch::Receiver;
use tonic::metadata::MetadataMap;

/// One stream; counted from 1 by each [`AdsServer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Who is at the other end of a stream.
#[derive(Debug, Clone)]
pub struct Client {
    /// Tells streams apart; a client that connects again has a new one.
    pub id: ClientId,
    /// From the first request that carries one.
    pub node: Node,
    /// The address that the stream came from.
    pub peer: Option<SocketAddr>,
    /// The form of the protocol.
    pub variant: Variant,
    /// The HTTP/2 headers of the stream, `authorization` among them.
    pub metadata: MetadataMap,
    /// What interceptors and the transport left, such as a verified identity.
    pub extensions: tonic::Extensions,
}

/// Where resources come from and reports go.
pub trait Provider: Send + Sync + 'static {
    /// Changes whenever the world changes; bursts are joined by the provider's
    /// owner, see [`crate::Debounce`].
    fn generation(&self) -> Receiver<u64>;

    /// All resources for this client at the present generation. Pure and cheap
    /// to call again: it is called once per stream and generation, on the task
    /// of the stream.
    ///
    /// # Errors
    /// [`ProviderError`]; see there for what becomes of the stream.
    fn resources(&self, client: &Client) -> Result<Arc<ResourceSet>, ProviderError>;

    /// What went back and forth. Called on the task of the stream; must not block.
    fn report(&self, report: Report);
}

/// Why there are no resources for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The client did not say, or could not prove, who it is; the stream ends
    /// with `UNAUTHENTICATED`.
    #[error("not authenticated: {0}")]
    Unauthenticated(String),
    /// The client may not have what it asks for; the stream ends with
    /// `PERMISSION_DENIED`.
    #[error("refused: {0}")]
    Denied(String),
    /// The node makes no sense; the stream ends with `INVALID_ARGUMENT`.
    #[error("bad node: {0}")]
    Invalid(String),
    /// Not now: a stream that has resources keeps them, a new one ends with
    /// `UNAVAILABLE` and the client tries again.
    #[error("not ready: {0}")]
    Unavailable(String),
}

impl From<ProviderError> for tonic::Status {
    fn from(error: ProviderError) -> Self {
        let message = error.to_string();
        match error {
            ProviderError::Unauthenticated(_) => Self::unauthenticated(message),
            ProviderError::Denied(_) => Self::permission_denied(message),
            ProviderError::Invalid(_) => Self::invalid_argument(message),
            ProviderError::Unavailable(_) => Self::unavailable(message),
        }
    }
}

/// What happened on a stream.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whose stream.
    pub client: Arc<Client>,
    /// What happened.
    pub event: Event,
}

/// See [`Report`].
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The first request came and the client has resources.
    Connected,
    /// The stream ended; nothing more comes from this client id.
    Disconnected,
    /// A response went out.
    Sent {
        /// The type of its resources.
        type_url: String,
        /// The version of all resources of the type at that time.
        version: String,
        /// Which the answer will carry.
        nonce: String,
        /// The provider's generation that it was made from.
        generation: u64,
    },
    /// The client took a response, or refused it in whole or in part.
    Answered {
        /// What the client said.
        feedback: Feedback,
        /// The provider's generation that the response was made from.
        generation: u64,
    },
}

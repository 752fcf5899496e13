//! The tokio shell of a [`Session`]: one task per stream.
//!
//! In: a tonic stream of requests and the provider's generations. Out: a
//! stream of responses, and reports. All decisions are the session's.

use super::exchange::{Request, Response};
use super::session::Session;
use super::{Client, ClientId, Event, Provider, ProviderError, Report};
use crate::MAX_MESSAGE;
use crate::variant::Variant;
use futures_core::Stream;
use lateen_envoy_api::envoy::service::discovery::v3::aggregated_discovery_service_server as generated;
use lateen_envoy_api::v3::core::ControlPlane;
use lateen_envoy_api::v3::discovery::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// Responses that wait for a slow client; more than that make the stream's task wait.
const QUEUE: usize = 4;

/// Aggregated discovery, both variants, on top of a [`Provider`].
///
/// ```no_run
/// # async fn serve<P: lateen_xds::server::Provider>(provider: P) -> Result<(), Box<dyn std::error::Error>> {
/// use lateen_xds::server::AdsServer;
/// tonic::transport::Server::builder()
///     .serve("127.0.0.1:15010".parse()?, AdsServer::new(std::sync::Arc::new(provider)).into_service())
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct AdsServer<P> {
    provider: Arc<P>,
    wait: Duration,
    control_plane: Option<ControlPlane>,
    clients: AtomicU64,
}

impl<P: Provider> AdsServer<P> {
    /// A server that waits 5 s at most for an answer on which others depend.
    pub fn new(provider: Arc<P>) -> Self {
        Self { provider, wait: Duration::from_secs(5), control_plane: None, clients: AtomicU64::new(0) }
    }

    /// Bounds how long an answer is waited for.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The name that each response gives as the identifier of its control plane.
    #[must_use]
    pub fn with_identifier(mut self, identifier: impl Into<String>) -> Self {
        self.control_plane = Some(ControlPlane { identifier: identifier.into() });
        self
    }

    /// The service for tonic's router, with message limits set.
    pub fn into_service(self) -> generated::AggregatedDiscoveryServiceServer<Self> {
        generated::AggregatedDiscoveryServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    fn open<Q, R>(
        &self,
        request: tonic::Request<Streaming<Q>>,
        variant: Variant,
        encode: fn(Response, Option<ControlPlane>) -> R,
    ) -> ReceiverStream<Result<R, Status>>
    where
        Q: Into<Request> + Send + 'static,
        R: Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let peer = request.remote_addr();
        let (metadata, extensions, requests) = request.into_parts();
        let client = Client {
            id: ClientId(self.clients.fetch_add(1, Ordering::Relaxed) + 1),
            node: Default::default(),
            peer,
            variant,
            metadata,
            extensions,
        };
        let task = Task {
            generation: self.provider.generation(),
            provider: self.provider.clone(),
            session: Session::new(variant, self.wait),
            control_plane: self.control_plane.clone(),
            sender,
            encode,
        };
        tokio::spawn(task.run(client, requests));
        ReceiverStream::new(receiver)
    }
}

struct Task<P, R> {
    provider: Arc<P>,
    generation: watch::Receiver<u64>,
    session: Session,
    control_plane: Option<ControlPlane>,
    sender: mpsc::Sender<Result<R, Status>>,
    encode: fn(Response, Option<ControlPlane>) -> R,
}

/// Why a stream ends: the client left, or with a status.
enum End {
    Left,
    Status(Status),
}

impl<P: Provider, R: Send + 'static> Task<P, R> {
    async fn run<Q: Into<Request> + Send>(mut self, client: Client, requests: Streaming<Q>) {
        let id = client.id;
        match self.serve(client, requests).await {
            End::Left => tracing::debug!(client = %id, "discovery stream ended"),
            End::Status(status) => {
                tracing::info!(client = %id, code = ?status.code(), reason = status.message(), "discovery stream refused");
                // A client that left cannot be told.
                let _ = self.sender.send(Err(status)).await;
            }
        }
    }

    async fn serve<Q: Into<Request> + Send>(&mut self, mut client: Client, mut requests: Streaming<Q>) -> End {
        let first: Request = match requests.next().await {
            Some(Ok(request)) => request.into(),
            Some(Err(status)) => return End::Status(status),
            None => return End::Left,
        };
        client.node = first.node.clone().unwrap_or_default();
        let client = Arc::new(client);
        if let Err(error) = self.refresh(&client) {
            return End::Status(error.into());
        }
        let connection = Connection { provider: self.provider.clone(), client: client.clone() };
        connection.report(Event::Connected);
        let mut next = Some(first);
        loop {
            if let Some(request) = next.take() {
                match self.session.on_request(request) {
                    Ok(Some((feedback, generation))) => {
                        connection.report(Event::Answered { feedback, generation });
                    }
                    Ok(None) => {}
                    Err(error) => return End::Status(Status::invalid_argument(error.to_string())),
                }
            }
            if self.flush(&connection).await.is_err() {
                return End::Left;
            }
            let deadline = self.session.deadline().map(Instant::from_std);
            tokio::select! {
                request = requests.next() => match request {
                    Some(Ok(request)) => next = Some(request.into()),
                    Some(Err(status)) => {
                        tracing::debug!(client = %client.id, reason = status.message(), "discovery stream broke");
                        return End::Left;
                    }
                    None => return End::Left,
                },
                changed = self.generation.changed() => {
                    if changed.is_err() {
                        return End::Status(Status::unavailable("the control plane is going away"));
                    }
                    match self.refresh(&client) {
                        Ok(()) => {}
                        Err(error @ ProviderError::Unavailable(_)) => {
                            tracing::warn!(client = %client.id, %error, "keeping the resources of the generation before");
                        }
                        Err(error) => return End::Status(error.into()),
                    }
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
                () = self.sender.closed() => return End::Left,
            }
        }
    }

    fn refresh(&mut self, client: &Client) -> Result<(), ProviderError> {
        let generation = *self.generation.borrow_and_update();
        let world = self.provider.resources(client)?;
        self.session.on_world(generation, world);
        Ok(())
    }

    /// # Errors
    /// When the client has left.
    async fn flush(&mut self, connection: &Connection<P>) -> Result<(), ()> {
        for response in self.session.poll(Instant::now().into_std()) {
            connection.report(Event::Sent {
                type_url: response.type_url.clone(),
                version: response.version.clone(),
                nonce: response.nonce.clone(),
                generation: self.session.generation(),
            });
            let message = (self.encode)(response, self.control_plane.clone());
            self.sender.send(Ok(message)).await.map_err(|_| ())?;
        }
        Ok(())
    }
}

/// Reports the end when it is dropped, however the stream ends.
struct Connection<P: Provider> {
    provider: Arc<P>,
    client: Arc<Client>,
}

impl<P: Provider> Connection<P> {
    fn report(&self, event: Event) {
        self.provider.report(Report { client: self.client.clone(), event });
    }
}

impl<P: Provider> Drop for Connection<P> {
    fn drop(&mut self) {
        self.report(Event::Disconnected);
    }
}

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl<P: Provider> generated::AggregatedDiscoveryService for AdsServer<P> {
    type StreamAggregatedResourcesStream = Responses<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Responses<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: tonic::Request<Streaming<DiscoveryRequest>>,
    ) -> Result<tonic::Response<Self::StreamAggregatedResourcesStream>, Status> {
        let responses = self.open(request, Variant::StateOfTheWorld, Response::into_discovery);
        Ok(tonic::Response::new(Box::pin(responses)))
    }

    async fn delta_aggregated_resources(
        &self,
        request: tonic::Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<tonic::Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let responses = self.open(request, Variant::Delta, Response::into_delta);
        Ok(tonic::Response::new(Box::pin(responses)))
    }
}

//! The tokio shell of a [`Subscriber`]: keeps one stream open to the control
//! plane for as long as the program runs.
//!
//! In: a channel and a handler. Out: the handler, when told to stop.

use super::Handler;
use super::backoff::Backoff;
use super::incoming::Incoming;
use super::subscriber::{Outgoing, Subscriber, Subscription};
use crate::MAX_MESSAGE;
use crate::variant::Variant;
use lateen_envoy_api::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use lateen_envoy_api::envoy::service::secret::v3::secret_discovery_service_client::SecretDiscoveryServiceClient;
use lateen_envoy_api::v3::core::Node;
use lateen_envoy_api::v3::discovery::{DeltaDiscoveryRequest, DiscoveryRequest};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

/// What the server is called over gRPC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Service {
    /// `AggregatedDiscoveryService`: all types over one stream.
    #[default]
    Aggregated,
    /// `SecretDiscoveryService`, state of the world: SPIRE and Istio's agent offer nothing else.
    Secrets,
}

/// How to reach a control plane, and what to ask it for.
pub struct Options {
    /// To the control plane; [`endpoint`] makes one with keepalive.
    pub channel: Channel,
    /// Who this is.
    pub node: Node,
    /// What it is asked as.
    pub service: Service,
    /// Delta unless the server cannot do it.
    pub variant: Variant,
    /// The types, in make-before-break order.
    pub types: Vec<Subscription>,
    /// How long a type with all its resources waits for those before it.
    pub initial_wait: Duration,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// Uniform in 0..1, for the jitter of the waits.
    pub random: Box<dyn FnMut() -> f64 + Send>,
    /// The headers of each stream; called for each attempt, so a token may change.
    pub metadata: Box<dyn FnMut() -> MetadataMap + Send>,
    /// Tells that the handler's interests changed without a response.
    pub wake: Arc<Notify>,
}

impl Options {
    /// Delta, the types of a proxy, 15 s of initial wait as in Envoy
    /// (`initial_fetch_timeout`), waits of 50 ms to 10 s.
    #[must_use]
    pub fn new(channel: Channel, node: Node, random: impl FnMut() -> f64 + Send + 'static) -> Self {
        Self {
            channel,
            node,
            service: Service::default(),
            variant: Variant::Delta,
            types: Subscription::of_a_proxy(),
            initial_wait: Duration::from_secs(15),
            backoff: Backoff::default(),
            random: Box::new(random),
            metadata: Box::new(MetadataMap::new),
            wake: Arc::default(),
        }
    }
}

/// An endpoint with keepalive: a control plane that is silently gone is noticed
/// within 40 s. Call `connect_lazy` on it, or `connect_with_connector_lazy` for
/// TLS and Unix sockets.
///
/// # Errors
/// When `uri` is no URI.
pub fn endpoint(uri: impl Into<String>) -> Result<Endpoint, tonic::transport::Error> {
    Ok(Endpoint::from_shared(uri.into())?
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(Some(1 << 20))
        .initial_connection_window_size(Some(4 << 20)))
}

/// Serves `handler` until `shutdown` resolves, over as many connections as it
/// takes, and gives the handler back.
pub async fn run<H: Handler>(mut options: Options, mut handler: H, shutdown: impl Future<Output = ()> + Send) -> H {
    let types = std::mem::take(&mut options.types);
    let node = options.node.clone();
    if options.service == Service::Secrets {
        options.variant = Variant::StateOfTheWorld;
    }
    let mut subscriber = Subscriber::new(options.variant, node, types, options.initial_wait);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let attempt = async {
            match options.variant {
                _ if options.service == Service::Secrets => secrets(&mut options, &mut subscriber, &mut handler).await,
                Variant::Delta => delta(&mut options, &mut subscriber, &mut handler).await,
                Variant::StateOfTheWorld => state_of_the_world(&mut options, &mut subscriber, &mut handler).await,
            }
        };
        let ended = tokio::select! {
            ended = attempt => ended,
            () = &mut shutdown => return handler,
        };
        if ended.was_useful {
            options.backoff.reset();
        }
        handler.disconnected(&ended.status);
        let wait = options.backoff.next((options.random)());
        tracing::info!(
            code = ?ended.status.code(), reason = ended.status.message(), ?wait,
            "discovery stream ended, connecting again"
        );
        tokio::select! {
            () = sleep(wait) => {}
            () = &mut shutdown => return handler,
        }
    }
}

/// How a stream ended.
struct Ended {
    status: Status,
    /// Whether any response came.
    was_useful: bool,
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        Self { status, was_useful: false }
    }
}

async fn delta<H: Handler>(options: &mut Options, subscriber: &mut Subscriber, handler: &mut H) -> Ended {
    let (sender, requests) = open::<DeltaDiscoveryRequest, H>(options, subscriber, handler);
    let mut client = AggregatedDiscoveryServiceClient::new(options.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    match client.delta_aggregated_resources(requests).await {
        Ok(answer) => serve(&options.wake, subscriber, handler, &sender, answer.into_inner()).await,
        Err(status) => status.into(),
    }
}

async fn state_of_the_world<H: Handler>(options: &mut Options, subscriber: &mut Subscriber, handler: &mut H) -> Ended {
    let (sender, requests) = open::<DiscoveryRequest, H>(options, subscriber, handler);
    let mut client = AggregatedDiscoveryServiceClient::new(options.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    match client.stream_aggregated_resources(requests).await {
        Ok(answer) => serve(&options.wake, subscriber, handler, &sender, answer.into_inner()).await,
        Err(status) => status.into(),
    }
}

async fn secrets<H: Handler>(options: &mut Options, subscriber: &mut Subscriber, handler: &mut H) -> Ended {
    let (sender, requests) = open::<DiscoveryRequest, H>(options, subscriber, handler);
    let mut client = SecretDiscoveryServiceClient::new(options.channel.clone());
    match client.stream_secrets(requests).await {
        Ok(answer) => serve(&options.wake, subscriber, handler, &sender, answer.into_inner()).await,
        Err(status) => status.into(),
    }
}

type Requests<Q> = Request<UnboundedReceiverStream<Q>>;

/// The stream of requests with the first ones in it: some servers send no
/// headers before they were asked something.
fn open<Q: From<Outgoing>, H: Handler>(
    options: &mut Options,
    subscriber: &mut Subscriber,
    handler: &H,
) -> (mpsc::UnboundedSender<Q>, Requests<Q>) {
    // Bounded by what is received: each response leads to one request per type
    // and its answer.
    let (sender, receiver) = mpsc::unbounded_channel();
    for request in subscriber.open(&handler.interests(), Instant::now().into_std()) {
        // The receiver is at hand; it takes everything.
        let _ = sender.send(request.into());
    }
    let mut requests = Request::new(UnboundedReceiverStream::new(receiver));
    *requests.metadata_mut() = (options.metadata)();
    (sender, requests)
}

async fn serve<Q, R, H>(
    wake: &Notify,
    subscriber: &mut Subscriber,
    handler: &mut H,
    sender: &mpsc::UnboundedSender<Q>,
    mut responses: Streaming<R>,
) -> Ended
where
    Q: From<Outgoing>,
    R: Into<Incoming> + Debug,
    H: Handler,
{
    handler.connected();
    let mut was_useful = false;
    loop {
        let deadline = subscriber.deadline().map(Instant::from_std);
        let requests = tokio::select! {
            response = responses.next() => {
                let response: Incoming = match response {
                    Some(Ok(response)) => response.into(),
                    Some(Err(status)) => return Ended { status, was_useful },
                    None => {
                        let status = Status::unavailable("the control plane ended the stream");
                        return Ended { status, was_useful };
                    }
                };
                was_useful = true;
                take(subscriber, handler, response)
            }
            () = wake.notified() => {
                subscriber.subscribe(&handler.interests(), Instant::now().into_std())
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                subscriber.subscribe(&handler.interests(), Instant::now().into_std())
            }
        };
        for request in requests {
            if sender.send(request.into()).is_err() {
                let status = Status::unavailable("the control plane takes no more requests");
                return Ended { status, was_useful };
            }
        }
    }
}

fn take<H: Handler>(subscriber: &mut Subscriber, handler: &mut H, response: Incoming) -> Vec<Outgoing> {
    let type_url = response.type_url.clone();
    let Some((update, pending)) = subscriber.on_response(response) else {
        tracing::warn!(type_url, "a response of a type that was not asked for");
        return Vec::new();
    };
    let rejected = handler.apply(update);
    for one in &rejected {
        tracing::warn!(type_url, name = one.name, reason = one.reason, "resource rejected");
    }
    subscriber.answer(pending, rejected, &handler.interests(), Instant::now().into_std())
}

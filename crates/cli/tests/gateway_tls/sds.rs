//! An SDS server on a Unix domain socket, as SPIRE or Istio's agent runs one beside a proxy.
//! In: certificates and roots by name, changed while it runs. Out: what a client asked for; it ends when dropped.

use super::authority::Pair;
use lateen_envoy_api::envoy::service::secret::v3::secret_discovery_service_server::{
    SecretDiscoveryService, SecretDiscoveryServiceServer,
};
use lateen_envoy_api::v3::discovery::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use lateen_envoy_api::v3::tls::Secret;
use lateen_envoy_api::{Any, json, pack, type_url};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::{Request, Response, Status, Streaming};

type Secrets = BTreeMap<String, Any>;

/// A running server.
pub struct Sds {
    secrets: watch::Sender<Secrets>,
    _runtime: Runtime,
}

impl Sds {
    /// Starts it; it has nothing yet.
    pub fn start(socket: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let secrets = watch::Sender::new(Secrets::new());
        let service = SecretDiscoveryServiceServer::new(Server(secrets.subscribe()));
        let listener = {
            let _inside = runtime.enter();
            tokio::net::UnixListener::bind(socket).unwrap()
        };
        let server = tonic::transport::Server::builder().add_service(service);
        runtime.spawn(server.serve_with_incoming(UnixListenerStream::new(listener)));
        Self { secrets, _runtime: runtime }
    }

    /// The certificate of the workload from now on.
    pub fn put_certificate(&self, pair: &Pair) {
        self.put(&json!({"name": "default", "tls_certificate": {
            "certificate_chain": {"inline_string": pair.certificate}, "private_key": {"inline_string": pair.key}}}));
    }

    /// The roots of the mesh from now on.
    pub fn put_roots(&self, pem: &str) {
        self.put(&json!({"name": "ROOTCA", "validation_context": {"trusted_ca": {"inline_string": pem}}}));
    }

    fn put(&self, secret: &Value) {
        let secret: Secret = json::decode_value(secret).unwrap();
        self.secrets.send_modify(|secrets| drop(secrets.insert(secret.name.clone(), pack(&secret))));
    }
}

struct Server(watch::Receiver<Secrets>);

#[tonic::async_trait]
impl SecretDiscoveryService for Server {
    type StreamSecretsStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaSecretsStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_secrets(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamSecretsStream>, Status> {
        let (sender, receiver) = mpsc::channel(8);
        tokio::spawn(serve(self.0.clone(), request.into_inner(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn delta_secrets(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaSecretsStream>, Status> {
        Err(Status::unimplemented("state of the world only"))
    }

    async fn fetch_secrets(&self, _: Request<DiscoveryRequest>) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }
}

/// Answers what is asked for when it is there, and again when it changes.
async fn serve(
    mut secrets: watch::Receiver<Secrets>,
    mut requests: Streaming<DiscoveryRequest>,
    sender: mpsc::Sender<Result<DiscoveryResponse, Status>>,
) {
    let mut wanted: Vec<String> = Vec::new();
    let (mut sent, mut version) = (Vec::new(), 0_u64);
    loop {
        tokio::select! {
            request = requests.message() => match request {
                Ok(Some(request)) => wanted = request.resource_names,
                _ => return,
            },
            changed = secrets.changed() => if changed.is_err() { return },
        }
        let present: Vec<Any> = {
            let secrets = secrets.borrow_and_update();
            wanted.iter().filter_map(|name| secrets.get(name).cloned()).collect()
        };
        if present.is_empty() || present == sent {
            continue;
        }
        version += 1;
        sent.clone_from(&present);
        let response = DiscoveryResponse {
            version_info: version.to_string(),
            nonce: version.to_string(),
            type_url: type_url::SECRET.to_owned(),
            resources: present,
            ..Default::default()
        };
        if sender.send(Ok(response)).await.is_err() {
            return;
        }
    }
}

//! A Kubernetes cluster, read through its API.
//! In come a kubeconfig and the names of objects; out come the objects as JSON.
//! Nothing is written to the cluster, every wait ends, and what an object means is never asked here.

mod error;
mod follow;
mod injector;
mod kubeconfig;
mod proxy;
mod resource;

pub use error::ClusterError;
pub use follow::Following;
pub use injector::{InjectorConfig, InjectorConfigError, InjectorConfigMaps, InjectorPart};
pub use resource::Resource;

use std::path::Path;
use std::time::Duration;

use kube::Client;
use kube::api::{GetParams, ListParams};
use kube::core::Request;
use serde_json::Value as Json;

use error::causes;
use kubeconfig::Environment;

/// How long a connection may take, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long a request may take, connection and retries included.
const REQUEST_LIMIT: Duration = Duration::from_secs(15);

/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Objects in one answer to a list; further ones are asked for.
const PAGE: u32 = 500;

/// Most pages of a list that are followed.
const MAX_PAGES: usize = 1000;

/// A cluster and the user of a context of it. A copy shares its connections.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    /// What messages call it.
    name: String,
    limit: Duration,
}

impl Cluster {
    /// Finds a cluster as kubectl does and makes a client for it; nothing is sent yet.
    ///
    /// The kubeconfig is the given file, else the files of `KUBECONFIG`, else `~/.kube/config`; without
    /// any, the cluster is the one that this pod runs in. Without a `context` it is the current one.
    /// A proxy is the one that the kubeconfig names, else that of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    /// A program that the kubeconfig names for credentials is run, and takes as long as it takes.
    /// Must be called within a tokio runtime with IO and time.
    pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self, ClusterError> {
        let environment = Environment::of_process();
        Self::found(kubeconfig::find(kubeconfig, context, &environment)?, &environment).await
    }

    async fn found(found: kubeconfig::Found, environment: &Environment) -> Result<Self, ClusterError> {
        let (mut config, name) = found.load(&environment.proxies).await?;
        config.connect_timeout = Some(CONNECT_LIMIT);
        let client = Client::try_from(config)
            .map_err(|why| ClusterError::Config { config: format!("the settings for {name}"), why: causes(&why) })?;
        Ok(Self { client, name, limit: REQUEST_LIMIT })
    }

    /// The cluster that this process runs in as a pod, by its service account; `None` when it is no pod or has none.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClusterError::Config`] when the service account is of no use.
    pub async fn of_this_pod() -> Result<Option<Self>, ClusterError> {
        let environment = Environment::of_process();
        if environment.service_host.is_none() || !Path::new(SERVICE_ACCOUNT_TOKEN).exists() {
            return Ok(None);
        }
        Self::found(kubeconfig::Found::Pod, &environment).await.map(Some)
    }

    /// What messages call the cluster: its server, and the context it was found by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace of the context; `default` when it names none.
    pub fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// One object.
    ///
    /// `namespace` is not looked at for resources without namespaces. An object that is not there is
    /// [`ClusterError::NotFound`].
    pub async fn get(&self, resource: Resource, namespace: &str, name: &str) -> Result<Json, ClusterError> {
        if resource.namespaced {
            checked("namespace", namespace)?;
        }
        let name = checked(resource.kind, name)?;
        let asked = resource.shown(Some(namespace), name);
        let request = Request::new(resource.path(Some(namespace))).get(name, &GetParams::default());
        self.ask(request, &asked).await
    }

    /// All objects of a namespace, or of all namespaces, that a label selector picks; an empty one picks all.
    ///
    /// Items carry `apiVersion` and `kind`, which Kubernetes leaves out in lists.
    pub async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Json>, ClusterError> {
        let asked = match namespace.filter(|_| resource.namespaced) {
            Some(namespace) => format!("the {} of namespace {namespace}", resource.plural),
            None => format!("the {}", resource.plural),
        };
        if let Some(namespace) = namespace {
            checked("namespace", namespace)?;
        }
        let mut params = ListParams::default().limit(PAGE);
        if !selector.is_empty() {
            params = params.labels(selector);
        }
        let mut objects = Vec::new();
        for _ in 0..MAX_PAGES {
            let request = Request::new(resource.path(namespace)).list(&params);
            let mut page = self.ask(request, &asked).await?;
            let Some(Json::Array(items)) = page.get_mut("items").map(Json::take) else {
                let why = "a list without `items`".to_owned();
                return Err(ClusterError::Answer { asked, cluster: self.name.clone(), why });
            };
            objects.extend(items.into_iter().map(|item| typed(resource, item)));
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => params = params.continue_token(token),
                _ => return Ok(objects),
            }
        }
        let why = format!("a list of more than {MAX_PAGES} pages");
        Err(ClusterError::Answer { asked, cluster: self.name.clone(), why })
    }

    /// A ConfigMap.
    pub async fn config_map(&self, namespace: &str, name: &str) -> Result<Json, ClusterError> {
        self.get(Resource::CONFIG_MAPS, namespace, name).await
    }

    /// A Namespace.
    pub async fn namespace(&self, name: &str) -> Result<Json, ClusterError> {
        self.get(Resource::NAMESPACES, "", name).await
    }

    /// A Pod.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<Json, ClusterError> {
        self.get(Resource::PODS, namespace, name).await
    }

    /// A Deployment.
    pub async fn deployment(&self, namespace: &str, name: &str) -> Result<Json, ClusterError> {
        self.get(Resource::DEPLOYMENTS, namespace, name).await
    }

    /// All MutatingWebhookConfigurations.
    pub async fn mutating_webhooks(&self) -> Result<Vec<Json>, ClusterError> {
        self.list(Resource::MUTATING_WEBHOOK_CONFIGURATIONS, None, "").await
    }

    /// The Pods of a namespace that a label selector picks, such as `app=reviews,version!=v1`.
    pub async fn pods_of(&self, namespace: &str, selector: &str) -> Result<Vec<Json>, ClusterError> {
        self.list(Resource::PODS, Some(namespace), selector).await
    }

    /// Sends a request and waits for its answer, no longer than the limit.
    async fn ask(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        asked: &str,
    ) -> Result<Json, ClusterError> {
        let (asked, cluster) = (asked.to_owned(), self.name.clone());
        let answer = async {
            let request = request.map_err(kube::Error::BuildRequest)?;
            self.client.request_text(request).await
        };
        match tokio::time::timeout(self.limit, answer).await {
            Err(_) => Err(ClusterError::Timeout { asked, cluster, limit: self.limit }),
            Ok(Err(why)) => Err(ClusterError::from_kube(why, asked, cluster)),
            Ok(Ok(text)) => serde_json::from_str(&text).map_err(|why| {
                let why = format!("something that is not JSON ({why})");
                ClusterError::Answer { asked, cluster, why }
            }),
        }
    }
}

/// A name that is safe in a path.
fn checked<'a>(what: &'static str, name: &'a str) -> Result<&'a str, ClusterError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'_');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_name) {
        return Err(ClusterError::Name { what, name: name.to_owned() });
    }
    Ok(name)
}

fn typed(resource: Resource, mut object: Json) -> Json {
    if let Json::Object(fields) = &mut object {
        fields.entry("apiVersion").or_insert_with(|| resource.api_version().into());
        fields.entry("kind").or_insert_with(|| resource.kind.into());
    }
    object
}

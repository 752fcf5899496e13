//! Where the control plane is.
//! In: the bootstrap's `ads_config` and the static cluster that it names, or a URI. Out: a channel's endpoint.

use lateen_envoy_api::{Bootstrap, unpack, v3};
use lateen_proxy_core::bootstrap::AdsConfig;
use lateen_xds::client::endpoint;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::Endpoint;
use v3::core::address::Address;
use v3::core::socket_address::PortSpecifier;
use v3::endpoint::lb_endpoint::HostIdentifier;

/// A control plane and what to ask it for.
pub(crate) struct Target {
    pub endpoint: Endpoint,
    pub delta: bool,
    pub clusters: bool,
    pub listeners: bool,
    pub metadata: MetadataMap,
}

/// Why there is no way to the control plane.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum TargetError {
    #[error("ads_config names cluster {0:?}, which is not among static_resources.clusters")]
    NoCluster(String),
    #[error("static cluster {0:?} has no endpoint with an address; ads_config needs one")]
    NoAddress(String),
    #[error(
        "static cluster {0:?}: transport_socket: TLS towards the control plane is not supported; \
         use its plain text port or a Unix domain socket"
    )]
    Tls(String),
    #[error("{uri:?} is no address of a control plane: {reason}; use http://host:port")]
    Uri { uri: String, reason: String },
    #[error("initial_metadata: {0:?} is no gRPC metadata")]
    Metadata(String),
}

impl Target {
    /// By a URI: everything, and only what changes, as Istio's proxies ask for it.
    ///
    /// # Errors
    /// When it is no URI.
    pub fn of_uri(uri: &str) -> Result<Self, TargetError> {
        let with_scheme =
            if uri.contains("://") || uri.starts_with("unix:") { uri.to_owned() } else { format!("http://{uri}") };
        if with_scheme.starts_with("https:") {
            return Err(TargetError::Uri { uri: uri.to_owned(), reason: "TLS is not supported".to_owned() });
        }
        Ok(Self {
            endpoint: open(&with_scheme)?,
            delta: true,
            clusters: true,
            listeners: true,
            metadata: MetadataMap::new(),
        })
    }

    /// By a bootstrap.
    ///
    /// # Errors
    /// When the cluster is missing, or cannot be reached in a way that is known here.
    pub fn of_bootstrap(bootstrap: &Bootstrap, ads: &AdsConfig) -> Result<Self, TargetError> {
        let named = bootstrap.clusters.iter().find(|(name, _)| *name == ads.cluster);
        let cluster: Option<v3::cluster::Cluster> = named.and_then(|(_, body)| unpack(body).ok());
        let cluster = cluster.ok_or_else(|| TargetError::NoCluster(ads.cluster.clone()))?;
        let mut metadata = MetadataMap::new();
        for (name, value) in &ads.metadata {
            let bad = || TargetError::Metadata(name.clone());
            let key: AsciiMetadataKey = name.to_ascii_lowercase().parse().map_err(|_| bad())?;
            let value: AsciiMetadataValue = value.parse().map_err(|_| bad())?;
            metadata.append(key, value);
        }
        let mut endpoint = open(&uri_of(&cluster)?)?;
        if !ads.authority.is_empty() {
            let origin = format!("http://{}", ads.authority);
            let bad = |reason: String| TargetError::Uri { uri: origin.clone(), reason };
            endpoint = endpoint.origin(origin.parse().map_err(|error| bad(format!("{error}")))?);
        }
        Ok(Self { endpoint, delta: ads.delta, clusters: ads.clusters, listeners: ads.listeners, metadata })
    }
}

/// The server that a cluster leads to.
///
/// # Errors
/// When it cannot be reached in a way that is known here.
pub(crate) fn server_of(cluster: &v3::cluster::Cluster) -> Result<(String, Endpoint), TargetError> {
    let uri = uri_of(cluster)?;
    let endpoint = open(&uri)?;
    Ok((uri, endpoint))
}

/// The server behind a Unix domain socket.
///
/// # Errors
/// When the path cannot stand in a URI.
pub(crate) fn server_at(path: &std::path::Path) -> Result<(String, Endpoint), TargetError> {
    let uri = format!("unix:{}", path.display());
    let endpoint = open(&uri)?;
    Ok((uri, endpoint))
}

fn uri_of(cluster: &v3::cluster::Cluster) -> Result<String, TargetError> {
    if cluster.transport_socket.as_ref().is_some_and(|socket| !socket.name.ends_with("raw_buffer")) {
        return Err(TargetError::Tls(cluster.name.clone()));
    }
    let address = address_of(cluster).ok_or_else(|| TargetError::NoAddress(cluster.name.clone()))?;
    match address {
        Address::Pipe(pipe) => Ok(format!("unix:{}", pipe.path)),
        Address::SocketAddress(socket) => {
            let Some(PortSpecifier::PortValue(port)) = socket.port_specifier else {
                return Err(TargetError::NoAddress(cluster.name.clone()));
            };
            let host = &socket.address;
            Ok(if host.contains(':') { format!("http://[{host}]:{port}") } else { format!("http://{host}:{port}") })
        }
        Address::EnvoyInternalAddress(_) => Err(TargetError::NoAddress(cluster.name.clone())),
    }
}

fn open(uri: &str) -> Result<Endpoint, TargetError> {
    endpoint(uri).map_err(|error| TargetError::Uri { uri: uri.to_owned(), reason: error.to_string() })
}

fn address_of(cluster: &v3::cluster::Cluster) -> Option<&Address> {
    let assignment = cluster.load_assignment.as_ref()?;
    let endpoints = assignment.endpoints.iter().flat_map(|locality| &locality.lb_endpoints);
    let mut addresses = endpoints.filter_map(|endpoint| match endpoint.host_identifier.as_ref()? {
        HostIdentifier::Endpoint(endpoint) => endpoint.address.as_ref()?.address.as_ref(),
        HostIdentifier::EndpointName(_) => None,
    });
    addresses.next()
}

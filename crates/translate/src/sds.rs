//! Secrets by name: where a proxy gets each from, and those that the control plane itself serves.
//! In: what listeners and clusters ask for, the credentials that the world holds. Out: `SdsSecretConfig`s and Secrets.

use crate::values::{ads, duration};
use lateen_envoy_api::v3;
use lateen_envoy_api::v3::core::config_source::ConfigSourceSpecifier;
use lateen_envoy_api::v3::core::data_source::Specifier;
use lateen_envoy_api::v3::core::grpc_service::{EnvoyGrpc, TargetSpecifier};
use lateen_envoy_api::v3::core::{ApiConfigSource, ConfigSource, DataSource, GrpcService, api_config_source};
use lateen_envoy_api::v3::tls::{CertificateValidationContext, SdsSecretConfig, Secret, TlsCertificate, secret};
use lateen_model::{Proxy, Scope};
use std::collections::BTreeMap;
use std::time::Duration;

/// Name of the secret that holds the workload's own certificate.
const WORKLOAD_CERTIFICATE: &str = "default";
/// Name of the secret that holds the roots of the mesh.
const WORKLOAD_ROOTS: &str = "ROOTCA";
/// Name of the bootstrap's cluster that leads to the agent's SDS server.
const AGENT_CLUSTER: &str = "sds-grpc";

/// Metadata of the node: files with the certificate and the key of the workload as a server, and with the roots for
/// its clients, where somebody else than the agent takes care of them (`FILE_MOUNTED_CERTS`).
pub const SERVER_CHAIN: &str = "TLS_SERVER_CERT_CHAIN";
const SERVER_KEY: &str = "TLS_SERVER_KEY";
const SERVER_ROOTS: &str = "TLS_SERVER_ROOT_CERT";
/// The same for the workload as a client.
const CLIENT: [&str; 3] = ["TLS_CLIENT_CERT_CHAIN", "TLS_CLIENT_KEY", "TLS_CLIENT_ROOT_CERT"];

/// In the place of a file, the roots of the proxy's system (Istio `FileRootSystemCACert`). An agent knows where they
/// are. Envoy has a field for them (`system_root_certs`), which it reads and goes by in gRPC clients alone: with that
/// it would trust everybody.
pub const SYSTEM_ROOTS: &str = "system";
/// Where they are without an agent, as in the images of Envoy and of Istio.
const SYSTEM_ROOTS_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A secret that is named but not there holds listeners and clusters back for this long, and no longer: Envoy would
/// wait 15 s, and without end if we said 0.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

fn named<'a>(proxy: &'a Proxy, key: &str) -> Option<&'a str> {
    proxy.metadata.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

/// Files for calls that the node names, as chain, key and roots; parts may be empty. Mutual TLS of the mesh uses them
/// in the place of the agent's certificate (Istio `buildMutualTLS`).
pub fn client_files(proxy: &Proxy) -> Option<[&str; 3]> {
    let [chain, key, roots] = CLIENT.map(|name| named(proxy, name));
    Some([chain?, key.unwrap_or_default(), roots.unwrap_or_default()])
}

/// What stands behind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The certificates of the mesh, which an agent makes.
    Workload,
    /// Certificate and key of a Secret.
    Pair,
    /// Roots of a Secret.
    Roots,
    /// Files of the proxy's machine.
    PairFiles { certificate_chain: String, private_key: String },
    /// Files of the proxy's machine; the revoked ones may be empty.
    RootsFiles { certificates: String, revoked: String },
}

/// A secret that is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name over SDS, as Istio's agent knows it.
    pub name: String,
    /// What stands behind it.
    pub origin: Origin,
}

/// Secrets that are asked for, by name.
pub type Secrets = BTreeMap<String, Origin>;

impl Wanted {
    /// The workload's own certificate: from the agent, or from files that the node names.
    pub fn workload_certificate(proxy: &Proxy) -> Self {
        match (named(proxy, SERVER_CHAIN), named(proxy, SERVER_KEY)) {
            (Some(chain), Some(key)) => Self::pair_files(chain, key),
            _ => Self { name: WORKLOAD_CERTIFICATE.to_owned(), origin: Origin::Workload },
        }
    }

    /// The roots of the mesh, for certificates of clients; with revoked ones from a file unless its name is empty.
    pub fn workload_roots(proxy: &Proxy, revoked: &str) -> Self {
        match named(proxy, SERVER_ROOTS) {
            Some(roots) => Self::roots_files(proxy, roots, revoked),
            None => Self { name: WORKLOAD_ROOTS.to_owned(), origin: Origin::Workload },
        }
    }

    /// The workload's own certificate, for calls.
    pub fn client_certificate() -> Self {
        Self { name: WORKLOAD_CERTIFICATE.to_owned(), origin: Origin::Workload }
    }

    /// The roots of the mesh, for certificates of those that are called.
    pub fn client_roots() -> Self {
        Self { name: WORKLOAD_ROOTS.to_owned(), origin: Origin::Workload }
    }

    /// The certificate of a Secret.
    pub fn pair(credential: &str) -> Self {
        Self { name: lateen_model::credential::resource_name(credential), origin: Origin::Pair }
    }

    /// The roots of a Secret, beside the certificate or in a Secret of their own.
    pub fn roots(credential: &str) -> Self {
        let name = lateen_model::credential::resource_name(credential);
        let suffix = lateen_model::credential::ROOTS_SUFFIX;
        let name = if name.ends_with(suffix) { name } else { name + suffix };
        Self { name, origin: Origin::Roots }
    }

    /// A certificate in files.
    pub fn pair_files(certificate_chain: &str, private_key: &str) -> Self {
        Self {
            name: format!("file-cert:{certificate_chain}~{private_key}"),
            origin: Origin::PairFiles {
                certificate_chain: certificate_chain.to_owned(),
                private_key: private_key.to_owned(),
            },
        }
    }

    /// Roots in a file, with revoked certificates in another one unless its name is empty. An agent knows no name for
    /// the second file.
    pub fn roots_files(proxy: &Proxy, certificates: &str, revoked: &str) -> Self {
        let mut name = format!("file-root:{certificates}");
        if !revoked.is_empty() && !proxy.has_agent() {
            name = format!("{name}~{revoked}");
        }
        let origin = Origin::RootsFiles { certificates: certificates.to_owned(), revoked: revoked.to_owned() };
        Self { name, origin }
    }

    /// Whether somebody has it: the agent, the proxy's own disk as far as we can know, or a Secret of the proxy's
    /// namespace.
    pub fn is_held(&self, scope: &Scope) -> bool {
        let credentials = &scope.snapshot.credentials;
        match self.origin {
            Origin::Workload => scope.proxy.has_agent(),
            Origin::Pair => credentials.pair(&scope.proxy.namespace, &self.name).is_some(),
            Origin::Roots => credentials.roots(&scope.proxy.namespace, &self.name).is_some(),
            Origin::PairFiles { .. } | Origin::RootsFiles { .. } => true,
        }
    }

    /// Where the proxy gets it, and notes that it will ask.
    pub fn ask(self, proxy: &Proxy, secrets: &mut Secrets) -> SdsSecretConfig {
        let from_agent = proxy.has_agent() && !matches!(self.origin, Origin::Pair | Origin::Roots);
        let sds_config = if from_agent { agent() } else { control_plane() };
        secrets.insert(self.name.clone(), self.origin);
        SdsSecretConfig { name: self.name, sds_config }
    }
}

/// The secrets that the control plane serves, by name: those of Secrets by content, those of files as references.
///
/// Files are served as a Secret too, and not written into the listener: Envoy refuses a listener as a whole when a
/// file of one of its filter chains is missing, but a Secret alone. It watches the folders of the files in both cases.
pub fn served(scope: &Scope, secrets: &Secrets) -> Vec<Secret> {
    secrets.iter().filter_map(|(name, origin)| one(scope, name, origin)).collect()
}

fn one(scope: &Scope, name: &str, origin: &Origin) -> Option<Secret> {
    let namespace = &scope.proxy.namespace;
    let credentials = &scope.snapshot.credentials;
    let kind = match origin {
        Origin::Pair => {
            let pair = credentials.pair(namespace, name)?;
            secret::Type::TlsCertificate(TlsCertificate {
                certificate_chain: bytes(&pair.certificate_chain),
                private_key: bytes(&pair.private_key),
                ocsp_staple: pair.ocsp_staple.as_deref().and_then(bytes),
                ..Default::default()
            })
        }
        Origin::Roots => {
            let roots = credentials.roots(namespace, name)?;
            secret::Type::ValidationContext(CertificateValidationContext {
                trusted_ca: bytes(&roots.certificates),
                crl: roots.revoked.as_deref().and_then(bytes),
                ..Default::default()
            })
        }
        Origin::Workload | Origin::PairFiles { .. } | Origin::RootsFiles { .. } if scope.proxy.has_agent() => {
            return None;
        }
        Origin::Workload => return None,
        Origin::PairFiles { certificate_chain, private_key } => secret::Type::TlsCertificate(TlsCertificate {
            certificate_chain: file(certificate_chain),
            private_key: file(private_key),
            ..Default::default()
        }),
        Origin::RootsFiles { certificates, revoked } => secret::Type::ValidationContext(CertificateValidationContext {
            trusted_ca: file(if certificates == SYSTEM_ROOTS { SYSTEM_ROOTS_FILE } else { certificates }),
            crl: self::revoked(revoked),
            ..Default::default()
        }),
    };
    Some(Secret { name: name.to_owned(), r#type: Some(kind) })
}

/// Puts the file of revoked certificates into `context`, unless the secret of the roots has them: an agent knows none.
pub fn agent_revoked(proxy: &Proxy, roots: &Wanted, revoked: &str, context: &mut CertificateValidationContext) {
    let beside = match &roots.origin {
        Origin::Workload => true,
        Origin::RootsFiles { .. } => proxy.has_agent(),
        Origin::Pair | Origin::Roots | Origin::PairFiles { .. } => false,
    };
    if beside {
        context.crl = self::revoked(revoked);
    }
}

/// A file of revoked certificates, unless its name is empty.
pub fn revoked(path: &str) -> Option<DataSource> {
    if path.is_empty() { None } else { file(path) }
}

/// A file of the proxy's machine.
fn file(path: &str) -> Option<DataSource> {
    Some(DataSource { specifier: Some(Specifier::Filename(path.to_owned())), ..Default::default() })
}

fn bytes(bytes: &[u8]) -> Option<DataSource> {
    Some(DataSource { specifier: Some(Specifier::InlineBytes(bytes.to_vec())), ..Default::default() })
}

fn control_plane() -> Option<ConfigSource> {
    ads().map(|source| ConfigSource { initial_fetch_timeout: duration(FETCH_LIMIT), ..source })
}

/// The agent of this proxy; it always answers in the end, so there is no limit.
fn agent() -> Option<ConfigSource> {
    let grpc = EnvoyGrpc { cluster_name: AGENT_CLUSTER.to_owned(), ..Default::default() };
    let api = ApiConfigSource {
        api_type: api_config_source::ApiType::Grpc.into(),
        transport_api_version: v3::core::ApiVersion::V3.into(),
        grpc_services: vec![GrpcService {
            target_specifier: Some(TargetSpecifier::EnvoyGrpc(grpc)),
            ..Default::default()
        }],
        set_node_on_first_message_only: true,
        ..Default::default()
    };
    Some(ConfigSource {
        config_source_specifier: Some(ConfigSourceSpecifier::ApiConfigSource(api)),
        initial_fetch_timeout: duration(Duration::ZERO),
        resource_api_version: v3::core::ApiVersion::V3.into(),
        ..Default::default()
    })
}

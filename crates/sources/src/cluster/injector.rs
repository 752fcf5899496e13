//! What Istio's injector in a cluster is configured with: two ConfigMaps of its namespace.
//! In come a namespace and a revision; out come the three texts that injection needs, as they stand.

use serde_json::Value as Json;

use super::{Cluster, ClusterError};

/// Says how to do without a cluster, for whoever cannot reach one.
const WITHOUT: &str = "give --injectConfigFile, --meshConfigFile and --valuesFile to work without a cluster";

/// Which ConfigMaps hold the configuration of an injector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectorConfigMaps {
    /// The namespace of Istio, such as `istio-system`.
    pub namespace: String,
    /// Holds key `mesh`.
    pub mesh: String,
    /// Holds keys `config` and `values`.
    pub injector: String,
}

impl InjectorConfigMaps {
    /// The ConfigMaps of a revision: `istio[-REV]` and `istio-sidecar-injector[-REV]`.
    ///
    /// The empty revision and `default` have no suffix, as in Istio.
    pub fn of_revision(namespace: &str, revision: &str) -> Self {
        let suffix = match revision {
            "" | "default" => String::new(),
            revision => format!("-{revision}"),
        };
        Self {
            namespace: namespace.to_owned(),
            mesh: format!("istio{suffix}"),
            injector: format!("istio-sidecar-injector{suffix}"),
        }
    }

    /// The ConfigMap that holds a part.
    pub fn name_of(&self, part: InjectorPart) -> &str {
        match part {
            InjectorPart::Mesh => &self.mesh,
            InjectorPart::Config | InjectorPart::Values => &self.injector,
        }
    }
}

/// One text of an injector's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectorPart {
    /// MeshConfig in YAML: key `mesh`.
    Mesh,
    /// Templates, policy and selectors in YAML: key `config`.
    Config,
    /// Helm values in JSON: key `values`.
    Values,
}

impl InjectorPart {
    /// The key in its ConfigMap.
    pub fn key(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::Config => "config",
            Self::Values => "values",
        }
    }
}

/// The configuration of an injector, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectorConfig {
    /// MeshConfig in YAML: key `mesh`.
    pub mesh: String,
    /// Templates, policy and selectors in YAML: key `config`.
    pub config: String,
    /// Helm values in JSON: key `values`.
    pub values: String,
}

/// Why a cluster gave no configuration of an injector.
#[derive(Debug, thiserror::Error)]
pub enum InjectorConfigError {
    /// A ConfigMap could not be read.
    #[error("{error}; {hint}")]
    Cluster {
        /// What the cluster said.
        error: ClusterError,
        /// What to do.
        hint: String,
    },
    /// A ConfigMap lacks a key.
    #[error("ConfigMap {namespace}/{name} of {cluster} has no key `{key}`; it has {keys}; {WITHOUT}")]
    MissingKey {
        /// Namespace of the ConfigMap.
        namespace: String,
        /// Name of the ConfigMap.
        name: String,
        /// The key.
        key: &'static str,
        /// The keys that are there.
        keys: String,
        /// Which cluster.
        cluster: String,
    },
}

impl From<ClusterError> for InjectorConfigError {
    fn from(error: ClusterError) -> Self {
        let hint = if error.is_not_found() {
            format!("say where Istio is with --istioNamespace and --revision, or {WITHOUT}")
        } else {
            WITHOUT.to_owned()
        };
        Self::Cluster { error, hint }
    }
}

impl Cluster {
    /// What the injector of a cluster is configured with.
    pub async fn injector_config(&self, maps: &InjectorConfigMaps) -> Result<InjectorConfig, InjectorConfigError> {
        let mesh = self.injector_map(maps, InjectorPart::Mesh).await?;
        let injector = self.injector_map(maps, InjectorPart::Config).await?;
        Ok(InjectorConfig {
            mesh: self.text(maps, &mesh, InjectorPart::Mesh)?,
            config: self.text(maps, &injector, InjectorPart::Config)?,
            values: self.text(maps, &injector, InjectorPart::Values)?,
        })
    }

    /// One text of what the injector of a cluster is configured with.
    pub async fn injector_part(
        &self,
        maps: &InjectorConfigMaps,
        part: InjectorPart,
    ) -> Result<String, InjectorConfigError> {
        self.text(maps, &self.injector_map(maps, part).await?, part)
    }

    async fn injector_map(&self, maps: &InjectorConfigMaps, part: InjectorPart) -> Result<Json, InjectorConfigError> {
        Ok(self.config_map(&maps.namespace, maps.name_of(part)).await?)
    }

    fn text(&self, maps: &InjectorConfigMaps, map: &Json, part: InjectorPart) -> Result<String, InjectorConfigError> {
        let key = part.key();
        if let Some(text) = map["data"][key].as_str() {
            return Ok(text.to_owned());
        }
        let keys: Vec<_> = map["data"].as_object().into_iter().flatten().map(|(key, _)| format!("`{key}`")).collect();
        Err(InjectorConfigError::MissingKey {
            namespace: maps.namespace.clone(),
            name: maps.name_of(part).to_owned(),
            key,
            keys: if keys.is_empty() { "none".to_owned() } else { keys.join(", ") },
            cluster: self.name().to_owned(),
        })
    }
}

//! Reading a bootstrap file.
//! In: a path or text. Out: the message, or an error that names file, line and field.

use lateen_envoy_api::json::{self, JsonError};
use lateen_envoy_api::{Any, pack, v3};
use std::path::{Path, PathBuf};

/// Why there is no bootstrap.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum BootstrapError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Decode { path: PathBuf, source: JsonError },
    #[error("{}: only JSON is read; turn the YAML into JSON first (`yq -o json`)", path.display())]
    Yaml { path: PathBuf },
}

/// Reads a bootstrap from a JSON file.
///
/// # Errors
/// When the file cannot be read, is no JSON, or has a field that `Bootstrap` does not have.
pub fn read(path: &Path) -> Result<v3::bootstrap::Bootstrap, BootstrapError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| BootstrapError::Read { path: path.to_owned(), source })?;
    let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    match json::decode(&text) {
        Ok(bootstrap) => Ok(bootstrap),
        Err(_) if yaml && !text.trim_start().starts_with('{') => Err(BootstrapError::Yaml { path: path.to_owned() }),
        Err(source) => Err(BootstrapError::Decode { path: path.to_owned(), source }),
    }
}

/// The static resources as they would come over discovery: name and message.
pub(super) fn static_resources(bootstrap: &v3::bootstrap::Bootstrap) -> Vec<(String, Any)> {
    let Some(resources) = &bootstrap.static_resources else { return Vec::new() };
    let clusters = resources.clusters.iter().map(|cluster| (cluster.name.clone(), pack(cluster)));
    let listeners = resources.listeners.iter().enumerate().map(|(index, listener)| {
        // Envoy makes a name up too.
        let name = if listener.name.is_empty() { format!("listener_{index}") } else { listener.name.clone() };
        (name, pack(listener))
    });
    let secrets = resources.secrets.iter().map(|secret| (secret.name.clone(), pack(secret)));
    clusters.chain(listeners).chain(secrets).collect()
}

//! Reading a bootstrap file.
//! In: a path or text. Out: the message, or an error that names file, line and field.

use lateen_envoy_api::json::JsonError;
use lateen_envoy_api::{Any, Bootstrap};
use std::mem::take;
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
pub fn read(path: &Path) -> Result<Bootstrap, BootstrapError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| BootstrapError::Read { path: path.to_owned(), source })?;
    let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    match Bootstrap::decode(&text) {
        Ok(bootstrap) => Ok(bootstrap),
        Err(_) if yaml && !text.trim_start().starts_with('{') => Err(BootstrapError::Yaml { path: path.to_owned() }),
        Err(source) => Err(BootstrapError::Decode { path: path.to_owned(), source }),
    }
}

/// The static resources as they would come over discovery: name and message.
pub(super) fn static_resources(bootstrap: &mut Bootstrap) -> impl Iterator<Item = (String, Any)> + use<> {
    let clusters = take(&mut bootstrap.clusters).into_iter();
    let listeners = take(&mut bootstrap.listeners).into_iter().enumerate().map(|(index, (name, body))| {
        // Envoy makes a name up too.
        (if name.is_empty() { format!("listener_{index}") } else { name }, body)
    });
    clusters.chain(listeners).chain(take(&mut bootstrap.secrets))
}

//! What an IstioOperator says about injection.
//! In: the text of a file. Out: values and mesh configuration as texts.
//! Never here: installation.

use lateen_config::json_documents;
use serde_json::Value as Json;

use crate::config::ConfigError;

/// Values and mesh configuration of an IstioOperator.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorSettings {
    /// Name and text of the values; `{}` when there are none.
    pub values: (String, String),
    /// Name and text of the mesh configuration, if there is one.
    pub mesh: Option<(String, String)>,
}

/// Reads `spec.values` and `spec.meshConfig` of the first IstioOperator of a text.
///
/// # Errors
/// [`ConfigError::Values`] when the text does not parse or holds no IstioOperator.
pub fn operator_settings(file: &str, text: &str) -> Result<OperatorSettings, ConfigError> {
    let wrong = |problem: String| ConfigError::Values { file: file.to_owned(), problem };
    for document in json_documents(file, text) {
        if let Some(finding) = document.error {
            return Err(wrong(format!("{}: {}", finding.place, finding.message)));
        }
        let json = document.value.unwrap_or_default();
        if json.get("kind").and_then(Json::as_str) != Some("IstioOperator") {
            continue;
        }
        let part = |field: &str| json.get("spec").and_then(|spec| spec.get(field)).filter(|part| !part.is_null());
        let values = part("values").map_or_else(|| "{}".to_owned(), Json::to_string);
        let mesh = part("meshConfig").map(|mesh| (format!("{file}: spec.meshConfig"), mesh.to_string()));
        return Ok(OperatorSettings { values: (format!("{file}: spec.values"), values), mesh });
    }
    Err(wrong("it holds no object of kind IstioOperator".to_owned()))
}

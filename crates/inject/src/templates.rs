//! lateen's own templates and values, for whoever brings none.
//! In: nothing. Out: texts in the form of ConfigMap `istio-sidecar-injector`.
//! Never here: rendering.

use serde_json::json;

const SIDECAR: &str = include_str!("templates/sidecar.yaml");
const GATEWAY: &str = include_str!("templates/gateway.yaml");
const VALUES: &str = include_str!("templates/values.yaml");

/// Name and text of the injector's configuration with lateen's templates `sidecar` and `gateway`.
pub fn config() -> (String, String) {
    let config = json!({
        "policy": "enabled",
        "defaultTemplates": ["sidecar"],
        "templates": { "sidecar": SIDECAR, "gateway": GATEWAY },
    });
    ("lateen's own templates".to_owned(), config.to_string())
}

/// Name and text of the values that they are filled with; the image has the version of this program.
pub fn values() -> (String, String) {
    ("lateen's own values".to_owned(), VALUES.replace("VERSION", env!("CARGO_PKG_VERSION")))
}

//! Which workload an echo server plays.
//! In come the names of a Service and one of its Deployments; out come the headers and the JSON
//! object by which every answer names them.

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

/// The workload in whose name answers are given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Echo {
    /// Name of the Service, such as `reviews`.
    pub service: String,
    /// Value of the label `version` of the workload, such as `v2`; empty when it has none.
    pub version: String,
    /// Name of the pod, such as `reviews-v2-0`.
    pub pod: String,
    /// Namespace of the workload.
    pub namespace: String,
}

impl Echo {
    /// The JSON object that answers carry under the key `echo`.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "service": self.service,
            "version": self.version,
            "namespace": self.namespace,
            "pod": self.pod,
        })
    }

    /// Adds `x-echo-service`, `x-echo-version`, `x-echo-namespace` and `x-echo-pod`.
    ///
    /// A name that cannot stand in a header (a line break, for one) is left out there.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-echo-service", &self.service),
            ("x-echo-version", &self.version),
            ("x-echo-namespace", &self.namespace),
            ("x-echo-pod", &self.pod),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }

    /// One line of text: service, version and pod.
    pub(crate) fn line(&self) -> String {
        match self.version.as_str() {
            "" => format!("{} ({})", self.service, self.pod),
            version => format!("{} {version} ({})", self.service, self.pod),
        }
    }
}

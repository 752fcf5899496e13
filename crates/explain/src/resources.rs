//! Provenance: the file, line, object and field that the control plane wrote into a resource.
//! In: the metadata of a resource. Out: a [`Source`], or nothing when the resource tells nothing.

use lateen_proxy_core::ir::Metadata;
use serde::Serialize;
use std::fmt;

/// Which line of which file asked for something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// `file:line`.
    pub place: String,
    /// `VirtualService ns/name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// `spec.http[0].match[1]`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
}

impl Source {
    /// What `metadata` tells.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        let row = metadata.get("lateen")?;
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let source = Self { place: text("place"), object: text("object"), field: text("field") };
        (source != Self::default()).then_some(source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.place, &self.object, &self.field];
        let parts: Vec<&str> = parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join("  "))
    }
}

//! How resources are made, apart from what they say.
//! In and out: plain values.

use std::collections::BTreeSet;

/// Settings of a translation.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether every part carries the object, field and line that it comes from (`filter_metadata["lateen"]`).
    pub provenance: bool,
    /// Names of the extensions that the client has (`Node.extensions`); `None` when it did not say.
    /// Filters that only observe are left out where the client lacks them.
    pub extensions: Option<BTreeSet<String>>,
}

impl Options {
    /// Whether the client has this extension, as far as is known.
    pub fn client_has(&self, extension: &str) -> bool {
        self.extensions.as_ref().is_none_or(|known| known.contains(extension))
    }
}

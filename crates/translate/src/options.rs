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
    /// What is done about servers whose certificates are in no Secret.
    pub missing_credentials: MissingCredentials,
}

/// What is done about a server whose certificates nobody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingCredentials {
    /// They are named as if they were there: somebody else may serve them, or nothing is served at all.
    #[default]
    Assume,
    /// Connections to the server are closed. A proxy neither waits for what does not come, nor goes on with a
    /// certificate that was taken away (Envoy keeps a secret that is removed from SDS).
    Close,
}

impl Options {
    /// Whether the client has this extension, as far as is known.
    pub fn client_has(&self, extension: &str) -> bool {
        self.extensions.as_ref().is_none_or(|known| known.contains(extension))
    }
}

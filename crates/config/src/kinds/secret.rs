//! Kubernetes Secret: certificates and keys. Its values never show in debug output.

use std::collections::BTreeMap;

use crate::decode::message;

message! {
    /// A v1 Secret.
    pub struct Secret: open {
        /// Such as `kubernetes.io/tls`.
        r#type: String,
        /// Values, base64 in the document.
        data: BTreeMap<String, SecretValue>,
        /// Values in clear; they win over `data`.
        string_data: BTreeMap<String, SecretText>,
        /// Whether it may not change.
        immutable: Option<bool>,
    }
}

/// Bytes of a secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretValue(pub Vec<u8>);

/// Text of a secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText(pub String);

impl Secret {
    /// The value of a key: `stringData` wins over `data`.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        match self.string_data.get(key) {
            Some(text) => Some(text.0.as_bytes()),
            None => self.data.get(key).map(|value| value.0.as_slice()),
        }
    }

    /// All keys, without repetition.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let data = self.data.keys().map(String::as_str);
        let text = self.string_data.keys().map(String::as_str);
        data.chain(text.filter(|key| !self.data.contains_key(*key)))
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

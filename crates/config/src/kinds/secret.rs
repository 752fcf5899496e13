//! Kubernetes Secret: certificates and keys. Its values never show in debug output.

use std::collections::BTreeMap;

use crate::At;
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
pub struct SecretValue {
    /// The bytes, decoded.
    pub bytes: Vec<u8>,
    /// Where they are written.
    pub at: At,
}

/// Text of a secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText {
    /// The text.
    pub text: String,
    /// Where it is written.
    pub at: At,
}

impl Secret {
    /// The value of a key: `stringData` wins over `data`.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        match self.string_data.get(key) {
            Some(text) => Some(text.text.as_bytes()),
            None => self.data.get(key).map(|value| value.bytes.as_slice()),
        }
    }

    /// Where the value of a key is written, and its field path; neither for a key that is not there.
    pub fn place_of(&self, key: &str) -> Option<(At, String)> {
        let text = self.string_data.get(key).map(|text| (text.at, format!("stringData[{key}]")));
        text.or_else(|| self.data.get(key).map(|value| (value.at, format!("data[{key}]"))))
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
        write!(f, "[{} bytes]", self.bytes.len())
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.text.len())
    }
}

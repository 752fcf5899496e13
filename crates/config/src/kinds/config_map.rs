//! Kubernetes ConfigMap: texts with their places, so that a mistake inside one has a line.

use std::collections::BTreeMap;

use crate::decode::message;
use crate::place::Text;

message! {
    /// A v1 ConfigMap.
    pub struct ConfigMap: open {
        /// Texts.
        data: BTreeMap<String, Text>,
        /// Bytes, base64 in the document.
        binary_data: BTreeMap<String, Vec<u8>>,
    }
}

//! A bootstrap with its static resources beside it, each packed as discovery would bring it, so that a thousand of
//! them are decoded one at a time.
//!
//! In: JSON text, or the message. Out: the message without them, and the resources.
//! Never here: what a resource means.

use crate::json::{self, JsonError};
use crate::wire::{Fields, Raw};
use crate::{Any, type_url, v3};
use prost::Message as _;

/// `static_resources` of `envoy.config.bootstrap.v3.Bootstrap`, its number and those of its lists.
const STATIC_RESOURCES: u32 = 2;
const LISTENERS: u32 = 1;
const CLUSTERS: u32 = 2;
const SECRETS: u32 = 3;
/// `name` of each of the three kinds.
const NAME: u32 = 1;

/// A bootstrap taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bootstrap {
    /// All but `static_resources`.
    pub message: v3::bootstrap::Bootstrap,
    /// `static_resources.listeners`, in order: name and message.
    pub listeners: Vec<(String, Any)>,
    /// `static_resources.clusters`, in order.
    pub clusters: Vec<(String, Any)>,
    /// `static_resources.secrets`, in order.
    pub secrets: Vec<(String, Any)>,
    /// The whole bootstrap as it came.
    pub whole: Any,
}

impl Bootstrap {
    /// Reads JSON text; see [`json::decode`].
    ///
    /// # Errors
    /// [`JsonError`] as for [`json::decode`].
    pub fn decode(text: &str) -> Result<Self, JsonError> {
        let wire = json::to_wire::<v3::bootstrap::Bootstrap>(text)?;
        match Self::take_apart(wire) {
            Some(bootstrap) => Ok(bootstrap),
            // Only prost can say what it does not take.
            None => json::decode::<v3::bootstrap::Bootstrap>(text).map(Self::from),
        }
    }

    fn take_apart(wire: Vec<u8>) -> Option<Self> {
        let mut taken = Self::default();
        // What stands between the resources, which is all else.
        let mut rest = Vec::new();
        let mut fields = Fields(&wire);
        loop {
            let before = fields.0;
            match fields.next() {
                None => break,
                Some(Ok((STATIC_RESOURCES, Raw::Bytes(resources)))) => taken.take(resources)?,
                Some(Ok(_)) => rest.extend_from_slice(before.get(..before.len() - fields.0.len())?),
                Some(Err(_)) => return None,
            }
        }
        taken.message = v3::bootstrap::Bootstrap::decode(rest.as_slice()).ok()?;
        taken.whole = Any { type_url: type_url::BOOTSTRAP.to_owned(), value: wire };
        Some(taken)
    }

    fn take(&mut self, resources: &[u8]) -> Option<()> {
        for field in Fields(resources) {
            let (list, type_url, bytes) = match field.ok()? {
                (LISTENERS, Raw::Bytes(bytes)) => (&mut self.listeners, type_url::LISTENER, bytes),
                (CLUSTERS, Raw::Bytes(bytes)) => (&mut self.clusters, type_url::CLUSTER, bytes),
                (SECRETS, Raw::Bytes(bytes)) => (&mut self.secrets, type_url::SECRET, bytes),
                _ => return None,
            };
            let name = Fields(bytes).find_map(|field| match field {
                Ok((NAME, Raw::Bytes(name))) => Some(name),
                _ => None,
            });
            let name = std::str::from_utf8(name.unwrap_or_default()).ok()?.to_owned();
            list.push((name, Any { type_url: type_url.to_owned(), value: bytes.to_vec() }));
        }
        Some(())
    }
}

impl From<v3::bootstrap::Bootstrap> for Bootstrap {
    fn from(mut message: v3::bootstrap::Bootstrap) -> Self {
        let whole = crate::pack(&message);
        let resources = message.static_resources.take().unwrap_or_default();
        Self {
            message,
            listeners: resources.listeners.iter().map(|one| (one.name.clone(), crate::pack(one))).collect(),
            clusters: resources.clusters.iter().map(|one| (one.name.clone(), crate::pack(one))).collect(),
            secrets: resources.secrets.iter().map(|one| (one.name.clone(), crate::pack(one))).collect(),
            whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_out_of_text_is_the_one_out_of_the_message() {
        let text = r#"{
            "admin": {"address": {"pipe": {"path": "/a"}}},
            "staticResources": {
                "secrets": [{"name": "s", "tls_certificate": {"certificate_chain": {"filename": "/c"}}}],
                "clusters": [{"connect_timeout": "1s", "name": "b"}, {"name": "a"}],
                "listeners": [{"stat_prefix": "x", "address": {"pipe": {"path": "/l"}}}]
            },
            "node": {"id": "n", "metadata": {"a": {"b": [1, null]}}}
        }"#;
        let taken = Bootstrap::decode(text).unwrap();
        let message: v3::bootstrap::Bootstrap = json::decode(text).unwrap();
        assert_eq!(taken, Bootstrap::from(message.clone()));
        let names = |list: &[(String, Any)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&taken.clusters), ["b", "a"]);
        assert_eq!((names(&taken.listeners), names(&taken.secrets)), (vec![String::new()], vec!["s".to_owned()]));
        assert_eq!(taken.message.node, message.node);
        assert!(taken.message.static_resources.is_none());
    }

    #[test]
    fn an_error_is_the_decoder_s() {
        let text = "{\"static_resources\": {\"clusters\": [\n{\"name\": 7}]}}";
        let expected = json::decode::<v3::bootstrap::Bootstrap>(text).unwrap_err();
        assert_eq!(Bootstrap::decode(text).unwrap_err(), expected);
        assert_eq!((expected.line, expected.path.as_str()), (2, "static_resources.clusters[0].name"));
    }
}

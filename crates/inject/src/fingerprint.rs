//! What tells that a pod is just as this injector left it.
//! In: the pod, and what it was injected with. Out: a short text for the status annotation.
//! Never here: secrets; whoever can write annotations can leave a pod without a proxy by a label already.

use serde_json::Value as Json;

use crate::pod::Pod;
use crate::status;

/// FNV-1a over 64 bits: stable between versions and machines, which the standard library's hash is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// Of nothing yet.
    pub(crate) fn new() -> Fingerprint {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }

    /// With a text, its end marked.
    pub(crate) fn text(mut self, text: &str) -> Fingerprint {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// With labels, annotations but for the status, and spec of a pod; the order of keys does not matter.
    pub(crate) fn pod(self, pod: &Pod) -> Fingerprint {
        let metadata = |field: &str| pod.metadata().and_then(|metadata| metadata.get(field)).and_then(Json::as_object);
        let labels = self.entries(metadata("labels").into_iter().flatten().collect());
        let annotations = metadata("annotations").into_iter().flatten();
        let with_annotations = labels.entries(annotations.filter(|(name, _)| *name != status::ANNOTATION).collect());
        with_annotations.entries(pod.spec().into_iter().flatten().collect())
    }

    fn entries(self, mut entries: Vec<(&String, &Json)>) -> Fingerprint {
        entries.sort_unstable_by_key(|(name, _)| *name);
        entries.into_iter().fold(self.text("{"), |at, (name, value)| at.text(name).json(value)).text("}")
    }

    fn json(self, json: &Json) -> Fingerprint {
        match json {
            Json::Object(map) => self.entries(map.iter().collect()),
            Json::Array(list) => list.iter().fold(self.text("["), Fingerprint::json).text("]"),
            Json::String(text) => self.text("s").text(text),
            other => self.text(&other.to_string()),
        }
    }

    /// As it stands in the annotation.
    pub(crate) fn shown(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_is_known_again_by_what_is_in_it() {
        let of = |pod: Json| Fingerprint::new().pod(&Pod::from_json(pod)).shown();
        let pod = of(json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"containers": [{"name": "x"}]}}));
        let same = json!({"metadata": {"name": "p", "labels": {"b": "2", "a": "1"}, "annotations": {"sidecar.istio.io/status": "{}"}},
            "spec": {"containers": [{"name": "x"}]}});
        assert_eq!(of(same), pod);
        for other in [
            json!({"metadata": {"labels": {"a": "12", "b": ""}}, "spec": {"containers": [{"name": "x"}]}}),
            json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"containers": [{"name": "y"}]}}),
            json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"containers": [{"name": "x", "tty": true}]}}),
            json!({"metadata": {"annotations": {"a": "1", "b": "2"}}, "spec": {"containers": [{"name": "x"}]}}),
        ] {
            assert_ne!(of(other.clone()), pod, "{other}");
        }
    }
}

//! The images of the proxy and of its init container.
//! In: values, the image type of the proxy's configuration, the pod's annotations. Out: hub, name, tag and type as one.
//! Never here: `sidecar.istio.io/proxyImage`, which templates read by themselves.

use lateen_gotemplate::{JsonStyle, Value};
use serde_json::Value as Json;

use crate::pod::Pod;

/// Annotation that chooses the type of the proxy's image.
const IMAGE_TYPE: &str = "sidecar.istio.io/proxyImageType";
/// The image of the proxy and of its init container when the values name none.
const NAME: &str = "proxyv2";
/// The type that stands for no suffix.
const DEFAULT_TYPE: &str = "default";
/// Types of images that Istio publishes; a tag that ends with one of them is that tag with the type asked for instead.
pub(crate) const KNOWN_TYPES: [&str; 2] = ["distroless", "debug"];

/// The image of the proxy. `image_type` is `image.imageType` of its configuration, empty when there is none.
pub(crate) fn proxy(values: &Json, image_type: &str, pod: &Pod) -> String {
    url(values, "/global/proxy/image", image_type, pod)
}

/// The image of the init container.
pub(crate) fn proxy_init(values: &Json, pod: &Pod) -> String {
    url(values, "/global/proxy_init/image", "", pod)
}

fn url(values: &Json, name: &str, image_type: &str, pod: &Pod) -> String {
    let text = |path: &str| values.pointer(path).and_then(Json::as_str).unwrap_or_default();
    let name = Some(text(name)).filter(|name| !name.is_empty()).unwrap_or(NAME);
    let of_mesh = if image_type.is_empty() { text("/global/variant") } else { image_type };
    let image_type = pod.annotation(IMAGE_TYPE).unwrap_or(of_mesh);
    format!("{}/{name}:{}", text("/global/hub"), with_type(&tag(values), image_type))
}

/// The tag, which may be a number in values.
fn tag(values: &Json) -> String {
    match values.pointer("/global/tag") {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(tag)) => tag.clone(),
        Some(tag) => Value::from_json(tag, JsonStyle::Floats).printed().unwrap_or_default(),
    }
}

/// A tag with the suffix of a type, in place of the suffix that it may have. No type leaves the tag as it is.
pub(crate) fn with_type(tag: &str, image_type: &str) -> String {
    if image_type.is_empty() {
        return tag.to_owned();
    }
    let bare = KNOWN_TYPES.iter().find_map(|known| tag.strip_suffix(known)?.strip_suffix('-')).unwrap_or(tag);
    match image_type {
        DEFAULT_TYPE => bare.to_owned(),
        image_type => format!("{bare}-{image_type}"),
    }
}

#[cfg(test)]
mod tests;

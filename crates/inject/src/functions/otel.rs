//! `otelResourceAttributes`: what a workload tells OpenTelemetry about itself.
//! In: mesh configuration, annotations, labels, namespace, containers. Out: the value of `OTEL_RESOURCE_ATTRIBUTES`.
//! Never here: the pod's name, which is not known yet; Kubernetes puts it in.

use lateen_gotemplate::Value;

use super::{Answer, arg, pods, text};

/// Attributes by OpenTelemetry's conventions for Kubernetes, when a provider of the mesh asks for them; empty otherwise.
pub(super) fn resource_attributes(args: &[Value]) -> Answer {
    let (annotations, labels, namespace) = (arg(args, 1), arg(args, 2), text(args, 3));
    let containers = pods::containers(arg(args, 4))?;
    if !wanted(arg(args, 0)) {
        return Ok("".into());
    }
    let given = |name: &str| entry(annotations, &format!("resource.opentelemetry.io/{name}"));
    let mut attributes = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.push(format!("{name}={value}"));
        }
    };

    let own = (!namespace.is_empty()).then(|| namespace.to_owned());
    add("service.namespace", given("service.namespace").or(own));

    let of_image = || match containers {
        [only] => image_version(&pods::text_field(only, "Image")),
        _ => None,
    };
    let version = given("service.version").or_else(|| entry(labels, "app.kubernetes.io/version"));
    add("service.version", version.or_else(of_image));

    let instance =
        containers.first().map(|first| format!("{namespace}.$(POD_NAME).{}", pods::text_field(first, "Name")));
    add("service.instance.id", given("service.instance.id").or(instance));
    Ok(attributes.join(",").into())
}

/// Whether some provider of the mesh asks for the attributes.
fn wanted(mesh: &Value) -> bool {
    let Value::Object(mesh) = mesh else { return false };
    let json = mesh.to_json();
    let providers = json.get("extensionProviders").and_then(serde_json::Value::as_array);
    providers.is_some_and(|providers| {
        providers.iter().any(|provider| {
            provider
                .pointer("/opentelemetry/serviceAttributeEnrichment")
                .is_some_and(|v| v == "OTEL_SEMANTIC_CONVENTIONS")
        })
    })
}

/// An entry that is not empty.
fn entry(map: &Value, key: &str) -> Option<String> {
    let Value::Map(map) = map else { return None };
    map.get(key)?.as_str().filter(|value| !value.is_empty()).map(str::to_owned)
}

/// Tag and digest of an image: `1.21`, `sha256:ab`, `1.21@sha256:ab`.
pub(super) fn image_version(image: &str) -> Option<String> {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    let last = name.rsplit('/').next().unwrap_or_default();
    let tag = last.rsplit_once(':').map_or("", |(_, tag)| tag);
    match (tag, digest) {
        ("", "") => None,
        (tag, "") => Some(tag.to_owned()),
        ("", digest) => Some(digest.to_owned()),
        (tag, digest) => Some(format!("{tag}@{digest}")),
    }
}

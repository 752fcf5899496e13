//! Functions over parts of pods: ports, annotations, networks.
//! In: Go's `ObjectMeta` and `Container` as objects, texts of annotations. Out: texts.
//! Never here: the pod as JSON.

use lateen_gotemplate::Value;
use serde_json::{Map, Value as Json};

use super::{Answer, arg, text, wrong_type};
use crate::pod::PROXY;

/// A list of ports with one more, unless that is nothing, zero, or there already.
pub(super) fn exclude_inbound_port(args: &[Value]) -> Answer {
    let excluded = text(args, 1);
    let port = arg(args, 0).printed()?;
    let port = port.trim();
    if port.is_empty() || port == "0" || excluded.split(',').any(|known| known == port) {
        return Ok(excluded.into());
    }
    let mut ports: Vec<&str> = excluded.split(',').map(str::trim).filter(|known| !known.is_empty()).collect();
    ports.push(port);
    Ok(ports.join(",").into())
}

/// The TCP ports of all containers.
pub(super) fn include_inbound_ports(args: &[Value]) -> Answer {
    ports(arg(args, 0), |_| true)
}

/// The TCP ports of all containers but the proxy.
pub(super) fn application_ports(args: &[Value]) -> Answer {
    ports(arg(args, 0), |name| name != PROXY)
}

fn ports(value: &Value, wanted: impl Fn(&str) -> bool) -> Answer {
    let mut found = Vec::new();
    for container in containers(value)? {
        if !wanted(&text_field(container, "Name")) {
            continue;
        }
        for port in items(&field(container, "Ports")) {
            if matches!(&*text_field(port, "Protocol"), "UDP" | "SCTP") {
                continue;
            }
            found.push(field(port, "ContainerPort").printed()?);
        }
    }
    Ok(found.join(",").into())
}

/// The containers of an argument; nil has none.
pub(super) fn containers(value: &Value) -> Result<&[Value], lateen_gotemplate::CallError> {
    match value {
        Value::Nil => Ok(&[]),
        Value::List(list) => Ok(list.items()),
        other => Err(wrong_type("[]v1.Container", other)),
    }
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(list) => list.items(),
        _ => &[],
    }
}

fn field(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(object) => object.field(name).unwrap_or_default(),
        _ => Value::Nil,
    }
}

/// A field that is a text in Go, or a type made of text.
pub(super) fn text_field(value: &Value, name: &str) -> String {
    match field(value, name) {
        Value::String(text) => text.to_string(),
        Value::Object(object) => object.string().unwrap_or_default(),
        _ => String::new(),
    }
}

/// An annotation of a pod's metadata, or the default as it prints. An annotation that is there and empty counts.
pub(super) fn annotation(args: &[Value]) -> Answer {
    let meta = arg(args, 0);
    if !matches!(meta, Value::Object(_)) {
        return Err(wrong_type("v1.ObjectMeta", meta));
    }
    if let Value::Map(annotations) = field(meta, "Annotations")
        && let Some(value) = annotations.get(text(args, 1))
    {
        return Ok(value);
    }
    Ok(arg(args, 2).printed()?.into())
}

/// The networks that Multus attaches, with one more. A list of names stays one, JSON stays JSON.
///
/// What looks like JSON and is not stays as it is.
pub(super) fn append_multus_network(args: &[Value]) -> Answer {
    let (existing, network) = (text(args, 0), text(args, 1));
    if existing.is_empty() {
        return Ok(network.into());
    }
    let Some(end) = existing.rfind(']') else {
        if existing.split(',').any(|known| known.trim() == network) {
            return Ok(existing.into());
        }
        return Ok(format!("{existing}, {network}").into());
    };
    let Ok(networks) = serde_json::from_str::<Option<Vec<Option<Map<String, Json>>>>>(existing) else {
        return Ok(existing.into());
    };
    let mut parts = network.split('/');
    let (namespace, name) = match (parts.next().unwrap_or_default(), parts.next()) {
        (namespace, Some(name)) => (namespace, name),
        (name, None) => ("", name),
    };
    let attached = networks.into_iter().flatten().flatten().any(|known| {
        let in_namespace = match known.get("namespace") {
            None | Some(Json::Null) => namespace.is_empty(),
            Some(known) => known == namespace,
        };
        in_namespace && known.get("name").is_some_and(|known| known == name)
    });
    if attached {
        return Ok(existing.into());
    }
    let (before, after) = existing.split_at(end);
    let added = if namespace.is_empty() {
        format!(r#", {{"name": "{name}"}}"#)
    } else {
        format!(r#", {{"name": "{name}", "namespace": "{namespace}"}}"#)
    };
    Ok(format!("{before}{added}{after}").into())
}

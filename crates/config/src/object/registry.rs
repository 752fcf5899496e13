//! Which kinds are read here, by group, version and name, and how each is decoded.

use std::sync::Arc;

use crate::decode::context::{Step, shorten};
use crate::decode::{Context, Decode, names};
use crate::object::Spec;
use crate::yaml::{Node, Value};

/// A kind that is read here.
pub(crate) struct Kind {
    group: &'static str,
    versions: &'static [&'static str],
    /// Its name.
    pub(crate) name: &'static str,
    /// Decodes a document of this kind.
    pub(crate) decode: fn(&Node, &mut Context) -> Option<Spec>,
}

/// What `apiVersion` and `kind` say.
pub(crate) enum Found {
    /// A kind of this table.
    Kind(&'static Kind),
    /// A kind that others read.
    Foreign,
    /// Surely meant for this table, and wrong.
    Mistaken {
        /// What is wrong.
        message: String,
        /// What to write.
        hint: String,
    },
}

const ISTIO: &str = "networking.istio.io";
const ISTIO_VERSIONS: &[&str] = &["v1", "v1beta1", "v1alpha3"];

/// Kinds of Istio's networking group that are read elsewhere or not at all.
const ISTIO_FOREIGN: &[&str] = &["EnvoyFilter", "ProxyConfig", "WorkloadGroup"];

macro_rules! kinds {
    ($( $shape:ident $group:expr, $versions:expr, $name:ident; )+) => {
        const KINDS: &[Kind] = &[$( Kind {
            group: $group,
            versions: $versions,
            name: stringify!($name),
            decode: |node, cx| $shape(node, cx).map(|value| Spec::$name(Arc::new(value))),
        } ),+];
    };
}

kinds! {
    spec_of ISTIO, ISTIO_VERSIONS, Gateway;
    spec_of ISTIO, ISTIO_VERSIONS, VirtualService;
    spec_of ISTIO, ISTIO_VERSIONS, DestinationRule;
    spec_of ISTIO, ISTIO_VERSIONS, ServiceEntry;
    spec_of ISTIO, ISTIO_VERSIONS, WorkloadEntry;
    spec_of ISTIO, ISTIO_VERSIONS, Sidecar;
    whole "", &["v1"], Service;
    whole "", &["v1"], Endpoints;
    whole "discovery.k8s.io", &["v1"], EndpointSlice;
    whole "", &["v1"], Pod;
    whole "apps", &["v1"], Deployment;
    whole "networking.k8s.io", &["v1"], Ingress;
    whole "", &["v1"], Namespace;
    whole "", &["v1"], Secret;
    whole "", &["v1"], ConfigMap;
}

/// Looks a kind up.
pub(crate) fn find(api_version: &str, kind: &str) -> Found {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let Some(known) = KINDS.iter().find(|known| known.group == group && known.name == kind) else {
        return unknown(api_version, group, kind);
    };
    if known.versions.contains(&version) {
        return Found::Kind(known);
    }
    Found::Mistaken {
        message: format!("`{kind}` has no version `{api_version}` that is read here"),
        hint: format!("write {}", api_versions(known)),
    }
}

fn unknown(api_version: &str, group: &str, kind: &str) -> Found {
    // A kind of this table under a group of this table: only the pair is wrong.
    if let Some(known) = KINDS.iter().find(|known| known.name == kind)
        && KINDS.iter().any(|other| other.group == group)
    {
        return Found::Mistaken {
            message: format!("`{api_version}` has no kind `{kind}`"),
            hint: format!("write `apiVersion: {}`", api_versions(known)),
        };
    }
    if group != ISTIO || ISTIO_FOREIGN.contains(&kind) {
        return Found::Foreign;
    }
    let all = KINDS.iter().filter(|known| known.group == ISTIO).map(|known| known.name);
    let all: Vec<&str> = all.chain(ISTIO_FOREIGN.iter().copied()).collect();
    Found::Mistaken {
        message: format!("`{group}` has no kind `{}`", shorten(kind)),
        hint: match names::nearest(kind, all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its kinds are {}", all.join(", ")),
        },
    }
}

fn api_versions(kind: &Kind) -> String {
    let prefix = match kind.group {
        "" => String::new(),
        group => format!("{group}/"),
    };
    let all: Vec<String> = kind.versions.iter().map(|version| format!("{prefix}{version}")).collect();
    all.join(" or ")
}

/// Istio's shape: all of the kind is under `spec`, and nothing unknown stands beside it.
fn spec_of<T: Decode>(node: &Node, cx: &mut Context) -> Option<T> {
    const FIELDS: &[names::Field<'static>] =
        &[("apiVersion", &[]), ("kind", &[]), ("metadata", &[]), ("spec", &[]), ("status", &[])];
    if let Value::Mapping(entries) = &node.value {
        for entry in entries {
            if !FIELDS.iter().any(|(field, _)| *field == entry.key) {
                cx.unknown_field(entry, FIELDS, &[]);
            }
        }
    }
    cx.within(&Step::Key("spec"), |cx| match node.get("spec") {
        Some(spec) if !spec.is_null() => T::decode(spec, cx),
        _ => {
            cx.error(node, "`spec` is missing".to_owned(), None);
            None
        }
    })
}

/// Kubernetes' shape: the kind says itself what stands at its top.
fn whole<T: Decode>(node: &Node, cx: &mut Context) -> Option<T> {
    T::decode(node, cx)
}

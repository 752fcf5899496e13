//! Which object something comes from, and where that object stands.
//! In: decoded objects. Out: the name that findings and provenance print.

use lateen_config::{At, Finding, Object, ObjectRef, Severity, Timestamp};
use lateen_core::{NamespacedName, Place};
use std::fmt;
use std::sync::Arc;

/// The object that something was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Kind, such as `VirtualService`.
    pub kind: &'static str,
    /// Namespace and name, the default namespace filled in.
    pub name: NamespacedName,
    /// Where the object starts.
    pub place: Place,
    /// When it was made; objects without a time count as the oldest.
    pub created: Timestamp,
}

impl Source {
    /// The source of things made from `object`.
    pub fn of(object: &Object, default_namespace: &str) -> Arc<Self> {
        let namespace = if object.meta.namespace.is_empty() { default_namespace } else { &object.meta.namespace };
        Arc::new(Self {
            kind: object.kind,
            name: NamespacedName::new(namespace, &object.meta.name),
            place: object.place.clone(),
            created: object.meta.creation_timestamp.unwrap_or_default(),
        })
    }

    /// The namespace of the object.
    pub fn namespace(&self) -> &str {
        &self.name.namespace
    }

    /// The place of something inside the object; the object itself when `at` is not known.
    pub fn place_of(&self, at: At) -> Place {
        if at.line == 0 { self.place.clone() } else { at.place(&self.place.file) }
    }

    /// Istio's order of configuration: by creation time, then name, then namespace.
    pub fn order(&self) -> impl Ord + '_ {
        (self.created, &*self.name.name, &*self.name.namespace)
    }

    /// A warning about a field of the object.
    pub fn warn(&self, at: At, path: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding {
            severity: Severity::Warning,
            code: None,
            message: message.into(),
            hint: None,
            place: self.place_of(at),
            length: 1,
            path: path.into(),
            object: Some(ObjectRef {
                kind: self.kind.to_owned(),
                namespace: self.name.namespace.to_string(),
                name: self.name.name.to_string(),
            }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

//! `exportTo`: which namespaces see an object.
//! In: the list as written and the mesh's default. Out: one of three answers.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Who sees an object.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Every namespace (`*`).
    #[default]
    Public,
    /// These namespaces; `.` stands for the object's own.
    Namespaces(BTreeSet<Arc<str>>),
    /// Nobody (`~`).
    Nobody,
}

impl Visibility {
    /// What `export_to` says for an object in `namespace`; an empty list takes `default`, and no default is `*`.
    /// `*` wins over all others, then `~` (Istio `initVirtualServices`).
    pub fn of<S: AsRef<str>>(export_to: &[S], default: &[String], namespace: &str) -> Self {
        if export_to.is_empty() {
            return if default.is_empty() { Self::Public } else { Self::read(default, namespace) };
        }
        Self::read(export_to, namespace)
    }

    fn read<S: AsRef<str>>(list: &[S], namespace: &str) -> Self {
        let mut namespaces = BTreeSet::new();
        let mut nobody = false;
        for entry in list {
            match entry.as_ref().trim() {
                "*" => return Self::Public,
                "~" => nobody = true,
                "." => {
                    namespaces.insert(Arc::from(namespace));
                }
                other => {
                    namespaces.insert(Arc::from(other));
                }
            }
        }
        if nobody { Self::Nobody } else { Self::Namespaces(namespaces) }
    }

    /// Whether `namespace` sees the object.
    pub fn allows(&self, namespace: &str) -> bool {
        match self {
            Self::Public => true,
            Self::Namespaces(set) => set.contains(namespace),
            Self::Nobody => false,
        }
    }
}

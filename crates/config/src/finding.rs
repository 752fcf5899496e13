//! What a user is told about a mistake in a document: how bad, where, what, and what to write
//! instead. Findings are values; nothing here prints.

use lateen_core::Place;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// The object serves, but perhaps not as its author thinks.
    Warning,
    /// The object is refused.
    Error,
}

/// One thing to tell about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Code of Istio's message catalogue, such as `IST0106`, when one fits.
    pub code: Option<&'static str>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it starts.
    pub place: Place,
    /// How many characters to underline from there, within the line; at least 1.
    pub length: u32,
    /// Field path such as `spec.http[0].match[1].uri`; empty for the document itself.
    pub path: String,
    /// The object it is about, when the document got far enough to have a name.
    pub object: Option<ObjectRef>,
}

/// Names an object in a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Kind, such as `VirtualService`.
    pub kind: String,
    /// Namespace as written; may be empty.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {}/{}", self.kind, namespace, self.name),
        }
    }
}

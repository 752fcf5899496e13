//! The annotations of a pod that Istio checks before it injects.
//! In: a pod. Out: nothing, or every annotation that is wrong, with what would be right.
//! Never here: what the annotations do.

use std::fmt;

use crate::pod::Pod;

mod quantity;
mod rules;

/// Annotation with a `ProxyConfig` of the pod's own.
pub(crate) const PROXY_CONFIG: &str = "proxy.istio.io/config";

/// Characters of a wrong value that a message shows.
const SHOWN: usize = 80;

type Rule = fn(&str) -> Result<(), String>;

/// All annotations that are checked by themselves.
const RULES: &[(&str, Rule)] = &[
    ("sidecar.istio.io/interceptionMode", rules::interception_mode),
    ("status.sidecar.istio.io/port", rules::port),
    ("readiness.status.sidecar.istio.io/initialDelaySeconds", rules::uint32),
    ("readiness.status.sidecar.istio.io/periodSeconds", rules::uint32),
    ("readiness.status.sidecar.istio.io/failureThreshold", rules::uint32),
    ("traffic.sidecar.istio.io/includeOutboundIPRanges", rules::all_or_ranges),
    ("traffic.sidecar.istio.io/excludeOutboundIPRanges", rules::ranges),
    ("traffic.sidecar.istio.io/includeInboundPorts", rules::all_or_ports),
    ("traffic.sidecar.istio.io/excludeInboundPorts", rules::ports),
    ("traffic.sidecar.istio.io/excludeOutboundPorts", rules::ports),
    ("traffic.sidecar.istio.io/excludeInterfaces", rules::interfaces),
    ("traffic.sidecar.istio.io/kubevirtInterfaces", rules::interfaces),
    ("istio.io/reroute-virtual-interfaces", rules::interfaces),
    ("prometheus.istio.io/merge-metrics", rules::boolean),
    ("sidecar.istio.io/userVolume", rules::volumes),
    ("sidecar.istio.io/userVolumeMount", rules::volumes),
    ("sidecar.istio.io/proxyCPU", quantity::check),
    ("sidecar.istio.io/proxyMemory", quantity::check),
    ("sidecar.istio.io/proxyCPULimit", quantity::check),
    ("sidecar.istio.io/proxyMemoryLimit", quantity::check),
];

/// One annotation with a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationError {
    /// The annotation.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub why: String,
}

/// All annotations of a pod that have a wrong value, in the pod's order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationErrors(pub Vec<AnnotationError>);

impl fmt::Display for AnnotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.value.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        // Quotes are clear between quotes of the other kind, and read better as they are.
        let shown = shown.replace("\\\"", "\"").replace("\\'", "'");
        let more = if self.value.chars().count() > SHOWN { "…" } else { "" };
        write!(f, "invalid value '{shown}{more}' for annotation '{}': {}", self.name, self.why)
    }
}

impl fmt::Display for AnnotationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if i > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for AnnotationErrors {}

/// Checks all annotations; `proxy_config` says what is wrong with the text of `proxy.istio.io/config`.
///
/// # Errors
/// All annotations with wrong values.
pub(crate) fn check(pod: &Pod, proxy_config: impl Fn(&str) -> Vec<String>) -> Result<(), AnnotationErrors> {
    let mut errors = Vec::new();
    for (name, value) in pod.annotations() {
        let mut add = |why| errors.push(AnnotationError { name: name.to_owned(), value: value.to_owned(), why });
        if name == PROXY_CONFIG {
            proxy_config(value).into_iter().for_each(&mut add);
        } else if let Some((_, rule)) = RULES.iter().find(|(known, _)| *known == name)
            && let Err(why) = rule(value)
        {
            add(why);
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(AnnotationErrors(errors)) }
}

#[cfg(test)]
mod tests;

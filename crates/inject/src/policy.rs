//! Whether a pod gets a proxy, and why.
//! In: a pod, its namespace, the injector's rules. Out: a decision with its reason.
//! Never here: what is injected; the selectors of the webhook, by which the API server chooses pods.

use std::fmt;

use crate::pod::Pod;

mod selector;

pub use selector::LabelSelector;
pub(crate) use selector::{Condition, Requirement};

/// Label, and annotation of old, that decides about a pod.
pub const INJECT: &str = "sidecar.istio.io/inject";

/// Namespaces of the cluster itself, whose pods never get a proxy.
pub const IGNORED_NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// What happens to pods that nothing else decides about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// They get a proxy.
    #[default]
    Enabled,
    /// They do not.
    Disabled,
    /// A word that is neither: no pod gets a proxy, whatever its labels say.
    Illegal(String),
}

impl Policy {
    /// The policy of that name: `enabled` or `disabled`.
    pub fn from_text(text: &str) -> Policy {
        match text {
            "enabled" => Policy::Enabled,
            "disabled" => Policy::Disabled,
            other => Policy::Illegal(other.to_owned()),
        }
    }
}

/// The part of the injector's configuration that decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// `policy`.
    pub policy: Policy,
    /// `alwaysInjectSelector`: any of them.
    pub always: Vec<LabelSelector>,
    /// `neverInjectSelector`: any of them, before `always`.
    pub never: Vec<LabelSelector>,
}

/// Why a pod gets a proxy or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The pod uses the network of its node.
    HostNetwork,
    /// The namespace belongs to the cluster itself.
    IgnoredNamespace(String),
    /// The label `sidecar.istio.io/inject` says so.
    Label(bool),
    /// The annotation `sidecar.istio.io/inject` says so.
    Annotation(bool),
    /// A `neverInjectSelector` matches: its index, from 0.
    Never(usize),
    /// An `alwaysInjectSelector` matches: its index, from 0.
    Always(usize),
    /// The policy, because nothing else decides: whether it injects.
    Policy(bool),
    /// The policy is a word without meaning.
    IllegalPolicy(String),
}

impl Reason {
    /// Whether the pod gets a proxy.
    pub fn inject(&self) -> bool {
        match self {
            Reason::HostNetwork | Reason::IgnoredNamespace(_) | Reason::Never(_) | Reason::IllegalPolicy(_) => false,
            Reason::Label(inject) | Reason::Annotation(inject) | Reason::Policy(inject) => *inject,
            Reason::Always(_) => true,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = |inject: bool| if inject { "enabled" } else { "disabled" };
        match self {
            Reason::HostNetwork => f.write_str(
                "the pod uses the network of its node (hostNetwork), where capturing traffic would reach all of the node",
            ),
            Reason::IgnoredNamespace(namespace) => {
                write!(f, "namespace {namespace} belongs to the cluster itself and is never injected")
            }
            Reason::Label(inject) => write!(f, "label {INJECT} is {inject}"),
            Reason::Annotation(inject) => write!(f, "annotation {INJECT} is {inject}"),
            Reason::Never(index) => write!(f, "the pod's labels match neverInjectSelector[{index}]"),
            Reason::Always(index) => write!(f, "the pod's labels match alwaysInjectSelector[{index}]"),
            Reason::Policy(inject) => {
                write!(f, "the injector's policy is {}, and neither the pod nor a selector decides", policy(*inject))
            }
            Reason::IllegalPolicy(word) => {
                write!(f, "the injector's policy is '{word}', which has no meaning; set it to enabled or disabled")
            }
        }
    }
}

/// Whether a pod gets a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub inject: bool,
    /// Why.
    pub reason: Reason,
    /// What was passed over on the way: values and selectors without meaning.
    pub warnings: Vec<String>,
}

/// Decides about a pod. `namespace` is where it will run.
///
/// The network of the node and the cluster's own namespaces go first, then an illegal policy, then the pod's label or,
/// without the label, its annotation, then `never`, then `always`, and the policy last.
pub fn decide(pod: &Pod, namespace: &str, rules: &Rules) -> Decision {
    let mut warnings = Vec::new();
    let reason = reason(pod, namespace, rules, &mut warnings);
    Decision { inject: reason.inject(), reason, warnings }
}

fn reason(pod: &Pod, namespace: &str, rules: &Rules, warnings: &mut Vec<String>) -> Reason {
    if pod.spec().is_some_and(|spec| spec.get("hostNetwork").is_some_and(|host| host == true)) {
        return Reason::HostNetwork;
    }
    if IGNORED_NAMESPACES.contains(&namespace) {
        return Reason::IgnoredNamespace(namespace.to_owned());
    }
    if let Policy::Illegal(word) = &rules.policy {
        return Reason::IllegalPolicy(word.clone());
    }
    if let Some(reason) = of_pod(pod, warnings) {
        return reason;
    }
    if let Some(index) = first_match(&rules.never, "neverInjectSelector", pod, warnings) {
        return Reason::Never(index);
    }
    if let Some(index) = first_match(&rules.always, "alwaysInjectSelector", pod, warnings) {
        return Reason::Always(index);
    }
    Reason::Policy(rules.policy == Policy::Enabled)
}

/// What the pod says itself. A label counts before an annotation even when it is empty or has no meaning.
fn of_pod(pod: &Pod, warnings: &mut Vec<String>) -> Option<Reason> {
    let (kind, value) = match (pod.label(INJECT), pod.annotation(INJECT)) {
        (Some(value), _) => ("label", value),
        (None, Some(value)) => ("annotation", value),
        (None, None) => return None,
    };
    let inject = match value {
        "true" => true,
        "false" => false,
        "" => return None,
        other => {
            warnings.push(format!(
                "{kind} {INJECT} has the value '{other}', and only true and false mean something; it is passed over"
            ));
            return None;
        }
    };
    Some(if kind == "label" { Reason::Label(inject) } else { Reason::Annotation(inject) })
}

fn first_match(selectors: &[LabelSelector], field: &str, pod: &Pod, warnings: &mut Vec<String>) -> Option<usize> {
    for (i, selector) in selectors.iter().enumerate() {
        match selector.matches(&|name| pod.label(name)) {
            Ok(true) => return Some(i),
            Ok(false) => {}
            Err(why) => warnings.push(format!("{field}[{i}] is no label selector and is passed over: {why}")),
        }
    }
    None
}

#[cfg(test)]
mod tests;

//! Which injection webhook of a cluster would get a pod, and why or why not.
//! In: MutatingWebhookConfigurations, the labels of a namespace, a pod, what the injector decides about it.
//! Out: a verdict on each configuration, and the answer as a whole. Never here: where objects come from.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::pod::Pod;
use crate::policy::{Condition, Decision, INJECT, LabelSelector, Reason, Requirement};

/// Label of a namespace that turns injection on (`enabled`) or off (anything else).
pub const INJECTION: &str = "istio-injection";
/// Label of a namespace or pod that chooses a revision, and of a webhook that serves one.
pub const REVISION: &str = "istio.io/rev";
/// Label with the name of its own that Kubernetes gives to every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Label in selectors of a webhook that was turned off; nothing carries it.
const DEACTIVATED: &str = "istio.io/deactivated";
/// What reasons call the side of `namespaceSelector`.
const NAMESPACE: &str = "namespace";
/// How the names of Istio's webhooks end.
const ISTIO: &str = "istio.io";

/// What a MutatingWebhookConfiguration does with a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookVerdict {
    /// Name of the configuration.
    pub name: String,
    /// The revision that it serves: its label `istio.io/rev`.
    pub revision: String,
    /// Whether one of its webhooks gets the pod.
    pub injected: bool,
    /// The webhook that gets it.
    pub webhook: Option<String>,
    /// Why, in a sentence.
    pub reason: String,
    /// What the reason speaks of.
    pub fields: Vec<Field>,
}

/// A field that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A label of the namespace.
    NamespaceLabel(String),
    /// A label of the pod.
    PodLabel(String),
    /// An annotation of the pod.
    PodAnnotation(String),
    /// A field of the pod's spec.
    PodSpec(&'static str),
}

/// Says of each configuration of Istio whether it gets a pod made in a namespace with these labels, in order of names.
///
/// Configurations without a webhook of Istio are left out. As in the API server a webhook gets a pod when its
/// `namespaceSelector` and its `objectSelector` match; an absent or empty one matches everything.
pub fn check_webhooks(
    configurations: &[Json],
    namespace_labels: &BTreeMap<String, String>,
    pod: &Pod,
) -> Vec<WebhookVerdict> {
    let namespace = |key: &str| namespace_labels.get(key).map(String::as_str);
    let pod = |key: &str| pod.label(key);
    let sides = Sides { namespace: &namespace, pod: &pod };
    let mut rows: Vec<_> = configurations.iter().filter_map(|configuration| verdict(configuration, &sides)).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// The configuration that Istio's default installation has: no revision, namespaces not injected by default.
pub fn default_webhooks() -> Json {
    let is = |key: &str, operator: &str, values: &[&str]| match values {
        [] => json!({ "key": key, "operator": operator }),
        values => json!({ "key": key, "operator": operator, "values": values }),
    };
    let hook = |prefix: &str, namespace: Vec<Json>, object: Vec<Json>| {
        json!({
            "name": format!("{prefix}.sidecar-injector.istio.io"),
            "rules": [{ "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"] }],
            "namespaceSelector": { "matchExpressions": namespace },
            "objectSelector": { "matchExpressions": object },
        })
    };
    let not_off = || is(INJECT, "NotIn", &["false"]);
    let without = |key: &str| is(key, "DoesNotExist", &[]);
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": { "name": "istio-sidecar-injector", "labels": { REVISION: "default" } },
        "webhooks": [
            hook("rev.namespace", vec![is(REVISION, "In", &["default"]), without(INJECTION)], vec![not_off()]),
            hook(
                "rev.object",
                vec![without(REVISION), without(INJECTION)],
                vec![not_off(), is(REVISION, "In", &["default"])],
            ),
            hook("namespace", vec![is(INJECTION, "In", &["enabled"])], vec![not_off()]),
            hook(
                "object",
                vec![without(INJECTION), without(REVISION)],
                vec![is(INJECT, "In", &["true"]), without(REVISION)],
            ),
        ],
    })
}

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it gets a proxy.
    pub injected: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// What the reason speaks of.
    pub fields: Vec<Field>,
}

/// Says what becomes of a pod that these webhooks get or not, and that the injector decides about when it gets it.
pub fn answer(webhooks: &[WebhookVerdict], decision: &Decision) -> Answer {
    let called: Vec<&WebhookVerdict> = webhooks.iter().filter(|webhook| webhook.injected).collect();
    let (reason, fields) = match (called.as_slice(), webhooks) {
        ([], []) => ("there is no injection webhook of Istio".to_owned(), Vec::new()),
        ([], _) if decision.reason == Reason::Label(false) => {
            (format!("pod label {INJECT}=false"), field_of(&decision.reason))
        }
        ([], [only]) => (only.reason.clone(), only.fields.clone()),
        ([], _) => ("no webhook gets the pod".to_owned(), Vec::new()),
        ([one], _) if decision.inject => (format!("by {}: {}", one.name, one.reason), one.fields.clone()),
        ([one, ..], _) if !decision.inject => {
            let reason = format!("{} gets the pod and the injector passes it over: {}", one.name, decision.reason);
            (reason, field_of(&decision.reason))
        }
        (several, _) => {
            let names: Vec<_> = several.iter().map(|webhook| webhook.name.as_str()).collect();
            let reason = format!(
                "more than once, which can break the pod: by {}; let the labels of the namespace and the pod choose one revision",
                names.join(" and ")
            );
            (reason, several.iter().flat_map(|webhook| webhook.fields.clone()).collect())
        }
    };
    let mut answer = Answer { injected: !called.is_empty() && decision.inject, reason, fields };
    if called.is_empty() && decision.reason == Reason::Annotation(true) {
        answer.reason += &format!("; webhooks do not look at the annotation {INJECT}: make it a label");
        answer.fields.extend(field_of(&decision.reason));
    }
    answer
}

/// The field that a decision of the injector speaks of.
fn field_of(reason: &Reason) -> Vec<Field> {
    match reason {
        Reason::HostNetwork => vec![Field::PodSpec("hostNetwork")],
        Reason::Label(_) => vec![Field::PodLabel(INJECT.to_owned())],
        Reason::Annotation(_) => vec![Field::PodAnnotation(INJECT.to_owned())],
        Reason::IgnoredNamespace(_)
        | Reason::Never(_)
        | Reason::Always(_)
        | Reason::Policy(_)
        | Reason::IllegalPolicy(_) => Vec::new(),
    }
}

/// Where an object keeps the pod that it makes: the path to what holds `metadata` and `spec`; empty for a Pod itself.
///
/// `None` for kinds that make no pods. Webhooks see the pod itself, so that of a CronJob is that of its Jobs.
pub fn pod_path(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "Pod" => Some(&[]),
        "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "ReplicationController"
        | "DeploymentConfig" => Some(&["spec", "template"]),
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

/// The pod that an object makes, as a webhook will see it.
pub fn pod_of(object: &Json) -> Option<Pod> {
    let path = pod_path(object["kind"].as_str()?)?;
    let template = path.iter().try_fold(object, |at, key| at.get(key))?;
    Some(Pod::from_parts(template["metadata"].clone(), template["spec"].clone()))
}

/// A label by its name.
type Lookup<'a, 'l> = &'a dyn Fn(&str) -> Option<&'l str>;

/// The labels that a webhook looks at.
struct Sides<'a, 'l> {
    namespace: Lookup<'a, 'l>,
    pod: Lookup<'a, 'l>,
}

/// A reason, and the fields that it speaks of.
#[derive(Default)]
struct Why {
    text: String,
    fields: Vec<Field>,
}

impl Why {
    fn plain(text: String) -> Why {
        Why { text, fields: Vec::new() }
    }
}

/// One webhook, its selectors held against the labels.
struct Hook {
    name: String,
    namespace: Side,
    pod: Side,
    /// Why the API server never calls it for a new pod, whatever the labels are.
    never: Option<String>,
}

/// One selector, held against labels.
struct Side {
    /// Whose labels they are: [`NAMESPACE`] or "pod".
    what: &'static str,
    /// Conditions that hold and those that do not, each with the value that the label has.
    held: Vec<(Requirement, Option<String>)>,
    failed: Vec<(Requirement, Option<String>)>,
    /// Why this is no selector.
    problem: Option<String>,
}

fn verdict(configuration: &Json, sides: &Sides<'_, '_>) -> Option<WebhookVerdict> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let hooks = configuration["webhooks"].as_array()?;
    if !hooks.iter().any(|hook| hook["name"].as_str().is_some_and(|name| name.ends_with(ISTIO))) {
        return None;
    }
    let hooks: Vec<Hook> = hooks.iter().map(|hook| Hook::read(hook, sides)).collect();
    let called = hooks.iter().find(|hook| hook.never.is_none() && hook.namespace.matches() && hook.pod.matches());
    let why = called.map_or_else(|| why_not(&hooks), Hook::why);
    Some(WebhookVerdict {
        name: text(&configuration["metadata"]["name"]),
        revision: text(&configuration["metadata"]["labels"][REVISION]),
        injected: called.is_some(),
        webhook: called.map(|hook| hook.name.clone()),
        reason: why.text,
        fields: why.fields,
    })
}

impl Hook {
    fn read(json: &Json, sides: &Sides<'_, '_>) -> Hook {
        Hook {
            name: json["name"].as_str().unwrap_or_default().to_owned(),
            namespace: Side::hold(NAMESPACE, &json["namespaceSelector"], sides.namespace),
            pod: Side::hold("pod", &json["objectSelector"], sides.pod),
            never: (!takes_new_pods(&json["rules"])).then(|| "its rules do not name the making of pods".to_owned()),
        }
    }

    /// Why it gets the pod.
    fn why(&self) -> Why {
        let mut why = Why::default();
        let mut said = Vec::new();
        for side in [&self.namespace, &self.pod] {
            let Some((key, value)) = side.chosen() else { continue };
            said.push(match key {
                NAMESPACE_NAME => format!("{} {value} is injected by default", side.what),
                key => format!("{} label {key}={value} asks for it", side.what),
            });
            why.fields.push(side.field(key));
        }
        why.text = if said.is_empty() { "it takes every pod".to_owned() } else { said.join(", ") };
        why
    }
}

impl Side {
    fn hold(what: &'static str, selector: &Json, label: Lookup<'_, '_>) -> Side {
        let mut side = Side { what, held: Vec::new(), failed: Vec::new(), problem: None };
        match LabelSelector::from_json(selector).requirements() {
            Err(why) => side.problem = Some(why.to_owned()),
            Ok(requirements) => {
                for requirement in requirements {
                    let value = label(&requirement.key);
                    let list = if requirement.holds(value) { &mut side.held } else { &mut side.failed };
                    list.push((requirement.clone(), value.map(str::to_owned)));
                }
            }
        }
        side
    }

    fn matches(&self) -> bool {
        self.failed.is_empty() && self.problem.is_none()
    }

    /// The label by which it was chosen.
    fn chosen(&self) -> Option<(&str, &str)> {
        self.held.iter().find_map(|(requirement, value)| Some((requirement.key.as_str(), value.as_deref()?)))
    }

    /// What a label that is there and does not fit means.
    fn prevented(&self) -> Option<Why> {
        self.failed.iter().find_map(|(requirement, value)| {
            let (what, key, value) = (self.what, requirement.key.as_str(), value.as_deref()?);
            let text = match (key, &requirement.condition) {
                (NAMESPACE_NAME, Condition::In(_)) => return None,
                (NAMESPACE_NAME, _) => format!("{what} {value} is left out by its name"),
                (REVISION, _) => format!("{what} label {key}={value} asks for another revision"),
                (INJECTION, _) if value == "enabled" => {
                    format!("{what} label {key}={value} asks for the default revision")
                }
                _ => format!("{what} label {key}={value} prevents it"),
            };
            Some(Why { text, fields: vec![self.field(key)] })
        })
    }

    /// A label of this side.
    fn field(&self, key: &str) -> Field {
        if self.what == NAMESPACE { Field::NamespaceLabel(key.to_owned()) } else { Field::PodLabel(key.to_owned()) }
    }

    /// Labels that would have to be there, as `key=value`.
    fn wanted(&self) -> impl Iterator<Item = String> {
        self.failed.iter().flat_map(|(requirement, _)| match &requirement.condition {
            Condition::In(values) => values.iter().map(|value| format!("{}={value}", requirement.key)).collect(),
            Condition::Exists => vec![requirement.key.clone()],
            Condition::NotIn(_) | Condition::DoesNotExist => Vec::new(),
        })
    }
}

/// Why no webhook of a configuration gets the pod: what stands in the way first, then what is missing.
fn why_not(hooks: &[Hook]) -> Why {
    let is_off = |side: &Side| side.failed.iter().any(|(requirement, _)| requirement.key == DEACTIVATED);
    if hooks.iter().all(|hook| is_off(&hook.namespace) || is_off(&hook.pod)) {
        return Why::plain("it is deactivated: its selectors match nothing".to_owned());
    }
    let broken = hooks.iter().find_map(|hook| {
        let (field, why) = match (&hook.namespace.problem, &hook.pod.problem) {
            (Some(why), _) => ("namespaceSelector", why),
            (None, Some(why)) => ("objectSelector", why),
            (None, None) => return None,
        };
        Some(format!("{field} of webhook {} is no label selector: {why}", hook.name))
    });
    // The pod is looked at first where the namespace is chosen already: a label on it was meant for this.
    let by_pod = || hooks.iter().filter(|hook| hook.namespace.matches()).find_map(|hook| hook.pod.prevented());
    let by_namespace = || hooks.iter().filter(|hook| hook.pod.matches()).find_map(|hook| hook.namespace.prevented());
    let by_rules = || {
        let hook = hooks.iter().find(|hook| hook.namespace.matches() && hook.pod.matches())?;
        Some(format!("webhook {} matches, but {}", hook.name, hook.never.as_deref()?))
    };
    by_rules()
        .map(Why::plain)
        .or_else(by_pod)
        .or_else(by_namespace)
        .or(broken.map(Why::plain))
        .unwrap_or_else(|| Why::plain(missing(hooks)))
}

fn missing(hooks: &[Hook]) -> String {
    let list = |side: fn(&Hook) -> &Side| {
        let mut labels: Vec<String> = Vec::new();
        for label in hooks.iter().flat_map(|hook| side(hook).wanted()) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    };
    let asked = |what: &str, labels: &[String]| match labels {
        [] => None,
        labels => Some(format!("the {what} has no label {}", labels.join(" or "))),
    };
    let (namespace, pod) = (list(|hook| &hook.namespace), list(|hook| &hook.pod));
    match (asked("namespace", &namespace), asked("pod", &pod)) {
        (Some(namespace), Some(pod)) => format!("nothing asks for it: {namespace}, and {pod}"),
        (Some(one), None) | (None, Some(one)) => format!("nothing asks for it: {one}"),
        (None, None) => "none of its webhooks matches".to_owned(),
    }
}

/// Whether the API server calls a webhook with these rules when a pod is made; a webhook without rules is taken
/// for one that a person shortened.
fn takes_new_pods(rules: &Json) -> bool {
    let has = |list: &Json, word: &str| {
        let words = list.as_array().map_or(&[][..], Vec::as_slice);
        words.is_empty() || words.iter().any(|have| have == word || have == "*")
    };
    let takes = |rule: &Json| {
        has(&rule["operations"], "CREATE")
            && has(&rule["apiGroups"], "")
            && has(&rule["apiVersions"], "v1")
            && (has(&rule["resources"], "pods") || has(&rule["resources"], "*/*"))
    };
    rules.as_array().is_none_or(|rules| rules.iter().any(takes))
}

#[cfg(test)]
mod tests;

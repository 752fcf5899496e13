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
}

/// Says what becomes of a pod that these webhooks get or not, and that the injector decides about when it gets it.
pub fn answer(webhooks: &[WebhookVerdict], decision: &Decision) -> Answer {
    let called: Vec<&WebhookVerdict> = webhooks.iter().filter(|webhook| webhook.injected).collect();
    let reason = match (called.as_slice(), webhooks) {
        ([], []) => "there is no injection webhook of Istio".to_owned(),
        ([], _) if decision.reason == Reason::Label(false) => format!("pod label {INJECT}=false"),
        ([], [only]) => only.reason.clone(),
        ([], _) => "no webhook gets the pod".to_owned(),
        ([one], _) if decision.inject => format!("by {}: {}", one.name, one.reason),
        ([one, ..], _) if !decision.inject => {
            format!("{} gets the pod and the injector passes it over: {}", one.name, decision.reason)
        }
        (several, _) => {
            let names: Vec<_> = several.iter().map(|webhook| webhook.name.as_str()).collect();
            format!(
                "more than once, which can break the pod: by {}; let the labels of the namespace and the pod choose one revision",
                names.join(" and ")
            )
        }
    };
    let hint = match decision.reason {
        Reason::Annotation(true) if called.is_empty() => {
            format!("; webhooks do not look at the annotation {INJECT}: make it a label")
        }
        _ => String::new(),
    };
    Answer { injected: !called.is_empty() && decision.inject, reason: reason + &hint }
}

/// A label by its name.
type Lookup<'a, 'l> = &'a dyn Fn(&str) -> Option<&'l str>;

/// The labels that a webhook looks at.
struct Sides<'a, 'l> {
    namespace: Lookup<'a, 'l>,
    pod: Lookup<'a, 'l>,
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
    /// What was looked at, such as "namespace".
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
    Some(WebhookVerdict {
        name: text(&configuration["metadata"]["name"]),
        revision: text(&configuration["metadata"]["labels"][REVISION]),
        injected: called.is_some(),
        webhook: called.map(|hook| hook.name.clone()),
        reason: called.map_or_else(|| why_not(&hooks), Hook::why),
    })
}

impl Hook {
    fn read(json: &Json, sides: &Sides<'_, '_>) -> Hook {
        Hook {
            name: json["name"].as_str().unwrap_or_default().to_owned(),
            namespace: Side::hold("namespace", &json["namespaceSelector"], sides.namespace),
            pod: Side::hold("pod", &json["objectSelector"], sides.pod),
            never: (!takes_new_pods(&json["rules"])).then(|| "its rules do not name the making of pods".to_owned()),
        }
    }

    /// Why it gets the pod.
    fn why(&self) -> String {
        let said = [&self.namespace, &self.pod].into_iter().filter_map(|side| {
            let (key, value) = side.chosen()?;
            Some(match key {
                NAMESPACE_NAME => format!("{} {value} is injected by default", side.what),
                key => format!("{} label {key}={value} asks for it", side.what),
            })
        });
        let said: Vec<_> = said.collect();
        if said.is_empty() { "it takes every pod".to_owned() } else { said.join(", ") }
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
    fn prevented(&self) -> Option<String> {
        self.failed.iter().find_map(|(requirement, value)| {
            let (what, key, value) = (self.what, requirement.key.as_str(), value.as_deref()?);
            match (key, &requirement.condition) {
                (NAMESPACE_NAME, Condition::In(_)) => None,
                (NAMESPACE_NAME, _) => Some(format!("{what} {value} is left out by its name")),
                (REVISION, _) => Some(format!("{what} label {key}={value} asks for another revision")),
                (INJECTION, _) if value == "enabled" => {
                    Some(format!("{what} label {key}={value} asks for the default revision"))
                }
                _ => Some(format!("{what} label {key}={value} prevents it")),
            }
        })
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
fn why_not(hooks: &[Hook]) -> String {
    let is_off = |side: &Side| side.failed.iter().any(|(requirement, _)| requirement.key == DEACTIVATED);
    if hooks.iter().all(|hook| is_off(&hook.namespace) || is_off(&hook.pod)) {
        return "it is deactivated: its selectors match nothing".to_owned();
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
    by_rules().or_else(by_pod).or_else(by_namespace).or(broken).unwrap_or_else(|| missing(hooks))
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

//! Truth tables of the decision.

use serde_json::{Value as Json, json};

use super::{Decision, LabelSelector, Policy, Reason, Rules, decide};
use crate::pod::Pod;

fn pod(label: Option<&str>, annotation: Option<&str>) -> Pod {
    let mut pod = Pod::from_json(json!({"metadata": {"labels": {"app": "web"}, "annotations": {}}, "spec": {}}));
    if let Some(value) = label {
        pod.labels_mut().insert(super::INJECT.to_owned(), value.into());
    }
    if let Some(value) = annotation {
        pod.annotations_mut().insert(super::INJECT.to_owned(), value.into());
    }
    pod
}

fn rules(policy: &str, never: Json, always: Json) -> Rules {
    let selectors = |json: Json| json.as_array().unwrap().iter().map(LabelSelector::from_json).collect();
    Rules { policy: Policy::from_text(policy), never: selectors(never), always: selectors(always) }
}

fn web() -> Json {
    json!([{"matchLabels": {"app": "web"}}])
}

#[test]
fn label_and_annotation_override_the_policy() {
    let cases = [
        ("enabled", None, true),
        ("enabled", Some("true"), true),
        ("enabled", Some("false"), false),
        ("enabled", Some(""), true),
        ("disabled", None, false),
        ("disabled", Some("true"), true),
        ("disabled", Some("false"), false),
        ("disabled", Some(""), false),
    ];
    for (policy, value, inject) in cases {
        let rules = rules(policy, json!([]), json!([]));
        for (kind, pod) in [("label", pod(value, None)), ("annotation", pod(None, value))] {
            let decision = decide(&pod, "default", &rules);
            assert_eq!(decision.inject, inject, "policy {policy}, {kind} {value:?}");
            let said = matches!(value, Some("true" | "false"));
            let expected = match (said, kind) {
                (false, _) => Reason::Policy(inject),
                (true, "label") => Reason::Label(inject),
                (true, _) => Reason::Annotation(inject),
            };
            assert_eq!(decision, Decision { inject, reason: expected, warnings: Vec::new() }, "{kind} {value:?}");
        }
    }
}

#[test]
fn the_label_goes_before_the_annotation() {
    let rules = rules("enabled", json!([]), json!([]));
    let reason = |label, annotation| decide(&pod(Some(label), Some(annotation)), "default", &rules).reason;
    assert_eq!(reason("false", "true"), Reason::Label(false));
    assert_eq!(reason("true", "false"), Reason::Label(true));
    assert_eq!(reason("", "false"), Reason::Policy(true), "an empty label hides the annotation");
}

#[test]
fn other_values_fall_back_to_the_policy_with_a_warning() {
    for value in ["True", "yes", " true"] {
        for policy in [true, false] {
            let rules = rules(if policy { "enabled" } else { "disabled" }, json!([]), json!([]));
            let decision = decide(&pod(Some(value), None), "default", &rules);
            assert_eq!(decision.reason, Reason::Policy(policy));
            assert_eq!(decision.warnings.len(), 1);
            assert!(decision.warnings[0].contains(&format!("label sidecar.istio.io/inject has the value '{value}'")));
        }
    }
}

#[test]
fn selectors_decide_when_the_pod_does_not_and_never_goes_before_always() {
    let none = || json!([]);
    let other = || json!([{"matchLabels": {"app": "other"}}]);
    for policy in ["enabled", "disabled"] {
        let by_policy = Reason::Policy(policy == "enabled");
        let cases = [
            (web(), none(), Reason::Never(0)),
            (none(), web(), Reason::Always(0)),
            (web(), web(), Reason::Never(0)),
            (other(), web(), Reason::Always(0)),
            (other(), other(), by_policy),
        ];
        for (never, always, expected) in cases {
            let rules = rules(policy, never, always);
            assert_eq!(decide(&pod(None, None), "default", &rules).reason, expected, "{policy} {rules:?}");
            assert_eq!(decide(&pod(None, Some("true")), "default", &rules).reason, Reason::Annotation(true));
            assert_eq!(decide(&pod(None, Some("false")), "default", &rules).reason, Reason::Annotation(false));
            assert_eq!(decide(&pod(Some("true"), None), "default", &rules).reason, Reason::Label(true));
        }
    }
}

#[test]
fn the_index_of_the_selector_is_told_and_wrong_ones_are_passed_over() {
    let never = json!([
        {},
        {"matchExpressions": [{"key": "app", "operator": "Equals", "values": ["web"]}]},
        {"matchLabels": {"app": "web"}},
    ]);
    let decision = decide(&pod(None, None), "default", &rules("enabled", never, json!([])));
    assert_eq!(decision.reason, Reason::Never(2));
    assert_eq!(
        decision.warnings,
        ["neverInjectSelector[1] is no label selector and is passed over: 'Equals' for label `app` is no operator; \
          use In, NotIn, Exists or DoesNotExist"]
    );
}

#[test]
fn host_network_and_the_clusters_namespaces_go_before_everything() {
    let rules = rules("enabled", json!([]), web());
    let mut host = pod(Some("true"), None);
    host.spec_mut().insert("hostNetwork".to_owned(), true.into());
    assert_eq!(decide(&host, "default", &rules).reason, Reason::HostNetwork);
    host.spec_mut().insert("hostNetwork".to_owned(), false.into());
    assert_eq!(decide(&host, "default", &rules).reason, Reason::Label(true));
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"] {
        let decision = decide(&pod(Some("true"), None), namespace, &rules);
        assert_eq!(decision.reason, Reason::IgnoredNamespace(namespace.to_owned()));
    }
    assert!(decide(&pod(Some("true"), None), "istio-system", &rules).inject);
}

#[test]
fn an_illegal_policy_injects_nothing() {
    let rules = rules("on", json!([]), web());
    for pod in [pod(None, None), pod(Some("true"), None)] {
        let decision = decide(&pod, "default", &rules);
        assert_eq!((decision.inject, decision.reason), (false, Reason::IllegalPolicy("on".to_owned())));
    }
}

#[test]
fn reasons_are_sentences() {
    let cases = [
        (Reason::Label(true), "label sidecar.istio.io/inject is true"),
        (Reason::Annotation(false), "annotation sidecar.istio.io/inject is false"),
        (Reason::Never(1), "the pod's labels match neverInjectSelector[1]"),
        (Reason::Policy(false), "the injector's policy is disabled, and neither the pod nor a selector decides"),
        (
            Reason::IllegalPolicy("on".to_owned()),
            "the injector's policy is 'on', which has no meaning; set it to enabled or disabled",
        ),
    ];
    for (reason, text) in cases {
        assert_eq!(reason.to_string(), text);
    }
}

#[test]
fn selectors_match_as_in_kubernetes() {
    let labels = |name: &str| match name {
        "app" => Some("web"),
        "empty" => Some(""),
        "example.org/tier" => Some("front"),
        _ => None,
    };
    let expression = |key: &str, operator: &str, values: Json| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    let cases = [
        (json!({}), Ok(false)),
        (json!(null), Ok(false)),
        (json!({"matchLabels": {}, "matchExpressions": []}), Ok(false)),
        (json!({"matchLabels": {"app": "web"}}), Ok(true)),
        (json!({"matchLabels": {"app": "web", "example.org/tier": "front"}}), Ok(true)),
        (json!({"matchLabels": {"app": "web", "x": "y"}}), Ok(false)),
        (json!({"matchLabels": {"empty": ""}}), Ok(true)),
        (json!({"matchLabels": {"x": ""}}), Ok(false)),
        (expression("app", "In", json!(["a", "web"])), Ok(true)),
        (expression("app", "In", json!(["a"])), Ok(false)),
        (expression("x", "In", json!(["a"])), Ok(false)),
        (expression("app", "NotIn", json!(["a"])), Ok(true)),
        (expression("app", "NotIn", json!(["web"])), Ok(false)),
        (expression("x", "NotIn", json!(["a"])), Ok(true)),
        (expression("app", "Exists", json!([])), Ok(true)),
        (expression("empty", "Exists", json!(null)), Ok(true)),
        (expression("x", "Exists", json!(null)), Ok(false)),
        (expression("app", "DoesNotExist", json!(null)), Ok(false)),
        (expression("x", "DoesNotExist", json!(null)), Ok(true)),
        (
            json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
            Ok(false),
        ),
        (expression("app", "In", json!([])), Err("`In` for label `app` needs at least one value")),
        (expression("app", "Exists", json!(["a"])), Err("`Exists` for label `app` takes no values")),
        (expression("app", "in", json!(["a"])), Err("'in' for label `app` is no operator")),
        (expression("", "Exists", json!(null)), Err("'' cannot be the name of a label")),
        (expression("a/b/c", "Exists", json!(null)), Err("'a/b/c' cannot be the name")),
        (expression("Example.org/a", "Exists", json!(null)), Err("'Example.org/a' cannot be the name")),
        (json!({"matchLabels": {"app": "two words"}}), Err("'two words' cannot be the value of a label")),
        (json!({"matchLabels": {"app": 1}}), Err("the value of label `app` is not a text; quote it")),
        (json!({"matchLabels": ["app"]}), Err("`matchLabels` is not a map")),
        (json!("app=web"), Err("it is not a map with `matchLabels` or `matchExpressions`")),
    ];
    for (json, expected) in cases {
        let selector = LabelSelector::from_json(&json);
        match (selector.matches(&labels), expected) {
            (Ok(matches), Ok(expected)) => assert_eq!(matches, expected, "{json}"),
            (Err(why), Err(expected)) => assert!(why.starts_with(expected), "{json}: {why}"),
            (got, expected) => panic!("{json}: got {got:?}, expected {expected:?}"),
        }
    }
}

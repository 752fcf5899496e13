use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Field, WebhookVerdict, answer, check_webhooks, default_webhooks, pod_of};
use crate::pod::Pod;
use crate::policy::{Policy, Rules, decide};

/// `a=b c=d` as labels.
fn labels(text: &str) -> BTreeMap<String, String> {
    text.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}

fn pod(text: &str) -> Pod {
    Pod::from_json(json!({ "metadata": { "labels": labels(text) }, "spec": {} }))
}

fn check(configurations: &[Json], namespace: &str, pod_labels: &str) -> Vec<WebhookVerdict> {
    check_webhooks(configurations, &labels(namespace), &pod(pod_labels))
}

/// The configuration of a revision or a tag: the two webhooks that every one has.
fn revision(name: &str) -> Json {
    let mut configuration = default_webhooks();
    configuration["metadata"] = json!({ "name": name, "labels": { "istio.io/rev": name } });
    let hooks = configuration["webhooks"].as_array_mut().unwrap();
    hooks.truncate(2);
    hooks[0]["namespaceSelector"]["matchExpressions"][0]["values"] = json!([name]);
    hooks[1]["objectSelector"]["matchExpressions"][1]["values"] = json!([name]);
    configuration
}

#[test]
fn the_default_installation_takes_what_istio_documents() {
    let no_label = "nothing asks for it: the namespace has no label istio.io/rev=default or istio-injection=enabled, \
                    and the pod has no label istio.io/rev=default or sidecar.istio.io/inject=true";
    // namespace labels, pod labels, the webhook that gets the pod, the reason
    let cases = [
        ("", "", "", no_label),
        ("a=b", "c=d", "", no_label),
        ("istio-injection=enabled", "", "namespace", "namespace label istio-injection=enabled asks for it"),
        (
            "istio-injection=enabled",
            "sidecar.istio.io/inject=true",
            "namespace",
            "namespace label istio-injection=enabled asks for it, pod label sidecar.istio.io/inject=true asks for it",
        ),
        (
            "istio-injection=enabled",
            "sidecar.istio.io/inject=false",
            "",
            "pod label sidecar.istio.io/inject=false prevents it",
        ),
        ("istio-injection=disabled", "", "", "namespace label istio-injection=disabled prevents it"),
        (
            "istio-injection=disabled",
            "sidecar.istio.io/inject=true",
            "",
            "namespace label istio-injection=disabled prevents it",
        ),
        ("", "sidecar.istio.io/inject=true", "object", "pod label sidecar.istio.io/inject=true asks for it"),
        ("", "sidecar.istio.io/inject=false", "", "pod label sidecar.istio.io/inject=false prevents it"),
        ("", "istio.io/rev=default", "rev.object", "pod label istio.io/rev=default asks for it"),
        ("", "istio.io/rev=canary", "", "pod label istio.io/rev=canary asks for another revision"),
        ("istio.io/rev=default", "", "rev.namespace", "namespace label istio.io/rev=default asks for it"),
        ("istio.io/rev=canary", "", "", "namespace label istio.io/rev=canary asks for another revision"),
        // A pod's revision does not overrule that of its namespace.
        (
            "istio.io/rev=default",
            "istio.io/rev=canary",
            "rev.namespace",
            "namespace label istio.io/rev=default asks for it",
        ),
        (
            "istio-injection=enabled istio.io/rev=canary",
            "",
            "namespace",
            "namespace label istio-injection=enabled asks for it",
        ),
    ];
    for (namespace, pod_labels, hook, reason) in cases {
        let rows = check(&[default_webhooks()], namespace, pod_labels);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        let name = row.webhook.as_deref().unwrap_or_default();
        let expected = if hook.is_empty() { String::new() } else { format!("{hook}.sidecar-injector.istio.io") };
        let case = format!("namespace [{namespace}] pod [{pod_labels}]");
        assert_eq!((name, row.injected, row.reason.as_str()), (expected.as_str(), !hook.is_empty(), reason), "{case}");
        assert_eq!((row.name.as_str(), row.revision.as_str()), ("istio-sidecar-injector", "default"));
    }
}

#[test]
fn each_configuration_of_istio_has_a_row() {
    let foreign = json!({ "metadata": { "name": "a" }, "webhooks": [{ "name": "hook.example.com" }] });
    let rows = check(&[revision("canary"), foreign, default_webhooks(), json!({})], "istio-injection=enabled", "");
    let rows: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.injected, row.reason.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("canary", false, "namespace label istio-injection=enabled asks for the default revision"),
            ("istio-sidecar-injector", true, "namespace label istio-injection=enabled asks for it"),
        ]
    );
}

#[test]
fn selectors_count_as_in_the_api_server() {
    let names = json!([{ "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"] }]);
    let wrong = json!([{ "key": "a", "operator": "Is", "values": ["b"] }]);
    // what the webhook has, namespace labels, the start of the reason
    let cases = [
        (json!({}), "", "+it takes every pod"),
        (json!({ "namespaceSelector": {}, "objectSelector": {} }), "", "+it takes every pod"),
        (json!({ "namespaceSelector": { "matchLabels": { "a": "b" } } }), "a=b", "+namespace label a=b asks for it"),
        (
            json!({ "namespaceSelector": { "matchLabels": { "a": "b" } } }),
            "",
            "-nothing asks for it: the namespace has no label a=b",
        ),
        (
            json!({ "namespaceSelector": { "matchExpressions": names } }),
            "kubernetes.io/metadata.name=x",
            "+namespace x is injected by default",
        ),
        (
            json!({ "namespaceSelector": { "matchExpressions": names } }),
            "kubernetes.io/metadata.name=kube-system",
            "-namespace kube-system is left out by its name",
        ),
        (
            json!({ "namespaceSelector": { "matchExpressions": wrong } }),
            "a=b",
            "-namespaceSelector of webhook a.istio.io is no label selector: 'Is'",
        ),
        (
            json!({ "objectSelector": { "matchLabels": { "istio.io/deactivated": "never-match" } } }),
            "",
            "-it is deactivated",
        ),
        (
            json!({ "rules": [{ "operations": ["UPDATE"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"] }] }),
            "",
            "-webhook a.istio.io matches, but its rules",
        ),
        (
            json!({ "rules": [{ "operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"] }] }),
            "",
            "+it takes every pod",
        ),
    ];
    for (mut hook, namespace, expected) in cases {
        hook["name"] = json!("a.istio.io");
        let rows = check(&[json!({ "metadata": { "name": "a" }, "webhooks": [hook] })], namespace, "");
        let said = format!("{}{}", if rows[0].injected { '+' } else { '-' }, rows[0].reason);
        assert!(said.starts_with(expected), "{hook}: {said}");
    }
}

#[test]
fn the_answer_joins_what_webhooks_and_the_injector_say() {
    let both = [default_webhooks(), revision("default")];
    let default = [default_webhooks()];
    let two = [default_webhooks(), revision("canary")];
    let on = "istio-injection=enabled";
    // configurations, namespace labels, pod, the start of the answer
    let cases: [(&[Json], &str, Json, &str); 9] = [
        (&[], on, json!({}), "-there is no injection webhook of Istio"),
        (&default, on, json!({}), "+by istio-sidecar-injector: namespace label istio-injection=enabled asks for it"),
        (
            &two,
            on,
            json!({ "metadata": { "labels": { "sidecar.istio.io/inject": "false" } } }),
            "-pod label sidecar.istio.io/inject=false",
        ),
        (&default, "istio-injection=no", json!({}), "-namespace label istio-injection=no prevents it"),
        (&two, "", json!({}), "-no webhook gets the pod"),
        (
            &default,
            on,
            json!({ "spec": { "hostNetwork": true } }),
            "-istio-sidecar-injector gets the pod and the injector passes it over: the pod uses the network",
        ),
        (
            &default,
            on,
            json!({ "metadata": { "annotations": { "sidecar.istio.io/inject": "false" } } }),
            "-istio-sidecar-injector gets the pod and the injector passes it over: annotation",
        ),
        (
            &two,
            "",
            json!({ "metadata": { "annotations": { "sidecar.istio.io/inject": "true" } } }),
            "-no webhook gets the pod; webhooks do not look at the annotation",
        ),
        (
            &both,
            "istio.io/rev=default",
            json!({}),
            "+more than once, which can break the pod: by default and istio-sidecar-injector",
        ),
    ];
    for (configurations, namespace, pod, expected) in cases {
        let pod = Pod::from_json(pod);
        let rows = check_webhooks(configurations, &labels(namespace), &pod);
        let answer = answer(&rows, &decide(&pod, "shop", &Rules { policy: Policy::Enabled, ..Rules::default() }));
        let said = format!("{}{}", if answer.injected { '+' } else { '-' }, answer.reason);
        assert!(said.starts_with(expected), "expected {expected:?}, got {said:?}");
    }
}

#[test]
fn the_fields_that_decided_are_told() {
    let on = "istio-injection=enabled";
    let namespace = || Field::NamespaceLabel("istio-injection".to_owned());
    let label = || Field::PodLabel("sidecar.istio.io/inject".to_owned());
    let inject = |value: &str| json!({ "metadata": { "labels": { "sidecar.istio.io/inject": value } } });
    let cases = [
        (on, json!({}), vec![namespace()]),
        (on, inject("true"), vec![namespace(), label()]),
        (on, inject("false"), vec![label()]),
        ("istio-injection=disabled", json!({}), vec![namespace()]),
        ("", json!({}), vec![]),
        (on, json!({ "spec": { "hostNetwork": true } }), vec![Field::PodSpec("hostNetwork")]),
    ];
    for (labels_of_namespace, pod, expected) in cases {
        let case = format!("namespace [{labels_of_namespace}] {pod}");
        let pod = Pod::from_json(pod);
        let rows = check_webhooks(&[default_webhooks()], &labels(labels_of_namespace), &pod);
        assert_eq!(answer(&rows, &decide(&pod, "shop", &Rules::default())).fields, expected, "{case}");
    }
}

#[test]
fn a_workload_has_the_pod_that_it_makes() {
    let template = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "hostNetwork": true } });
    let objects = [
        json!({ "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"] }),
        json!({ "kind": "Deployment", "metadata": { "labels": { "a": "c" } }, "spec": { "template": template } }),
        json!({ "kind": "CronJob", "spec": { "jobTemplate": { "spec": { "template": template } } } }),
    ];
    for object in objects {
        let pod = pod_of(&object).unwrap();
        assert_eq!(
            (pod.label("a"), pod.to_json()["spec"]["hostNetwork"].as_bool()),
            (Some("b"), Some(true)),
            "{object}"
        );
    }
    assert_eq!(pod_of(&json!({ "kind": "Service" })), None);
}

//! The steps together and in their order, and what each pod is like after a second time.

use serde_json::{Value as Json, json};

use super::*;
use crate::pod::{Role, container_name};

mod again;

/// A context that owns its parts.
pub(super) struct Given {
    pub(super) proxy_env: BTreeMap<String, String>,
    pub(super) rewrite_probes: bool,
    pub(super) hold: bool,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) previously_injected: bool,
}

impl Default for Given {
    fn default() -> Given {
        let (proxy_env, annotations) = (BTreeMap::new(), BTreeMap::new());
        Given { proxy_env, rewrite_probes: true, hold: false, annotations, previously_injected: false }
    }
}

impl Given {
    pub(super) fn with<T>(&self, original: &Pod, run: impl FnOnce(&Context<'_>) -> T) -> T {
        run(&Context {
            original,
            proxy_env: &self.proxy_env,
            status_port: 15020,
            merge_metrics: None,
            rewrite_probes: self.rewrite_probes,
            hold: self.hold,
            revision: "",
            injected_annotations: &self.annotations,
            previously_injected: self.previously_injected,
        })
    }
}

/// The value of a variable of the proxy.
pub(super) fn env_of(pod: &Pod, name: &str) -> Option<String> {
    let env = pod.find(PROXY)?.get("env")?.as_array()?;
    Some(env_value(env.iter().find(|variable| env_name(variable) == name)?).to_owned())
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn env_names(pod: &Pod) -> Vec<&str> {
    pod.find(PROXY).unwrap()["env"].as_array().unwrap().iter().map(env_name).collect()
}

fn names(pod: &Pod, role: Role) -> String {
    pod.containers(role).iter().map(container_name).collect::<Vec<_>>().join(" ")
}

#[test]
fn all_steps_leave_their_trace_and_a_second_time_changes_nothing() {
    let template = Pod::from_parts(
        json!({}),
        json!({"containers": [{"name": "istio-proxy"}], "initContainers": [{"name": "istio-init"}], "volumes": [{"name": "v"}]}),
    );
    let mut pod = Pod::from_parts(
        json!({"annotations": {"prometheus.io/port": "80"}}),
        json!({
            "containers": [
                {"name": "istio-proxy", "env": [{"name": "ISTIO_META_CLUSTER_ID", "value": "old"}, {"name": "A"}]},
                {"name": "app", "livenessProbe": {"httpGet": {"port": 80}}},
            ],
            "initContainers": [{"name": "istio-init"}, {"name": "setup"}],
        }),
    );
    let given = Given {
        proxy_env: map(&[("ISTIO_META_NETWORK", "n"), ("ISTIO_META_CLUSTER_ID", "c"), ("EMPTY", "")]),
        annotations: map(&[("extra", "yes")]),
        ..Given::default()
    };
    let original = pod.clone();
    let warnings = given.with(&original, |context| post_process(&mut pod, &template, context)).unwrap();

    assert_eq!(warnings, [] as [String; 0]);
    let steps = ["A", "EMPTY", "ISTIO_META_CLUSTER_ID", "ISTIO_META_NETWORK", prometheus::ENV, probes::ENV];
    assert_eq!(env_names(&pod), steps);
    assert_eq!(env_of(&pod, "ISTIO_META_CLUSTER_ID").as_deref(), Some("c"));
    assert_eq!(pod.label(NETWORK_LABEL), Some("n"));
    assert_eq!(pod.annotation("extra"), Some("yes"));
    assert_eq!(
        pod.annotation(status::ANNOTATION),
        Some(
            r#"{"initContainers":["istio-init"],"containers":["istio-proxy"],"volumes":["v"],"imagePullSecrets":null,"revision":"default"}"#
        )
    );
    assert_eq!(names(&pod, Role::App), "app istio-proxy");
    assert_eq!(names(&pod, Role::Init), "setup istio-init");

    let once = pod.clone();
    let again = Given { previously_injected: true, ..given };
    again.with(&once, |context| post_process(&mut pod, &template, context)).unwrap();
    assert_eq!(pod.to_json().to_string(), once.to_json().to_string());
}

#[test]
fn containers_stand_where_they_work() {
    let cases = [
        ("app istio-proxy", "", false, "app istio-proxy", ""),
        ("istio-proxy app two", "", false, "app two istio-proxy", ""),
        ("app two istio-proxy", "", true, "istio-proxy app two", ""),
        ("app", "istio-init a b", false, "app", "a b istio-init"),
        ("app", "enable-core-dump istio-init a", false, "app", "a istio-init enable-core-dump"),
        ("app", "a istio-validation b", false, "app", "istio-validation a b"),
        (
            "app",
            "a istio-proxy enable-core-dump b istio-init",
            false,
            "app",
            "istio-init istio-proxy enable-core-dump a b",
        ),
        ("app", "a istio-validation istio-proxy", true, "app", "istio-validation istio-proxy a"),
        ("app", "a b", false, "app", "a b"),
    ];
    let list = |names: &str| names.split_whitespace().map(|name| json!({"name": name})).collect::<Json>();
    for (containers, init, hold, want, want_init) in cases {
        let spec = json!({"containers": list(containers), "initContainers": list(init)});
        let mut pod = Pod::from_parts(json!({}), spec);
        order::reorder(&mut pod, hold);
        assert_eq!((names(&pod, Role::App).as_str(), names(&pod, Role::Init).as_str()), (want, want_init));
    }
}

#[test]
fn a_pod_that_will_have_trouble_is_warned_about() {
    let cases = [
        (json!({"spec": {"dnsPolicy": "Default"}}), Some("spec.dnsPolicy is \"Default\"")),
        (json!({"spec": {"dnsPolicy": "ClusterFirst"}}), None),
        (json!({"spec": {"dnsPolicy": ""}}), None),
        (json!({"metadata": {"annotations": {status::ANNOTATION: "injected"}}}), Some(status::ANNOTATION)),
        (json!({"metadata": {"annotations": {status::ANNOTATION: "{}"}}}), None),
    ];
    for (pod, want) in cases {
        let mut result = Pod::default();
        let original = Pod::from_json(pod);
        let run = |context: &Context<'_>| post_process(&mut result, &Pod::default(), context);
        let warnings = Given::default().with(&original, run).unwrap();
        assert_eq!(warnings.len(), want.iter().count(), "{warnings:?}");
        assert!(want.is_none_or(|part| warnings[0].contains(part)), "{warnings:?}");
    }
}

#[test]
fn a_pod_of_odd_shapes_is_no_reason_to_panic() {
    let template = Pod::default();
    let shapes = [
        json!({}),
        json!({"spec": null, "metadata": null}),
        json!({"spec": {"containers": {}, "initContainers": 3}, "metadata": {"annotations": [], "labels": "x"}}),
        json!({"spec": {"containers": [null, "istio-proxy", {"name": 1}, {"name": "istio-proxy", "env": {}}]}}),
        json!({"spec": {"containers": [{"name": "istio-proxy", "env": [null, {"name": []}]},
            {"name": "a", "ports": [1], "livenessProbe": {"httpGet": {"port": "x"}}, "lifecycle": [1]}]}}),
    ];
    for shape in shapes {
        let original = Pod::from_json(shape);
        let mut pod = original.clone();
        let given = Given { proxy_env: map(&[("A", "b")]), ..Given::default() };
        given.with(&original, |context| post_process(&mut pod, &template, context)).unwrap();
        assert!(status::injected(&pod));
    }
}

//! Whatever shape a pod has, injection answers: with a pod that a second injection leaves as it is, or with an error.
#![allow(clippy::unwrap_used)] // a test fails by it

use lateen_inject::{Injector, NativeSidecars, Owner, Pod, Request, Settings};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Keys of pods, all over the place.
const KEYS: &[&str] = &[
    "annotations",
    "args",
    "capabilities",
    "containerPort",
    "containers",
    "env",
    "exec",
    "fsGroup",
    "grpc",
    "hostNetwork",
    "httpGet",
    "image",
    "initContainers",
    "labels",
    "lifecycle",
    "livenessProbe",
    "metadata",
    "name",
    "namespace",
    "ownerReferences",
    "path",
    "port",
    "ports",
    "postStart",
    "preStop",
    "readinessProbe",
    "resources",
    "runAsGroup",
    "runAsUser",
    "securityContext",
    "spec",
    "startupProbe",
    "tcpSocket",
    "value",
    "valueFrom",
    "volumes",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$deleteFromPrimitiveList/args",
    "",
];

/// Texts that something looks for.
const TEXTS: &[&str] = &[
    "",
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "auto",
    "app",
    "-u",
    "80",
    "http",
    "true",
    "false",
    "delete",
    "{}",
    "[]",
    "{\"containers\":[{\"name\":\"istio-proxy\"}]}",
    "{\"containers\":[\"istio-proxy\",\"app\",1]}",
    "{\"initContainers\":[{}],\"containers\":[{\"name\":1}]}",
    "TPROXY",
    "REDIRECT",
    "gateway",
    "sidecar, gateway",
    "concurrency: 1",
    "a: [",
    "15020",
    "65536",
    "1337",
    "é\u{0}\n",
    "{{ .Values }}",
];

/// Annotations that are read.
const ANNOTATIONS: &[&str] = &[
    "inject.istio.io/templates",
    "prometheus.io/port",
    "prometheus.io/scrape",
    "prometheus.istio.io/scrape-targets",
    "proxy.istio.io/config",
    "proxy.istio.io/overrides",
    "sidecar.istio.io/bootstrapOverride",
    "sidecar.istio.io/interceptionMode",
    "sidecar.istio.io/nativeSidecar",
    "sidecar.istio.io/proxyCPU",
    "sidecar.istio.io/rewriteAppHTTPProbers",
    "sidecar.istio.io/status",
    "sidecar.istio.io/userVolume",
    "sidecar.istio.io/userVolumeMount",
    "status.sidecar.istio.io/port",
    "traffic.sidecar.istio.io/excludeInboundPorts",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(TEXTS).prop_map(str::to_owned), 1 => ".{0,12}"]
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (0..70_000_i64).prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((select(KEYS), inner), 0..5).prop_map(|entries| {
                Json::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn annotations() -> impl Strategy<Value = Map<String, Json>> {
    vec((select(ANNOTATIONS), prop_oneof![9 => text().prop_map(Json::from), 1 => any_json()]), 0..4)
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A sound pod with everything that injection looks at.
fn sound() -> Json {
    let probe = json!({"httpGet": {"path": "/", "port": "http", "scheme": "HTTPS"}, "timeoutSeconds": 1});
    let app = json!({
        "name": "app", "image": "example/app:1", "args": ["a"], "env": [{"name": "A", "value": "1"}],
        "ports": [{"name": "http", "containerPort": 80}],
        "readinessProbe": probe.clone(), "livenessProbe": {"tcpSocket": {"port": 80}},
        "startupProbe": {"grpc": {"port": 1}}, "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
        "securityContext": {"runAsUser": 1, "capabilities": {"drop": ["ALL"]}},
        "resources": {"limits": {"cpu": "1"}}, "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    });
    json!({
        "metadata": {"name": "p", "namespace": "shop", "labels": {"app": "a"}, "annotations": {}},
        "spec": {
            "containers": [app, {"name": "istio-proxy", "image": "auto", "securityContext": {"runAsUser": 7}}],
            "initContainers": [{"name": "setup", "image": "example/setup:1", "readinessProbe": probe}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "imagePullSecrets": [{"name": "s"}],
            "securityContext": {"fsGroup": 3},
            "dnsConfig": {"searches": ["x"]},
        },
    })
}

/// A sound pod, with something else in several of its places.
fn broken() -> impl Strategy<Value = Json> {
    let changes = vec((any::<Index>(), prop_oneof![2 => any_json().prop_map(Some), 1 => Just(None)]), 0..4);
    (changes, annotations()).prop_map(|(changes, annotations)| {
        let mut pod = sound();
        pod["metadata"]["annotations"] = Json::Object(annotations);
        for (at, change) in changes {
            let mut places = Vec::new();
            list(&pod, String::new(), &mut places);
            let place = at.get(&places).clone();
            match (change, place.rsplit_once('/')) {
                (None, Some((parent, key))) => match pod.pointer_mut(parent) {
                    Some(Json::Object(map)) => drop(map.shift_remove(&key.replace("~1", "/").replace("~0", "~"))),
                    Some(Json::Array(items)) => drop(items.remove(key.parse().unwrap())),
                    _ => {}
                },
                (change, _) => *pod.pointer_mut(&place).unwrap() = change.unwrap_or_default(),
            }
        }
        pod
    })
}

/// Pointers to all places below one.
fn list(json: &Json, place: String, into: &mut Vec<String>) {
    match json {
        Json::Object(map) => map.iter().for_each(|(key, value)| {
            list(value, format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), into);
        }),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| list(value, format!("{place}/{index}"), into));
        }
        _ => {}
    }
    into.push(place);
}

/// lateen's own templates, and templates of 1.7's form.
fn injectors() -> &'static [Injector; 2] {
    static INJECTORS: OnceLock<[Injector; 2]> = OnceLock::new();
    INJECTORS.get_or_init(|| {
        let legacy = "template: |\n  rewriteAppHTTPProbe: true\n  initContainers:\n  - {name: istio-init, image: i, args: [-u, 1337]}\n  \
             containers:\n  - {name: istio-proxy, image: p}\n  volumes:\n  - {name: v, emptyDir: {}}\n";
        let of = |config: Option<&str>| {
            let config = config.map(|text| ("config".to_owned(), text.to_owned()));
            Injector::new(Settings { config, ..Settings::default() }).unwrap().0
        };
        [of(None), of(Some(legacy))]
    })
}

fn check(json: Json, native_sidecar: bool, openshift: bool) -> Result<(), TestCaseError> {
    let namespace = json!({"openshift.io/sa.scc.uid-range": "1/10"});
    let inject = |injector: &Injector, pod: &Pod| {
        let request = Request {
            pod,
            namespace: "shop",
            owner: Owner::default(),
            proxy_configs: None,
            namespace_annotations: namespace.as_object().filter(|_| openshift),
            native_sidecar,
            proxy_env: BTreeMap::new(),
        };
        injector.decide(pod, "shop");
        injector.inject(&request)
    };
    for injector in injectors() {
        let Ok(first) = inject(injector, &Pod::from_json(json.clone())) else { continue };
        let second = inject(injector, &first.pod).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(second.pod.to_json(), first.pod.to_json());
    }
    Ok(())
}

/// How many pods of each kind; `PROPTEST_CASES` in the environment asks for others.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn any_json_is_answered(metadata in any_json(), annotations in annotations(), spec in any_json(), native in any::<bool>()) {
        let mut json = json!({"metadata": metadata, "spec": spec});
        if let Some(metadata) = json["metadata"].as_object_mut() {
            metadata.insert("annotations".to_owned(), Json::Object(annotations));
        }
        check(json, native, false)?;
    }

    #[test]
    fn a_pod_that_is_broken_somewhere_is_answered(json in broken(), native in any::<bool>(), openshift in any::<bool>()) {
        check(json, native, openshift)?;
    }

    #[test]
    fn any_node_version_is_read(version in ".{0,20}", setting in text()) {
        let nodes = [lateen_inject::NodeVersion { name: "n".to_owned(), kubelet: version }];
        NativeSidecars::from_setting(Some(&setting)).0.apply(Some(&nodes), "n", &mut Vec::new());
    }
}

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

/// An object with some of these fields.
fn object(fields: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Json> {
    let fields: Vec<_> = fields.into_iter().map(|(key, value)| (Just(key), proptest::option::of(value))).collect();
    fields
        .prop_map(|fields| {
            Json::Object(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
        })
        .boxed()
}

/// The same with fields that are always there.
fn with(fields: BoxedStrategy<Json>, always: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Json> {
    let always: Vec<_> = always.into_iter().map(|(key, value)| (Just(key), value)).collect();
    (fields, always)
        .prop_map(|(mut fields, always)| {
            always.into_iter().for_each(|(key, value)| fields[key] = value);
            fields
        })
        .boxed()
}

fn one_of(values: &[Json]) -> BoxedStrategy<Json> {
    select(values.to_vec()).boxed()
}

fn list_of(item: BoxedStrategy<Json>, most: usize) -> BoxedStrategy<Json> {
    vec(item, 0..=most).prop_map(Json::from).boxed()
}

/// A list in which no two items have the same value of `key`, by which Kubernetes merges them: what becomes of two is
/// decided by accidents of its algorithm.
fn distinct(key: &'static str, item: BoxedStrategy<Json>, most: usize) -> BoxedStrategy<Json> {
    vec(item, 0..=most)
        .prop_map(move |items| {
            let mut kept: Vec<Json> = Vec::new();
            for item in items {
                if !kept.iter().any(|other| other[key] == item[key]) {
                    kept.push(item);
                }
            }
            kept.into()
        })
        .boxed()
}

fn word() -> BoxedStrategy<Json> {
    one_of(&[json!("a"), json!("http"), json!("v"), json!("$(A)"), json!("é"), json!("")])
}

fn number() -> BoxedStrategy<Json> {
    one_of(&[json!(0), json!(1), json!(80), json!(1337), json!(15_020), json!(65_535)])
}

fn probe() -> BoxedStrategy<Json> {
    let port = || one_of(&[json!(80), json!("http"), json!("80"), json!("none"), json!(15_020), json!(0)]);
    let get = || {
        let headers = list_of(with(object(vec![]), vec![("name", word()), ("value", word())]), 2);
        let scheme = one_of(&[json!("HTTP"), json!("HTTPS")]);
        let rest = object(vec![("path", word()), ("scheme", scheme), ("host", word()), ("httpHeaders", headers)]);
        with(rest, vec![("port", port())])
    };
    let tcp = with(object(vec![("host", word())]), vec![("port", port())]);
    let grpc = with(object(vec![("service", word())]), vec![("port", number())]);
    let exec = object(vec![("command", list_of(word(), 2))]);
    let timing = || object(vec![("timeoutSeconds", number()), ("periodSeconds", number())]);
    prop_oneof![
        3 => with(timing(), vec![("httpGet", get())]),
        1 => with(timing(), vec![("tcpSocket", tcp)]),
        1 => with(timing(), vec![("grpc", grpc)]),
        1 => with(timing(), vec![("exec", exec)]),
        1 => timing(),
    ]
    .boxed()
}

fn container(names: &[&str]) -> BoxedStrategy<Json> {
    let name = one_of(&names.iter().map(|name| Json::from(*name)).collect::<Vec<_>>());
    let env = prop_oneof![
        with(object(vec![("value", word())]), vec![("name", word())]),
        Just(json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})),
    ];
    let port = with(
        object(vec![("name", word()), ("protocol", one_of(&[json!("TCP"), json!("UDP"), json!("SCTP")]))]),
        vec![("containerPort", number())],
    );
    let amounts = || {
        object(vec![("cpu", one_of(&[json!("1"), json!(2), json!("100m")])), ("memory", Just(json!("1Gi")).boxed())])
    };
    let security = object(vec![
        ("runAsUser", number()),
        ("runAsGroup", number()),
        ("runAsNonRoot", any::<bool>().prop_map(Json::from).boxed()),
        ("privileged", any::<bool>().prop_map(Json::from).boxed()),
        ("capabilities", object(vec![("add", list_of(word(), 2)), ("drop", list_of(Just(json!("ALL")).boxed(), 1))])),
        ("seccompProfile", Just(json!({"type": "RuntimeDefault"})).boxed()),
    ]);
    let handler = object(vec![
        ("exec", object(vec![("command", list_of(word(), 2))])),
        ("sleep", Just(json!({"seconds": 1})).boxed()),
    ]);
    let mount = with(
        object(vec![("readOnly", any::<bool>().prop_map(Json::from).boxed())]),
        vec![("name", word()), ("mountPath", one_of(&[json!("/v"), json!("/etc/istio/proxy"), json!("/w")]))],
    );
    let rest = object(vec![
        ("image", one_of(&[json!("auto"), json!("example/app:1"), json!("")])),
        ("imagePullPolicy", Just(json!("Always")).boxed()),
        ("command", list_of(word(), 2)),
        ("args", list_of(one_of(&[json!("proxy"), json!("--concurrency"), json!("2"), json!("-u"), json!("")]), 4)),
        ("env", distinct("name", env.boxed(), 3)),
        ("ports", distinct("containerPort", port, 3)),
        ("resources", object(vec![("limits", amounts()), ("requests", amounts())])),
        ("securityContext", security),
        ("readinessProbe", probe()),
        ("livenessProbe", probe()),
        ("startupProbe", probe()),
        ("lifecycle", object(vec![("preStop", handler.clone()), ("postStart", handler)])),
        ("volumeMounts", distinct("mountPath", mount, 2)),
        ("restartPolicy", Just(json!("Always")).boxed()),
    ]);
    with(rest, vec![("name", name)])
}

/// A pod whose fields have the types that they should have, so that nearly all of it is injected.
fn rightly_typed() -> BoxedStrategy<Json> {
    let texts = |texts: &[&str]| one_of(&texts.iter().map(|text| Json::from(*text)).collect::<Vec<_>>());
    let numbers = || texts(&["80", "15020", "1,2", "*", "", "1-3"]);
    let flag = || texts(&["true", "false"]);
    let annotations = object(vec![
        ("inject.istio.io/templates", texts(&["sidecar", "gateway", "grpc-agent"])),
        ("prometheus.io/port", texts(&["80", "15020", "http", ""])),
        ("prometheus.io/scrape", flag()),
        ("prometheus.io/path", word()),
        (
            "proxy.istio.io/config",
            texts(&[
                "concurrency: 1",
                "holdApplicationUntilProxyStarts: true",
                "{}",
                "proxyMetadata: {A: b}",
                "statusPort: 80",
            ]),
        ),
        (
            "proxy.istio.io/overrides",
            texts(&[
                "{}",
                "{\"containers\":[{\"name\":\"istio-proxy\",\"image\":\"x\"}]}",
                "{\"initContainers\":[{\"name\":\"istio-init\"}],\"containers\":[{\"name\":\"istio-proxy\"}]}",
            ]),
        ),
        ("sidecar.istio.io/bootstrapOverride", texts(&["a-map"])),
        ("sidecar.istio.io/interceptionMode", texts(&["REDIRECT", "TPROXY", "NONE"])),
        ("sidecar.istio.io/nativeSidecar", flag()),
        ("sidecar.istio.io/proxyCPU", texts(&["100m", "2"])),
        ("sidecar.istio.io/proxyMemoryLimit", texts(&["1Gi"])),
        ("sidecar.istio.io/rewriteAppHTTPProbers", flag()),
        ("sidecar.istio.io/userVolume", texts(&["[{\"name\":\"u\",\"emptyDir\":{}}]", "{\"u\":{\"emptyDir\":{}}}"])),
        ("sidecar.istio.io/userVolumeMount", texts(&["[{\"name\":\"u\",\"mountPath\":\"/u\"}]"])),
        ("status.sidecar.istio.io/port", texts(&["80", "15020", "15021"])),
        ("traffic.sidecar.istio.io/excludeInboundPorts", numbers()),
        ("traffic.sidecar.istio.io/includeInboundPorts", numbers()),
        ("traffic.sidecar.istio.io/excludeOutboundIPRanges", texts(&["10.0.0.0/8", "", "::/0"])),
        ("kubectl.kubernetes.io/default-container", texts(&["b"])),
    ]);
    // One in three of the annotations at most: each of them may be refused beside another.
    let annotations = (annotations, vec(any::<bool>(), 60)).prop_map(|(annotations, keep)| {
        let entries = annotations.as_object().unwrap().clone().into_iter().enumerate();
        Json::Object(entries.filter(|(at, _)| keep[2 * at] && keep[2 * at + 1]).map(|(_, entry)| entry).collect())
    });
    let labels = object(vec![
        ("app", word()),
        ("istio.io/rev", texts(&["default", "canary"])),
        ("sidecar.istio.io/inject", texts(&["true"])),
        ("service.istio.io/canonical-name", word()),
        ("networking.istio.io/tunnel", texts(&["http"])),
        ("topology.istio.io/network", texts(&["n"])),
    ]);
    let metadata = object(vec![
        ("name", texts(&["p"])),
        ("generateName", texts(&["p-"])),
        ("namespace", texts(&["shop"])),
        ("labels", labels),
        ("annotations", annotations.boxed()),
    ]);
    let security = object(vec![
        ("fsGroup", number()),
        ("runAsUser", number()),
        ("runAsNonRoot", any::<bool>().prop_map(Json::from).boxed()),
        ("sysctls", Just(json!([{"name": "a", "value": "b"}])).boxed()),
    ]);
    let volume = prop_oneof![
        word().prop_map(|name| json!({"name": name, "emptyDir": {}})),
        texts(&["istio-data", "istio-envoy"]).prop_map(|name| json!({"name": name, "configMap": {"name": "c"}})),
    ];
    let spec = object(vec![
        ("initContainers", distinct("name", container(&["setup", "istio-init", "istio-validation", "istio-proxy"]), 3)),
        ("volumes", distinct("name", volume.boxed(), 3)),
        ("imagePullSecrets", Just(json!([{"name": "s"}])).boxed()),
        ("securityContext", security),
        ("serviceAccountName", word()),
        ("dnsConfig", object(vec![("searches", list_of(word(), 2)), ("nameservers", list_of(word(), 1))])),
        ("terminationGracePeriodSeconds", number()),
        ("shareProcessNamespace", any::<bool>().prop_map(Json::from).boxed()),
        ("restartPolicy", texts(&["Always", "Never"])),
        ("nodeName", texts(&["n"])),
    ]);
    let spec = with(spec, vec![("containers", distinct("name", container(&["app", "b", "istio-proxy"]), 3))]);
    with(object(vec![]), vec![("metadata", metadata), ("spec", spec)])
        .prop_map(|mut pod| {
            let is_proxy = |container: &Json| container["name"] == "istio-proxy";
            let containers = pod["spec"]["containers"].as_array_mut().unwrap();
            // Where the proxy stands among the others afterwards, its own ports in ISTIO_META_POD_PORTS follow.
            for container in containers.iter_mut().filter(|container| is_proxy(container)) {
                container.as_object_mut().unwrap().remove("ports");
            }
            // A pod has one proxy.
            if containers.iter().any(is_proxy)
                && let Some(others) = pod["spec"]["initContainers"].as_array_mut()
            {
                others.retain(|container| !is_proxy(container));
            }
            pod
        })
        .boxed()
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
    fn a_pod_of_the_right_types_is_answered(json in rightly_typed(), native in any::<bool>(), openshift in any::<bool>()) {
        check(json, native, openshift)?;
    }

    #[test]
    fn any_node_version_is_read(version in ".{0,20}", setting in text()) {
        let nodes = [lateen_inject::NodeVersion { name: "n".to_owned(), kubelet: version }];
        NativeSidecars::from_setting(Some(&setting)).0.apply(Some(&nodes), "n", &mut Vec::new());
    }
}

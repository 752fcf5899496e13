//! Overlays as templates write them: one row is an overlay, what becomes of it, and the warnings.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use serde_json::{Value as Json, json};

use super::conform;
use crate::config::Form;
use crate::merge::merge;
use crate::schema::pod;

#[track_caller]
fn check(form: Form, overlay: Json, expected: Json, warnings: &[&str]) {
    let mut result = overlay.clone();
    let got = conform(&mut result, form);
    assert_eq!(result, expected, "{overlay}");
    assert_eq!(
        got.map_err(|err| err.to_string()),
        Ok(warnings.iter().map(|&text| text.to_owned()).collect()),
        "{overlay}"
    );
}

fn proxy(container: Json) -> Json {
    let mut map = json!({"name": "istio-proxy"});
    map.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    json!({"spec": {"containers": [map]}})
}

#[test]
fn what_conforms_stays_as_it_is() {
    let overlay = json!({
        "metadata": {"labels": {"a": "1"}, "annotations": {"b": null}},
        "spec": {
            "initContainers": null,
            "containers": [
                {"$patch": "delete", "name": "x"},
                {"name": "istio-proxy", "image": "auto", "readinessProbe": {"httpGet": {"port": 15021}},
                 "livenessProbe": {"httpGet": {"port": "http"}}, "resources": {"limits": {"cpu": "1.5", "memory": "1Gi"}}},
            ],
            "$setElementOrder/containers": [{"name": "istio-proxy"}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "securityContext": {"sysctls": []},
        },
    });
    check(Form::Pod, overlay.clone(), overlay, &[]);
}

#[test]
fn numbers_and_booleans_become_the_text_that_is_wanted() {
    let overlay = proxy(json!({"args": ["-p", 15001, true, 1.5], "env": [{"name": "A", "value": 1}]}));
    let expected = proxy(json!({"args": ["-p", "15001", "true", "1.5"], "env": [{"name": "A", "value": "1"}]}));
    check(Form::InjectionSpec, overlay.clone(), expected.clone(), &[]);
    check(
        Form::Pod,
        overlay,
        expected,
        &[
            "`spec.containers[istio-proxy].args[1]` is the number 15001, where text is wanted; taken as \"15001\"",
            "`spec.containers[istio-proxy].args[2]` is the boolean true, where text is wanted; taken as \"true\"",
            "`spec.containers[istio-proxy].args[3]` is the number 1.5, where text is wanted; taken as \"1.5\"",
            "`spec.containers[istio-proxy].env[A].value` is the number 1, where text is wanted; taken as \"1\"",
        ],
    );
    check(
        Form::Pod,
        proxy(json!({"resources": {"limits": {"cpu": 2}}, "securityContext": {"runAsUser": 1337.0}, "args": [null]})),
        proxy(json!({"resources": {"limits": {"cpu": "2"}}, "securityContext": {"runAsUser": 1337}, "args": [""]})),
        &["`spec.containers[istio-proxy].args[0]` is empty; it is taken as the empty text \"\""],
    );
}

#[test]
fn what_cannot_be_meant_is_an_error_with_its_place() {
    for (overlay, expected) in [
        (
            proxy(json!({"ports": [{"containerPort": "15090"}]})),
            "`spec.containers[istio-proxy].ports[0].containerPort` is the text \"15090\", where a whole number of 32 bits is wanted",
        ),
        (
            proxy(json!({"ports": [{"containerPort": 5_000_000_000_i64}]})),
            "`spec.containers[istio-proxy].ports[0].containerPort` is the number 5000000000, where a whole number of 32 bits is wanted",
        ),
        (
            proxy(json!({"args": "proxy"})),
            "`spec.containers[istio-proxy].args` is the text \"proxy\", where a list is wanted",
        ),
        (proxy(json!({"args": [{"a": 1}]})), "`spec.containers[istio-proxy].args[0]` is a map, where text is wanted"),
        (
            proxy(json!({"securityContext": {"privileged": "false"}})),
            "`spec.containers[istio-proxy].securityContext.privileged` is the text \"false\", where true or false is wanted",
        ),
        (
            proxy(json!({"resources": {"limits": {"cpu": "2 cores"}}})),
            "`spec.containers[istio-proxy].resources.limits.cpu` is the text \"2 cores\", where a quantity such as 100m or 128Mi is wanted",
        ),
        (json!({"spec": {"volumes": [null]}}), "`spec.volumes[0]` is empty, where a map is wanted"),
        (json!({"metadata": {"labels": ["a"]}}), "`metadata.labels` is a list, where a map is wanted"),
        (json!({"spec": 1}), "`spec` is the number 1, where a map is wanted"),
        (json!([]), "`the pod` is a list, where a map is wanted"),
    ] {
        let error = conform(&mut overlay.clone(), Form::Pod).unwrap_err();
        assert_eq!(error.to_string(), expected, "{overlay}");
    }
    let error = conform(&mut proxy(json!({"args": ["a", {}]})), Form::Pod).unwrap_err();
    assert_eq!(error.path().collect::<Vec<_>>(), ["spec", "containers", "0", "args", "1"]);
}

#[test]
fn a_field_beside_its_empty_parent_moves_under_it() {
    let sources = |source: Json| json!({"spec": {"volumes": [{"name": "ca", "projected": {"sources": [source]}}]}});
    check(
        Form::Pod,
        sources(json!({"clusterTrustBundle": null, "name": "istio.io:istiod-ca:root-cert", "path": "root-cert.pem"})),
        sources(json!({"clusterTrustBundle": {"name": "istio.io:istiod-ca:root-cert", "path": "root-cert.pem"}})),
        &["`name` and `path` stand beside the empty \
           `spec.volumes[ca].projected.sources[0].clusterTrustBundle`, \
           where none of that name is known; taken as if indented under it"],
    );
    check(
        Form::Pod,
        json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}, "sizeLimit": 1}]}}),
        json!({"spec": {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1"}}]}}),
        &["`sizeLimit` stands beside the empty `spec.volumes[v].emptyDir`, where no field of that name is known; \
           taken as if indented under it"],
    );
    // Two that could be meant, and one key that no candidate has: nothing moves.
    check(
        Form::Pod,
        sources(json!({"secret": null, "configMap": null, "items": []})),
        sources(json!({"secret": null, "configMap": null})),
        &[
            "`spec.volumes[ca].projected.sources[0].items` is dropped: Kubernetes knows no field `items` in VolumeProjection",
        ],
    );
}

#[test]
fn a_pods_setting_moves_from_the_container_to_the_pod() {
    check(
        Form::InjectionSpec,
        proxy(json!({"securityContext": {"fsGroup": 1337, "runAsUser": 1337}})),
        json!({"spec": {
            "containers": [{"name": "istio-proxy", "securityContext": {"runAsUser": 1337}}],
            "securityContext": {"fsGroup": 1337},
        }}),
        &["`spec.containers[istio-proxy].securityContext.fsGroup` is moved to `spec.securityContext.fsGroup`: \
           a container has no `fsGroup`, a pod has"],
    );
    check(
        Form::Pod,
        json!({"spec": {
            "containers": [{"name": "istio-proxy", "securityContext": {"fsGroup": 1337}}],
            "securityContext": {"fsGroup": 7},
        }}),
        json!({"spec": {"containers": [{"name": "istio-proxy", "securityContext": {}}], "securityContext": {"fsGroup": 7}}}),
        &["`spec.containers[istio-proxy].securityContext.fsGroup` is dropped: a container has no `fsGroup`, \
           and the pod says 7 already"],
    );
}

#[test]
fn a_containers_setting_moves_from_the_pod_to_the_proxy() {
    check(
        Form::Pod,
        json!({"spec": {
            "securityContext": {"sysctls": [], "capabilities": {"add": ["CAP_NET_BIND_SERVICE", "NET_RAW"]}},
            "containers": [{"name": "app"}, {"name": "istio-proxy", "securityContext": {"capabilities": {"add": ["NET_RAW"], "drop": ["ALL"]}}}],
        }}),
        json!({"spec": {
            "securityContext": {"sysctls": []},
            "containers": [{"name": "app"}, {"name": "istio-proxy", "securityContext": {
                "capabilities": {"add": ["NET_RAW", "NET_BIND_SERVICE"], "drop": ["ALL"]},
            }}],
        }}),
        &["`spec.securityContext.capabilities` (add NET_BIND_SERVICE, add NET_RAW) is moved to \
           `spec.containers[istio-proxy].securityContext.capabilities`: a pod has no `capabilities`, a container has"],
    );
    check(
        Form::Pod,
        json!({"spec": {"securityContext": {"privileged": true}, "initContainers": [{"name": "istio-proxy"}]}}),
        json!({"spec": {"securityContext": {}, "initContainers": [{"name": "istio-proxy", "securityContext": {"privileged": true}}]}}),
        &[
            "`spec.securityContext.privileged` is moved to `spec.initContainers[istio-proxy].securityContext.privileged`: \
           a pod has no `privileged`, a container has",
        ],
    );
    check(
        Form::Pod,
        json!({"spec": {"securityContext": {"capabilities": {"add": ["NET_RAW"]}}}}),
        json!({"spec": {"securityContext": {}}}),
        &["`spec.securityContext.capabilities` is dropped: a pod has no `capabilities`, \
           and the template has no container istio-proxy that could take it"],
    );
}

#[test]
fn what_is_left_over_is_dropped_with_a_warning() {
    check(
        Form::Pod,
        json!({"kind": "Pod", "status": {}, "spec": {"containers": [{"name": "a", "Image": "x", "imagePolicy": "y"}]}}),
        json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "x"}]}}),
        &[
            "`status` is dropped: Kubernetes knows no field `status` in Pod",
            "`spec.containers[a].Image` is written `image`",
            "`spec.containers[a].imagePolicy` is dropped: Kubernetes knows no field `imagePolicy` in Container",
        ],
    );
}

/// JSON whose keys are mostly those of pods, in any place.
fn any_json() -> impl Strategy<Value = Json> {
    let key = prop_oneof![
        Just("metadata"),
        Just("spec"),
        Just("containers"),
        Just("initContainers"),
        Just("name"),
        Just("securityContext"),
        Just("capabilities"),
        Just("add"),
        Just("fsGroup"),
        Just("privileged"),
        Just("labels"),
        Just("volumes"),
        Just("projected"),
        Just("sources"),
        Just("clusterTrustBundle"),
        Just("path"),
        Just("ports"),
        Just("Ports"),
        Just("containerPort"),
        Just("args"),
        Just("finalizers"),
        Just("unknown"),
        Just("$patch"),
        Just("$retainKeys"),
        Just("$setElementOrder/containers"),
        Just("$deleteFromPrimitiveList/finalizers"),
    ];
    let word = prop_oneof![Just("istio-proxy"), Just("a"), Just("delete"), Just("replace"), Just("CAP_NET_RAW")];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<i32>().prop_map(Json::from),
        word.prop_map(Json::from),
        any::<bool>().prop_map(Json::from)
    ];
    leaf.prop_recursive(7, 120, 5, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..3).prop_map(Json::from),
            3 => vec((key.clone(), inner), 0..5)
                .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_template_writes_ends_in_an_answer(mut overlay in any_json(), mut target in any_json()) {
        if conform(&mut overlay, Form::Pod).is_ok() {
            let mut again = overlay.clone();
            assert_eq!(conform(&mut again, Form::Pod), Ok(Vec::new()), "{overlay}");
            assert_eq!(again, overlay);
        }
        // Both results are fine; a panic is not.
        let _ = merge(&mut target, overlay, pod());
    }
}

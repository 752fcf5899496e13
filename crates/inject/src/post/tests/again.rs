//! Pods through all steps from the first to the last but the templates' rendering, and a second time.

use serde_json::{Value as Json, json};

use super::{Given, env_names, env_of, map};
use crate::merge::merge;
use crate::overrides::{move_native, reapply, reinsert, strip};
use crate::pod::{PROXY, Pod, Role, container_name, find};
use crate::{post, schema};

/// A template whose proxy is told the names of the application's containers, as Istio's is.
fn template(seen: &Pod, role: Role) -> Pod {
    let names = seen.containers(Role::App).iter().map(container_name).filter(|name| *name != PROXY);
    let names: Vec<&str> = names.collect();
    let proxy = json!({
        "name": "istio-proxy", "image": "proxy", "args": ["proxy", "sidecar"],
        "resources": {"requests": {"cpu": "100m"}},
        "securityContext": {"runAsUser": 1337, "runAsGroup": 1337},
        "env": [{"name": "FIRST", "value": "1"}, {"name": "ISTIO_META_CLUSTER_ID", "value": "values"}, {"name": "LAST"},
            {"name": "ISTIO_META_APP_CONTAINERS", "value": names.join(",")}],
    });
    let init = json!({"name": "istio-init", "image": "proxy", "args": ["istio-iptables", "-u", "1337"]});
    let other =
        json!({"name": "other", "livenessProbe": {"tcpSocket": {"port": 9}}, "startupProbe": {"grpc": {"port": 9}}});
    let mut spec =
        json!({"containers": [other], "initContainers": [init], "volumes": [{"name": "data", "emptyDir": {}}]});
    match role {
        Role::App => spec["containers"].as_array_mut().unwrap().push(proxy),
        Role::Init => spec["initContainers"].as_array_mut().unwrap().push(proxy),
    }
    Pod::from_parts(json!({"labels": {"injected": "yes"}}), spec)
}

fn inject(original: &Pod, role: Role) -> Pod {
    let seen = reinsert(strip(original, 15020)).unwrap();
    let template = template(&seen, role);
    let mut merged = original.clone();
    if role == Role::Init && find(merged.containers(Role::App), PROXY).is_some() {
        move_native(&mut merged);
    }
    let mut merged = merged.into_json();
    merge(&mut merged, template.to_json(), schema::pod()).unwrap();
    let mut pod = reapply(Pod::from_json(merged), original, &template, false).unwrap();
    let given = Given {
        proxy_env: map(&[("ISTIO_META_CLUSTER_ID", "url"), ("ISTIO_META_NETWORK", "net")]),
        previously_injected: crate::status::injected(original),
        ..Given::default()
    };
    given.with(original, |context| post::post_process(&mut pod, &template, context)).unwrap();
    pod
}

#[test]
fn a_second_injection_changes_nothing() {
    let probe = json!({"httpGet": {"path": "/ready", "port": "web", "scheme": "HTTPS"}, "timeoutSeconds": 2});
    let app = json!({"name": "app", "image": "app", "ports": [{"name": "web", "containerPort": 80}], "readinessProbe": probe});
    let own = |fields: Json| {
        let mut proxy = json!({"name": "istio-proxy", "image": "auto"});
        proxy.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        proxy
    };
    let metrics = json!({"prometheus.io/port": "80", "prometheus-io/path": "/m"});
    let cases = [
        ("plain", json!({}), json!([{"name": "app"}]), json!([])),
        ("probes and metrics", metrics.clone(), json!([app]), json!([{"name": "setup"}])),
        ("another status port", json!({"status.sidecar.istio.io/port": "1234"}), json!([app]), json!([])),
        ("own user", json!({}), json!([app, own(json!({"securityContext": {"runAsUser": 7}}))]), json!([])),
        (
            "own user, TPROXY",
            json!({"sidecar.istio.io/interceptionMode": "TPROXY"}),
            json!([app, own(json!({"securityContext": {"runAsUser": 7}}))]),
            json!([]),
        ),
        (
            "own probes of a container of the template",
            json!({}),
            json!([{"name": "other", "livenessProbe": {"tcpSocket": {"port": 1}}, "lifecycle": {"preStop": {"tcpSocket": {"port": 2}}}}, app]),
            json!([]),
        ),
        (
            "own variables, resources and image",
            metrics,
            json!([
                own(json!({"image": "own", "env": [{"name": "OWN", "value": "1"}, {"name": "LAST", "value": "own"}],
                "resources": {"limits": {"cpu": "2"}}})),
                app
            ]),
            json!([{"name": "istio-init", "image": "auto", "tty": true}]),
        ),
    ];
    for (case, annotations, containers, init) in cases {
        for role in Role::BOTH {
            let original = Pod::from_parts(
                json!({"name": "p", "annotations": annotations}),
                json!({"containers": containers, "initContainers": init}),
            );
            let once = inject(&original, role);
            let twice = inject(&once, role);
            assert_eq!(twice.to_json(), once.to_json(), "{case}, {role:?}");
            assert_eq!(env_names(&twice), env_names(&once), "{case}, {role:?}");
            assert_eq!(env_of(&once, "ISTIO_META_CLUSTER_ID").as_deref(), Some("url"), "{case}, {role:?}");
            assert!(find(once.containers(role), PROXY).is_some(), "{case}, {role:?}");
        }
    }
}

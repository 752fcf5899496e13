//! Tables of probes: what the kubelet asks afterwards, and what the agent asks in its stead.

use serde_json::{Value as Json, json};

use super::super::tests::{Given, env_of};
use super::*;

fn run(pod: &mut Pod, given: &Given) -> Vec<String> {
    let mut warnings = Vec::new();
    given.with(&pod.clone(), |context| rewrite(pod, context, &mut warnings).unwrap());
    warnings
}

fn pod(container: Json) -> Pod {
    let spec =
        json!({"containers": [container, {"name": "istio-proxy", "readinessProbe": {"httpGet": {"port": 15021}}}]});
    Pod::from_parts(json!({}), spec)
}

#[test]
fn probes_ask_the_agent_and_the_agent_asks_the_application() {
    let cases = [
        (
            "http, with all that it may have",
            json!({"readinessProbe": {
                "httpGet": {"scheme": "HTTPS", "path": "/ok?a=1&b=2", "port": 8443, "host": "", "httpHeaders": [{"name": "H", "value": ""}]},
                "periodSeconds": 3, "timeoutSeconds": 5,
            }}),
            json!({"readinessProbe": {
                "httpGet": {"scheme": "HTTP", "path": "/app-health/app/readyz", "port": 15020, "host": "", "httpHeaders": [{"name": "H", "value": ""}]},
                "periodSeconds": 3, "timeoutSeconds": 5,
            }}),
            r#"{"/app-health/app/readyz":{"httpGet":{"path":"/ok?a=1\u0026b=2","port":8443,"scheme":"HTTPS","httpHeaders":[{"name":"H","value":""}]},"timeoutSeconds":5}}"#,
        ),
        (
            "a named port",
            json!({"ports": [{"name": "web", "containerPort": 80}], "livenessProbe": {"httpGet": {"port": "web"}, "timeoutSeconds": 0}}),
            json!({"ports": [{"name": "web", "containerPort": 80}],
                "livenessProbe": {"httpGet": {"port": 15020, "path": "/app-health/app/livez"}, "timeoutSeconds": 0}}),
            r#"{"/app-health/app/livez":{"httpGet":{"port":80}}}"#,
        ),
        (
            "a port name that there is not",
            json!({"livenessProbe": {"httpGet": {"port": "web"}}}),
            json!({"livenessProbe": {"httpGet": {"port": 15020, "path": "/app-health/app/livez"}}}),
            "",
        ),
        (
            "tcp",
            json!({"startupProbe": {"failureThreshold": 9, "tcpSocket": {"port": 90, "host": "h"}}}),
            json!({"startupProbe": {"failureThreshold": 9, "httpGet": {"port": 15020, "path": "/app-health/app/startupz"}}}),
            r#"{"/app-health/app/startupz":{"tcpSocket":{"port":90,"host":"h"}}}"#,
        ),
        (
            "grpc without and with a service",
            json!({"readinessProbe": {"grpc": {"port": 1}}, "livenessProbe": {"grpc": {"service": "s", "port": 2}}}),
            json!({"readinessProbe": {"httpGet": {"port": 15020, "path": "/app-health/app/readyz"}},
                "livenessProbe": {"httpGet": {"port": 15020, "path": "/app-health/app/livez"}}}),
            r#"{"/app-health/app/livez":{"grpc":{"port":2,"service":"s"}},"/app-health/app/readyz":{"grpc":{"port":1,"service":null}}}"#,
        ),
        (
            "hooks",
            json!({"lifecycle": {"preStop": {"httpGet": {"path": "/bye", "port": 80}}, "postStart": {"tcpSocket": {"port": 81}}}}),
            json!({"lifecycle": {"preStop": {"httpGet": {"path": "/app-lifecycle/app/prestopz", "port": 15020}},
                "postStart": {"httpGet": {"path": "/app-lifecycle/app/poststartz", "port": 15020}}}}),
            r#"{"/app-lifecycle/app/poststartz":{"tcpSocket":{"port":81}},"/app-lifecycle/app/prestopz":{"httpGet":{"path":"/bye","port":80}}}"#,
        ),
        (
            "commands stay",
            json!({"livenessProbe": {"exec": {"command": ["true"]}}, "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}),
            json!({"livenessProbe": {"exec": {"command": ["true"]}}, "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}),
            "",
        ),
    ];
    for (case, mut before, mut after, env) in cases {
        before["name"] = Json::from("app");
        after["name"] = Json::from("app");
        let mut pod = pod(before);
        let proxy_probe = pod.find(PROXY).unwrap()["readinessProbe"].clone();
        assert_eq!(run(&mut pod, &Given::default()), [] as [String; 0], "{case}");
        assert_eq!(pod.find("app"), Some(&after), "{case}");
        assert_eq!(env_of(&pod, ENV).unwrap_or_default(), env, "{case}");
        assert_eq!(pod.find(PROXY).unwrap()["readinessProbe"], proxy_probe, "{case}");

        let again = Given { previously_injected: true, ..Given::default() };
        let once = pod.clone();
        run(&mut pod, &again);
        assert_eq!(pod.to_json().to_string(), once.to_json().to_string(), "{case}: a second pass");
    }
}

#[test]
fn the_pod_decides_before_the_values_whether_probes_are_rewritten() {
    let probed = json!({"name": "app", "livenessProbe": {"httpGet": {"port": 80}}});
    let cases = [
        (json!({}), true, Some(15020)),
        (json!({}), false, None),
        (json!({REWRITE: "false"}), true, None),
        (json!({REWRITE: "1"}), false, Some(15020)),
        (json!({REWRITE: "perhaps"}), true, Some(15020)),
        (json!({STATUS_PORT: "1234"}), true, Some(1234)),
    ];
    for (annotations, rewrite_probes, want) in cases {
        let mut pod = pod(probed.clone());
        pod.metadata_mut().insert("annotations".to_owned(), annotations.clone());
        run(&mut pod, &Given { rewrite_probes, ..Given::default() });
        let port = pod.find("app").unwrap().pointer("/livenessProbe/httpGet/port").and_then(Json::as_u64);
        assert_eq!(port, Some(want.unwrap_or(80)), "{annotations} {rewrite_probes}");
        assert_eq!(env_of(&pod, ENV).is_some(), want.is_some(), "{annotations} {rewrite_probes}");
    }
}

#[test]
fn the_agent_is_not_told_to_ask_itself() {
    let cases = [
        (json!({"path": "/app-health/app/livez", "port": 1234}), ""),
        (
            json!({"path": "/app-health/b/livez", "port": 1234}),
            r#"{"/app-health/app/livez":{"httpGet":{"path":"/app-health/b/livez","port":1234}}}"#,
        ),
        (json!({"path": "/ok", "port": "none"}), ""),
    ];
    for (get, env) in cases {
        let mut pod = pod(json!({"name": "app", "livenessProbe": {"httpGet": get}}));
        pod.annotations_mut().insert(STATUS_PORT.to_owned(), Json::from("1234"));
        for previously_injected in [false, true] {
            run(&mut pod, &Given { previously_injected, ..Given::default() });
            assert_eq!(env_of(&pod, ENV).unwrap_or_default(), env, "{previously_injected}");
        }
    }
}

#[test]
fn a_status_port_that_is_none_is_an_error() {
    let mut pod = pod(json!({"name": "app"}));
    pod.annotations_mut().insert(STATUS_PORT.to_owned(), Json::from("http"));
    let original = pod.clone();
    let result = Given::default().with(&original, |context| rewrite(&mut pod, context, &mut Vec::new()));
    let error = result.unwrap_err().to_string();
    assert!(error.contains(STATUS_PORT) && error.contains("\"http\""), "{error}");
}

#[test]
fn init_containers_are_probed_too_and_a_pod_without_proxy_is_left_alone() {
    let native = json!({"initContainers": [{"name": "side", "startupProbe": {"tcpSocket": {"port": 1}}}, {"name": "istio-proxy"}]});
    let mut pod = Pod::from_parts(json!({}), native.clone());
    run(&mut pod, &Given::default());
    assert_eq!(env_of(&pod, ENV).unwrap(), r#"{"/app-health/side/startupz":{"tcpSocket":{"port":1}}}"#);

    let mut bare = Pod::from_parts(json!({}), json!({"initContainers": [native["initContainers"][0].clone()]}));
    let before = bare.clone();
    run(&mut bare, &Given::default());
    assert_eq!(bare, before);
}

#[test]
fn probers_of_an_earlier_injection_stay() {
    let again = Given { previously_injected: true, ..Given::default() };
    let container = json!({"name": "app",
        "readinessProbe": {"httpGet": {"path": "/app-health/app/readyz", "port": 1234}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": 80}}});
    let earlier = r#"{"/app-health/app/readyz":{"httpGet":{"path":"/ready","port":80}}}"#;
    let with_env = |value: &str| {
        let mut pod = pod(container.clone());
        pod.find_mut(PROXY).unwrap()["env"] = json!([{"name": ENV, "value": value}]);
        pod
    };

    let mut merged = with_env(earlier);
    assert_eq!(run(&mut merged, &again), [] as [String; 0]);
    assert_eq!(
        env_of(&merged, ENV).unwrap(),
        r#"{"/app-health/app/livez":{"httpGet":{"path":"/live","port":80}},"/app-health/app/readyz":{"httpGet":{"path":"/ready","port":80}}}"#
    );

    let mut broken = with_env("{");
    let warnings = run(&mut broken, &again);
    assert!(warnings.len() == 1 && warnings[0].contains(ENV), "{warnings:?}");
    assert_eq!(env_of(&broken, ENV).unwrap(), "{");
}

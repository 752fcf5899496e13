//! Tables of annotations for Prometheus: what a pod has before and after, and what the proxy is told.

use serde_json::{Value as Json, json};

use super::*;

fn pod(annotations: Json) -> Pod {
    let spec = json!({"containers": [{"name": "app"}, {"name": "istio-proxy"}]});
    Pod::from_parts(json!({"annotations": annotations}), spec)
}

fn told(pod: &Pod) -> Option<String> {
    let env = pod.find(PROXY)?.get("env")?.as_array()?;
    Some(env_value(env.iter().find(|variable| env_name(variable) == ENV)?).to_owned())
}

const OURS: &str =
    r#"{"prometheus.io/port":"15020","prometheus.io/path":"/stats/prometheus","prometheus.io/scrape":"true"}"#;

#[test]
fn prometheus_is_sent_to_the_proxy_and_the_proxy_to_the_application() {
    let cases = [
        ("no annotations", json!({}), OURS, None),
        (
            "all three",
            json!({"prometheus.io/path": "/m?a&b", "prometheus.io/port": "8080", "prometheus.io/scrape": "true"}),
            OURS,
            Some(r#"{"scrape":"true","path":"/m?a\u0026b","port":"8080"}"#),
        ),
        (
            "other spellings of the same names",
            json!({"prometheus-io/port": "1", "prometheus.io.path": "/m"}),
            OURS,
            Some(r#"{"scrape":"","path":"/m","port":"1"}"#),
        ),
        (
            "targets win over the port",
            json!({"prometheus.istio.io/scrape-targets": " 90:/a , 91,", "prometheus.io/port": "15090"}),
            OURS,
            Some(
                r#"{"scrape":"","path":"/a","port":"90","targets":[{"port":"90","path":"/a"},{"port":"91","path":"/metrics"}]}"#,
            ),
        ),
        (
            "not scraped",
            json!({"prometheus.io/scrape": "False", "prometheus.io/port": "15090"}),
            r#"{"prometheus.io/scrape":"False","prometheus.io/port":"15090"}"#,
            None,
        ),
        (
            "sent to the proxy already",
            json!({"prometheus.io/port": "15020", "prometheus.io/path": "/own"}),
            r#"{"prometheus.io/port":"15020","prometheus.io/path":"/own"}"#,
            None,
        ),
        (
            "merging is off for the pod",
            json!({"prometheus.istio.io/merge-metrics": "0", "prometheus.io/port": "80"}),
            r#"{"prometheus.istio.io/merge-metrics":"0","prometheus.io/port":"80"}"#,
            None,
        ),
    ];
    for (case, annotations, want, env) in cases {
        let mut pod = pod(annotations);
        let mut warnings = Vec::new();
        merge(&mut pod, None, 15020, &mut warnings).unwrap();
        let after = serde_json::to_string(&pod.metadata().unwrap()["annotations"]).unwrap();
        assert_eq!(after, want, "{case}");
        assert_eq!(told(&pod).as_deref(), env, "{case}");
        assert_eq!(warnings, [] as [String; 0], "{case}");
    }
}

#[test]
fn the_pod_decides_before_the_mesh_whether_metrics_are_merged() {
    let cases = [
        (None, None, true),
        (None, Some(false), false),
        (None, Some(true), true),
        (Some("true"), Some(false), true),
        (Some("F"), Some(true), false),
        (Some("maybe"), Some(false), false),
    ];
    for (annotation, setting, want) in cases {
        let annotations = annotation.map_or(json!({}), |value| json!({MERGE: value}));
        let mut pod = pod(annotations);
        merge(&mut pod, setting, 15020, &mut Vec::new()).unwrap();
        assert_eq!(port(&pod).is_some(), want, "{annotation:?} {setting:?}");
    }
}

#[test]
fn ports_of_the_proxy_and_what_is_no_port_are_refused() {
    let cases = [
        ("prometheus.io/port", "15090", Some("Envoy's own metrics")),
        ("prometheus-io.port", "15000", Some("annotation prometheus-io.port of the pod")),
        ("prometheus.io/port", "metrics", Some("\"metrics\", which is not a number")),
        ("prometheus.io/port", "0", Some("from 1 to 65535")),
        ("prometheus.io/port", "65536", Some("from 1 to 65535")),
        ("prometheus.io/port", "015020", Some("serves the merged metrics itself")),
        ("prometheus.io/port", "15010", None),
        ("prometheus.istio.io/scrape-targets", "80,15008:/x", Some("HBONE")),
        ("prometheus.istio.io/scrape-targets", "80,15020", Some("serves the merged metrics itself")),
        ("prometheus.istio.io/scrape-targets", "a:80", Some("\"a\"")),
    ];
    for (name, value, want) in cases {
        let mut pod = pod(json!({name: value}));
        let result = merge(&mut pod, None, 15020, &mut Vec::new()).map_err(|error| error.to_string());
        match want {
            None => assert_eq!(result, Ok(()), "{name}={value}"),
            Some(part) => {
                let error = result.unwrap_err();
                assert!(error.contains(part) && error.contains(name), "{error}");
            }
        }
    }
}

#[test]
fn targets_without_a_port_are_ignored_with_a_warning() {
    let mut pod = pod(json!({"prometheus.istio.io/scrape-targets": "80, :/metrics", "prometheus.io/port": "81"}));
    let mut warnings = Vec::new();
    merge(&mut pod, None, 15020, &mut warnings).unwrap();
    assert_eq!(told(&pod).as_deref(), Some(r#"{"scrape":"","path":"","port":"81"}"#));
    assert!(warnings.len() == 1 && warnings[0].contains("\":/metrics\" has no port"), "{warnings:?}");
}

#[test]
fn the_secure_port_is_announced_unless_the_pod_says_another() {
    let cases = [
        (json!({}), json!([{"name": SECURE_PORT_ENV, "value": "15091"}]), Some("15091")),
        (json!({}), json!([{"name": SECURE_PORT_ENV, "value": "0"}]), None),
        (json!({}), json!([{"name": SECURE_PORT_ENV}]), None),
        (json!({}), json!([]), None),
        (
            json!({"prometheus.istio.io/secure-port": "1"}),
            json!([{"name": SECURE_PORT_ENV, "value": "15091"}]),
            Some("1"),
        ),
    ];
    for (annotations, env, want) in cases {
        let mut pod = pod(annotations);
        pod.find_mut(PROXY).unwrap()["env"] = env;
        announce_secure_port(&mut pod);
        assert_eq!(pod.annotation("prometheus.istio.io/secure-port"), want);
    }
}

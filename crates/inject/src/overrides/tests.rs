//! Tables of pods that have containers of the templates: what wins, and what a second injection starts from.

use serde_json::{Value as Json, json};

use super::*;

fn pod(annotations: Json, spec: Json) -> Pod {
    Pod::from_parts(json!({"annotations": annotations}), spec)
}

/// The template merged over the pod, and the pod's containers over that.
fn inject(original: &Pod, template: &Pod, tproxy: bool) -> Pod {
    let mut merged = original.to_json();
    merge(&mut merged, template.to_json(), schema::pod()).unwrap();
    reapply(Pod::from_json(merged), original, template, tproxy).unwrap()
}

fn names(pod: &Pod, role: Role) -> String {
    pod.containers(role).iter().map(container_name).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_users_fields_win_and_are_kept_for_the_next_time() {
    let template = pod(
        json!({}),
        json!({"containers": [{"name": "istio-proxy", "image": "template", "args": ["a"], "env": [{"name": "T", "value": "1"}]}]}),
    );
    let proxy = |mut fields: Json| {
        fields["name"] = Json::from("istio-proxy");
        json!({"containers": [{"name": "app", "image": "app"}, fields]})
    };
    let cases = [
        ("no container of the template", json!({"containers": [{"name": "app"}]}), json!("template"), None),
        (
            "the image is the template's",
            proxy(json!({"image": "auto", "resources": {"requests": {"cpu": "1"}}})),
            json!("template"),
            Some(r#"{"containers":[{"name":"istio-proxy","resources":{"requests":{"cpu":"1"}}}]}"#),
        ),
        (
            "the image is the user's",
            proxy(json!({"image": "own", "env": [{"name": "U", "value": ""}], "later": {"a": 1}})),
            json!("own"),
            Some(
                r#"{"containers":[{"name":"istio-proxy","image":"own","env":[{"name":"U"}],"resources":{},"later":{"a":1}}]}"#,
            ),
        ),
    ];
    for (case, spec, image, annotation) in cases {
        let original = pod(json!({}), spec);
        let result = inject(&original, &template, false);
        let proxy = result.find(PROXY).unwrap();
        assert_eq!(proxy["image"], image, "{case}");
        assert_eq!(proxy["args"], json!(["a"]), "{case}");
        assert!(proxy["env"].as_array().unwrap().iter().any(|variable| variable["name"] == "T"), "{case}");
        assert_eq!(result.annotation(ANNOTATION), annotation, "{case}");
    }
}

#[test]
fn init_containers_and_native_sidecars_take_the_settings_written_in_containers() {
    let template = pod(
        json!({}),
        json!({"initContainers": [{"name": "istio-init", "image": "t"}, {"name": "istio-proxy", "image": "t", "restartPolicy": "Always"}]}),
    );
    let original = pod(
        json!({}),
        json!({"containers": [{"name": "app"}, {"name": "istio-proxy", "image": "auto", "tty": true}],
            "initContainers": [{"name": "istio-init", "image": "auto", "stdin": true}]}),
    );
    let mut moved = original.clone();
    move_native(&mut moved);
    assert_eq!(
        (names(&moved, Role::App).as_str(), names(&moved, Role::Init).as_str()),
        ("app", "istio-init istio-proxy")
    );

    let mut merged = moved.to_json();
    merge(&mut merged, template.to_json(), schema::pod()).unwrap();
    let result = reapply(Pod::from_json(merged), &original, &template, false).unwrap();
    assert_eq!(names(&result, Role::App), "app");
    let proxy = find(result.containers(Role::Init), PROXY).unwrap();
    assert_eq!(
        (&proxy["image"], &proxy["restartPolicy"], &proxy["tty"]),
        (&json!("t"), &json!("Always"), &json!(true))
    );
    assert_eq!(find(result.containers(Role::Init), INIT).unwrap()["stdin"], json!(true));
    assert_eq!(
        result.annotation(ANNOTATION),
        Some(
            r#"{"initContainers":[{"name":"istio-init","resources":{},"stdin":true},{"name":"istio-proxy","resources":{},"tty":true}]}"#
        )
    );
}

#[test]
fn a_second_injection_takes_the_templates_settings_and_those_that_were_kept() {
    let template = pod(json!({}), json!({"containers": [{"name": "istio-proxy", "image": "new"}]}));
    let kept = r#"{"containers":[{"name":"istio-proxy","image":"own"}]}"#;
    let spec = json!({"containers": [{"name": "istio-proxy", "image": "old"}]});
    let cases = [
        (json!({status::ANNOTATION: r#"{"containers":["istio-proxy"]}"#}), "new", None),
        (json!({status::ANNOTATION: r#"{"containers":["istio-proxy"]}"#, ANNOTATION: kept}), "own", Some(kept)),
        (json!({status::ANNOTATION: r#"{"containers":[]}"#, ANNOTATION: kept}), "own", Some(kept)),
        // The status does not know the proxy, so it is the user's.
        (json!({status::ANNOTATION: r#"{"containers":[]}"#}), "old", None),
    ];
    for (annotations, image, annotation) in cases {
        let result = inject(&pod(annotations.clone(), spec.clone()), &template, false);
        assert_eq!(result.find(PROXY).unwrap()["image"], image, "{annotations}");
        assert_eq!(result.annotation(ANNOTATION), annotation, "{annotations}");
    }
}

#[test]
fn templates_see_the_pod_as_its_user_wrote_it() {
    let status = r#"{"initContainers":["istio-init","istio-proxy"],"containers":["istio-proxy"],"volumes":null}"#;
    let kept = r#"{"containers":[{"name":"istio-proxy","tty":true}],"initContainers":null}"#;
    let spec = json!({
        "containers": [{"name": "app"}, {"name": "istio-proxy", "image": "t"}],
        "initContainers": [{"name": "istio-init"}, {"name": "setup"}],
    });
    let prometheus = json!({"prometheus.io/port": "15020", "prometheus-io/scrape": "true"});
    let cases = [
        (json!({}), "app istio-proxy", "istio-init setup", json!({})),
        (
            json!({status::ANNOTATION: "what"}),
            "app istio-proxy",
            "istio-init setup",
            json!({status::ANNOTATION: "what"}),
        ),
        (json!({status::ANNOTATION: status, "other": "1"}), "app", "setup", json!({"other": "1"})),
        (json!({status::ANNOTATION: status, ANNOTATION: kept}), "app istio-proxy", "setup", json!({ANNOTATION: kept})),
        (
            json!({status::ANNOTATION: status, "prometheus.io/port": "15020", "prometheus-io/scrape": "true"}),
            "app",
            "setup",
            json!({}),
        ),
        (
            json!({status::ANNOTATION: status, "prometheus.io/port": "80"}),
            "app",
            "setup",
            json!({"prometheus.io/port": "80"}),
        ),
        (prometheus.clone(), "app istio-proxy", "istio-init setup", prometheus),
    ];
    for (annotations, containers, init, after) in cases {
        let seen = reinsert(strip(&pod(annotations.clone(), spec.clone()), 15020)).unwrap();
        assert_eq!(
            (names(&seen, Role::App).as_str(), names(&seen, Role::Init).as_str()),
            (containers, init),
            "{annotations}"
        );
        assert_eq!(seen.metadata().unwrap()["annotations"], after, "{annotations}");
    }
}

#[test]
fn an_annotation_that_is_not_ours_says_what_to_do() {
    for text in ["", "[]", "{\"containers\":{}}", "{\"initContainers\":[1]}", "{\"containers\":["] {
        let pod = pod(json!({ANNOTATION: text}), json!({}));
        let error = reinsert(pod.clone()).unwrap_err().to_string();
        assert!(error.contains(ANNOTATION) && error.contains("remove it"), "{error}");
        assert_eq!(reapply(pod.clone(), &pod, &Pod::default(), false).unwrap_err().to_string(), error);
    }
}

#[test]
fn a_container_that_does_not_merge_is_named() {
    let template = pod(json!({}), json!({"containers": [{"name": "istio-proxy", "env": [{"name": "T"}]}]}));
    let original = pod(json!({}), json!({"containers": [{"name": "istio-proxy", "env": ["T=1"]}]}));
    let error = reapply(template.clone(), &original, &template, false).unwrap_err().to_string();
    assert!(error.contains("\"istio-proxy\"") && error.contains("containers of the injection template"), "{error}");
}

#[test]
fn the_init_container_follows_the_proxys_user() {
    let init =
        json!({"name": "istio-init", "args": ["-p", "15001", "-u", "1337"], "securityContext": {"runAsUser": 0}});
    let validation = json!({"name": "istio-validation", "args": ["-u", "1337"]});
    let cases = [
        ("no user", json!({"privileged": true}), &init, false, json!("1337"), json!(0), Json::Null),
        ("user", json!({"runAsUser": 7}), &init, false, json!("7"), json!(0), json!(7)),
        ("user 0 is no owner of rules", json!({"runAsUser": 0}), &init, false, json!("1337"), json!(0), json!(0)),
        ("TPROXY keeps the proxy at 0", json!({"runAsUser": 7}), &init, true, json!("7"), json!(0), json!(0)),
        ("validation", json!({"runAsUser": 7}), &validation, false, json!("7"), json!(7), json!(7)),
        ("validation, TPROXY", json!({"runAsUser": 7}), &validation, true, json!("7"), Json::Null, json!(0)),
        ("only a group", json!({"runAsGroup": 8}), &validation, false, json!("1337"), Json::Null, Json::Null),
    ];
    for (case, security, init, tproxy, flag, init_user, proxy_user) in cases {
        let template = pod(json!({}), json!({"containers": [{"name": "istio-proxy"}], "initContainers": [init]}));
        let group = security.get("runAsGroup").cloned().unwrap_or_default();
        let original = pod(json!({}), json!({"containers": [{"name": "istio-proxy", "securityContext": security}]}));
        for annotation in [None, tproxy.then_some("TPROXY")] {
            let mut template = template.clone();
            if let Some(mode) = annotation {
                template.annotations_mut().insert(INTERCEPTION.to_owned(), Json::from(mode));
            }
            let result = inject(&original, &template, tproxy && annotation.is_none());
            let init = &result.containers(Role::Init)[0];
            let flag_at = init["args"].as_array().unwrap().iter().position(|arg| arg == "-u").unwrap();
            assert_eq!(init["args"][flag_at + 1], flag, "{case}");
            let context = init.get("securityContext").cloned().unwrap_or_default();
            assert_eq!(context["runAsUser"], init_user, "{case}");
            let init_group = if init["name"] == VALIDATION { group.clone() } else { Json::Null };
            assert_eq!(context["runAsGroup"], init_group, "{case}");
            assert_eq!(result.find(PROXY).unwrap()["securityContext"]["runAsUser"], proxy_user, "{case}");
        }
    }
}

#[test]
fn a_flag_without_a_value_and_a_pod_without_init_containers_are_left_alone() {
    let original =
        pod(json!({}), json!({"containers": [{"name": "istio-proxy", "securityContext": {"runAsUser": 7}}]}));
    for init in [json!([]), json!([{"name": "istio-init", "args": ["-u"]}]), json!([{"name": "istio-init"}])] {
        let template = pod(json!({}), json!({"containers": [{"name": "istio-proxy"}], "initContainers": init}));
        let result = inject(&original, &template, false);
        assert_eq!(result.containers(Role::Init), template.containers(Role::Init));
    }
}

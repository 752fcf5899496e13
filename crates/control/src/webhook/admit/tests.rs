//! The webhook gives every pod of the injector's cases what `lateen kube-inject` gives it.
#![allow(clippy::unwrap_used)] // a test fails by it

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lateen_config::json_documents;
use lateen_inject::{ClusterState, Injector, Surroundings};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::{Around, DEFAULT_CLUSTER, admit};
use crate::webhook::path::PathVariables;

/// The cases of crate `inject`, as its own test reads them.
#[allow(dead_code)] // that test needs more of it
#[path = "../../../../inject/tests/harness/case.rs"]
mod case;

#[test]
fn command_and_webhook_give_the_same_pod() {
    let (mut injected, mut skipped, mut refused) = (0, 0, 0);
    for case in case::all() {
        let Ok((injector, _)) = case.injector() else { continue };
        let surroundings = case.surroundings();
        for pod in pods(&case.text()) {
            let by_command = command(&injector, &pod, &surroundings);
            let by_webhook = webhook(&injector, &pod, surroundings.clone());
            match (&by_command, &by_webhook) {
                (Ok(command), Ok(webhook)) => {
                    assert_eq!(command, webhook, "{}", case.name);
                    *if *command == pod { &mut skipped } else { &mut injected } += 1;
                }
                // The command tells the file before, the webhook what it means for the pod.
                (Err(command), Err(webhook)) => {
                    let reason = webhook.strip_prefix("the pod is not injected: ").unwrap();
                    assert!(command.ends_with(reason), "{}: {command}\n{webhook}", case.name);
                    refused += 1;
                }
                _ => panic!("{}: {by_command:?}\n{by_webhook:?}", case.name),
            }
        }
    }
    assert!(injected > 100 && skipped > 20 && refused > 10, "{injected} {skipped} {refused}");
}

/// The pods of a text, and those that its workloads would make, each with a name and a namespace.
fn pods(text: &str) -> Vec<Json> {
    let mut found = Vec::new();
    json_documents("", text)
        .into_iter()
        .filter_map(|document| document.value)
        .for_each(|json| collect(json, &mut found));
    found
}

fn collect(mut json: Json, into: &mut Vec<Json>) {
    if let Some(items) = json.get_mut("items").and_then(Json::as_array_mut) {
        std::mem::take(items).into_iter().for_each(|item| collect(item, into));
        return;
    }
    let template =
        ["/spec/jobTemplate/spec/template", "/spec/template"].into_iter().find(|at| json.pointer(at).is_some());
    let mut pod = match template {
        Some(template) => json.pointer(template).cloned().unwrap(),
        None if json["kind"] == "Pod" => json,
        None => return,
    };
    if !pod["spec"].is_object() {
        return;
    }
    if !pod["metadata"].is_object() {
        pod["metadata"] = json!({});
    }
    (pod["apiVersion"], pod["kind"]) = ("v1".into(), "Pod".into());
    let metadata = pod["metadata"].as_object_mut().unwrap();
    for (field, value) in [("name", "web-1"), ("namespace", "shop")] {
        metadata.entry(field).or_insert_with(|| value.into());
    }
    into.push(pod);
}

fn command(injector: &Injector, pod: &Json, surroundings: &Surroundings) -> Result<Json, String> {
    let documents = injector.inject_documents("pod.json", &pod.to_string(), surroundings);
    let documents = documents.map_err(|error| error.to_string())?;
    Ok(json_documents("", &documents.text).into_iter().find_map(|document| document.value).unwrap())
}

fn webhook(injector: &Injector, pod: &Json, surroundings: Surroundings) -> Result<Json, String> {
    let around = Around {
        cluster: DEFAULT_CLUSTER.to_owned(),
        openshift: true,
        native_sidecars: surroundings.native_sidecars,
        state: Some(watch::channel(ClusterState { facts: surroundings.facts, ..ClusterState::default() }).1),
    };
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "namespace": pod["metadata"]["namespace"],
            "operation": "CREATE",
            "object": pod,
        },
    });
    let body = serde_json::to_vec(&review).unwrap();
    let answer = admit(&body, PathVariables::default(), injector, &around).unwrap();
    let answer: Json = serde_json::from_slice(&answer.body).unwrap();
    let response = &answer["response"];
    if response["allowed"] == false {
        return Err(response["status"]["message"].as_str().unwrap().to_owned());
    }
    let mut pod = pod.clone();
    if let Some(patch) = response["patch"].as_str() {
        let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
        json_patch::patch(&mut pod, &patch).unwrap();
    }
    Ok(pod)
}

//! The API of Kubernetes in memory, over HTTP as a client sees it.
#![allow(clippy::unwrap_used)] // a test fails by it

use std::net::SocketAddr;
use std::path::Path;

use lateen_testkit::{KubeApi, request};
use serde_json::{Value, json};

/// The address in a kubeconfig.
fn server(kubeconfig: &Path) -> SocketAddr {
    let config: Value = serde_json::from_slice(&std::fs::read(kubeconfig).unwrap()).unwrap();
    let url = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn ask(server: SocketAddr, method: &str, target: &str, body: &Value) -> (u16, Value) {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let reply = request(server, method, target, &[("content-type", kind)], body.as_bytes()).unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_else(|_| json!(reply.text())))
}

#[test]
fn objects_are_made_changed_listed_watched_and_deleted() {
    let api = KubeApi::in_memory().unwrap();
    let server = server(api.kubeconfig());
    let pods = "/api/v1/namespaces/default/pods";
    for (name, app) in [("a", "web"), ("b", "web"), ("c", "api")] {
        api.create(&json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": app } },
        }))
        .unwrap();
    }
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let (status, first) = ask(server, "GET", &format!("{pods}?labelSelector=app%3Dweb&limit=1"), &Value::Null);
    assert_eq!((status, names(&first), &first["kind"]), (200, vec!["a".to_owned()], &json!("PodList")));
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = format!("{pods}?labelSelector=app%3Dweb&limit=1&continue={token}");
    let (_, rest) = ask(server, "GET", &rest, &Value::Null);
    assert_eq!((names(&rest), &rest["metadata"]["continue"]), (vec!["b".to_owned()], &Value::Null));
    let since = rest["metadata"]["resourceVersion"].as_str().unwrap();

    let (status, made) = ask(server, "POST", pods, &json!({ "kind": "Pod", "metadata": { "generateName": "d-" } }));
    assert_eq!((status, &made["metadata"]["namespace"]), (201, &json!("default")));
    let (status, _) =
        ask(server, "PATCH", &format!("{pods}/c"), &json!({ "metadata": { "labels": { "app": "web" } } }));
    assert_eq!(status, 200);
    let stale = json!({ "metadata": { "resourceVersion": "1" } });
    assert_eq!(ask(server, "PUT", &format!("{pods}/c"), &stale).1["reason"], "Conflict");
    let status = json!({ "metadata": { "labels": null }, "status": { "phase": "Running" } });
    let (_, ran) = ask(server, "PUT", &format!("{pods}/c/status"), &status);
    assert_eq!((&ran["status"]["phase"], &ran["metadata"]["labels"]["app"]), (&json!("Running"), &json!("web")));
    assert_eq!(ask(server, "DELETE", &format!("{pods}/a"), &Value::Null).0, 200);

    let watch = format!("/api/v1/pods?watch=true&resourceVersion={since}&labelSelector=app%3Dweb&timeoutSeconds=1");
    let events = request(server, "GET", &watch, &[], b"").unwrap().text();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = events.iter().map(|event| (&event["type"], &event["object"]["metadata"]["name"])).collect();
    let expected = [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "a")];
    assert_eq!(events, expected.map(|(kind, name)| (json!(kind), json!(name))).each_ref().map(|(a, b)| (a, b)));
}

#[test]
fn what_is_not_there_or_not_allowed_is_refused_as_kubernetes_does() {
    let api = KubeApi::in_memory().unwrap();
    let server = server(api.kubeconfig());
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "none" } });
    assert!(api.create(&pod).unwrap_err().to_string().contains("namespaces \"none\" not found"));
    api.forbid("secrets").unwrap();
    for (target, code, reason) in [
        ("/api/v1/namespaces/default/pods/a", 404, "NotFound"),
        ("/api/v1/secrets", 403, "Forbidden"),
        ("/nothing", 404, "NotFound"),
    ] {
        let (status, answer) = ask(server, "GET", target, &Value::Null);
        assert_eq!((status, answer["reason"].as_str().unwrap_or_default()), (code, reason), "{target}");
    }
    let wrong = request(server, "GET", "/api/v1/pods", &[("authorization", "Bearer x")], b"").unwrap();
    assert_eq!(wrong.status, 401);
}

#[test]
fn an_api_server_of_this_test_answers() {
    let api = KubeApi::start().unwrap();
    api.create(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } })).unwrap();
    let again = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    assert!(api.create(&again).unwrap_err().to_string().contains("already exists"));
}

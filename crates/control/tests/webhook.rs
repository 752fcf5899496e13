//! The injection webhook over real HTTPS on the loopback: what it answers, and what it swaps while it serves.
#![allow(clippy::unwrap_used)] // a test fails by it

mod webhook {
    pub mod client;
    pub mod server;
}

use serde_json::{Value as Json, json};
use webhook::client::{Client, Reply};
use webhook::server::{Server, TEMPLATE};

fn pod(name: &str) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "cart"}, "managedFields": [{"manager": "kubectl"}]},
        "spec": {"containers": [{"name": "cart", "image": "registry.example/cart:1"}], "unknownToUs": {"kept": true}},
    })
}

fn review(pod: &Json) -> Json {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0d3f",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "somebody"},
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}

/// The pod as the API server has it after the answer.
fn patched(pod: &Json, reply: &Reply) -> Json {
    let response = &reply.json()["response"];
    assert_eq!(response["patchType"], "JSONPatch", "{response}");
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &reply.patch()).unwrap();
    pod
}

fn names(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_comes_back_with_a_patch_in_the_version_it_was_asked_in() {
    let server = Server::start(TEMPLATE).await;
    for (alpn, version) in [("h2", "admission.k8s.io/v1"), ("http/1.1", "admission.k8s.io/v1beta1")] {
        let mut client = Client::connect(&server, alpn).await;
        let pod = pod("cart-1");
        let mut asked = review(&pod);
        asked["apiVersion"] = version.into();
        let reply = client.post("/inject", &asked).await;
        assert_eq!(reply.status, 200);
        let answer = reply.json();
        assert_eq!((answer["apiVersion"].as_str(), answer["kind"].as_str()), (Some(version), Some("AdmissionReview")));
        assert_eq!(answer["response"]["uid"], "0d3f");
        assert_eq!(answer["response"]["allowed"], true);
        let injected = patched(&pod, &reply);
        let mut containers = names(&injected["spec"]["containers"]);
        containers.sort_unstable();
        assert_eq!(containers, ["cart", "istio-proxy"]);
        assert_eq!(injected["spec"]["unknownToUs"], json!({"kept": true}));
        assert_eq!(injected["metadata"]["managedFields"], pod["metadata"]["managedFields"]);
        assert_eq!(injected["metadata"].get("namespace"), None, "the API server fills it in");
        assert_eq!(injected["metadata"]["labels"]["in"], "shop", "templates know the namespace of the request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_sets_cluster_and_network_of_the_proxy() {
    let server = Server::start(TEMPLATE).await;
    let mut client = Client::connect(&server, "h2").await;
    let pod = pod("cart-1");
    let reply = client.post("/inject/cluster/east/net/a--slash--b/", &review(&pod)).await;
    let injected = patched(&pod, &reply);
    let proxy = injected["spec"]["containers"].as_array().unwrap().iter().find(|one| one["name"] == "istio-proxy");
    let env: Vec<_> = proxy.unwrap()["env"].as_array().unwrap().iter().map(Json::to_string).collect();
    for expected in
        [r#"{"name":"ISTIO_META_CLUSTER_ID","value":"east"}"#, r#"{"name":"ISTIO_META_NETWORK","value":"a/b"}"#]
    {
        assert!(env.iter().any(|one| one == expected), "{expected} in {env:?}");
    }
    let reply = client.post("/inject/cluster", &review(&pod)).await;
    assert!(reply.json()["response"]["warnings"].to_string().contains("`cluster`"), "{}", reply.text());
}

/// `istioctl kube-inject` asks so: no uid, no operation, and a kind that is not the pod's.
#[tokio::test(flavor = "multi_thread")]
async fn istioctl_is_answered_as_an_api_server_is() {
    let server = Server::start(TEMPLATE).await;
    let mut client = Client::connect(&server, "http/1.1").await;
    let pod = json!({"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "cart"}]}});
    let asked = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "",
            "kind": {"group": "admission.k8s.io", "version": "v1", "kind": "AdmissionRequest"},
            "resource": {"group": "", "version": "", "resource": ""},
            "namespace": "shop",
            "operation": "",
            "userInfo": {},
            "object": pod,
            "oldObject": null,
            "options": null,
        },
    });
    let reply = client.post("/inject", &asked).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["response"]["uid"], "");
    let injected = patched(&pod, &reply);
    assert_eq!(names(&injected["spec"]["containers"]).len(), 2, "{injected:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_with_the_body_is_told_to_go_on() {
    let server = Server::start(TEMPLATE).await;
    let mut client = Client::connect_raw(&server, &["http/1.1"]).await;
    let body = review(&pod("cart-1")).to_string();
    let head = format!(
        "POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write(head.as_bytes()).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 100 "));
    client.write(body.as_bytes()).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_runs_when_the_server_stops_is_answered() {
    let server = Server::start(TEMPLATE).await;
    let body = review(&pod("cart-1")).to_string();
    let (early, late) = body.split_at(body.len() / 2);
    let mut client = Client::connect_raw(&server, &["http/1.1"]).await;
    let head = "POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    client.write(format!("{head}Content-Length: {}\r\n\r\n{early}", body.len()).as_bytes()).await;
    server.metric("sidecar_injection_requests_total", 1).await;
    let stopping = server.stop();
    tokio::pin!(stopping);
    tokio::select! {
        biased;
        () = &mut stopping => panic!("a review runs, and it has ended"),
        () = std::future::ready(()) => {}
    }
    client.write(late.as_bytes()).await;
    let answered = async {
        let head = client.read_head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    };
    tokio::join!(answered, stopping);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_injected_is_let_through_and_the_log_says_why() {
    let server = Server::start(TEMPLATE).await;
    let mut client = Client::connect(&server, "h2").await;
    let host_network = {
        let mut pod = pod("skip-host-network");
        pod["spec"]["hostNetwork"] = true.into();
        review(&pod)
    };
    let asked_not_to = {
        let mut pod = pod("skip-by-label");
        pod["metadata"]["labels"]["sidecar.istio.io/inject"] = "false".into();
        review(&pod)
    };
    let deployment = {
        let mut asked = review(&pod("skip-deployment"));
        asked["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
        asked
    };
    let deletion = {
        let mut asked = review(&Json::Null);
        asked["request"]["operation"] = "DELETE".into();
        asked
    };
    let change = {
        let mut asked = review(&pod("skip-change"));
        asked["request"]["operation"] = "UPDATE".into();
        asked
    };
    let part = {
        let mut asked = review(&pod("skip-part"));
        asked["request"]["subResource"] = "ephemeralcontainers".into();
        asked
    };
    for (asked, why) in [
        (host_network, "skip-host-network"),
        (asked_not_to, "skip-by-label"),
        (deployment, "apps/Deployment"),
        (deletion, "operation DELETE"),
        (change, "operation UPDATE"),
        (part, "its ephemeralcontainers"),
    ] {
        let reply = client.post("/inject", &asked).await;
        assert_eq!((reply.status, &reply.json()["response"]), (200, &json!({"uid": "0d3f", "allowed": true})), "{why}");
        let lines = server.log_of(why);
        let [line] = lines.as_slice() else { panic!("one line about {why}: {lines:?}") };
        assert!(line.contains("decision=\"skipped\"") && line.contains("reason=") && line.contains("took="), "{line}");
    }
    client.post("/inject", &review(&pod("cart-in-the-log"))).await;
    let lines = server.log_of("cart-in-the-log");
    assert!(lines[0].contains("decision=\"injected\"") && lines[0].contains("namespace=\"shop\""), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_cannot_be_injected_is_refused_with_the_reason() {
    let failing = TEMPLATE.replace("MARK", "{{ .ObjectMeta.NoSuchField }}");
    let server = Server::start(&failing).await;
    let mut client = Client::connect(&server, "h2").await;
    let reply = client.post("/inject", &review(&pod("cart-1"))).await;
    let response = reply.json()["response"].clone();
    assert_eq!((reply.status, &response["allowed"], &response["status"]["code"]), (200, &false.into(), &500.into()));
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.contains("sidecar"), "the template is named: {message}");
    assert_eq!(response.get("patch"), None, "never half a pod");

    let invalid = TEMPLATE.replace("MARK", "one: two: three");
    server.write("inject.yaml", &invalid);
    server.metric("lateen_webhook_reloads_total{files=\"injector\",result=\"taken\"}", 1).await;
    let reply = client.post("/inject", &review(&pod("cart-1"))).await;
    let response = reply.json()["response"].clone();
    assert_eq!(response["allowed"], false, "a template whose output is not YAML: {response}");
    assert_eq!(response.get("patch"), None);

    let mut wrong = pod("cart-1");
    wrong["metadata"]["annotations"] = json!({"status.sidecar.istio.io/port": "many"});
    let response = client.post("/inject", &review(&wrong)).await.json()["response"].clone();
    assert_eq!((&response["allowed"], &response["status"]["code"]), (&false.into(), &400.into()), "{response}");
    assert!(response["status"]["message"].as_str().unwrap().contains("status.sidecar.istio.io/port"), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_ask_nothing_are_told_why() {
    let server = Server::start(TEMPLATE).await;
    let whole = review(&pod("cart-1")).to_string();
    let mut of_tomorrow = review(&pod("cart-1"));
    of_tomorrow["apiVersion"] = "admission.k8s.io/v2".into();
    let huge = format!("{}{whole}", " ".repeat(7 << 20));
    let json = Some("application/json");
    for alpn in ["h2", "http/1.1"] {
        for (method, path, kind, body, status, reason) in [
            ("POST", "/inject", json, &whole[..whole.len() / 2], 400, "cut off"),
            ("POST", "/inject", json, "", 400, "empty"),
            ("POST", "/inject", json, &huge, 400, "longer than 6 MiB"),
            ("POST", "/inject", json, &of_tomorrow.to_string(), 400, "admissionReviewVersions"),
            ("POST", "/inject", json, "{}", 400, "kind is missing"),
            ("POST", "/inject/net/%zz", json, &whole, 400, "`%`"),
            ("POST", "/inject", Some("text/plain"), &whole, 415, "Content-Type is text/plain"),
            ("POST", "/inject", None, &whole, 415, "no Content-Type"),
            ("POST", "/inject?timeout=10s", json, &whole, 200, "AdmissionReview"),
            ("POST", "/inject", Some("application/json; charset=utf-8"), &whole, 200, "AdmissionReview"),
            ("GET", "/inject", None, "", 405, "only POST"),
            ("PUT", "/inject", json, &whole, 405, "only POST"),
            ("POST", "/injector", json, &whole, 404, "try /inject"),
            ("GET", "/", None, "", 404, "try /inject"),
            ("GET", "/ready", None, "", 200, "ready"),
            ("POST", "/ready", None, "", 405, "only GET"),
        ] {
            let mut client = Client::connect(&server, alpn).await;
            let reply = client.send(method, path, kind, body.as_bytes()).await;
            let what = format!("{alpn}: {method} {path} of {} bytes as {kind:?}: {}", body.len(), reply.text());
            assert_eq!(reply.status, status, "{what}");
            assert!(reply.text().contains(reason), "{reason}? {what}");
        }
    }
    // Of ten reviews on each protocol two were answered; wrong methods and paths are not its.
    server.metric("sidecar_injection_requests_total", 20).await;
    server.metric("sidecar_injection_failure_total", 16).await;
    server.metric("sidecar_injection_success_total", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_http_and_bodies_that_break_off_hurt_nobody() {
    let server = Server::start(TEMPLATE).await;
    server.raw_tcp(b"GET / HTTP/1.1\r\n\r\n").await;
    server.raw_tcp(&[0x16, 0x03, 0x01, 0xff, 0xff, 0x01]).await;
    let mut client = Client::connect_raw(&server, &["http/1.1"]).await;
    client.write(b"\x00\x01garbage\r\n\r\n").await;
    let mut client = Client::connect_raw(&server, &["http/1.1"]).await;
    client
        .write(b"POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
        .await;
    drop(client);
    server.metric("sidecar_injection_failure_total", 1).await;
    let mut client = Client::connect(&server, "h2").await;
    assert_eq!(client.post("/inject", &review(&pod("cart-1"))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_without_a_restart_and_a_bad_one_is_not() {
    let server = Server::start(TEMPLATE).await;
    let mut old = Client::connect(&server, "h2").await;
    let (first, second) = (server.authority(), server.new_certificate());
    // A certificate that is not for the key: the last good pair stays.
    server.write("cert.pem", &second.certificate);
    server.metric("lateen_webhook_stale{files=\"certificate\"}", 1).await;
    let lines = server.log_of("not for this private key");
    assert!(lines.iter().any(|line| line.contains("cert.pem")), "the file is named: {lines:?}");
    assert!(Client::try_connect(&server, &first).await.is_ok());
    // Now with its key.
    server.write("key.pem", &second.key);
    server.metric("lateen_webhook_stale{files=\"certificate\"}", 0).await;
    assert!(Client::try_connect(&server, &second.authority).await.is_ok());
    assert!(Client::try_connect(&server, &first).await.is_err(), "the old one is gone");
    assert_eq!(old.post("/inject", &review(&pod("cart-1"))).await.status, 200, "connections stay");
    // Nothing where it was.
    server.remove("cert.pem");
    server.metric("lateen_webhook_stale{files=\"certificate\"}", 1).await;
    assert!(Client::try_connect(&server, &second.authority).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_is_used_and_a_broken_one_is_not() {
    let server = Server::start(TEMPLATE).await;
    let mut client = Client::connect(&server, "h2").await;
    let pod = pod("cart-1");
    let mut mark = async || {
        let reply = client.post("/inject", &review(&pod)).await;
        patched(&pod, &reply)["metadata"]["labels"]["mark"].clone()
    };
    assert_eq!(mark().await, "MARK");
    server.write("inject.yaml", &TEMPLATE.replace("MARK", "second"));
    server.metric("lateen_webhook_reloads_total{files=\"injector\",result=\"taken\"}", 1).await;
    assert_eq!(mark().await, "second");
    server.write("inject.yaml", &TEMPLATE.replace("MARK", "{{ if }}"));
    server.metric("lateen_webhook_stale{files=\"injector\"}", 1).await;
    assert_eq!(mark().await, "second", "the last good one stays");
    let lines = server.log_of("changed files are rejected");
    assert!(lines.iter().any(|line| line.contains("inject.yaml") && line.contains("sidecar")), "{lines:?}");
    server.write("inject.yaml", &TEMPLATE.replace("MARK", "{{ .Values.mark }}"));
    server.metric("lateen_webhook_stale{files=\"injector\"}", 0).await;
    assert_eq!(mark().await, "of the values");
    server.write("values.yaml", "mark: of other values\n");
    server.metric("lateen_webhook_reloads_total{files=\"injector\",result=\"taken\"}", 3).await;
    assert_eq!(mark().await, "of other values");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_files_lateens_own_templates_inject() {
    let server = Server::with(None, None, None).await;
    let mut client = Client::connect(&server, "h2").await;
    let pod = pod("cart-1");
    let injected = patched(&pod, &client.post("/inject/cluster/east", &review(&pod)).await);
    let mut containers = names(&injected["spec"]["containers"]);
    containers.sort_unstable();
    assert_eq!(
        (containers, names(&injected["spec"]["initContainers"])),
        (vec!["cart", "istio-proxy"], vec!["istio-init"])
    );
    assert!(injected["metadata"]["annotations"]["sidecar.istio.io/status"].is_string(), "{injected:#}");
    let again = client.post("/inject/cluster/east", &review(&injected)).await;
    assert_eq!(patched(&injected, &again), injected, "a second time changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_answered() {
    let server = Server::start(TEMPLATE).await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..8 {
        let alpn = if client % 2 == 0 { "h2" } else { "http/1.1" };
        let mut connection = Client::connect(&server, alpn).await;
        clients.spawn(async move {
            for one in 0..50 {
                let pod = pod(&format!("cart-{client}-{one}"));
                let mut asked = review(&pod);
                asked["request"]["uid"] = format!("{client}-{one}").into();
                let reply = connection.post("/inject", &asked).await;
                assert_eq!(reply.json()["response"]["uid"], asked["request"]["uid"]);
                assert_eq!(names(&patched(&pod, &reply)["spec"]["containers"]).len(), 2);
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    server.metric("sidecar_injection_success_total", 400).await;
    server.metric("sidecar_injection_time_seconds_count", 400).await;
    server.metric("sidecar_injection_failure_total", 0).await;
}

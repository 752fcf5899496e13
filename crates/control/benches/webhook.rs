//! AdmissionReviews a second through the webhook: real HTTPS on the loopback, a pod as a Deployment makes it.
//! In: optionally files with an injector's configuration, values and mesh configuration, in this order.
//! Out: reviews a second, and processor time of each on the webhook's side.
//! For one core: `taskset -c 0 cargo bench -p lateen-control --bench webhook -- [inject.yaml values.json mesh.yaml]`.
#![allow(clippy::unwrap_used)] // a bench fails by it

#[path = "../tests/webhook/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "../tests/webhook/server.rs"]
#[allow(dead_code)]
mod server;

use client::Client;
use serde_json::json;
use server::Server;
use std::time::{Duration, Instant};

/// Connections, each with one review at a time.
const CONNECTIONS: usize = 4;
/// Time of one round.
const ROUND: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

fn main() {
    let files: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let text = |at: usize| files.get(at).map(|path| std::fs::read_to_string(path).unwrap());
    let (config, values, mesh) = (text(0), text(1), text(2));
    let serving = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asking = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server =
        serving.spawn(async move { Server::with(config.as_deref(), values.as_deref(), mesh.as_deref()).await });
    let server = asking.block_on(server).unwrap();
    let body = review().to_string().into_bytes();
    asking.block_on(async {
        let mut client = Client::connect(&server, "h2").await;
        let reply = client.send("POST", "/inject", Some("application/json"), &body).await;
        let answer = reply.json();
        let patch = answer["response"]["patch"].as_str();
        let patch = patch.unwrap_or_else(|| panic!("not injected: {answer}"));
        println!(
            "review of {} bytes, answer of {} bytes, patch of {} bytes in base64",
            body.len(),
            reply.body.len(),
            patch.len()
        );
    });
    for round in 1..=ROUNDS {
        let (process, client) = (process_time(), thread_time());
        let begun = Instant::now();
        let done = asking.block_on(ask(&server, &body));
        let took = begun.elapsed();
        let client = thread_time().saturating_sub(client);
        let webhook = process_time().saturating_sub(process).saturating_sub(client);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(done);
        println!(
            "round {round}: {:.0} reviews a second; processor time of each: {:.0} us webhook, {:.0} us client; {:.0} a second of the webhook's time",
            f64::from(done) / took.as_secs_f64(),
            each(webhook),
            each(client),
            f64::from(done) / webhook.as_secs_f64(),
        );
    }
}

async fn ask(server: &Server, body: &[u8]) -> u32 {
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(server, "h2").await;
        let body = body.to_vec();
        asking.spawn(async move {
            let begun = Instant::now();
            let mut done = 0;
            while begun.elapsed() < ROUND {
                let reply = client.send("POST", "/inject", Some("application/json"), &body).await;
                assert_eq!(reply.status, 200, "{}", reply.text());
                done += 1;
            }
            done
        });
    }
    asking.join_all().await.into_iter().sum()
}

/// Processor time of this process.
fn process_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| schedstat(&task.unwrap().path().join("schedstat"))).sum()
}

/// Processor time of this thread, on which the client runs.
fn thread_time() -> Duration {
    schedstat("/proc/thread-self/schedstat".as_ref())
}

fn schedstat(path: &std::path::Path) -> Duration {
    // A thread that has just ended counts for nothing.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default())
}

/// A pod as the ReplicaSet of a Deployment makes it.
fn review() -> serde_json::Value {
    let probe = |path: &str| {
        json!({
            "httpGet": {"path": path, "port": 8080, "scheme": "HTTP"},
            "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3,
        })
    };
    let env: Vec<_> = (0..12).map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value {n}")})).collect();
    let mounts = json!([
        {"name": "settings", "mountPath": "/etc/cart"},
        {"name": "kube-api-access-x7k2p", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
    ]);
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "2b6e1c1e-7d0e-4d0b-9d52-0b2a4a1c9e11",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            },
            "object": {
                "kind": "Pod",
                "apiVersion": "v1",
                "metadata": {
                    "generateName": "cart-6d4cf56db6-",
                    "creationTimestamp": null,
                    "labels": {"app": "cart", "version": "v1", "pod-template-hash": "6d4cf56db6"},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
                    "ownerReferences": [{
                        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-6d4cf56db6",
                        "uid": "0c1f3a52-6a55-4b3e-9b8a-3f0e5d8f7a10", "controller": true, "blockOwnerDeletion": true,
                    }],
                },
                "spec": {
                    "volumes": [
                        {"name": "settings", "configMap": {"name": "cart", "defaultMode": 420}},
                        {"name": "kube-api-access-x7k2p", "projected": {"sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                        ], "defaultMode": 420}},
                    ],
                    "containers": [{
                        "name": "cart",
                        "image": "registry.example/shop/cart:1.4.2",
                        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                        "env": env,
                        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
                        "volumeMounts": mounts,
                        "livenessProbe": probe("/healthz"),
                        "readinessProbe": probe("/ready"),
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                        "imagePullPolicy": "IfNotPresent",
                    }],
                    "restartPolicy": "Always",
                    "terminationGracePeriodSeconds": 30,
                    "dnsPolicy": "ClusterFirst",
                    "serviceAccountName": "cart",
                    "serviceAccount": "cart",
                    "securityContext": {},
                    "schedulerName": "default-scheduler",
                    "tolerations": [
                        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                    ],
                    "priority": 0,
                    "enableServiceLinks": true,
                    "preemptionPolicy": "PreemptLowerPriority",
                },
                "status": {},
            },
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}

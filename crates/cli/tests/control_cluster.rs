//! `lateen control --webhook --kubeconfig`: injection by what a cluster says, while the cluster changes and goes away.
#![allow(clippy::unwrap_used)] // a test fails by it

use lateen_testkit::{KubeApi, Process, eventually, http1};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How long something may take to be seen; a cluster that did not answer is asked again after up to 30 s.
const LIMIT: Duration = Duration::from_secs(90);

/// Shows all that the cluster decides; MARK is a text of the ConfigMap.
const TEMPLATE: &str = r#"
metadata:
  labels:
    mark: MARK
    value: "{{ .Values.mark }}"
    native: "{{ .NativeSidecars }}"
    user: "{{ .ProxyUID }}"
    merge: "{{ .MeshConfig.EnablePrometheusMerge.GetValue }}"
    concurrency: "{{ .ProxyConfig.Concurrency.GetValue }}"
spec:
  containers:
  - name: istio-proxy
    image: registry.example/proxy:1
"#;

/// A control plane with its webhook.
struct Control {
    process: Process,
    root: CertificateDer<'static>,
    _folder: TempDir,
}

impl Control {
    fn start(kubeconfig: &str, files: &[(&str, &str, &str)]) -> Control {
        let folder = tempfile::tempdir().unwrap();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.path().join("tls.crt"), cert.pem()).unwrap();
        fs::write(folder.path().join("tls.key"), signing_key.serialize_pem()).unwrap();
        fs::create_dir(folder.path().join("config")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
        command.current_dir(folder.path()).args(["control", "--config", "config", "--kubeconfig", kubeconfig]);
        command.args(["--grpc-address", "127.0.0.1:0", "--monitoring-address", "127.0.0.1:0"]);
        command.args(["--webhook", "127.0.0.1:0", "--webhook-cert", "tls.crt", "--webhook-key", "tls.key"]);
        command.env("PLATFORM", "openshift").env("NO_PROXY", "127.0.0.1");
        for name in ["ENABLE_NATIVE_SIDECARS", "CLUSTER_ID", "POD_NAMESPACE", "REVISION"] {
            command.env_remove(name);
        }
        for (flag, name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
            command.args([flag, name]);
        }
        Control { process: Process::start(command).unwrap(), root: cert.der().clone(), _folder: folder }
    }

    /// What stands after a word in a line of its output.
    fn after(&self, word: &str) -> String {
        eventually(LIMIT, word, || {
            let output = self.process.output();
            let found = output.lines().find_map(|line| Some(line.split_once(word)?.1.to_owned()));
            found.ok_or(output)
        })
    }

    /// Status and body of `/ready`, of monitoring.
    fn ready(&self) -> (u16, String) {
        let address = self.after("monitoring on http://").parse().unwrap();
        let reply = http1::request(address, "GET", "/ready", &[], b"").unwrap();
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.after("webhook on https://").strip_suffix("/inject").unwrap()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap(), stream)
    }

    /// The labels that a pod of namespace `shop` gets, or what is said in place of an answer.
    fn labels(&self, path: &str) -> Result<Value, String> {
        let pod = json!({ "metadata": { "labels": {} }, "spec": { "containers": [{ "name": "cart" }] } });
        let request = json!({ "uid": "7", "namespace": "shop", "operation": "CREATE", "object": pod });
        let review = json!({ "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request });
        let review = review.to_string();
        let mut stream = self.connect();
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let head = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", review.len());
        stream.write_all((head + &review).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if !head.starts_with("HTTP/1.1 200") {
            return Err(body.to_owned());
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let Some(patch) = body["response"]["patch"].as_str() else { return Err(body.to_string()) };
        let patch: Value = serde_json::from_slice(&base64(patch)).unwrap();
        let added = patch.as_array().unwrap().iter().filter_map(|step| {
            let name = step["path"].as_str()?.strip_prefix("/metadata/labels/")?;
            Some((name.to_owned(), step["value"].clone()))
        });
        Ok(added.collect())
    }

    /// Waits until a pod gets these labels.
    fn gives(&self, what: &str, expected: &Value) {
        eventually(LIMIT, what, || {
            let labels = self.labels("/inject");
            let found: Value = expected
                .as_object()
                .unwrap()
                .keys()
                .map(|key| (key.clone(), labels.as_ref().map_or(json!(null), |l| l[key].clone())))
                .collect();
            if found == *expected { Ok(()) } else { Err(format!("{labels:?}\n{}", self.process.output())) }
        });
    }
}

/// Decodes the standard alphabet.
fn base64(text: &str) -> Vec<u8> {
    let digit = |char: u8| match char {
        b'A'..=b'Z' => char - b'A',
        b'a'..=b'z' => char - b'a' + 26,
        b'0'..=b'9' => char - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|char| *char != b'=').map(digit).collect();
    let bits =
        |four: &[u8]| four.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - four.len()));
    digits.chunks(4).flat_map(|four| bits(four).to_be_bytes()[1..four.len()].to_vec()).collect()
}

fn object(kind: &str, namespace: &str, name: &str, rest: &Value) -> Value {
    let mut object = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    for (key, value) in rest.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn shop(users: &str) -> Value {
    let mut shop = object("Namespace", "", "shop", &json!({}));
    shop["metadata"]["annotations"] = json!({ "openshift.io/sa.scc.uid-range": users });
    shop
}

fn node(name: &str, version: &str) -> Value {
    object("Node", "", name, &json!({ "status": { "nodeInfo": { "kubeletVersion": version } } }))
}

fn config(template: &str, values: &Value) -> Value {
    let config = json!({ "policy": "enabled", "templates": { "sidecar": template } }).to_string();
    let data = json!({ "config": config, "values": values.to_string() });
    object("ConfigMap", "istio-system", "istio-sidecar-injector", &json!({ "data": data }))
}

fn mesh(text: &str) -> Value {
    object("ConfigMap", "istio-system", "istio", &json!({ "data": { "mesh": text } }))
}

#[test]
fn the_next_review_knows_what_the_cluster_says() {
    let api = KubeApi::start().unwrap();
    for object in [
        object("Namespace", "", "istio-system", &json!({})),
        shop("1000/10"),
        node("one", "v1.33.0"),
        config(&TEMPLATE.replace("MARK", "first"), &json!({ "mark": "a" })),
        mesh("enablePrometheusMerge: true\ndefaultConfig: {concurrency: 5}\n"),
    ] {
        api.create(&object).unwrap();
    }
    let control = Control::start(api.kubeconfig().to_str().unwrap(), &[]);
    // The first answer already knows all of it.
    let expected = json!({
        "mark": "first", "value": "a", "native": "true", "user": "1009", "merge": "true", "concurrency": "5",
    });
    let labels = control.labels("/inject").unwrap();
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&labels[name], value, "{name} of {labels}\n{}", control.process.output());
    }
    assert_eq!(control.ready().0, 200);
    // Nothing is known of another cluster but the injector's configuration.
    let other = control.labels("/inject/cluster/other").unwrap();
    assert_eq!((&other["mark"], &other["native"], &other["user"]), (&"first".into(), &"false".into(), &"1337".into()));

    api.replace(&shop("2000/10")).unwrap();
    control.gives("the namespace's new users", &json!({ "user": "2009" }));
    api.create(&node("two", "v1.32.9")).unwrap();
    control.gives("a node that is too old", &json!({ "native": "false" }));
    api.delete(&node("two", "")).unwrap();
    control.gives("and its end", &json!({ "native": "true" }));
    if !api.is_real() {
        let mut resource = object("ProxyConfig", "shop", "three", &json!({ "spec": { "concurrency": 3 } }));
        resource["apiVersion"] = "networking.istio.io/v1beta1".into();
        api.create(&resource).unwrap();
        control.gives("a ProxyConfig", &json!({ "concurrency": "3" }));
        api.delete(&resource).unwrap();
        control.gives("and its end", &json!({ "concurrency": "5" }));
    }
    api.replace(&config(&TEMPLATE.replace("MARK", "second"), &json!({ "mark": "b" }))).unwrap();
    control.gives("another template", &json!({ "mark": "second", "value": "b" }));
    api.replace(&mesh("enablePrometheusMerge: false\n")).unwrap();
    control.gives("another mesh configuration", &json!({ "merge": "false" }));

    // What is malformed is named and not taken.
    let mut broken = config("", &json!({}));
    broken["data"]["config"] = "policy: enabled\ntemplates:\n  sidecar: [\n".into();
    for (what, broken, parts) in [
        ("a template", config("spec:\n  {{ if }}\n", &json!({})), ["istio-sidecar-injector key config", "sidecar:2"]),
        ("the document", broken, ["istio-sidecar-injector key config:3", "rejected"]),
        ("the mesh", mesh("a: 1\nrootNamespace: [x]\n"), ["ConfigMap istio-system/istio key mesh:2", "rejected"]),
    ] {
        api.replace(&broken).unwrap();
        eventually(LIMIT, what, || {
            let output = control.process.output();
            let is_told = output.lines().any(|line| parts.iter().all(|part| line.contains(part)));
            if is_told { Ok(()) } else { Err(output) }
        });
        control.gives(what, &json!({ "mark": "second", "value": "b", "merge": "false" }));
    }
    // Without a cluster everything stays as it was last known.
    drop(api);
    control.after("the cluster does not answer");
    control.gives("all as it was", &json!({ "mark": "second", "native": "true", "user": "2009", "merge": "false" }));
    assert_eq!(control.ready().0, 200);
}

#[test]
fn files_win_over_the_cluster_and_a_bad_config_map_from_the_start_injects_nothing() {
    let api = KubeApi::start().unwrap();
    api.create(&object("Namespace", "", "istio-system", &json!({}))).unwrap();
    api.create(&config(&TEMPLATE.replace("MARK", "{{ if }}"), &json!({ "mark": "of the cluster" }))).unwrap();
    let kubeconfig = api.kubeconfig().to_str().unwrap();
    let control = Control::start(kubeconfig, &[]);
    let refused = control.labels("/inject").unwrap_err();
    assert!(refused.contains("istio-sidecar-injector key config") && refused.contains("sidecar"), "{refused}");
    api.replace(&config(&TEMPLATE.replace("MARK", "good"), &json!({ "mark": "now" }))).unwrap();
    control.gives("a good one", &json!({ "mark": "good", "value": "now" }));
    let file = json!({ "templates": { "sidecar": TEMPLATE.replace("MARK", "file") } }).to_string();
    let control = Control::start(kubeconfig, &[("--injectConfigFile", "inject.yaml", &file)]);
    let labels = control.labels("/inject").unwrap();
    assert_eq!((&labels["mark"], &labels["value"]), (&"file".into(), &"now".into()), "{labels}");
}

#[test]
fn a_cluster_that_says_nothing_is_waited_for_and_not_for_ever() {
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let config = json!({
        "current-context": "here",
        "clusters": [{ "name": "one", "cluster": { "server": format!("http://{}", silent.local_addr().unwrap()) } }],
        "contexts": [{ "name": "here", "context": { "cluster": "one" } }],
    });
    fs::write(&kubeconfig, config.to_string()).unwrap();
    let control = Control::start(kubeconfig.to_str().unwrap(), &[]);
    control.after("webhook on https://");
    let (status, why) = eventually(LIMIT, "a reading of the folder", || match control.ready() {
        (_, why) if why.contains("no configuration") => Err(why),
        ready => Ok(ready),
    });
    // A machine that is slow enough to have waited already has said so.
    let waited = || control.process.output().contains("the cluster has not told these in time");
    assert!((status == 503 && why.contains("cluster")) || waited(), "{status} {why}");
    let labels = control.labels("/inject").unwrap();
    assert!(labels["security.istio.io~1tlsMode"].is_string(), "lateen's own templates inject: {labels}");
    assert!(waited() && control.ready().0 == 200, "{}", control.process.output());
}

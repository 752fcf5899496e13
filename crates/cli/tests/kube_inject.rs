//! `lateen kube-inject` as a person uses it: with files, through a pipe, without a network, and against a cluster.
#![allow(clippy::unwrap_used)] // a test fails by it

use lateen_testkit::KubeApi;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A workload and an object that is none.
const WORKLOADS: &str = "\
# Says what it is for.
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: example/web:1}]}
";

/// A template that shows what it is filled with.
const CONFIG: &str = "\
policy: enabled
templates:
  sidecar: |
    metadata:
      labels: {from: '{{ .Values.from }}', domain: '{{ .MeshConfig.TrustDomain }}', revision: '{{ .Revision }}'}
    spec:
      containers:
      - {name: istio-proxy, image: example/proxy:1}
";

/// Templates, values and mesh configuration; nothing else is needed.
const OFFLINE: &[&str] =
    &["--injectConfigFile", "inject.yaml", "--valuesFile", "values.json", "--meshConfigFile", "mesh.yaml"];

struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }
}

/// A folder with `web.yaml` and the three files.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("web.yaml", WORKLOADS),
        ("inject.yaml", CONFIG),
        ("values.json", r#"{"from": "a-file"}"#),
        ("mesh.yaml", "trustDomain: corp.example\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn lateen(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
    command.arg("kube-inject").args(words).current_dir(folder);
    // Nobody listens behind the proxy.
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("HTTPS_PROXY", "http://127.0.0.1:1");
    command.env("KUBECONFIG", "/dev/null").env("HOME", folder).env_remove("KUBERNETES_SERVICE_HOST");
    command.env_remove("ENABLE_NATIVE_SIDECARS").stdin(Stdio::null());
    command
}

fn run(folder: &Path, words: &[&str]) -> Said {
    lateen(folder, words).output().unwrap().into()
}

/// Whether the text is the Service as it was and the Deployment with its proxy.
fn assert_injected(out: &str) {
    let (service, rest) = out.split_once("---\n").unwrap();
    assert_eq!(service, WORKLOADS.split_once("---\n").unwrap().0);
    let labels = "        from: a-file\n        domain: corp.example\n";
    let proxy = "      - name: istio-proxy\n        image: example/proxy:1\n";
    assert!(rest.starts_with("apiVersion: apps/v1\n") && rest.ends_with("---\n"), "{rest}");
    assert!(rest.contains(labels) && rest.contains(proxy), "{rest}");
}

#[test]
fn three_files_are_enough() {
    let folder = folder();
    let said = run(folder.path(), &[&["-f", "web.yaml"], OFFLINE].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_injected(&said.out);
}

#[test]
fn without_a_network_it_is_the_same() {
    let folder = folder();
    let lateen = env!("CARGO_BIN_EXE_lateen");
    let isolated = |program: &str, words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", program]).args(words).current_dir(folder.path());
        command.env("KUBECONFIG", "/dev/null").env("HOME", folder.path()).env_remove("KUBERNETES_SERVICE_HOST");
        command.output()
    };
    if !isolated("true", &[]).is_ok_and(|output| output.status.success()) {
        eprintln!("not seen here: this machine lets nobody make a network namespace (unshare --net)");
        return;
    }
    let words = [&["kube-inject", "-f", "web.yaml"], OFFLINE].concat();
    let said = Said::from(isolated(lateen, &words).unwrap());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_injected(&said.out);
    // Without the files, and without a cluster, lateen's own count.
    let said = Said::from(isolated(lateen, &["kube-inject", "-f", "web.yaml"]).unwrap());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("no cluster is configured"), "{}", said.err);
    assert!(said.out.contains("- istio-iptables"), "{}", said.out);
}

#[test]
fn a_pipe_goes_in_and_a_file_comes_out() {
    let folder = folder();
    let words = [&["-f", "-", "-o", "out.yaml"], OFFLINE].concat();
    let mut child = lateen(folder.path(), &words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(WORKLOADS.as_bytes()).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    let written = fs::read_to_string(folder.path().join("out.yaml")).unwrap();
    assert_injected(&written);
    // What came out goes in again and comes out the same.
    let said = run(folder.path(), &[&["-f", "out.yaml"], OFFLINE].concat());
    assert_eq!((said.code, said.out), (Some(0), written));
}

#[test]
fn the_last_file_counts() {
    let folder = folder();
    let said = run(folder.path(), &[&["-f", "missing.yaml", "--filename", "web.yaml"], OFFLINE].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_injected(&said.out);
}

#[test]
fn what_cannot_be_injected_is_said_and_nothing_is_written() {
    let folder = folder();
    for (name, text) in [
        ("broken.yaml", "kind: [\n"),
        ("no-pod.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"),
        ("template.yaml", "templates:\n  sidecar: |\n    {{ if }}\n"),
        ("values.yaml", "a: [\n"),
        ("operator.yaml", "kind: Deployment\n"),
        ("wrong-mesh.yaml", "trustDomain: {}\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let own = ["--injectConfigFile", "inject.yaml", "--meshConfigFile", "mesh.yaml", "--valuesFile"];
    let cases: [(Vec<&str>, &str); 10] = [
        (OFFLINE.to_vec(), "filename not specified"),
        ([&["-f", "gone.yaml"], OFFLINE].concat(), "cannot open gone.yaml: no such file or directory"),
        ([&["-f", "."], OFFLINE].concat(), "cannot read ."),
        ([&["-f", "broken.yaml"], OFFLINE].concat(), "broken.yaml:1:8: this is not YAML"),
        (
            [&["-f", "no-pod.yaml"], OFFLINE].concat(),
            "no-pod.yaml:1: Deployment \"web\": spec.template.spec is missing",
        ),
        ([&["-f", "web.yaml"], &own[..], &["values.yaml"]].concat(), "values.yaml:1:5"),
        ([&["-f", "web.yaml"], &own[..], &["gone.json"]].concat(), "cannot open gone.json"),
        (
            vec![
                "-f",
                "web.yaml",
                "--injectConfigFile",
                "template.yaml",
                "--valuesFile",
                "values.json",
                "--meshConfigFile",
                "mesh.yaml",
            ],
            "template.yaml: injection template `sidecar` does not parse: template: sidecar:1: missing value for if",
        ),
        (
            vec![
                "-f",
                "web.yaml",
                "--injectConfigFile",
                "inject.yaml",
                "--valuesFile",
                "values.json",
                "--meshConfigFile",
                "wrong-mesh.yaml",
            ],
            "wrong-mesh.yaml:1:14: trustDomain",
        ),
        (
            [&["-f", "web.yaml", "--operatorFileName", "operator.yaml"], OFFLINE].concat(),
            "no object of kind IstioOperator",
        ),
    ];
    for (words, part) in cases {
        let words = [&["-o", "out.yaml"], words.as_slice()].concat();
        let said = run(folder.path(), &words);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{words:?}: {}", said.err);
        assert!(said.err.contains(part), "{words:?}: no {part:?} in {}", said.err);
        assert!(!folder.path().join("out.yaml").exists(), "{words:?}");
    }
    let said = run(folder.path(), &[&["-f", "web.yaml", "-o", "no/such/folder"], OFFLINE].concat());
    assert!(said.code == Some(1) && said.err.contains("cannot write no/such/folder"), "{}", said.err);
}

#[test]
fn warnings_go_beside_the_objects() {
    let folder = folder();
    let host = "apiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: shop}\n\
        spec: {hostNetwork: true, containers: []}\n";
    fs::write(folder.path().join("host.yaml"), host).unwrap();
    let said = run(folder.path(), &[&["-f", "host.yaml"], OFFLINE].concat());
    assert_eq!((said.code, said.out), (Some(0), format!("{host}---\n")));
    assert_eq!(said.err, "===> Skipping injection because Pod \"shop/agent\" has host networking enabled\n");
}

#[test]
fn native_sidecars_are_asked_for_by_the_environment() {
    let folder = folder();
    let mut command = lateen(folder.path(), &["-f", "web.yaml"]);
    let said = Said::from(command.env("ENABLE_NATIVE_SIDECARS", "true").output().unwrap());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("restartPolicy: Always"), "{}", said.out);
}

#[test]
fn an_operator_gives_values_and_mesh_configuration() {
    let folder = folder();
    let operator = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n\
        spec:\n  meshConfig: {trustDomain: of-operator}\n  values: {from: operator}\n";
    fs::write(folder.path().join("operator.yaml"), operator).unwrap();
    let words = ["-f", "web.yaml", "--injectConfigFile", "inject.yaml", "--operatorFileName", "operator.yaml"];
    let said = run(folder.path(), &words);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(said.out.contains("from: operator\n        domain: of-operator\n"), "{}", said.out);
}

#[test]
fn scripts_for_istioctl_run() {
    let folder = folder();
    let words = [
        &["-f", "web.yaml", "-o", "", "--operatorFileName", "", "--injectConfigMapName", "", "--valuesFile", "gone"][..],
        &["--webhookConfig", "istio-sidecar-injector", "-n", "shop", "--xds-address=istiod:15012", "--insecure"],
        &["--plaintext=true", "--timeout", "30s", "--emitTemplate=false", "--revision", "canary", "-r", ""],
        OFFLINE,
    ];
    let said = run(folder.path(), &words.concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_injected(&said.out);
    let told: Vec<_> = said.err.lines().map(|line| line.split(": ").next().unwrap()).collect();
    let flags = ["--webhookConfig", "--namespace", "--xds-address", "--timeout", "--insecure", "--plaintext"];
    assert_eq!(told, flags.map(|flag| format!("{flag} has no effect")));

    let said = run(folder.path(), &[&["-f", "web.yaml", "--emitTemplate"], OFFLINE].concat());
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("--emitTemplate of Istio 1.7 is not supported"), "{}", said.err);
    let said = run(folder.path(), &["-f", "web.yaml", "--meshConfigMapName", ""]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("--meshConfigFile or --meshConfigMapName or --operatorFileName must be set"));
}

#[test]
fn completions_have_the_flags() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(env!("CARGO_BIN_EXE_lateen")).args(["completion", shell]).output().unwrap();
        let said = Said::from(output);
        for flag in ["injectConfigFile", "meshConfigFile", "valuesFile", "operatorFileName", "injectConfigMapName"] {
            assert!(said.code == Some(0) && said.out.contains(flag), "{shell}: {flag}");
        }
    }
}

#[test]
fn comments_before_the_first_document_stay() {
    let folder = folder();
    let head = "# Copyright of somebody.\n\n# Says more.\n";
    fs::write(folder.path().join("head.yaml"), format!("\n{head}---\n{WORKLOADS}")).unwrap();
    let said = run(folder.path(), &[&["-f", "head.yaml"], OFFLINE].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let rest = said.out.strip_prefix(&format!("{head}---\n")).unwrap_or_else(|| panic!("{}", said.out));
    assert_injected(rest);
    // With the line ends of Windows the result is the same; they become Unix', as in istioctl.
    fs::write(folder.path().join("crlf.yaml"), format!("{head}---\n{WORKLOADS}").replace('\n', "\r\n")).unwrap();
    let crlf = run(folder.path(), &[&["-f", "crlf.yaml"], OFFLINE].concat());
    assert_eq!((crlf.code, crlf.out), (Some(0), said.out.clone()));
    // And once more nothing changes.
    fs::write(folder.path().join("again.yaml"), &said.out).unwrap();
    assert_eq!(run(folder.path(), &[&["-f", "again.yaml"], OFFLINE].concat()).out, said.out);
}

#[test]
fn help_shows_examples() {
    let said = run(Path::new("."), &["--help"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in ["lateen kube-inject -f deployment.yaml | kubectl apply -f -", "-o jsonpath='{.data.mesh}'"] {
        assert!(said.out.contains(part), "no {part:?} in {}", said.out);
    }
}

/// A cluster with the ConfigMaps of two revisions, and one with a name of its own.
fn cluster() -> KubeApi {
    let api = KubeApi::start().unwrap();
    let create = |kind: &str, metadata: Value, data: Value| {
        let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        if !data.is_null() {
            object["data"] = data;
        }
        api.create(&object).unwrap();
    };
    create("Namespace", json!({"name": "istio-system"}), Value::Null);
    let users = json!({"openshift.io/sa.scc.uid-range": "4000/10"});
    create("Namespace", json!({"name": "shop", "annotations": users}), Value::Null);
    for (suffix, from) in [("", "default"), ("-canary", "canary"), ("-mine", "mine")] {
        let values = json!({"from": from}).to_string();
        let config =
            CONFIG.replace("example/proxy:1}", "example/proxy:1, securityContext: {runAsUser: {{ .ProxyUID }}}}");
        let metadata = json!({"name": format!("istio-sidecar-injector{suffix}"), "namespace": "istio-system"});
        create("ConfigMap", metadata, json!({"config": config, "values": values}));
        let metadata = json!({"name": format!("istio{suffix}"), "namespace": "istio-system"});
        create("ConfigMap", metadata, json!({"mesh": format!("trustDomain: {from}.example\n")}));
    }
    api
}

#[test]
fn config_maps_of_a_cluster_count_where_there_is_no_file() {
    let api = cluster();
    let folder = folder();
    let kubeconfig = api.kubeconfig().to_str().unwrap();
    let labels = |from: &str, domain: &str, revision: &str| {
        format!("        from: {from}\n        domain: {domain}\n        revision: {revision}\n")
    };
    let cases: [(&[&str], String); 5] = [
        (&[], labels("default", "default.example", "\"\"")),
        (&["--revision", "canary"], labels("canary", "canary.example", "canary")),
        (&["--injectConfigMapName", "istio-sidecar-injector-mine"], labels("mine", "default.example", "\"\"")),
        (&["--meshConfigMapName", "istio-mine"], labels("default", "mine.example", "\"\"")),
        (&["--valuesFile", "values.json"], labels("a-file", "default.example", "\"\"")),
    ];
    for (words, labels) in cases {
        let said = run(folder.path(), &[words, &["-f", "web.yaml", "--kubeconfig", kubeconfig]].concat());
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{words:?}");
        assert!(said.out.contains(&labels), "{words:?}: no {labels} in\n{}", said.out);
        assert!(said.out.contains("runAsUser: 4009"), "the namespace gives the user: {}", said.out);
    }
    let cases: [(&[&str], &str); 2] = [
        (&["--revision", "gone"], "istio-sidecar-injector-gone"),
        (&["--meshConfigMapName", "gone"], "istio-system/gone"),
    ];
    for (words, part) in cases {
        let said = run(folder.path(), &[words, &["-f", "web.yaml", "--kubeconfig", kubeconfig]].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{words:?}");
        assert!(said.err.contains(part), "{words:?}: no {part:?} in {}", said.err);
    }
}

#[test]
fn three_files_ask_no_cluster() {
    let api = KubeApi::in_memory().unwrap();
    let folder = folder();
    let words = [&["-f", "web.yaml", "--kubeconfig", api.kubeconfig().to_str().unwrap()], OFFLINE].concat();
    let said = run(folder.path(), &words);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(api.seen().unwrap().is_empty(), "nothing is asked");
}

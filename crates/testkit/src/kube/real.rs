//! The real API server of Kubernetes and its etcd, on loopback.
//! In comes the folder of their programs; out comes a kubeconfig that works with them.
//! Both end by their process id when the value is dropped, and their data goes with the folder given.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use super::{TOKEN, kubeconfig};
use crate::http1;
use crate::port::free_ports;
use crate::process::Process;

/// How long both may take to start, with the two cores busy.
const START_LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Real {
    // In this order: the API server ends before its store.
    _server: Process,
    _etcd: Process,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

impl Real {
    pub(super) fn start(programs: &Path, home: &Path, config: &Path) -> Result<Self> {
        let ports = free_ports(3)?;
        let [store, peers, serve] = ports[..] else { bail!("three free ports") };
        let store_url = format!("http://127.0.0.1:{store}");
        let mut etcd = Command::new(programs.join("etcd"));
        etcd.arg(format!("--data-dir={}", home.join("etcd").display()))
            .arg(format!("--listen-client-urls={store_url}"))
            .arg(format!("--advertise-client-urls={store_url}"))
            .arg(format!("--listen-peer-urls=http://127.0.0.1:{peers}"))
            .arg("--unsafe-no-fsync");
        let mut etcd = Process::start(etcd)?;
        etcd.wait_until(START_LIMIT, || {
            let reply = http1::request(([127, 0, 0, 1], store).into(), "GET", "/health", &[], b"")?;
            ensure!(reply.status == 200, "/health: {}", reply.status);
            Ok(())
        })?;

        let (key, public) = (home.join("accounts.key"), home.join("accounts.pub"));
        let (tokens, certificates) = (home.join("tokens.csv"), home.join("certificates"));
        let pair = rcgen::KeyPair::generate()?;
        fs::write(&key, pair.serialize_pem())?;
        fs::write(&public, pair.public_key_pem())?;
        fs::write(&tokens, format!("{TOKEN},admin,admin,system:masters\n"))?;
        let mut server = Command::new(programs.join("kube-apiserver"));
        server
            .arg(format!("--etcd-servers={store_url}"))
            .args(["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24"])
            .arg(format!("--secure-port={serve}"))
            .arg(format!("--cert-dir={}", certificates.display()))
            .arg(format!("--token-auth-file={}", tokens.display()))
            .args(["--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"])
            .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
            .arg(format!("--service-account-key-file={}", public.display()))
            .arg(format!("--service-account-signing-key-file={}", key.display()));
        let mut server = Process::start(server)?;
        // The certificate that the server signs for itself has its authority behind it.
        let authority = certificates.join("apiserver.crt");
        fs::write(config, kubeconfig(&format!("https://127.0.0.1:{serve}"), Some(&authority)))?;
        let kubectl = programs.join("kubectl");
        server.wait_until(START_LIMIT, || {
            run(&kubectl, config, &["get", "--raw", "/readyz"], "")?;
            run(&kubectl, config, &["get", "namespace", "default"], "")
        })?;
        Ok(Self { _server: server, _etcd: etcd, kubectl, kubeconfig: config.to_owned() })
    }

    pub(super) fn create(&self, object: &Json) -> Result<()> {
        run(&self.kubectl, &self.kubeconfig, &["create", "--validate=false", "-f", "-"], &object.to_string())
    }

    pub(super) fn replace(&self, object: &Json) -> Result<()> {
        run(&self.kubectl, &self.kubeconfig, &["replace", "--validate=false", "-f", "-"], &object.to_string())
    }

    pub(super) fn delete(&self, object: &Json) -> Result<()> {
        run(&self.kubectl, &self.kubeconfig, &["delete", "--wait=false", "-f", "-"], &object.to_string())
    }
}

/// Runs kubectl with `input` as its input.
fn run(kubectl: &Path, config: &Path, words: &[&str], input: &str) -> Result<()> {
    let mut command = Command::new(kubectl);
    command.arg("--kubeconfig").arg(config).arg("--request-timeout=10s").args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("start {}", kubectl.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "kubectl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

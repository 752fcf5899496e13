//! A control plane on a folder that changes, and a proxy that is connected to it; both are ended by their process id.

use anyhow::{Context as _, ensure};
use lateen_testkit::process::Signal;
use lateen_testkit::{Process, ads_bootstrap, free_port, request};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long anything may take, with the cores busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A data plane: its program with the words before the options that both programs share.
pub struct Program {
    pub path: PathBuf,
    pub words: &'static [&'static str],
}

/// A running `lateen control` with its folder.
pub struct Control {
    process: Process,
    xds: u16,
    monitoring: SocketAddr,
    folder: tempfile::TempDir,
}

impl Control {
    pub fn start(files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let xds = free_port().unwrap();
        let monitoring = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
        command.args(["control", "--config"]).arg(folder.path());
        command.args(["--grpc-address", &format!("127.0.0.1:{xds}")]);
        command.args(["--monitoring-address", &monitoring.to_string()]);
        let mut process = Process::start(command).unwrap();
        let ready = || {
            let reply = request(monitoring, "GET", "/ready", &[], b"")?;
            ensure!(reply.status == 200, "{}", reply.text());
            Ok(())
        };
        process.wait_until(PATIENCE, ready).unwrap();
        Self { process, xds, monitoring, folder }
    }

    /// Puts a file into the folder in one step, as an editor does.
    pub fn write(&self, name: &str, text: &str) {
        let (new, place) = (self.folder.path().join(".new"), self.folder.path().join(name));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, place).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    /// What it printed: findings among it.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Fails unless everything that was sent to the one connected client is accepted; gives for each type the
    /// configuration that the client answered last.
    pub fn assert_everything_accepted(&mut self) -> Value {
        let monitoring = self.monitoring;
        let accepted = || {
            let clients: Value = serde_json::from_slice(&request(monitoring, "GET", "/debug/syncz", &[], b"")?.body)?;
            let client = clients.get(0).context("nobody is connected")?;
            ensure!(client["rejected"] == json!([]) && client["synced"] == true, "{client:#}");
            Ok(client["answered"].clone())
        };
        self.process.wait_until(PATIENCE, accepted).unwrap()
    }
}

/// A running proxy that is connected to a control plane.
pub struct Dataplane {
    process: Process,
    _dir: tempfile::TempDir,
}

impl Dataplane {
    /// Starts it and waits until it listens on `port`.
    pub fn start(program: &Program, control: &Control, port: u16) -> Self {
        Self::start_with(program, control, port, |_| {}, &[])
    }

    /// The same with a change of the bootstrap and further arguments.
    pub fn start_with(
        program: &Program,
        control: &Control,
        port: u16,
        change: impl FnOnce(&mut Value),
        arguments: &[&Path],
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let bootstrap = dir.path().join("bootstrap.json");
        let mut text = ads_bootstrap(admin.port(), control.xds);
        change(&mut text);
        std::fs::write(&bootstrap, text.to_string()).unwrap();
        let mut command = Command::new(&program.path);
        command.args(program.words).args(["--concurrency", "1", "--config-path"]).arg(&bootstrap);
        command.args(arguments);
        if is_envoy(&program.path) {
            command.args(["--use-dynamic-base-id", "-l", "warning"]);
        }
        let mut process = Process::start(command).unwrap();
        let ready = || {
            let reply = request(admin, "GET", "/ready", &[], b"")?;
            ensure!(reply.status == 200, "{}", reply.text());
            lateen_testkit::http1::connect(super::client::local(port))?;
            Ok(())
        };
        process.wait_until(PATIENCE, ready).unwrap();
        Self { process, _dir: dir }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    pub fn output(&self) -> String {
        self.process.output()
    }

    pub fn stop(mut self) {
        self.process.signal(Signal::SIGTERM).unwrap();
        self.process.wait_exit(PATIENCE).unwrap();
    }
}

fn is_envoy(program: &Path) -> bool {
    program.file_name().is_some_and(|name| name == "envoy")
}

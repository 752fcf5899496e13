//! A stock Envoy to compare with.
//! In comes a bootstrap in JSON; out come a running Envoy that has loaded it, and its admin answers.
//! The program is found by `LATEEN_ENVOY`, or in `.venv` of the repository, where `cargo xtask test`
//! puts it; nothing is downloaded here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http1::{self, Reply};
use crate::port::free_port;
use crate::process::Process;

/// How long Envoy may take to start, with the two cores busy.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The Envoy program, or `None` where there is none.
pub fn envoy_program() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("LATEEN_ENVOY") {
        return Some(path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    let pythons = std::fs::read_dir(root.join(".venv/lib")).ok()?;
    // The program itself and not the launcher in `bin`, so that its process id is Envoy's.
    pythons
        .flatten()
        .map(|python| python.path().join("site-packages/envoy/_bin/envoy"))
        .find(|program| program.is_file())
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    /// Where its admin interface listens.
    pub admin: SocketAddr,
    /// The process, for its output and signals.
    pub process: Process,
    _home: TempDir,
}

impl Envoy {
    /// Starts Envoy on `bootstrap` with one worker and waits until its admin interface answers.
    ///
    /// `admin` is set here, to a free port. Readiness (listeners warmed) is [`Envoy::wait_ready`].
    pub fn start(mut bootstrap: Value) -> Result<Self> {
        let program = envoy_program().context("no Envoy: run `cargo xtask test --step venv`, or set LATEEN_ENVOY")?;
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        bootstrap["admin"] =
            json!({ "address": { "socket_address": { "address": "127.0.0.1", "port_value": admin.port() } } });
        let home = tempfile::tempdir()?;
        let file = home.path().join("envoy.json");
        std::fs::write(&file, serde_json::to_vec_pretty(&bootstrap)?)?;
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).args(["--concurrency", "1", "--disable-hot-restart", "-l", "warning"]);
        let mut process = Process::start(command)?;
        process.wait_until(START_LIMIT, || http1::request(admin, "GET", "/server_info", &[], b""))?;
        Ok(Self { admin, process, _home: home })
    }

    /// Waits until `/ready` says LIVE: the first configuration is in and its listeners serve.
    pub fn wait_ready(&mut self, limit: Duration) -> Result<()> {
        let admin = self.admin;
        self.process.wait_until(limit, || {
            let reply = http1::request(admin, "GET", "/ready", &[], b"")?;
            ensure!(reply.status == 200, "/ready: {} {}", reply.status, reply.text());
            Ok(())
        })
    }

    /// An admin page, such as `/stats?filter=update_rejected`.
    pub fn admin_page(&self, path: &str) -> Result<Reply> {
        http1::request(self.admin, "GET", path, &[], b"")
    }

    /// `/config_dump` with endpoints, as JSON.
    pub fn config_dump(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.admin_page("/config_dump?include_eds")?.body)?)
    }

    /// The value of one counter or gauge; 0 when Envoy has none of that name.
    pub fn stat(&self, name: &str) -> Result<u64> {
        let page = self.admin_page("/stats")?.text();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map_or(Ok(0), |value| Ok(value.parse()?))
    }
}

//! Starts the control plane on a folder, and a proxy that is connected to it; ends them by their process id.

use super::backend::Backend;
use super::record::Record;
use anyhow::{Context as _, ensure};
use lateen_testkit::http1::{connect, read_reply};
use lateen_testkit::process::Signal;
use lateen_testkit::{Process, ads_bootstrap, free_port, request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// The listener that every folder has.
const GATEWAY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 18080);

/// A request of a folder.
pub struct Request {
    pub name: String,
    pub port: u16,
    pub method: String,
    pub host: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// What is sent instead of all of the above, with `${ID}` and `${LONG}` in it; empty for a request made of them.
    pub raw: String,
}

/// A folder of `compare/`.
pub struct Folder {
    pub name: String,
    path: PathBuf,
    pub requests: Vec<Request>,
}

impl Folder {
    /// Every folder, by name.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compare");
        let mut folders: Vec<Self> = std::fs::read_dir(root)
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().join("requests.json").is_file())
            .map(|entry| Self::load(&entry.path()))
            .collect();
        folders.sort_by(|a, b| a.name.cmp(&b.name));
        folders
    }

    fn load(path: &Path) -> Self {
        let text = std::fs::read_to_string(path.join("requests.json")).unwrap();
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = |row: &Value, key: &str, default: &str| row[key].as_str().unwrap_or(default).to_owned();
        let requests = rows
            .iter()
            .map(|row| Request {
                name: text(row, "name", ""),
                port: row["port"].as_u64().unwrap_or(18080) as u16,
                method: text(row, "method", "GET"),
                host: text(row, "host", "a"),
                path: text(row, "path", "/"),
                headers: row["headers"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").replace("${LONG}", &"l".repeat(8000))))
                    .collect(),
                body: text(row, "body", ""),
                raw: text(row, "raw", "").replace("${LONG}", &"l".repeat(8000)),
            })
            .collect();
        Self { name: path.file_name().unwrap().to_string_lossy().into_owned(), path: path.to_owned(), requests }
    }
}

/// A running `lateen control`.
pub struct Control {
    process: Process,
    xds: u16,
    monitoring: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Control {
    pub fn start(folder: &Folder, backend: &Backend) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = folder.path.parent().unwrap().join("base.yaml");
        for (name, from) in [("base.yaml", base), ("config.yaml", folder.path.join("config.yaml"))] {
            let text = std::fs::read_to_string(from).unwrap();
            let text = text.replace("${ORIGIN}", &backend.port().to_string());
            std::fs::write(dir.path().join(name), text.replace("${REFUSED}", &backend.refused.to_string())).unwrap();
        }
        let xds = free_port().unwrap();
        let monitoring = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen"));
        command.args(["control", "--config"]).arg(dir.path());
        command.args(["--grpc-address", &format!("127.0.0.1:{xds}")]);
        command.args(["--monitoring-address", &monitoring.to_string()]);
        let mut process = Process::start(command).unwrap();
        let ready = || {
            let reply = request(monitoring, "GET", "/ready", &[], b"")?;
            ensure!(reply.status == 200, "{}", reply.text());
            Ok(())
        };
        process.wait_until(PATIENCE, ready).unwrap();
        Self { process, xds, monitoring, _dir: dir }
    }

    /// Fails unless everything that was sent to the connected client is accepted.
    pub fn assert_everything_accepted(&mut self, who: &str) {
        let monitoring = self.monitoring;
        let accepted = || {
            let clients: Value = serde_json::from_slice(&request(monitoring, "GET", "/debug/syncz", &[], b"")?.body)?;
            let clients = clients.as_array().context("a list")?.clone();
            for client in &clients {
                assert_eq!(client["rejected"], json!([]), "{who} rejects");
            }
            ensure!(clients.iter().any(|client| client["synced"] == true), "{clients:#?}");
            Ok(())
        };
        self.process.wait_until(PATIENCE, accepted).unwrap();
    }
}

/// A running proxy that is connected to a control plane.
pub struct Dataplane {
    process: Process,
    _dir: tempfile::TempDir,
}

impl Dataplane {
    pub fn start(name: &str, program: &Path, words: &[&str], control: &Control) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let bootstrap = dir.path().join("bootstrap.json");
        std::fs::write(&bootstrap, ads_bootstrap(admin.port(), control.xds).to_string()).unwrap();
        let mut command = Command::new(program);
        command.args(words).args(["--concurrency", "1", "--config-path"]).arg(&bootstrap);
        command.args(if name == "envoy" { &["--use-dynamic-base-id", "-l", "warning"][..] } else { &[] });
        let mut process = Process::start(command).unwrap();
        let ready = || {
            let reply = request(admin, "GET", "/ready", &[], b"")?;
            ensure!(reply.status == 200, "{}", reply.text());
            connect(GATEWAY)?;
            Ok(())
        };
        process.wait_until(PATIENCE, ready).unwrap();
        Self { process, _dir: dir }
    }

    /// Sends one request on a connection of its own.
    pub fn ask(&self, folder: &Folder, index: usize, request: &Request, backend: &Backend) -> Record {
        let id = format!("{}-{index}", folder.name);
        let answer = send(request, &id).map_err(|error| format!("{:#}", error.root_cause()));
        Record {
            answer,
            upstream: backend.take(&id),
            log: Value::Null,
            request_id: request.headers.get("x-request-id").cloned(),
        }
    }

    /// Ends the process and adds the lines of its access log to the records.
    pub fn stop(mut self, mut records: Vec<Record>) -> Vec<Record> {
        self.process.signal(Signal::SIGTERM).unwrap();
        self.process.wait_exit(PATIENCE).unwrap();
        for mut line in self.process.output().lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let id = line["id"].as_str().unwrap_or_default().to_owned();
            let index = id.rsplit_once('-').and_then(|(_, i)| i.parse::<usize>().ok());
            if let (Some(fields), Some(index)) = (line.as_object_mut(), index)
                && let Some(record) = records.get_mut(index)
            {
                fields.remove("id");
                record.log = line;
            }
        }
        records
    }
}

fn send(request: &Request, id: &str) -> anyhow::Result<lateen_testkit::Reply> {
    let mut stream = connect(SocketAddr::from(([127, 0, 0, 1], request.port)))?;
    let mut text =
        format!("{} {} HTTP/1.1\r\nhost: {}\r\nx-test-id: {id}\r\n", request.method, request.path, request.host);
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !request.body.is_empty() {
        text += &format!("content-length: {}\r\n", request.body.len());
    }
    text += "\r\n";
    text += &request.body;
    if !request.raw.is_empty() {
        text = request.raw.replace("${ID}", id);
    }
    stream.write_all(text.as_bytes())?;
    read_reply(&mut stream, text.starts_with("HEAD "))
}

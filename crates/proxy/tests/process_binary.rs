//! The program `lateen-proxy`: its exit codes, what it says when it cannot serve, and how signals end it.

#[path = "support/process.rs"]
mod process;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use process::{get, request, until};
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A program that does not outlive its test.
struct Program(Child);

impl Program {
    fn start(folder: &Path, bootstrap: &str, more: &[&str]) -> Self {
        let path = folder.join("envoy.json");
        std::fs::write(&path, bootstrap).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen-proxy"));
        command.arg("-c").arg(&path).args(["--concurrency", "1"]).args(more);
        command.arg("--admin-address-path").arg(folder.join("admin"));
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started"))
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).expect("an id")), signal).expect("sent");
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a state").is_some()
    }

    /// Waits for the end.
    fn output(mut self) -> (Option<i32>, String) {
        until("the program ends", || self.has_ended());
        let mut said = String::new();
        if let Some(stderr) = self.0.stderr.as_mut() {
            stderr.read_to_string(&mut said).expect("text");
        }
        (self.0.wait().expect("a state").code(), said)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bootstrap(port: u16, log: &str) -> String {
    format!(
        r#"{{
  "admin": {{"address": {{"socket_address": {{"address": "127.0.0.1", "port_value": 0}}}}}},
  "static_resources": {{"listeners": [{{
    "name": "l", "address": {{"socket_address": {{"address": "127.0.0.1", "port_value": {port}}}}},
    "filter_chains": [{{"filters": [{{"name": "envoy.filters.network.http_connection_manager", "typed_config": {{
      "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      "stat_prefix": "in",
      "access_log": [{{"name": "envoy.access_loggers.file", "typed_config": {{
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "{log}",
        "log_format": {{"text_format_source": {{"inline_string": "%REQ(:PATH)%\n"}}}}}}}}],
      "route_config": {{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["*"], "routes": [
        {{"match": {{"prefix": "/"}}, "direct_response": {{"status": 200, "body": {{"inline_string": "hi"}}}}}}]}}]}},
      "http_filters": [{{"name": "envoy.filters.http.router", "typed_config": {{
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}}}]}}}}]}}]}}]}}}}"#
    )
}

fn admin(folder: &Path) -> SocketAddr {
    let mut found = None;
    until("the admin interface is there", || {
        found = std::fs::read_to_string(folder.join("admin")).ok().and_then(|address| address.parse().ok());
        found.is_some()
    });
    found.expect("an address")
}

fn listener(admin: SocketAddr) -> SocketAddr {
    let (_, text) = get(admin, "/listeners");
    text.trim().strip_prefix("l::").and_then(|address| address.parse().ok()).expect("a listener")
}

#[test]
fn serves_reopens_its_logs_and_ends_by_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let program = Program::start(folder.path(), &bootstrap(0, &log.display().to_string()), &[]);
    let admin = admin(folder.path());
    until("it is ready", || get(admin, "/ready") == (200, "LIVE\n".to_owned()));
    let served = listener(admin);
    assert_eq!(get(served, "/one"), (200, "hi".to_owned()));
    until("the line is written", || std::fs::read_to_string(&log).is_ok_and(|text| text == "/one\n"));
    assert!(get(admin, "/stats?filter=downstream_rq_2xx").1.contains("http.in.downstream_rq_2xx: 1\n"));

    std::fs::rename(&log, folder.path().join("old")).expect("moved");
    program.signal(Signal::SIGUSR1);
    until("a new file gets the lines", || {
        assert_eq!(get(served, "/two").0, 200);
        log.exists()
    });
    get(served, "/last");
    program.signal(Signal::SIGTERM);
    let (code, said) = program.output();
    assert_eq!(code, Some(0), "{said}");
    assert!(std::fs::read_to_string(&log).expect("a log").ends_with("/last\n"), "flushed at the end");
    assert!(TcpStream::connect(served).is_err());
}

#[test]
fn a_connection_in_use_is_waited_for_and_a_second_signal_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path(), &bootstrap(0, "/dev/stderr"), &[]);
    let admin = admin(folder.path());
    let served = listener(admin);
    // Half a request: the connection is in use.
    let mut half = TcpStream::connect(served).expect("connected");
    std::io::Write::write_all(&mut half, b"GET / HTTP/1.1\r\nhost: a\r\ncontent-le").expect("sent");
    until("the connection is open", || get(admin, "/stats?filter=server.total_connections").1.ends_with(": 1\n"));
    program.signal(Signal::SIGTERM);
    until("it drains", || get(admin, "/ready").0 == 503);
    assert!(!program.has_ended());
    program.signal(Signal::SIGTERM);
    let (code, said) = program.output();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn ends_by_the_admin_interface() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), &bootstrap(0, "/dev/stderr"), &[]);
    assert_eq!(request(admin(folder.path()), "POST", "/quitquitquit").0, 200);
    assert_eq!(program.output().0, Some(0));
}

#[test]
fn says_what_it_cannot_serve() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let good = bootstrap(0, "/dev/stderr");
    for (bootstrap, expected) in [
        (good.replace("\"stat_prefix\"", "\"stat_prefx\""), "stat_prefx"),
        (good.replace("\"stat_prefix\": \"in\"", "\"stat_prefix\": \"in\", \"codec_type\": \"HTTP3\""), "codec_type"),
        (
            good.replace("envoy.filters.http.router\"", "envoy.filters.http.nothing\"")
                .replace("filters.http.router.v3.Router", "filters.http.lua.v3.Lua"),
            "http_filters",
        ),
        ("{".to_owned(), "line 1"),
        (self::bootstrap(port, "/dev/stderr"), &port.to_string()),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (code, said) = Program::start(folder.path(), &bootstrap, &[]).output();
        assert_eq!(code, Some(1), "{expected}: {said}");
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}

#[test]
fn validates_without_binding_anything() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("envoy.json");
    std::fs::write(&path, bootstrap(port, "/dev/stderr")).expect("written");
    let validate = |path: &Path| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lateen-proxy"));
        command.args(["--mode", "validate", "-l", "off", "--base-id", "7", "-c"]).arg(path).output().expect("run")
    };
    let output = validate(&path);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("OK"));
    assert_eq!(validate(&folder.path().join("missing.json")).status.code(), Some(1));
}

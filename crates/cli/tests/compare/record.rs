//! What a proxy did with one request, and how two of them differ.

use lateen_testkit::{Reply, Seen};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::Path;

/// Headers whose value differs between two runs of the same proxy: only their presence counts.
const VOLATILE: &[&str] = &["date", "x-envoy-upstream-service-time", "x-request-id", "x-envoy-expected-rq-timeout-ms"];

/// What a proxy did with one request.
#[derive(Debug)]
pub struct Record {
    /// The answer, or how the connection ended.
    pub answer: Result<Reply, String>,
    /// What the origin saw, one for each try.
    pub upstream: Vec<Seen>,
    /// The line of the access log.
    pub log: Value,
    /// The x-request-id that the client sent, if any.
    pub request_id: Option<String>,
}

impl Record {
    fn flat(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        match &self.answer {
            Ok(answer) => {
                facts.push(("status".into(), answer.status.to_string()));
                self.headers("answer", &answer.headers, &mut facts);
                facts.push(("interim".into(), format!("{:?}", answer.interim)));
                facts.push(("body".into(), answer.text()));
            }
            Err(error) => facts.push(("answer".into(), error.clone())),
        }
        facts.push(("upstream.tries".into(), self.upstream.len().to_string()));
        for (i, request) in self.upstream.iter().enumerate() {
            facts.push((format!("upstream.{i}.line"), format!("{} {}", request.method, request.target)));
            self.headers(&format!("upstream.{i}"), &request.headers, &mut facts);
            facts.push((format!("upstream.{i}.body"), String::from_utf8_lossy(&request.body).into_owned()));
        }
        for (key, value) in self.log.as_object().into_iter().flatten() {
            facts.push((format!("log.{key}"), value.to_string()));
        }
        facts
    }

    fn headers(&self, prefix: &str, headers: &[(String, String)], facts: &mut Vec<(String, String)>) {
        for (name, value) in headers {
            let given = name == "x-request-id" && self.request_id.as_deref() == Some(value);
            let value = &peer_of(name, value);
            let value = if VOLATILE.contains(&name.as_str()) && !given { "(some)" } else { value };
            let key = format!("{prefix}.{name}");
            match facts.iter_mut().find(|(k, _)| *k == key) {
                Some((_, before)) => *before = format!("{before} & {value}"),
                None => facts.push((key, value.to_owned())),
            }
        }
    }
}

/// The client is on the loopback interface: lateen forwards that address, Envoy puts its host's own address in its place
/// (`ConnectionManagerUtility::mutateRequestHeaders`). Both are written as `(peer)`.
fn peer_of(name: &str, value: &str) -> String {
    let (before, last) = value.rsplit_once(',').map_or(("", value), |(before, last)| (before, last.trim()));
    let own = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // Chooses a route and an address of ours; nothing is sent.
        socket.connect("192.0.2.200:9")?;
        socket.local_addr()
    });
    let is_peer = |text: &str| text == "127.0.0.1" || own.as_ref().is_ok_and(|own| text == own.ip().to_string());
    match name {
        "x-forwarded-for" | "x-envoy-external-address" if is_peer(last) && before.is_empty() => "(peer)".to_owned(),
        "x-forwarded-for" if is_peer(last) => format!("{before},(peer)"),
        _ => value.to_owned(),
    }
}

/// Every fact in which the two differ, as `fact: envoy X, lateen Y`.
pub fn differences(envoy: &Record, lateen: &Record) -> Vec<String> {
    let (envoy, lateen) = (envoy.flat(), lateen.flat());
    let find = |facts: &[(String, String)], key: &str| {
        facts.iter().find(|(k, _)| k == key).map_or_else(|| "nothing".to_owned(), |(_, v)| format!("{v:?}"))
    };
    let keys: BTreeSet<&String> = envoy.iter().chain(&lateen).map(|(key, _)| key).collect();
    keys.into_iter()
        .filter_map(|key| {
            let (e, l) = (find(&envoy, key), find(&lateen, key));
            (e != l).then(|| format!("{key}: envoy {e}, lateen {l}"))
        })
        .collect()
}

/// Differences that are meant, each with its reason: `{"folder", "request", "fact", "reason"}`; `*` stands for all,
/// at the end of a fact for all that begin like it.
pub struct Allowances {
    rows: Vec<Value>,
    used: RefCell<BTreeSet<usize>>,
}

impl Allowances {
    pub fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compare/allowances.json");
        let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for row in &rows {
            assert!(row["reason"].as_str().is_some_and(|r| r.len() > 20), "an allowance needs a reason: {row}");
        }
        Self { rows, used: RefCell::default() }
    }

    pub fn allow(&self, folder: &str, request: &str, difference: &str) -> bool {
        let matches = |row: &Value, key: &str, value: &str| row[key] == "*" || row[key] == value;
        let fact = difference.split(": envoy ").next().unwrap_or_default();
        for (i, row) in self.rows.iter().enumerate() {
            let wanted = row["fact"].as_str().unwrap_or_default();
            let is_fact = wanted.strip_suffix('*').map_or(wanted == fact, |prefix| fact.starts_with(prefix));
            if matches(row, "folder", folder) && matches(row, "request", request) && is_fact {
                self.used.borrow_mut().insert(i);
                return true;
            }
        }
        false
    }

    pub fn assert_all_used(&self) {
        for (i, row) in self.rows.iter().enumerate() {
            assert!(self.used.borrow().contains(&i), "this allowance is not needed any more: {row}");
        }
    }
}

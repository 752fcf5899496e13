//! The server behind both proxies: writes down every request, and misbehaves where the path asks for it.

use lateen_testkit::{Origin, Seen, free_port};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A running backend.
pub struct Backend {
    origin: Origin,
    /// A port on which nobody listens.
    pub refused: u16,
    seen: Arc<Mutex<HashMap<String, Vec<Seen>>>>,
}

impl Backend {
    pub fn start() -> Self {
        let seen: Arc<Mutex<HashMap<String, Vec<Seen>>>> = Arc::default();
        let shared = seen.clone();
        let origin = Origin::answering(move |request| {
            let id = request.header("x-test-id").unwrap_or("none").to_owned();
            let tries = {
                let mut seen = shared.lock().unwrap();
                let list = seen.entry(id).or_default();
                list.push(request.clone());
                list.len() as u64
            };
            answer(request, tries)
        });
        Self { origin: origin.unwrap(), refused: free_port().unwrap(), seen }
    }

    pub fn port(&self) -> u16 {
        self.origin.addr.port()
    }

    /// Takes out what was seen of the request `id`, one for each try.
    pub fn take(&self, id: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().remove(id).unwrap_or_default()
    }
}

fn answer(request: &Seen, tries: u64) -> Vec<u8> {
    let path = request.target.split('?').next().unwrap_or("").trim_start_matches('/');
    let (word, argument) = path.split_once('/').unwrap_or((path, ""));
    let number: u64 = argument.parse().unwrap_or(0);
    let status = match word {
        "status" => number.clamp(200, 599),
        "sleep" => {
            std::thread::sleep(Duration::from_secs(number.min(3)));
            200
        }
        "flaky" if tries <= number => 503,
        "close" => return Vec::new(),
        "early" => 200,
        "garbage" => return b"this is not HTTP\r\n\r\n".to_vec(),
        _ => 200,
    };
    // What comes before the answer: `/early/103/102` gives both.
    let early = path.split('/').skip(1).filter(|_| word == "early");
    let interim: String = early.map(|status| format!("HTTP/1.1 {status} Wait\r\nlink: </{status}>\r\n\r\n")).collect();
    let bare = request.method == "HEAD" || matches!(status, 204 | 304);
    let body = if bare { "" } else { "from the origin\n" };
    format!(
        "{interim}HTTP/1.1 {status} Some\r\ncontent-type: text/plain\r\nx-origin: yes\r\nserver: origin\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

//! Requests and waiting, for the tests of the process.
#![allow(dead_code)] // each test takes what it needs

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Far more than loopback needs; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Status and body of an answer; status 0 when there is none.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    request(address, "GET", path)
}

/// As `get`, with any method.
pub fn request(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut answer = String::new();
    let sent = TcpStream::connect_timeout(&address, PATIENCE).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    });
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    match (sent, status) {
        (Ok(_), Some(status)) => {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            (status, body.to_owned())
        }
        _ => (0, answer),
    }
}

/// Waits for something that comes soon.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! An origin server that writes down what it got.
//! In come requests over HTTP/1.1 on loopback; out come fixed answers, and a list of what was seen,
//! header names and order as they stood on the wire. Plain threads, so that it runs beside any runtime.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// Largest head and body that are taken, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Request target as it stood in the request line.
    pub target: String,
    /// Headers in their order, names as they were sent.
    pub headers: Vec<(String, String)>,
    /// Body, chunks joined.
    pub body: Vec<u8>,
}

impl Seen {
    /// The first value of a header; names are compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A running origin; it stops when it is dropped.
pub struct Origin {
    /// Where it listens.
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stopped: Arc<AtomicBool>,
}

impl Origin {
    /// Starts an origin that answers every request with 200 and the body `ok`.
    pub fn start() -> Result<Self> {
        Self::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec())
    }

    /// Starts an origin that answers with the bytes that `answer` gives, as they are.
    ///
    /// An empty answer closes the connection without one.
    pub fn answering(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let (list, stop) = (seen.clone(), stopped.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (list, answer) = (list.clone(), answer.clone());
                thread::spawn(move || serve(stream, &list, answer.as_ref()));
            }
        });
        Ok(Self { addr, seen, stopped })
    }

    /// Everything seen so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything seen since the last call.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the accept loop, which then sees that it is over.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Seen>>, answer: &dyn Fn(&Seen) -> Vec<u8>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer) {
        let bytes = answer(&request);
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        if bytes.is_empty() || stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let head = until(stream, buffer, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
    let mut start = lines.next()?.split(' ');
    let (method, target) = (start.next()?.to_owned(), start.next()?.to_owned());
    let headers = lines
        .map(|line| {
            line.split_once(':')
                .map_or((line.into(), String::new()), |(name, value)| (name.into(), value.trim().into()))
        })
        .collect();
    let mut request = Seen { method, target, headers, body: Vec::new() };
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    if request.header("transfer-encoding").is_some() {
        loop {
            let line = until(stream, buffer, b"\r\n")?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = usize::from_str_radix(line.trim_end().split(';').next()?, 16).ok()?;
            if size == 0 {
                while until(stream, buffer, b"\r\n")? != b"\r\n" {}
                break;
            }
            request.body.extend(exactly(stream, buffer, size)?);
            exactly(stream, buffer, 2)?;
        }
    } else if let Some(size) = request.header("content-length") {
        let size = size.parse().ok()?;
        request.body = exactly(stream, buffer, size)?;
    }
    Some(request)
}

fn until(stream: &mut TcpStream, buffer: &mut Vec<u8>, mark: &[u8]) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = buffer.windows(mark.len()).position(|window| window == mark) {
            return Some(buffer.drain(..at + mark.len()).collect());
        }
        fill(stream, buffer)?;
    }
}

fn exactly(stream: &mut TcpStream, buffer: &mut Vec<u8>, size: usize) -> Option<Vec<u8>> {
    if size > MAX_BYTES {
        return None;
    }
    while buffer.len() < size {
        fill(stream, buffer)?;
    }
    Some(buffer.drain(..size).collect())
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 16 << 10];
    let size = stream.read(&mut chunk).ok().filter(|size| *size > 0)?;
    buffer.extend_from_slice(&chunk[..size]);
    (buffer.len() <= 2 * MAX_BYTES).then_some(())
}

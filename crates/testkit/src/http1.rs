//! A small HTTP/1.1 client that sends exact bytes.
//! In come an address and bytes (or the parts of a request); out comes what was answered.
//! One connection for each call; every read ends within ten seconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// The longest wait for one read or write.
const LIMIT: Duration = Duration::from_secs(10);

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers in their order, names as they were sent.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
    /// The interim answers before it: status and headers of each.
    pub interim: Vec<(u16, Vec<(String, String)>)>,
}

impl Reply {
    /// The first value of a header; names are compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Connects with the limits of this module.
pub fn connect(addr: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, LIMIT).with_context(|| format!("connect {addr}"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends `bytes` and reads until the other side closes.
pub fn exchange(addr: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut stream = connect(addr)?;
    stream.write_all(bytes)?;
    let mut out = Vec::new();
    stream.read_to_end(&mut out)?;
    Ok(out)
}

/// Sends one request and reads its answer.
///
/// `host` (the address, unless `headers` has one), `content-length` (for a body) and `connection: close` are added.
pub fn request(addr: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply> {
    let mut stream = connect(addr)?;
    let has = |name: &str| headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name));
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !has("host") {
        head += &format!("host: {addr}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() && !has("content-length") && !has("transfer-encoding") {
        head += &format!("content-length: {}\r\n", body.len());
    }
    if !has("connection") {
        head += "connection: close\r\n";
    }
    head += "\r\n";
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    read_reply(&mut stream, method == "HEAD")
}

/// Reads one answer and the interim ones before it. `headless` answers have no body, as to HEAD.
pub fn read_reply(stream: &mut impl Read, headless: bool) -> Result<Reply> {
    let mut reader = Reader { stream, buffer: Vec::new() };
    let mut interim = Vec::new();
    loop {
        let head = reader.until(b"\r\n\r\n")?;
        let (status, headers) = decode_head(&head)?;
        if (100..200).contains(&status) && status != 101 {
            interim.push((status, headers));
            continue;
        }
        let mut reply = Reply { status, headers, body: Vec::new(), interim };
        if !headless && !matches!(status, 101 | 204 | 304) {
            reply.body = reader.body(&reply)?;
        }
        return Ok(reply);
    }
}

fn decode_head(head: &[u8]) -> Result<(u16, Vec<(String, String)>)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
    let headers = lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once(':').with_context(|| format!("not a header: {line:?}"))?;
            Ok((name.to_owned(), value.trim().to_owned()))
        })
        .collect::<Result<_>>()?;
    Ok((status.parse()?, headers))
}

struct Reader<'a, R> {
    stream: &'a mut R,
    buffer: Vec<u8>,
}

impl<R: Read> Reader<'_, R> {
    /// Reads more; false at the end.
    fn fill(&mut self) -> Result<bool> {
        let mut chunk = [0; 16 << 10];
        let size = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..size]);
        Ok(size > 0)
    }

    /// Everything up to and including `mark`.
    fn until(&mut self, mark: &[u8]) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                return Ok(self.buffer.drain(..at + mark.len()).collect());
            }
            ensure!(self.fill()?, "closed after {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    fn exactly(&mut self, size: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < size {
            ensure!(self.fill()?, "closed after {} of {size} bytes", self.buffer.len());
        }
        Ok(self.buffer.drain(..size).collect())
    }

    fn body(&mut self, reply: &Reply) -> Result<Vec<u8>> {
        if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return self.chunks();
        }
        if let Some(size) = reply.header("content-length") {
            return self.exactly(size.parse()?);
        }
        while self.fill()? {}
        Ok(std::mem::take(&mut self.buffer))
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n")?)?;
            let digits = line.trim_end().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(digits, 16).with_context(|| format!("chunk size {line:?}"))?;
            if size == 0 {
                while self.until(b"\r\n")? != b"\r\n" {}
                return Ok(body);
            }
            body.extend(self.exactly(size)?);
            if self.exactly(2)? != b"\r\n" {
                bail!("no line break behind a chunk");
            }
        }
    }
}

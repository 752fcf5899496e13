//! Counts frames and ends connections whose frames are only there to make work.
//! In: the bytes of both directions, as they pass. Out: the same bytes, or an error that ends the connection.
//! Limits are those of Envoy's `Http2ProtocolOptions`; crate `h2` guards streams and memory, this guards the rest.

use super::cork::Cork;
use bytes::{Buf, BytesMut};
use lateen_proxy_core::hpack::names_pseudo_header;
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITISED: u8 = 0x20;
const PREFACE: usize = 24;

/// Frames without payload in a row.
const EMPTY_IN_A_ROW: u32 = 8;
/// PING and SETTINGS frames beyond what requests and time explain.
const CONTROL: u64 = 1000;
const CONTROL_PER_SECOND: u64 = 50;
/// RST_STREAM frames beyond what time explains, if they are more than half of the streams.
const RESETS: u64 = 500;
const RESETS_PER_SECOND: u64 = 50;

/// One frame, as its header says.
struct Frame {
    length: u32,
    kind: u8,
    flags: u8,
}

/// Finds the frame headers in a stream of bytes.
#[derive(Default)]
struct Scanner {
    skip: usize,
    header: [u8; 9],
    have: usize,
    /// What is known of the trailers that a client sends; none for the other direction.
    trailers: Option<Trailers>,
}

/// Collects the field blocks of trailers, to look for what crate `h2` leaves out without a word.
#[derive(Default)]
struct Trailers {
    /// The highest stream so far; a block for a lower one holds trailers.
    stream: u32,
    block: Option<Vec<u8>>,
    /// Flags of the frame that is being read.
    flags: u8,
    /// Whether a pseudo header stood among them.
    pseudo: bool,
}

impl Trailers {
    fn begin(&mut self, kind: u8, flags: u8, stream: u32) {
        match kind {
            HEADERS if stream > self.stream => (self.stream, self.block) = (stream, None),
            HEADERS => self.block = Some(Vec::new()),
            CONTINUATION => {}
            _ => self.block = None,
        }
        // Padding and priority stand in the first frame of a block only.
        self.flags = if kind == HEADERS { flags } else { flags & END_HEADERS };
    }

    fn take(&mut self, payload: &[u8]) {
        if let Some(block) = &mut self.block {
            block.extend_from_slice(payload);
        }
    }

    fn end(&mut self) {
        let Some(block) = self.block.as_mut() else { return };
        if self.flags & PADDED != 0 && !block.is_empty() {
            let padding = usize::from(block.remove(0));
            block.truncate(block.len().saturating_sub(padding));
        }
        if self.flags & PRIORITISED != 0 {
            block.drain(..block.len().min(5));
        }
        if self.flags & END_HEADERS != 0 {
            self.pseudo |= names_pseudo_header(block);
            self.block = None;
        }
    }
}

impl Scanner {
    fn scan(&mut self, mut bytes: &[u8], mut found: impl FnMut(&Frame)) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                if let Some(trailers) = &mut self.trailers {
                    trailers.take(&bytes[..skipped]);
                    if self.skip == 0 {
                        trailers.end();
                    }
                }
                bytes.advance(skipped);
                continue;
            }
            let taken = (self.header.len() - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes.advance(taken);
            if self.have == self.header.len() {
                let [a, b, c, kind, flags, stream @ ..] = self.header;
                let length = u32::from_be_bytes([0, a, b, c]);
                self.have = 0;
                self.skip = length as usize;
                if let Some(trailers) = &mut self.trailers {
                    trailers.begin(kind, flags, u32::from_be_bytes(stream) & 0x7fff_ffff);
                    if length == 0 {
                        trailers.end();
                    }
                }
                found(&Frame { length, kind, flags });
            }
        }
    }
}

/// What was counted on one connection.
struct Counts {
    since: Instant,
    streams: u64,
    data_in: u64,
    data_out: u64,
    heads_out: u64,
    control: u64,
    resets: u64,
    priorities: u64,
    window_updates: u64,
    empty_in_a_row: u32,
    block: usize,
}

impl Counts {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            streams: 0,
            data_in: 0,
            data_out: 0,
            heads_out: 0,
            control: 0,
            resets: 0,
            priorities: 0,
            window_updates: 0,
            empty_in_a_row: 0,
            block: 0,
        }
    }

    fn received(&mut self, frame: &Frame, max_block: usize) -> Result<(), &'static str> {
        let payload_frame = matches!(frame.kind, DATA | HEADERS | CONTINUATION);
        if payload_frame && frame.length == 0 && frame.flags & END_STREAM == 0 {
            self.empty_in_a_row += 1;
            if self.empty_in_a_row > EMPTY_IN_A_ROW {
                return Err("empty frames");
            }
        } else if payload_frame {
            self.empty_in_a_row = 0;
        }
        let seconds = || self.since.elapsed().as_secs();
        match frame.kind {
            HEADERS => {
                self.streams += 1;
                self.block = frame.length as usize;
            }
            CONTINUATION => self.block += frame.length as usize,
            DATA => self.data_in += 1,
            PRIORITY => {
                self.priorities += 1;
                if self.priorities > 100 * (1 + self.streams) {
                    return Err("PRIORITY frames");
                }
            }
            RST_STREAM => {
                self.resets += 1;
                if self.resets > RESETS
                    && self.resets * 2 > self.streams
                    && self.resets > RESETS + RESETS_PER_SECOND * seconds()
                {
                    return Err("RST_STREAM frames");
                }
            }
            SETTINGS | PING => {
                self.control += 1;
                let explained = 2 * (self.streams + self.data_in);
                if self.control > CONTROL + explained
                    && self.control > CONTROL + explained + CONTROL_PER_SECOND * seconds()
                {
                    return Err("PING or SETTINGS frames");
                }
            }
            WINDOW_UPDATE => {
                self.window_updates += 1;
                if self.window_updates > 5 + 2 * (self.streams + 10 * self.data_out) {
                    return Err("WINDOW_UPDATE frames");
                }
            }
            _ => {}
        }
        if self.block > max_block { Err("header block") } else { Ok(()) }
    }

    fn sent(&mut self, frame: &Frame) {
        match frame.kind {
            DATA => self.data_out += 1,
            HEADERS => self.heads_out += 1,
            _ => {}
        }
    }
}

/// A transport under guard. What was read while the protocol was recognised comes first.
pub struct Guarded {
    transport: Cork,
    early: BytesMut,
    inbound: Scanner,
    outbound: Scanner,
    counts: Counts,
    /// Heads and trailers that the exchange has sent. If more go out, they are refusals by the codec.
    heads: Rc<Cell<u64>>,
    max_block: usize,
}

impl Guarded {
    /// Guards a server's connection.
    pub fn new(transport: Cork, early: BytesMut, heads: Rc<Cell<u64>>, max_block: usize) -> Self {
        Self {
            transport,
            early,
            inbound: Scanner { skip: PREFACE, trailers: Some(Trailers::default()), ..Scanner::default() },
            outbound: Scanner::default(),
            counts: Counts::new(),
            heads,
            max_block,
        }
    }

    fn judge(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut verdict = Ok(());
        let (counts, max_block) = (&mut self.counts, self.max_block);
        self.inbound.scan(bytes, |frame| {
            if verdict.is_ok() {
                verdict = counts.received(frame, max_block);
            }
        });
        if counts.heads_out > self.heads.get() {
            verdict = Err("header list");
        }
        if self.inbound.trailers.as_ref().is_some_and(|trailers| trailers.pseudo) {
            let what = "pseudo headers in trailers (RFC 9113 section 8.1)";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        verdict.map_err(|what| io::Error::new(io::ErrorKind::InvalidData, format!("too many or too large: {what}")))
    }

    fn note(&mut self, mut written: usize, slices: &[IoSlice<'_>]) {
        for slice in slices {
            let part = written.min(slice.len());
            self.outbound.scan(&slice[..part], |frame| self.counts.sent(frame));
            written -= part;
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.early.is_empty() {
            ready!(Pin::new(&mut this.transport).poll_read(task, buf))?;
        } else {
            let count = this.early.len().min(buf.remaining());
            buf.put_slice(&this.early.split_to(count));
            if this.early.is_empty() {
                this.early = BytesMut::new();
            }
        }
        Poll::Ready(this.judge(&buf.filled()[before..]))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.transport).poll_write(task, bytes))?;
        this.note(written, &[IoSlice::new(bytes)]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(task)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.transport).poll_write_vectored(task, slices))?;
        this.note(written, slices);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;

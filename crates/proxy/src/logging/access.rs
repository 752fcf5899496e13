//! Access log sinks: lines of the workers into streams and files.
//! In: rendered lines, put into a buffer that one worker shares with the writer thread only.
//! Out: appended bytes, a whole buffer at a time; files are opened again on SIGUSR1.
//! Never here: a worker that waits for a disk; a full buffer drops lines and counts them.

use lateen_proxy_core::ir::AccessLogSink;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the writer gathers lines before it writes.
const GATHER: Duration = Duration::from_millis(50);
/// Bytes that one worker may have waiting for one sink.
const MAX_WAITING: usize = 4 << 20;
/// Buffers above this size are given back after they were written.
const KEEP: usize = 256 << 10;

/// The sinks of a proxy and the thread that writes to them.
#[derive(Debug)]
pub struct AccessLogs {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    buffers: Mutex<Vec<Arc<Buffer>>>,
    /// Wakes the writer; a full channel means that it is awake already.
    wake: Mutex<Option<SyncSender<Order>>>,
    /// Set while the writer knows that there is something.
    announced: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Order {
    Lines,
    Reopen,
    Flush(SyncSender<()>),
}

#[derive(Debug)]
struct Buffer {
    sink: AccessLogSink,
    bytes: Mutex<Vec<u8>>,
}

impl AccessLogs {
    /// Starts the writer thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start() -> io::Result<Arc<Self>> {
        let (wake, orders) = sync_channel(64);
        let shared = Arc::new(Shared {
            buffers: Mutex::default(),
            wake: Mutex::new(Some(wake)),
            announced: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        });
        let writer = Writer { shared: Arc::clone(&shared), files: HashMap::new(), failed: Vec::new() };
        let thread = std::thread::Builder::new().name("access-log".into()).spawn(move || writer.run(&orders))?;
        Ok(Arc::new(Self { shared, thread: Mutex::new(Some(thread)) }))
    }

    /// The door of one worker.
    #[must_use]
    pub fn worker(&self) -> AccessWriter {
        let wake = lock(&self.shared.wake).clone();
        AccessWriter { shared: Arc::clone(&self.shared), wake, buffers: Vec::new() }
    }

    /// Opens every file again, after somebody moved it away.
    pub fn reopen(&self) {
        self.order(Order::Reopen);
    }

    /// Waits until everything that was written before is out, at most this long. False when time is over.
    #[must_use]
    pub fn flush(&self, at_most: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        self.order(Order::Flush(done)) && wait.recv_timeout(at_most).is_ok()
    }

    /// Lines that found no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    fn order(&self, order: Order) -> bool {
        // The sender is cloned out of the lock: sending may wait for the writer.
        let wake = lock(&self.shared.wake).clone();
        wake.is_some_and(|wake| wake.send(order).is_ok())
    }
}

impl Drop for AccessLogs {
    fn drop(&mut self) {
        let _ = self.flush(Duration::from_secs(1));
        // The thread ends when the last worker has dropped its sender too; it is not waited for.
        lock(&self.shared.wake).take();
        lock(&self.thread).take();
    }
}

/// One worker's way to the sinks.
#[derive(Debug)]
pub struct AccessWriter {
    shared: Arc<Shared>,
    wake: Option<SyncSender<Order>>,
    buffers: Vec<Arc<Buffer>>,
}

impl AccessWriter {
    /// Appends what `render` writes, newline included, to `sink`. Never waits for IO.
    pub fn write(&mut self, sink: &AccessLogSink, render: impl FnOnce(&mut Vec<u8>)) {
        let index = match self.buffers.iter().position(|buffer| buffer.sink == *sink) {
            Some(index) => index,
            None => self.add(sink),
        };
        let Some(buffer) = self.buffers.get(index) else { return };
        // Only the writer thread takes this lock too, for the time of a swap.
        let mut bytes = lock(&buffer.bytes);
        if bytes.len() >= MAX_WAITING {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        render(&mut bytes);
        drop(bytes);
        // The lock orders this after the writer's `store` when the writer has missed the line.
        let announced = &self.shared.announced;
        if !announced.load(Ordering::Acquire)
            && !announced.swap(true, Ordering::AcqRel)
            && let Some(wake) = &self.wake
        {
            // A full channel means that the writer is about to look anyway.
            let _ = wake.try_send(Order::Lines);
        }
    }

    fn add(&mut self, sink: &AccessLogSink) -> usize {
        let buffer = Arc::new(Buffer { sink: sink.clone(), bytes: Mutex::default() });
        lock(&self.shared.buffers).push(Arc::clone(&buffer));
        self.buffers.push(buffer);
        self.buffers.len() - 1
    }
}

struct Writer {
    shared: Arc<Shared>,
    files: HashMap<String, File>,
    /// Sinks that failed, to say so only once.
    failed: Vec<AccessLogSink>,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Lines => {
                    std::thread::sleep(GATHER);
                    self.drain();
                }
                Order::Reopen => {
                    self.drain();
                    self.files.clear();
                    self.failed.clear();
                }
                Order::Flush(done) => {
                    self.drain();
                    // Nobody may be waiting any more.
                    let _ = done.try_send(());
                }
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        // Taken back before the bytes are, so that a line that comes between is announced again.
        self.shared.announced.store(false, Ordering::Release);
        let buffers: Vec<Arc<Buffer>> = {
            let mut buffers = lock(&self.shared.buffers);
            // Only this list still holds the buffer of a worker that is gone.
            let all = buffers.clone();
            buffers.retain(|buffer| Arc::strong_count(buffer) > 2);
            all
        };
        for buffer in buffers {
            let mut bytes = std::mem::take(&mut *lock(&buffer.bytes));
            if bytes.is_empty() {
                continue;
            }
            self.put(&buffer.sink, &bytes);
            bytes.clear();
            let mut waiting = lock(&buffer.bytes);
            if waiting.capacity() == 0 && bytes.capacity() <= KEEP {
                *waiting = bytes;
            }
        }
    }

    fn put(&mut self, sink: &AccessLogSink, bytes: &[u8]) {
        let outcome = match sink {
            AccessLogSink::Stdout => write_all(&mut io::stdout().lock(), bytes),
            AccessLogSink::Stderr => write_all(&mut io::stderr().lock(), bytes),
            AccessLogSink::File(path) => match self.file(path) {
                Ok(file) => write_all(file, bytes),
                Err(error) => Err(error),
            },
        };
        match outcome {
            Ok(()) => self.failed.retain(|failed| failed != sink),
            Err(error) => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count().max(1);
                self.shared.dropped.fetch_add(lines as u64, Ordering::Relaxed);
                if !self.failed.contains(sink) {
                    tracing::error!(?sink, %error, "access log lines are lost");
                    self.failed.push(sink.clone());
                }
                if let AccessLogSink::File(path) = sink {
                    self.files.remove(path);
                }
            }
        }
    }

    fn file(&mut self, path: &str) -> io::Result<&mut File> {
        if !self.files.contains_key(path) {
            let file = File::options().append(true).create(true).open(path)?;
            self.files.insert(path.to_owned(), file);
        }
        self.files.get_mut(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn write_all(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

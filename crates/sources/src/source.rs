//! Files and folders as a stream of generations.
//! In come paths; out come the first generation, and a new one after every settled change.
//! A path that is not there at the start is an error; later it is a finding.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use tokio::sync::watch;

use crate::documents::Document;
use crate::follow::{Decoder, Follow, Look};
use crate::generation::Generation;
use crate::read::{self, Outcome, digest};
use crate::scan::Root;
use crate::settle::QUIET;
use crate::watch::{Signal, Watches};

/// How often files are listed although nothing was heard: not every file system gives events.
const POLL: Duration = Duration::from_secs(1);

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No path was given.
    #[error("no file or folder given; name at least one, or `-` for standard input")]
    NoPaths,
    /// A given path is not there.
    #[error("{}: no such file or folder (looked for {})", given.display(), absolute.display())]
    Missing {
        /// The path as it was given.
        given: PathBuf,
        /// The path from the root.
        absolute: PathBuf,
    },
    /// A given path is there and cannot be used.
    #[error("{}: {why}", given.display())]
    Unusable {
        /// The path as it was given.
        given: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// No thread could be started to watch the files.
    #[error("cannot watch files: {0}")]
    Thread(io::Error),
}

/// Files and folders, watched.
///
/// Folders are read recursively: `*.yaml`, `*.yml` and `*.json`, hidden ones left out. A file named by
/// itself counts whatever its name is, and `-` is standard input, read once.
/// Watching ends when the value is dropped.
#[derive(Debug)]
pub struct Source {
    generations: watch::Receiver<Arc<Generation>>,
    signals: Sender<Signal>,
}

impl Source {
    /// Reads everything once and watches it from then on.
    ///
    /// Blocks until the first generation is there, which a file that is being written just now delays
    /// by half a second at most.
    pub fn open(paths: &[PathBuf]) -> Result<Self, OpenError> {
        Self::open_with(paths, lateen_config::decode)
    }

    fn open_with(paths: &[PathBuf], decoder: Decoder) -> Result<Self, OpenError> {
        let (roots, fixed) = resolve(paths, decoder)?;
        let (signals, heard) = channel();
        let mut follow = Follow::new(roots, fixed, decoder, Some(Watches::new(signals.clone())));
        let (sender, generations) = watch::channel(follow.first());
        thread::Builder::new()
            .name("sources".into())
            .spawn(move || run(follow, &heard, &sender))
            .map_err(OpenError::Thread)?;
        Ok(Self { generations, signals })
    }

    /// The newest generation.
    pub fn current(&self) -> Arc<Generation> {
        self.generations.borrow().clone()
    }

    /// The newest generation, once there is one that this method has not given out yet.
    ///
    /// `None` when watching has ended. May be cancelled.
    pub async fn changed(&mut self) -> Option<Arc<Generation>> {
        self.generations.changed().await.ok()?;
        Some(self.generations.borrow_and_update().clone())
    }

    /// A receiver of its own for the newest generation.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Generation>> {
        self.generations.clone()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // The thread is gone already when this fails.
        let _ = self.signals.send(Signal::Stop);
    }
}

/// Reads files and folders once, with no watching: as [`Source::open`] and its first generation.
pub fn load(paths: &[PathBuf]) -> Result<Arc<Generation>, OpenError> {
    let (roots, fixed) = resolve(paths, lateen_config::decode)?;
    Ok(Follow::new(roots, fixed, lateen_config::decode, None).first())
}

/// What is watched, and what was read once and for all.
type Given = (Vec<Root>, Vec<(PathBuf, Document)>);

/// The given paths, absolute and known to exist, and standard input, already read.
fn resolve(paths: &[PathBuf], decoder: Decoder) -> Result<Given, OpenError> {
    if paths.is_empty() {
        return Err(OpenError::NoPaths);
    }
    let mut roots = Vec::new();
    let mut fixed = Vec::new();
    for given in paths {
        let unusable = |why| OpenError::Unusable { given: given.clone(), why };
        if given == Path::new("-") {
            let document = match read::text(io::stdin().lock()).map_err(unusable)? {
                Outcome::Text(text) => {
                    Document::new("<stdin>".into(), roots.len(), digest(&text), decoder("<stdin>", &text))
                }
                Outcome::Failed(why) => Document::unreadable("<stdin>".into(), roots.len(), why),
                Outcome::Changed => continue,
            };
            fixed.push((given.clone(), document));
            continue;
        }
        let absolute = std::path::absolute(given).map_err(unusable)?;
        match fs::metadata(&absolute) {
            Ok(meta) if meta.is_dir() => drop(fs::read_dir(&absolute).map_err(unusable)?),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { given: given.clone(), absolute });
            }
            Err(why) => return Err(unusable(why)),
        }
        roots.push(Root { shown: given.clone(), path: absolute });
    }
    Ok((roots, fixed))
}

/// Looks when something was heard, when something waits to settle, and once a second.
fn run(mut follow: Follow, heard: &mpsc::Receiver<Signal>, generations: &watch::Sender<Arc<Generation>>) {
    let mut next = Instant::now();
    loop {
        let mut signal = heard.recv_timeout(next.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        loop {
            let matters = match signal {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Signal::Heard(heard)) => follow.hear(heard, now),
                Ok(Signal::Lost) => true,
                Err(RecvTimeoutError::Timeout) => break,
            };
            if matters {
                next = next.min(now + QUIET);
            }
            signal = heard.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        }
        if now < next {
            continue;
        }
        next = match follow.look(now) {
            Look::New(generation) => {
                tracing::info!(
                    generation = generation.number,
                    files = generation.files.len(),
                    objects = generation.objects.len(),
                    findings = generation.findings.len(),
                    "files changed"
                );
                if generations.send(generation).is_err() {
                    return;
                }
                now + QUIET
            }
            Look::Later(then) => then.unwrap_or(now + POLL).min(now + POLL),
        };
    }
}

#[cfg(test)]
mod tests;

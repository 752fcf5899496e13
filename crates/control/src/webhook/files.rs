//! Files that are read again and again, so that a change is taken without a restart.
//! In: paths. Out: the contents of all of them, each time that they have changed and settled.
//! Never here: what the contents mean.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::metrics::{Metrics, Watched};

/// A file that is longer is not one of ours.
const LONGEST: u64 = 16 << 20;

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// The bytes of every file, in the order of their paths, or the first that could not be read.
pub(crate) type Contents = Result<Vec<Vec<u8>>, FileError>;

/// Reads every file.
pub(crate) fn read(paths: &[PathBuf]) -> Contents {
    paths.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<Vec<u8>, FileError> {
    let wrong = |problem: String| FileError { path: path.to_owned(), problem };
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => wrong("there is no such file".to_owned()),
        _ => wrong(error.to_string()),
    };
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(wrong("is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= LONGEST => Ok(bytes),
        _ => Err(wrong(format!("is longer than {} MiB", LONGEST >> 20))),
    }
}

/// What is on disk against what was taken. A change counts when it was seen twice, so that a file that is being
/// written is not taken by half.
#[derive(Debug)]
struct Settling {
    taken: Contents,
    seen: Option<Contents>,
}

impl Settling {
    /// The new contents, once they have settled.
    fn look(&mut self, now: Contents) -> Option<&Contents> {
        if now == self.taken {
            self.seen = None;
            return None;
        }
        if self.seen.as_ref() != Some(&now) {
            self.seen = Some(now);
            return None;
        }
        self.seen = None;
        self.taken = now;
        Some(&self.taken)
    }
}

/// Files to follow, and what becomes of them.
pub(crate) struct Follow<L> {
    /// What the files are, in the log and in metrics.
    pub what: Watched,
    /// The files.
    pub paths: Vec<PathBuf>,
    /// What they held when they were first loaded.
    pub first: Vec<Vec<u8>>,
    /// Time between two looks; a change takes up to twice as long.
    pub every: Duration,
    /// Makes something of the contents and puts it in its place, or says what is wrong with them. It may block.
    pub load: L,
}

/// Follows files until the task is dropped. Contents that do not load are logged once and change nothing.
pub(crate) async fn follow<L>(follow: Follow<L>, metrics: Arc<Metrics>)
where
    L: Fn(&[Vec<u8>]) -> Result<(), String> + Send + Sync + 'static,
{
    let Follow { what, paths, first, every, load } = follow;
    let load = Arc::new(load);
    let mut settling = Settling { taken: Ok(first), seen: None };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (paths, load, metrics) = (paths.clone(), load.clone(), metrics.clone());
        let look = tokio::task::spawn_blocking(move || {
            let taken = settling.look(read(&paths)).map(|contents| match contents {
                Ok(contents) => load(contents),
                Err(error) => Err(error.to_string()),
            });
            match taken {
                None => {}
                Some(Ok(())) => {
                    metrics.reloaded(what, true);
                    tracing::info!(files = what.text(), "changed files are in use");
                }
                Some(Err(reason)) => {
                    metrics.reloaded(what, false);
                    tracing::error!(files = what.text(), reason, "changed files are rejected; the last good ones stay");
                }
            }
            settling
        });
        settling = match look.await {
            Ok(settling) => settling,
            Err(error) => {
                tracing::error!(files = what.text(), %error, "files are not followed any more");
                return;
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Contents, FileError, Settling, read};

    fn text(text: &str) -> Contents {
        Ok(vec![text.as_bytes().to_vec()])
    }

    #[test]
    fn a_change_counts_when_it_was_seen_twice() {
        let gone: Contents = Err(FileError { path: "a".into(), problem: "there is no such file".into() });
        let mut settling = Settling { taken: text("one"), seen: None };
        // What is on disk, and whether it is taken then.
        for (step, (now, taken)) in [
            (text("one"), false),
            (text("tw"), false),
            (text("two"), false),
            (text("two"), true),
            (text("two"), false),
            (gone.clone(), false),
            (text("two"), false),
            (gone.clone(), false),
            (gone.clone(), true),
            (gone, false),
            (text("two"), false),
            (text("two"), true),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(settling.look(now).is_some(), taken, "step {step}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent.pem");
        let error = read(&[absent]).unwrap_err().to_string();
        assert!(error.ends_with("absent.pem: there is no such file"), "{error}");
        let error = read(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.ends_with("is not a file"), "{error}");
    }
}

//! When a change on disk is believed.
//! In come what was heard (writes, closes), what was listed, and the time; out comes what to do:
//! nothing, wait until then, or take these files now. No clock and no file is touched here.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::scan::{Listing, Stamp};

/// A file that was left alone for so long is taken.
pub(crate) const QUIET: Duration = Duration::from_millis(50);
/// The same for a file that looks cut off: it does not decode, or lost objects.
pub(crate) const DOUBT: Duration = Duration::from_millis(100);
/// A writer that neither writes nor closes for so long is taken for one that never closes.
pub(crate) const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// So long one file that does not settle holds back the others.
pub(crate) const MAX_WAIT: Duration = Duration::from_millis(500);
/// Age that a file needs at least when it is written over and over again.
const BRIEF: Duration = Duration::from_millis(10);

/// What was heard about one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Bytes were written to it, or it was truncated: somebody has it open.
    Written(PathBuf),
    /// Whoever had it open for writing closed it.
    Closed(PathBuf),
    /// It came, went, was renamed, or got other attributes.
    Touched(PathBuf),
}

impl Heard {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Written(path) | Self::Closed(path) | Self::Touched(path) => path,
        }
    }
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// What is on disk has been taken.
    Idle,
    /// Not yet; list again then.
    Wait(Instant),
    /// These files have settled; all of them make the next generation.
    Take(Vec<PathBuf>),
}

/// A path whose state on disk differs from what was taken.
#[derive(Debug)]
struct Pending {
    /// `None`: gone.
    stamp: Option<Stamp>,
    real: PathBuf,
    missing: bool,
    since: Instant,
    doubted: bool,
}

/// Which changes wait, and since when.
#[derive(Debug, Default)]
pub(crate) struct Settle {
    taken: BTreeMap<PathBuf, Stamp>,
    pending: BTreeMap<PathBuf, Pending>,
    /// When the oldest pending change was seen, or the last generation was taken around it.
    waiting: Option<Instant>,
    /// Paths that somebody has open for writing, with the time of the last write.
    writers: HashMap<PathBuf, Instant>,
    /// Paths that something was heard of since the last listing.
    touched: HashMap<PathBuf, Instant>,
}

impl Settle {
    /// Takes note of an event.
    pub(crate) fn hear(&mut self, heard: Heard, now: Instant) {
        let path = match heard {
            Heard::Written(path) => {
                self.writers.insert(path.clone(), now);
                path
            }
            Heard::Closed(path) | Heard::Touched(path) => {
                self.writers.remove(&path);
                path
            }
        };
        for pending in self.pending.iter_mut().filter(|(at, pending)| **at == path || pending.real == path) {
            pending.1.since = now;
        }
        self.touched.insert(path, now);
    }

    /// Compares what is on disk with what was taken.
    ///
    /// `age` tells for how long a file that nothing was heard of is known to be unchanged.
    pub(crate) fn list(&mut self, listing: &Listing, age: impl Fn(&Path) -> Duration, now: Instant) {
        let gone = self.taken.keys().filter(|path| !listing.files.contains_key(*path)).map(|path| (path, None));
        let there = listing.files.iter().map(|(path, entry)| (path, Some(entry)));
        let mut pending = BTreeMap::new();
        for (path, entry) in gone.chain(there) {
            let stamp = entry.map(|entry| entry.stamp);
            if stamp == self.taken.get(path).copied() {
                continue;
            }
            let before = self.pending.remove(path).filter(|before| before.stamp == stamp);
            let next = before.unwrap_or_else(|| {
                let real = entry.map_or_else(|| path.clone(), |entry| entry.real.clone());
                let heard = self.touched.get(path).into_iter().chain(self.touched.get(&real)).max();
                let since = heard.copied().or_else(|| now.checked_sub(age(path))).unwrap_or(now);
                Pending { stamp, real, missing: entry.is_some_and(|entry| entry.missing), since, doubted: false }
            });
            pending.insert(path.clone(), next);
        }
        self.pending = pending;
        // What is heard from now on is about another change than the one that was just seen.
        self.touched.clear();
        self.waiting = if self.pending.is_empty() { None } else { self.waiting.or(Some(now)) };
    }

    /// What to do with what was listed.
    pub(crate) fn decide(&self, now: Instant) -> Decision {
        let Some(waiting) = self.waiting else { return Decision::Idle };
        let ready = |pending: &Pending| self.ready(pending, if pending.missing { MAX_WAIT } else { QUIET });
        let all = self.pending.values().map(ready).max().unwrap_or(now);
        if all <= now {
            return Decision::Take(self.pending.keys().cloned().collect());
        }
        let limit = waiting + MAX_WAIT;
        if now < limit {
            return Decision::Wait(all.min(limit));
        }
        let settled = self.pending.iter().filter(|(_, pending)| self.ready(pending, BRIEF) <= now);
        let settled: Vec<_> = settled.map(|(path, _)| path.clone()).collect();
        match settled.is_empty() {
            true => Decision::Wait(all.min(now + QUIET)),
            false => Decision::Take(settled),
        }
    }

    /// When a change is believed that needs so much quiet at least.
    fn ready(&self, pending: &Pending, quiet: Duration) -> Instant {
        let quiet = if pending.doubted { quiet.max(DOUBT) } else { quiet };
        let ready = pending.since + quiet;
        let writer = self.writers.get(&pending.real);
        writer.map_or(ready, |last| ready.max(*last + OPEN_LIMIT))
    }

    /// The text of this file looks cut off. True when it is too young for that to be believed.
    pub(crate) fn doubt(&mut self, path: &Path, now: Instant) -> bool {
        match self.pending.get_mut(path) {
            Some(pending) => {
                pending.doubted = true;
                now < pending.since + DOUBT
            }
            None => false,
        }
    }

    /// These files went into a generation in the state in which they were listed.
    pub(crate) fn taken(&mut self, paths: &[PathBuf], now: Instant) {
        for path in paths {
            match self.pending.remove(path) {
                Some(Pending { stamp: Some(stamp), .. }) => {
                    self.taken.insert(path.clone(), stamp);
                }
                Some(Pending { real, .. }) => {
                    self.taken.remove(path);
                    self.writers.remove(&real);
                }
                None => {}
            }
        }
        self.waiting = if self.pending.is_empty() { None } else { Some(now) };
        self.writers.retain(|_, last| now.saturating_duration_since(*last) < OPEN_LIMIT);
    }
}

#[cfg(test)]
mod tests;

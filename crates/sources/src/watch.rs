//! Events of the operating system, folder by folder.
//! In come the folders in which a change matters; out come [`Heard`] events on a channel.
//! Without it (no inotify, or its limit reached) the slow poll still sees every change.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::scan::Folder;
use crate::settle::Heard;

/// What wakes whoever follows the files.
#[derive(Debug)]
pub(crate) enum Signal {
    /// Something happened at a path.
    Heard(Heard),
    /// Events were lost: list again.
    Lost,
    /// Nobody wants generations any more.
    Stop,
}

/// The folders that are watched.
pub(crate) struct Watches {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeMap<PathBuf, (u64, u64)>,
}

impl Watches {
    pub(crate) fn new(signals: Sender<Signal>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            for signal in signals_of(event) {
                // Nobody listens any more when this fails, and then nobody misses it.
                let _ = signals.send(signal);
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "no events for files; changes are seen once a second"))
            .ok();
        Self { watcher, folders: BTreeMap::new() }
    }

    /// Watches exactly these folders. True when one came anew, which may have changed before it was watched.
    pub(crate) fn follow(&mut self, folders: &BTreeMap<PathBuf, Folder>) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let gone: Vec<_> = self
            .folders
            .iter()
            .filter(|(path, id)| folders.get(*path).map(|folder| folder.id) != Some(**id))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            // The watch of a removed folder is gone already.
            let _ = watcher.unwatch(&path);
            self.folders.remove(&path);
        }
        let mut came = false;
        for (path, folder) in folders {
            if self.folders.contains_key(path) {
                continue;
            }
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => came = true,
                Err(error) => {
                    tracing::warn!(%error, folder = %path.display(), "no events; changes are seen once a second")
                }
            }
            // Also after a failure, so that it is tried and told once.
            self.folders.insert(path.clone(), folder.id);
        }
        came
    }
}

fn signals_of(event: notify::Result<Event>) -> Vec<Signal> {
    let Ok(event) = event else { return vec![Signal::Lost] };
    if event.need_rescan() {
        return vec![Signal::Lost];
    }
    let heard: fn(PathBuf) -> Heard = match event.kind {
        // Reading makes these, our own reading too.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Heard::Closed,
        EventKind::Access(_) => return vec![],
        EventKind::Modify(ModifyKind::Data(_)) => Heard::Written,
        _ => Heard::Touched,
    };
    event.paths.into_iter().map(|path| Signal::Heard(heard(path))).collect()
}

//! The thread behind a source: list, wait until it has settled, read, decode, hand out.
//! In come signals and the time; out come generations. It decides nothing itself: when is
//! `settle`'s, what is `documents`'.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lateen_config::Decoded;

use crate::documents::{Document, Documents};
use crate::generation::Generation;
use crate::read::{Outcome, digest, read};
use crate::scan::{Folder, Listing, Root, scan};
use crate::settle::{Decision, Heard, QUIET, Settle};
use crate::watch::Watches;

/// Turns the text of a file into objects; the first argument is the name to show.
pub(crate) type Decoder = fn(&str, &str) -> Decoded;

/// Follows files from one generation to the next.
pub(crate) struct Follow {
    roots: Vec<Root>,
    decoder: Decoder,
    watches: Option<Watches>,
    settle: Settle,
    documents: Documents,
    current: Arc<Generation>,
    /// The folders of the last look.
    folders: BTreeMap<PathBuf, Folder>,
}

/// What one look at the disk gave.
pub(crate) enum Look {
    /// A generation.
    New(Arc<Generation>),
    /// Nothing yet; look again then, or with the next event.
    Later(Option<Instant>),
}

impl Follow {
    /// `fixed` are documents that never change, such as standard input.
    pub(crate) fn new(
        roots: Vec<Root>,
        fixed: Vec<(PathBuf, Document)>,
        decoder: Decoder,
        watches: Option<Watches>,
    ) -> Self {
        let mut documents = Documents::default();
        for (path, document) in fixed {
            documents.apply(&path, Some(document));
        }
        Self {
            roots,
            decoder,
            watches,
            settle: Settle::default(),
            documents,
            current: Arc::default(),
            folders: BTreeMap::new(),
        }
    }

    /// Takes note of an event. False when it is about a path that does not matter here.
    pub(crate) fn hear(&mut self, heard: Heard, now: Instant) -> bool {
        let path = heard.path();
        let whole = path.parent().and_then(|parent| self.folders.get(parent)).is_some_and(|folder| folder.whole);
        let matters = whole || self.roots.iter().any(|root| root.path == path);
        if matters {
            self.settle.hear(heard, now);
        }
        matters
    }

    /// Looks until there is a first generation, which takes half a second at most.
    pub(crate) fn first(&mut self) -> Arc<Generation> {
        loop {
            match self.look(Instant::now()) {
                Look::New(generation) => return generation,
                // Nothing to read at all is a generation too.
                Look::Later(None) => return self.publish(),
                Look::Later(Some(then)) => std::thread::sleep(then.saturating_duration_since(Instant::now())),
            }
        }
    }

    /// Lists, and takes what has settled.
    pub(crate) fn look(&mut self, now: Instant) -> Look {
        let mut listing = scan(&self.roots);
        let came = self.watches.as_mut().is_some_and(|watches| watches.follow(&listing.folders));
        // Before the first generation a file's own time stands in for the events that nobody heard.
        let first = self.current.number == 0;
        self.settle.list(&listing, |path| if first { age(path) } else { Duration::ZERO }, now);
        self.folders = std::mem::take(&mut listing.folders);
        let mut fresh = BTreeMap::new();
        let again = came.then(|| now + QUIET);
        loop {
            match self.settle.decide(now) {
                Decision::Idle => return Look::Later(again),
                Decision::Wait(then) => return Look::Later(Some(again.map_or(then, |again| again.min(then)))),
                Decision::Take(paths) => match self.take(&paths, &listing, &mut fresh, now) {
                    Taken::All if self.apply(&paths, &mut fresh, now) || first => return Look::New(self.publish()),
                    Taken::All => return Look::Later(Some(again.unwrap_or(now + QUIET))),
                    Taken::Changed => return Look::Later(Some(now + QUIET)),
                    Taken::Doubted => {}
                },
            }
        }
    }

    /// Reads and decodes into `fresh`; `None` there is a file that is gone.
    fn take(
        &mut self,
        paths: &[PathBuf],
        listing: &Listing,
        fresh: &mut BTreeMap<PathBuf, Option<Document>>,
        now: Instant,
    ) -> Taken {
        let mut taken = Taken::All;
        for path in paths {
            if !fresh.contains_key(path) {
                let Some(document) = self.document(path, listing) else { return Taken::Changed };
                fresh.insert(path.clone(), document);
            }
            let document = fresh.get(path).and_then(Option::as_ref);
            let looks_cut = document.is_some_and(|document| document.looks_cut(self.documents.get(path)));
            if looks_cut && self.settle.doubt(path, now) {
                taken = Taken::Doubted;
            }
        }
        taken
    }

    /// The file as it is now, `Some(None)` when it is gone, `None` when it changed while it was read.
    fn document(&self, path: &Path, listing: &Listing) -> Option<Option<Document>> {
        let Some(entry) = listing.files.get(path) else { return Some(None) };
        let shown = entry.shown.clone();
        if let Some(why) = &entry.problem {
            return Some(Some(Document::unreadable(shown, entry.root, why.clone())));
        }
        Some(Some(match read(path, entry.stamp) {
            Outcome::Changed => return None,
            Outcome::Failed(why) => Document::unreadable(shown, entry.root, why),
            Outcome::Text(text) => {
                let decoded = (self.decoder)(&shown, &text);
                Document::new(shown, entry.root, digest(&text), decoded)
            }
        }))
    }

    fn apply(&mut self, paths: &[PathBuf], fresh: &mut BTreeMap<PathBuf, Option<Document>>, now: Instant) -> bool {
        let mut changed = false;
        for path in paths {
            changed |= self.documents.apply(path, fresh.remove(path).flatten());
        }
        self.settle.taken(paths, now);
        changed
    }

    fn publish(&mut self) -> Arc<Generation> {
        self.current = Arc::new(self.documents.generation(&self.current));
        self.current.clone()
    }
}

enum Taken {
    /// Everything was read.
    All,
    /// A file changed meanwhile.
    Changed,
    /// Some look cut off and are young: ask again what has settled.
    Doubted,
}

/// For how long the file was not written, by its own time.
fn age(path: &Path) -> Duration {
    let modified = std::fs::metadata(path).and_then(|meta| meta.modified());
    let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    // A file that is gone, or from the future, was not written just now either.
    age.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1))
}

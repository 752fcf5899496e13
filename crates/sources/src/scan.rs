//! What lies on disk right now: every file that counts, with its stamp.
//! In come the given paths; out come entries in a fixed order, and the folders to watch.
//! No file is opened here.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders inside folders that are followed; deeper ones are a finding.
const MAX_DEPTH: usize = 32;

/// A path that the user gave.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// As it was given.
    pub shown: PathBuf,
    /// Absolute, symlinks kept.
    pub path: PathBuf,
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    id: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            id: (meta.dev(), meta.ino()),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    #[cfg(test)]
    pub(crate) fn numbered(size: u64) -> Self {
        Self { size, ..Self::default() }
    }
}

/// A file that counts.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name for people.
    pub shown: Arc<str>,
    /// Where the bytes are, behind symlinks.
    pub real: PathBuf,
    pub stamp: Stamp,
    /// When it cannot be read, why.
    pub problem: Option<String>,
    /// A given path that is not there: it may be about to come back.
    pub missing: bool,
    /// Where it stands among all files: number of the given path.
    pub root: usize,
}

/// A folder in which a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Device and inode: a folder that was replaced is another one.
    pub id: (u64, u64),
    /// Whether every change in it matters, or only one to a given path.
    pub whole: bool,
}

/// Everything that counts.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub files: BTreeMap<PathBuf, Entry>,
    pub folders: BTreeMap<PathBuf, Folder>,
}

/// Lists the files of all given paths.
pub(crate) fn scan(roots: &[Root]) -> Listing {
    let mut scan = Scan { listing: Listing::default(), ids: HashSet::new(), root: 0 };
    for (number, root) in roots.iter().enumerate() {
        scan.root = number;
        scan.root(root);
    }
    scan.listing
}

/// Whether a file found in a folder counts, by its name.
///
/// Hidden files are editors' temporary files, and the hidden folders of a mounted ConfigMap, whose
/// files are reached through the symlinks beside them.
fn counts(name: &str) -> bool {
    !name.starts_with('.') && [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

struct Scan {
    listing: Listing,
    /// Files seen, so that one that is reached twice is read once.
    ids: HashSet<(u64, u64)>,
    root: usize,
}

impl Scan {
    fn root(&mut self, root: &Root) {
        if let Some(parent) = root.path.parent() {
            let is_link = fs::symlink_metadata(&root.path).is_ok_and(|meta| meta.is_symlink());
            self.watch(parent, is_link);
        }
        match fs::metadata(&root.path) {
            Ok(meta) if meta.is_dir() => self.folder(&root.path, &root.shown, &meta, &mut Vec::new()),
            Ok(meta) => self.file(&root.path, &root.shown, &meta),
            Err(error) => {
                let missing = error.kind() == io::ErrorKind::NotFound;
                let entry = self.problem(&root.path, &root.shown, error.to_string());
                entry.missing = missing;
            }
        }
    }

    fn folder(&mut self, path: &Path, shown: &Path, meta: &Metadata, above: &mut Vec<(u64, u64)>) {
        let id = (meta.dev(), meta.ino());
        if above.contains(&id) {
            return; // A symlink to a folder above: everything in it is listed already.
        }
        if above.len() >= MAX_DEPTH {
            self.problem(path, shown, format!("more than {MAX_DEPTH} folders deep, not followed"));
            return;
        }
        self.listing.folders.insert(path.to_owned(), Folder { id, whole: true });
        let mut names = Vec::new();
        match fs::read_dir(path) {
            Ok(entries) => names.extend(entries.flatten().map(|entry| entry.file_name())),
            Err(error) => {
                self.problem(path, shown, error.to_string());
            }
        }
        names.sort();
        above.push(id);
        for name in names {
            let text = name.to_string_lossy();
            let (path, shown) = (path.join(&name), shown.join(&name));
            if text.starts_with('.') {
                continue;
            }
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => self.folder(&path, &shown, &meta, above),
                Ok(meta) if counts(&text) => self.file(&path, &shown, &meta),
                // Gone since the folder was listed, or a symlink that leads nowhere.
                Err(error) if counts(&text) && fs::symlink_metadata(&path).is_ok() => {
                    self.problem(&path, &shown, error.to_string());
                }
                _ => {}
            }
        }
        above.pop();
    }

    fn file(&mut self, path: &Path, shown: &Path, meta: &Metadata) {
        if !meta.is_file() {
            self.problem(path, shown, "not a regular file".into());
            return;
        }
        let id = (meta.dev(), meta.ino());
        if !self.ids.insert(id) {
            return;
        }
        let mut real = path.to_owned();
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
            && let Ok(target) = fs::canonicalize(path)
        {
            if let Some(parent) = target.parent() {
                self.watch(parent, true);
            }
            real = target;
        }
        let entry = Entry {
            shown: shown.to_string_lossy().into(),
            real,
            stamp: Stamp::of(meta),
            problem: None,
            missing: false,
            root: self.root,
        };
        self.listing.files.insert(path.to_owned(), entry);
    }

    fn problem(&mut self, path: &Path, shown: &Path, why: String) -> &mut Entry {
        let entry = Entry {
            shown: shown.to_string_lossy().into(),
            real: path.to_owned(),
            stamp: Stamp::default(),
            problem: Some(why),
            missing: false,
            root: self.root,
        };
        self.listing.files.entry(path.to_owned()).insert_entry(entry).into_mut()
    }

    fn watch(&mut self, path: &Path, whole: bool) {
        if let Ok(meta) = fs::metadata(path) {
            let folder = Folder { id: (meta.dev(), meta.ino()), whole };
            self.listing.folders.entry(path.to_owned()).or_insert(folder).whole |= whole;
        }
    }
}

//! One settled state of everything that was read.
//! Values only: nothing here reads or decides.

use std::sync::Arc;

use lateen_config::{Finding, Object, Skipped};

/// One settled state of all files.
#[derive(Debug, Clone, Default)]
pub struct Generation {
    /// Counts generations, from 1.
    pub number: u64,
    /// The files, in the order of the given paths and by name within a folder.
    pub files: Vec<FileState>,
    /// The objects, in the order of the files and of the documents in them.
    ///
    /// No two have the same kind, namespace (as written) and name: the first one counts, and a
    /// finding names the others. An object that became invalid is here in its last good form.
    pub objects: Vec<Arc<Object>>,
    /// What there is to say about files and documents, in the same order.
    pub findings: Vec<Finding>,
}

/// One file of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Name as it is shown: the given path, and for a folder the way to the file.
    pub name: Arc<str>,
    /// How many valid objects stand in it.
    pub objects: usize,
    /// Why it could not be read, if so.
    pub error: Option<String>,
    /// Documents of kinds that are not ours.
    pub skipped: Vec<Skipped>,
}
